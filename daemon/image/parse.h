/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "image/answer.h"

typedef struct ImageQuestion {
        uint64_t file_bytes;
        const char *profile; /* as for image_look() */
} ImageQuestion;

/* Runs in the sandbox: looks at the headers of the file, by pread(2) alone, and answers where its parts are. */
void image_parse(int fd, const ImageQuestion *question, ImageAnswer *ret);

/* The same as a SandboxFunc; `userdata` is an ImageQuestion. */
int image_parse_sandboxed(int input_fd, int output_fd, void *userdata);
