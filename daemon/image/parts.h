/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a kexec takes: one kernel and one initrd, put together of what an image, its addons and further initrds bring,
 * each copied once into a sealed memfd, so that what happens to the files later changes nothing. */

#include "image/image.h"

typedef struct ImageFile {
        int fd; /* borrowed */
        const Image *image;
} ImageFile;

/* Bytes of a file that are in a memfd, too. */
typedef struct PartCopy {
        int file_fd;
        uint64_t file_offset, bytes;
        int fd; /* of the parts */
        uint64_t offset;
} PartCopy;

#define PARTS_COPIES_MAX 64U

typedef struct Parts {
        int kernel_fd, initrd_fd; /* -EBADF: none */
        uint64_t kernel_bytes, initrd_bytes;
        PartCopy copies[PARTS_COPIES_MAX]; /* of kernel, microcode and initrds, in the order of the memfds */
        size_t n_copies;
} Parts;

/* The order of the initrd is that of systemd-stub, with microcode first, where the kernel looks for it: microcode of
 * the addons, of the image, further initrds that begin with it; the image's initrd; what the stub would make of other
 * sections; the addons' initrds, the further ones. Each is padded to four bytes:
 * Documentation/driver-api/early-userspace/buffer-format.rst. The kernel of a zboot is left out: it is compressed. 0,
 * a negative errno (-ENODATA: a file is shorter than it was), or 1 for an initrd that cannot be taken, with its index
 * in *ret_bad. */
int parts_new(const ImageFile *image, const ImageFile *addons, size_t n_addons, const int *initrd_fds, size_t n_initrds,
                Parts **ret, size_t *ret_bad);
/* A memfd with a kernel; taken. */
int parts_take_kernel(Parts *parts, int fd);
Parts *parts_free(Parts *parts);
DEFINE_CLEANUP(Parts *, parts_free)
