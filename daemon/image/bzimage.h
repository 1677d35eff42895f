/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

#include "image/source.h"

/* Whether `range` begins like an x86 kernel of any age. */
int bzimage_probe(ImageSource *source, const ImageRange *range, bool *ret);

/* Whether kexec_file_load() would take it and come to no harm, as far as the header tells: bzImage64_probe() and
 * bzImage64_load() of arch/x86/kernel/kexec-bzimage64.c; and whether it is all there. The last
 * `certificate_bytes` of it are not the kernel's. `release` is left empty where the header has none. */
int bzimage_check(ImageSource *source, const ImageRange *range, uint64_t certificate_bytes, ImageBoot *ret,
                char release[IMAGE_RELEASE_BYTES_MAX + 1]);
