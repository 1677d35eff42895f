/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "image/image.h"
#include "image/parse.h"
#include "sandbox/sandbox.h"

#define PARSE_TIMEOUT_USEC (10ULL * 1000 * 1000) /* headers only; the rest is for a disk that has to wake up */

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

static int ask_parser(int fd, ImageQuestion *question, ImageAnswer *ret) {
        _cleanup_free_ char *output = NULL;
        int status = 0, r;
        size_t size = 0;

        r = sandbox_run(image_parse_sandboxed, fd, question, sizeof(ImageAnswer), PARSE_TIMEOUT_USEC, &status,
                        &output, &size);
        if (r == -ECHILD || r == -ETIMEDOUT || r == -EFBIG)
                return IMAGE_E_PARSER_DIED;
        if (r < 0)
                return r;
        if (status != EXIT_SUCCESS || image_answer_check(output, size, question->file_bytes, ret) < 0)
                return IMAGE_E_PARSER_DIED;
        return 0;
}

int image_look(int fd, const char *profile, Image **ret, char **ret_detail) {
        _cleanup_(image_freep) Image *image = NULL;
        ImageQuestion question = { .profile = profile };
        struct stat before, after;
        ImageAnswer answer;
        int r;

        *ret_detail = NULL;
        if (fstat(fd, &before) < 0)
                return -errno;
        r = file_check(&before);
        if (r != 0)
                return r;

        question.file_bytes = (uint64_t) before.st_size;
        r = ask_parser(fd, &question, &answer);
        if (r != 0)
                return r;
        if (answer.result > 0 && answer.detail[0]) {
                *ret_detail = strdup(answer.detail);
                if (!*ret_detail)
                        return -ENOMEM;
        }
        if (answer.result != 0)
                return answer.result;

        r = image_new_from_answer(fd, question.file_bytes, &answer, &image, ret_detail);
        if (r != 0)
                return r;

        /* A file that was written to between the parser's look and now may be neither old nor new. */
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
        for (size_t i = 0; i < image->n_profiles; i++) {
                free(image->profiles[i].id);
                free(image->profiles[i].title);
        }
        free(image->profiles);
        free(image->cmdline);
        free(image->release);
        free(image->uname);
        free(image->os_release);
        free(image->sbat);
        free(image->compression);
        free(image);
        return NULL;
}
