/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "image/image.h"
#include "image/parse.h"
#include "sandbox/sandbox.h"

#define PARSE_TIMEOUT_USEC \
        (10ULL * 1000 * 1000) /* headers only; the rest is for a disk that has to wake up */

static int file_check(const struct stat *st) {
        if (!S_ISREG(st->st_mode))
                return IMAGE_E_NOT_REGULAR;
        if (st->st_size <= 0)
                return IMAGE_E_EMPTY;
        if ((uint64_t) st->st_size > IMAGE_BYTES_MAX)
                return IMAGE_E_TOO_LARGE;
        return 0;
}

static bool is_unchanged(const struct stat *a, const struct stat *b) {
        return a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
                        a->st_mtim.tv_nsec == b->st_mtim.tv_nsec && a->st_ctim.tv_sec == b->st_ctim.tv_sec &&
                        a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

static int ask_parser(int fd, uint64_t file_bytes, ImageAnswer *ret) {
        _cleanup_free_ char *output = NULL;
        int status = 0, r;
        size_t size = 0;

        r = sandbox_run(image_parse_sandboxed, fd, &file_bytes, sizeof(ImageAnswer), PARSE_TIMEOUT_USEC,
                        &status, &output, &size);
        if (r == -ECHILD || r == -ETIMEDOUT || r == -EFBIG)
                return IMAGE_E_PARSER_DIED;
        if (r < 0)
                return r;
        if (status != EXIT_SUCCESS || image_answer_check(output, size, file_bytes, ret) < 0)
                return IMAGE_E_PARSER_DIED;
        return 0;
}

int image_open(int fd, Image **ret, char **ret_detail) {
        _cleanup_(image_freep) Image *image = NULL;
        struct stat before, after;
        ImageAnswer answer;
        int r;

        *ret_detail = NULL;
        if (fstat(fd, &before) < 0)
                return -errno;
        r = file_check(&before);
        if (r != 0)
                return r;

        r = ask_parser(fd, (uint64_t) before.st_size, &answer);
        if (r != 0)
                return r;
        if (answer.result > 0 && answer.detail[0]) {
                *ret_detail = strdup(answer.detail);
                if (!*ret_detail)
                        return -ENOMEM;
        }
        if (answer.result != 0)
                return answer.result;

        r = image_new_from_answer(fd, &answer, &image, ret_detail);
        if (r != 0)
                return r;

        /* A file that was written to between the parser's look and the copy may be neither old nor new. */
        if (fstat(fd, &after) < 0)
                return -errno;
        if (!is_unchanged(&before, &after))
                return -ESTALE;

        *ret = TAKE_PTR(image);
        return 0;
}

Image *image_free(Image *image) {
        if (!image)
                return NULL;
        fd_close(image->kernel_fd);
        fd_close(image->initrd_fd);
        free(image->cmdline);
        free(image->release);
        free(image->os_release);
        free(image);
        return NULL;
}
