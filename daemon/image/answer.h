/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the sandboxed parser tells the daemon: where in the file the parts are. Never the parts themselves. */

#include <stddef.h>
#include <stdint.h>

#include "image/image.h"

#define IMAGE_RELEASE_BYTES_MAX 64 /* __NEW_UTS_LEN of include/uapi/linux/utsname.h */
#define IMAGE_COMPRESSION_BYTES_MAX 31 /* up to LINUX_PE_MAGIC: drivers/firmware/efi/libstub/zboot-header.S */
#define IMAGE_DETAIL_BYTES_MAX 159
#define IMAGE_TEXT_BYTES_MAX (64ULL << 10) /* of a section that is read as text */

typedef struct ImageAnswer {
        int32_t result; /* as image_look() */
        uint32_t kind;
        uint32_t profile, n_profiles;
        ImageRange sections[_IMAGE_SECTION_MAX];
        ImageRange profiles[IMAGE_PROFILES_MAX]; /* the .profile of each */
        ImageBoot boot;
        ImageSigning signing;
        char release[IMAGE_RELEASE_BYTES_MAX + 1];         /* of the kernel's header; "" unknown */
        char compression[IMAGE_COMPRESSION_BYTES_MAX + 1]; /* "" but for a zboot */
        char detail[IMAGE_DETAIL_BYTES_MAX + 1];
} ImageAnswer;

/* Takes nothing the child said for granted: with 0, the answer is one about a file of `file_bytes` bytes that an honest
 * parser could have given. -EBADMSG otherwise. */
int image_answer_check(const void *data, size_t size, uint64_t file_bytes, ImageAnswer *ret);

/* Reads the texts of a file of `file_bytes` bytes, as an answer that was checked says. Answers as image_look(). */
int image_new_from_answer(int fd, uint64_t file_bytes, const ImageAnswer *answer, Image **ret, char **ret_detail);

static inline bool range_is_within(const ImageRange *range, uint64_t bytes) {
        uint64_t end;

        return !__builtin_add_overflow(range->offset, range->bytes, &end) && end <= bytes;
}
