/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "basic/io.h"
#include "image/parts.h"

#define INITRD_ALIGNMENT 4U

/* Of whole files, beside the image and its addons. */
typedef struct FurtherInitrds {
        const int *fds;
        size_t n;
        uint64_t *bytes;
        bool *has_microcode;
} FurtherInitrds;

Parts *parts_free(Parts *parts) {
        if (!parts)
                return NULL;
        fd_close(parts->kernel_fd);
        fd_close(parts->initrd_fd);
        free(parts);
        return NULL;
}

static int seal(int fd) {
        if (lseek(fd, 0, SEEK_SET) < 0)
                return -errno;
        return fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0 ? -errno : 0;
}

static int pad(Parts *parts, uint64_t written) {
        uint64_t end = (parts->initrd_bytes + written + INITRD_ALIGNMENT - 1) & ~(uint64_t) (INITRD_ALIGNMENT - 1);

        parts->initrd_bytes = end;
        if (ftruncate(parts->initrd_fd, (off_t) end) < 0 || lseek(parts->initrd_fd, 0, SEEK_END) < 0)
                return -errno;
        return 0;
}

static int copy(Parts *parts, int file_fd, const ImageRange *range, int fd, uint64_t offset) {
        if (parts->n_copies == PARTS_COPIES_MAX)
                return -E2BIG;
        parts->copies[parts->n_copies++] = (PartCopy) { file_fd, range->offset, range->bytes, fd, offset };
        return copy_range(file_fd, (off_t) range->offset, range->bytes, fd);
}

static int append(Parts *parts, int file_fd, const ImageRange *range) {
        int r;

        if (range->bytes == 0)
                return 0;
        r = copy(parts, file_fd, range, parts->initrd_fd, parts->initrd_bytes);
        return r < 0 ? r : pad(parts, range->bytes);
}

static int append_section(Parts *parts, const ImageFile *file, ImageSection section) {
        return append(parts, file->fd, &file->image->sections[section]);
}

static int append_section_of_each(Parts *parts, const ImageFile *files, size_t n, ImageSection section) {
        int r = 0;

        for (size_t i = 0; i < n && r >= 0; i++)
                r = append_section(parts, &files[i], section);
        return r;
}

static int append_further(Parts *parts, const FurtherInitrds *further, bool with_microcode) {
        int r = 0;

        for (size_t i = 0; i < further->n && r >= 0; i++)
                if (further->has_microcode[i] == with_microcode)
                        r = append(parts, further->fds[i], &(ImageRange) { 0, further->bytes[i] });
        return r;
}

static int append_extra(Parts *parts, const ImageFile *image) {
        uint64_t bytes = 0;
        int r;

        if (image->image->kind != IMAGE_UKI)
                return 0;
        r = image_write_extra(image->fd, image->image, parts->initrd_fd, &bytes);
        return r < 0 ? r : pad(parts, bytes);
}

static int initrd_write(Parts *parts, const ImageFile *image, const ImageFile *addons, size_t n_addons,
                const FurtherInitrds *further) {
        int r;

        r = append_section_of_each(parts, addons, n_addons, IMAGE_SECTION_UCODE);
        if (r >= 0)
                r = append_section(parts, image, IMAGE_SECTION_UCODE);
        if (r >= 0)
                r = append_further(parts, further, true);
        if (r >= 0)
                r = append_section(parts, image, IMAGE_SECTION_INITRD);
        if (r >= 0)
                r = append_extra(parts, image);
        if (r >= 0)
                r = append_section_of_each(parts, addons, n_addons, IMAGE_SECTION_INITRD);
        if (r >= 0)
                r = append_further(parts, further, false);
        return r;
}

/* 1 for one that cannot be an initrd. */
static int further_look(FurtherInitrds *further, size_t i) {
        struct stat st;
        int r;

        if (fstat(further->fds[i], &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode) || st.st_size == 0 || (uint64_t) st.st_size > IMAGE_BYTES_MAX)
                return 1;
        further->bytes[i] = (uint64_t) st.st_size;
        r = initrd_begins_with_microcode(further->fds[i]);
        further->has_microcode[i] = r > 0;
        return r < 0 ? r : 0;
}

static int kernel_copy(Parts *parts, const ImageFile *image) {
        const ImageRange *range = &image->image->sections[IMAGE_SECTION_LINUX];
        _cleanup_fd_ int fd = -EBADF;
        int r;

        r = memfd_new_with("liveupdate-kernel", NULL, 0, &fd);
        if (r >= 0)
                r = copy(parts, image->fd, range, fd, 0);
        return r < 0 ? r : parts_take_kernel(parts, TAKE_FD(fd));
}

int parts_take_kernel(Parts *parts, int fd) {
        struct stat st;

        fd_close(parts->kernel_fd);
        parts->kernel_fd = fd;
        if (fstat(fd, &st) < 0)
                return -errno;
        parts->kernel_bytes = (uint64_t) st.st_size;
        return seal(fd);
}

static int parts_fill(Parts *parts, const ImageFile *image, const ImageFile *addons, size_t n_addons,
                const FurtherInitrds *further) {
        int r;

        r = image->image->kind == IMAGE_ZBOOT ? 0 : kernel_copy(parts, image);
        if (r >= 0)
                r = memfd_new_with("liveupdate-initrd", NULL, 0, &parts->initrd_fd);
        if (r >= 0)
                r = initrd_write(parts, image, addons, n_addons, further);
        if (r < 0)
                return r;
        if (parts->initrd_bytes == 0) {
                parts->initrd_fd = fd_close(parts->initrd_fd);
                return 0;
        }
        return seal(parts->initrd_fd);
}

int parts_new(const ImageFile *image, const ImageFile *addons, size_t n_addons, const int *initrd_fds, size_t n_initrds,
                Parts **ret, size_t *ret_bad) {
        _cleanup_(parts_freep) Parts *parts = calloc(1, sizeof(*parts));
        _cleanup_free_ uint64_t *bytes = calloc(n_initrds + 1, sizeof(*bytes));
        _cleanup_free_ bool *has_microcode = calloc(n_initrds + 1, sizeof(*has_microcode));
        FurtherInitrds further = { initrd_fds, n_initrds, bytes, has_microcode };
        int r;

        if (!parts || !bytes || !has_microcode)
                return -ENOMEM;
        parts->kernel_fd = parts->initrd_fd = -EBADF;
        for (size_t i = 0; i < n_initrds; i++) {
                r = further_look(&further, i);
                if (r != 0) {
                        *ret_bad = i;
                        return r;
                }
        }
        r = parts_fill(parts, image, addons, n_addons, &further);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(parts);
        return 0;
}
