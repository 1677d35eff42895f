/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Both sides of the sandbox's pipe: the parser on a hostile file, then the daemon on what the parser said. The
 * bytes are also taken as what a parser that was taken over might say. */

#include "basic/io.h"
#include "image/answer.h"
#include "image/parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void take_answer(int fd, const void *data, size_t size, uint64_t file_bytes) {
        _cleanup_(image_freep) Image *image = NULL;
        _cleanup_free_ char *detail = NULL;
        ImageAnswer answer;

        if (image_answer_check(data, size, file_bytes, &answer) < 0)
                return;
        if (answer.result == 0)
                (void) image_new_from_answer(fd, &answer, &image, &detail);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_fd_ int fd = -EBADF;
        ImageAnswer answer;

        if (memfd_new_with("fuzz", data, size, &fd) < 0)
                return 0;

        image_parse(fd, size, &answer);
        if (image_answer_check(&answer, sizeof(answer), size, &answer) < 0)
                abort();
        take_answer(fd, &answer, sizeof(answer), size);
        take_answer(fd, data, size < sizeof(answer) ? size : sizeof(answer), size);
        return 0;
}
