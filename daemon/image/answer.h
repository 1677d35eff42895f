/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the sandboxed parser tells the daemon: where in the file the parts are. Never the parts themselves.
 */

#include <stddef.h>
#include <stdint.h>

#include "image/image.h"

#define IMAGE_RELEASE_BYTES_MAX 64 /* __NEW_UTS_LEN of include/uapi/linux/utsname.h */
#define IMAGE_DETAIL_BYTES_MAX 159

typedef enum ImagePart {
        IMAGE_PART_KERNEL,
        IMAGE_PART_INITRD,
        IMAGE_PART_CMDLINE,
        IMAGE_PART_UNAME,
        IMAGE_PART_OSREL,
        _IMAGE_PART_MAX,
} ImagePart;

typedef struct ImageRange {
        uint64_t offset;
        uint64_t bytes; /* 0: the image has no such part */
} ImageRange;

typedef struct ImageAnswer {
        int32_t result; /* as image_open() */
        uint32_t kind;
        ImageRange parts[_IMAGE_PART_MAX];
        char release[IMAGE_RELEASE_BYTES_MAX + 1]; /* of the kernel's header; "" unknown */
        char detail[IMAGE_DETAIL_BYTES_MAX + 1];
} ImageAnswer;

/* Takes nothing the child said for granted: with 0, the answer is one about a file of `file_bytes` bytes
 * that an honest parser could have given. -EBADMSG otherwise. */
int image_answer_check(const void *data, size_t size, uint64_t file_bytes, ImageAnswer *ret);

/* Puts the parts of the file into sealed memfds and strings, as an answer that was checked says. Answers as
 * image_open(). */
int image_new_from_answer(int fd, const ImageAnswer *answer, Image **ret, char **ret_detail);
