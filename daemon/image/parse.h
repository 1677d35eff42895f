/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "image/answer.h"

/* Runs in the sandbox: looks at the headers of the file, by pread(2) alone, and answers where its parts are.
 */
void image_parse(int fd, uint64_t file_bytes, ImageAnswer *ret);

/* The same as a SandboxFunc; `userdata` is a const uint64_t, the file's size. */
int image_parse_sandboxed(int input_fd, int output_fd, void *userdata);
