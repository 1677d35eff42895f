/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Digests of image files, taken over what was copied from them (image/parts.h) rather than over what the file has
 * there by now. Blocking, by liveupdate-inspect. */

#include "image/parts.h"
#include "inspect/inspect.h"

/* Of the whole file, as sha256sum(1) has it. */
int digest_file(const Parts *parts, const ImageFile *file, char ret_hex[static INSPECT_SHA256_HEX_BYTES]);

/* As Authenticode signs it: without checksum, the directory's entry of the signatures, and these. */
int digest_authenticode(const Parts *parts, const ImageFile *file, char ret_hex[static INSPECT_SHA256_HEX_BYTES]);

/* Of one section. */
int digest_section(const Parts *parts, const ImageFile *file, ImageSection section,
                char ret_hex[static INSPECT_SHA256_HEX_BYTES]);

/* How long purgatory's checksum over kernel and initrd takes. */
int digest_checksum_cost(const Parts *parts, const ImageBoot *boot, uint64_t *ret_usec);
