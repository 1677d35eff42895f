/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "basic/io.h"
#include "image/answer.h"
#include "image/text.h"

#define TEXT_PART_BYTES_MAX (64ULL << 10)
#define ERRNO_MAX 4095 /* MAX_ERRNO of include/linux/err.h */

static bool is_text(const char *text, size_t size) {
        const char *end = memchr(text, 0, size);

        if (!end)
                return false;
        for (; text < end; text++)
                if (*text < 0x20 || *text > 0x7e)
                        return false;
        return true;
}

static bool range_is_within(const ImageRange *range, uint64_t file_bytes) {
        uint64_t end;

        return !__builtin_add_overflow(range->offset, range->bytes, &end) && end <= file_bytes;
}

int image_answer_check(const void *data, size_t size, uint64_t file_bytes, ImageAnswer *ret) {
        ImageAnswer answer;

        if (size != sizeof(answer))
                return -EBADMSG;
        memcpy(&answer, data, sizeof(answer));

        if (answer.result < -ERRNO_MAX || answer.result >= IMAGE_E_PARSER_DIED)
                return -EBADMSG;
        if (!is_text(answer.release, sizeof(answer.release)) ||
                        !is_text(answer.detail, sizeof(answer.detail)))
                return -EBADMSG;
        if (answer.kind != IMAGE_BZIMAGE && answer.kind != IMAGE_UKI)
                return -EBADMSG;
        for (size_t i = 0; i < _IMAGE_PART_MAX; i++)
                if (!range_is_within(&answer.parts[i], file_bytes))
                        return -EBADMSG;
        if (answer.result == 0 && answer.parts[IMAGE_PART_KERNEL].bytes == 0)
                return -EBADMSG;

        *ret = answer;
        return 0;
}

/* A memfd counts as not open for writing though its fd can be written through: only do_dentry_open() of
 * fs/open.c takes write access, and memfds do not pass there. Else kexec_file_load() would say ETXTBSY. */
static int part_to_memfd(int fd, const ImageRange *range, const char *name, int *ret_fd) {
        _cleanup_fd_ int memfd = -EBADF;
        int r;

        r = memfd_new_with(name, NULL, range->bytes, &memfd);
        if (r < 0)
                return r;
        r = copy_range(fd, (off_t) range->offset, range->bytes, memfd);
        if (r < 0)
                return r == -ENODATA ? IMAGE_E_TRUNCATED : r;
        if (lseek(memfd, 0, SEEK_SET) < 0)
                return -errno;
        if (fcntl(memfd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
                return -errno;

        *ret_fd = TAKE_FD(memfd);
        return 0;
}

/* At most TEXT_PART_BYTES_MAX; what is longer is longer than any of these texts may be. */
static int part_to_bytes(int fd, const ImageRange *range, char **ret, size_t *ret_size) {
        _cleanup_free_ char *data = NULL;
        size_t size = range->bytes < TEXT_PART_BYTES_MAX ? range->bytes : TEXT_PART_BYTES_MAX;
        ssize_t n;

        data = malloc(size + 1);
        if (!data)
                return -ENOMEM;
        n = pread(fd, data, size, (off_t) range->offset);
        if (n < 0)
                return -errno;
        if ((size_t) n != size)
                return IMAGE_E_TRUNCATED;

        data[size] = 0;
        *ret = TAKE_PTR(data);
        *ret_size = size;
        return 0;
}

static int cmdline_take(int fd, const ImageRange *range, Image *image, char **ret_detail) {
        _cleanup_free_ char *data = NULL;
        const char *fault;
        size_t size = 0;
        int r;

        if (range->bytes == 0)
                return 0;
        r = part_to_bytes(fd, range, &data, &size);
        if (r != 0)
                return r;
        r = text_cmdline(data, size, &image->cmdline, &fault);
        if (r != -EBADMSG)
                return r;
        if (asprintf(ret_detail, "section .cmdline %s", fault) < 0) {
                *ret_detail = NULL;
                return -ENOMEM;
        }
        return IMAGE_E_CMDLINE;
}

/* The kernel's own header comes first: it is what will run, and `uname -r` will say so, whatever .uname
 * claims. */
static int release_take(int fd, const ImageAnswer *answer, Image *image) {
        _cleanup_free_ char *data = NULL;
        size_t size = 0;
        int r;

        if (answer->release[0]) {
                image->release = strdup(answer->release);
                return image->release ? 0 : -ENOMEM;
        }
        if (answer->parts[IMAGE_PART_UNAME].bytes == 0)
                return 0;
        r = part_to_bytes(fd, &answer->parts[IMAGE_PART_UNAME], &data, &size);
        if (r != 0)
                return r;
        r = text_release(data, size, &image->release);
        return r == -EBADMSG ? 0 : r;
}

static int os_release_take(int fd, const ImageRange *range, Image *image) {
        _cleanup_free_ char *data = NULL;
        size_t size = 0;
        int r;

        if (range->bytes == 0)
                return 0;
        r = part_to_bytes(fd, range, &data, &size);
        if (r != 0)
                return r;
        r = text_pretty_name(data, size, &image->os_release);
        return r == -EBADMSG ? 0 : r;
}

int image_new_from_answer(int fd, const ImageAnswer *answer, Image **ret, char **ret_detail) {
        const ImageRange *kernel = &answer->parts[IMAGE_PART_KERNEL],
                         *initrd = &answer->parts[IMAGE_PART_INITRD];
        _cleanup_(image_freep) Image *image = NULL;
        int r;

        image = calloc(1, sizeof(*image));
        if (!image)
                return -ENOMEM;
        image->kind = (ImageKind) answer->kind;
        image->kernel_fd = image->initrd_fd = -EBADF;
        image->kernel_bytes = kernel->bytes;
        image->initrd_bytes = initrd->bytes;

        /* The texts first: they are what can be at fault, and cost nothing. */
        r = cmdline_take(fd, &answer->parts[IMAGE_PART_CMDLINE], image, ret_detail);
        if (r != 0)
                return r;
        r = release_take(fd, answer, image);
        if (r != 0)
                return r;
        r = os_release_take(fd, &answer->parts[IMAGE_PART_OSREL], image);
        if (r != 0)
                return r;
        r = part_to_memfd(fd, kernel, "liveupdate-kernel", &image->kernel_fd);
        if (r != 0)
                return r;
        if (initrd->bytes > 0) {
                r = part_to_memfd(fd, initrd, "liveupdate-initrd", &image->initrd_fd);
                if (r != 0)
                        return r;
        }

        *ret = TAKE_PTR(image);
        return 0;
}
