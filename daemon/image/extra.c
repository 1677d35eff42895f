/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What userspace would have of systemd-stub in /.extra, had it run: src/boot/stub.c:generate_embedded_initrds(),
 * src/boot/cpio.c. */

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "basic/io.h"
#include "image/cpio.h"
#include "image/image.h"

#define FILE_BYTES_MAX (1ULL << 20)
#define NAME_BYTES_MAX 64

static const struct {
        ImageSection section;
        const char *path;
} files[] = {
        { IMAGE_SECTION_PCRSIG,  ".extra/tpm2-pcr-signature.json"  },
        { IMAGE_SECTION_PCRPKEY, ".extra/tpm2-pcr-public-key.pem" },
        { IMAGE_SECTION_OSREL,   ".extra/os-release"              },
        { IMAGE_SECTION_PROFILE, ".extra/profile"                 },
};

typedef struct Archive {
        int fd;
        uint32_t inode;
        uint64_t bytes;
} Archive;

static int archive_pad(Archive *archive) {
        size_t size = (CPIO_ALIGNMENT - archive->bytes % CPIO_ALIGNMENT) % CPIO_ALIGNMENT;

        archive->bytes += size;
        return write_full(archive->fd, "\0\0\0", size);
}

static int archive_add_header(Archive *archive, const char *path, mode_t mode, uint64_t bytes) {
        char header[CPIO_HEADER_BYTES + NAME_BYTES_MAX + 1];
        uint32_t fields[_CPIO_FIELD_MAX] = {
                [CPIO_INODE] = mode ? ++archive->inode : 0,
                [CPIO_MODE] = mode,
                [CPIO_LINKS] = 1,
                [CPIO_BYTES] = (uint32_t) bytes,
                [CPIO_NAME_BYTES] = (uint32_t) strlen(path) + 1,
        };
        size_t size = CPIO_MAGIC_BYTES;
        int r;

        memcpy(header, CPIO_MAGIC, CPIO_MAGIC_BYTES);
        for (size_t i = 0; i < ELEMENTSOF(fields); i++, size += CPIO_FIELD_BYTES)
                (void) snprintf(header + size, CPIO_FIELD_BYTES + 1, "%08x", fields[i]);
        memcpy(header + size, path, strlen(path) + 1);
        size += strlen(path) + 1;

        r = write_full(archive->fd, header, size);
        if (r < 0)
                return r;
        archive->bytes += size;
        return archive_pad(archive);
}

static int archive_add_file(Archive *archive, const char *path, int fd, const ImageRange *range) {
        int r;

        r = archive_add_header(archive, path, S_IFREG | 0444, range->bytes);
        if (r < 0)
                return r;
        r = copy_range(fd, (off_t) range->offset, range->bytes, archive->fd);
        if (r < 0)
                return r;
        archive->bytes += range->bytes;
        return archive_pad(archive);
}

int image_write_extra(int fd, const Image *image, int out_fd, uint64_t *ret_bytes) {
        Archive archive = { .fd = out_fd };
        size_t n = 0;
        int r;

        for (size_t i = 0; i < ELEMENTSOF(files); i++) {
                if (image->sections[files[i].section].bytes > FILE_BYTES_MAX)
                        return -EFBIG;
                n += image->sections[files[i].section].bytes > 0;
        }
        if (n == 0 || image->kind != IMAGE_UKI) {
                *ret_bytes = 0;
                return 0;
        }

        r = archive_add_header(&archive, ".extra", S_IFDIR | 0555, 0);
        for (size_t i = 0; r == 0 && i < ELEMENTSOF(files); i++)
                if (image->sections[files[i].section].bytes > 0)
                        r = archive_add_file(&archive, files[i].path, fd, &image->sections[files[i].section]);
        if (r == 0)
                r = archive_add_header(&archive, CPIO_TRAILER, 0, 0);
        if (r < 0)
                return r;
        *ret_bytes = archive.bytes;
        return 0;
}
