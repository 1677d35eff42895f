/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

#include "image/source.h"

/* Whether `range` begins like an x86 kernel of any age. */
int bzimage_probe(ImageSource *source, const ImageRange *range, bool *ret);

/* Whether kexec_file_load() would take it, as far as the header tells: arch/x86/kernel/kexec-bzimage64.c:
 * bzImage64_probe(); and whether it is all there. `release` is left empty where the header has none. */
int bzimage_check(ImageSource *source, const ImageRange *range, char release[IMAGE_RELEASE_BYTES_MAX + 1]);
