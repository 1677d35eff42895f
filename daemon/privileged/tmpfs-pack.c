/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "basic/io.h"
#include "privileged/tmpfs-pack.h"
#include "privileged/tmpfs.h"
#include "privileged/why.h"

static int pack_directory(Packing *packing, int fd, unsigned depth);

static int tell(Packing *packing, const char *what) {
        char text[256];

        return problem_add(packing->problems, "%s %s", tmpfs_printable(packing->path, text), what);
}

/* What ends it all: the archive cannot be written. */
static int broken(Packing *packing) {
        return packing->error < 0 ? packing->error : -EIO;
}

static ssize_t on_write(struct archive *archive, void *userdata, const void *data, size_t size) {
        Packing *packing = userdata;

        if (packing->error >= 0)
                packing->error = size > packing->bytes_max - packing->n_bytes ? -E2BIG :
                                write_full(packing->archive_fd, data, size);
        if (packing->error < 0) {
                archive_set_error(archive, -packing->error, "%s", strerror(-packing->error));
                return -1;
        }
        packing->n_bytes += size;
        return (ssize_t) size;
}

int packing_write(Packing *packing, const void *data, size_t size) {
        for (const char *p = data; size > 0;) {
                la_ssize_t n = archive_write_data(packing->archive, p, size);

                if (n <= 0)
                        return broken(packing);
                p += n;
                size -= (size_t) n;
        }
        return 0;
}

static int write_header(Packing *packing, struct archive_entry *entry) {
        if (archive_write_header(packing->archive, entry) < ARCHIVE_WARN)
                return packing->error < 0 ? packing->error : tell(packing, "is of a kind that no archive takes.") < 0 ?
                                -ENOMEM : 0;
        packing->n_files++;
        return 1;
}

static int reopen(int fd, int flags) {
        char path[sizeof("/proc/self/fd/") + 3 * sizeof(int)];
        int opened;

        (void) snprintf(path, sizeof(path), "/proc/self/fd/%i", fd);
        opened = open(path, flags | O_CLOEXEC);
        return opened < 0 ? -errno : opened;
}

static int pack_contents(Packing *packing, int fd, const struct stat *before, struct archive_entry *entry) {
        struct stat after;
        int r;

        packing->is_unread = false;
        r = packing_find_data(fd, before->st_size, entry);
        if (r >= 0)
                r = write_header(packing, entry);
        if (r > 0)
                r = packing_write_file(packing, fd, before->st_size, entry);
        if (r < 0)
                return r;
        if (packing->is_unread)
                return tell(packing, "cannot be read to its end: there are zeros in place of what is missing.");
        if (fstat(fd, &after) < 0 || after.st_size != before->st_size ||
                        memcmp(&after.st_mtim, &before->st_mtim, sizeof(after.st_mtim)) != 0)
                return tell(packing, "changed while it was read: what is kept may be neither the one nor the other.");
        return 0;
}

static int pack_regular(Packing *packing, int path_fd, const struct stat *st, struct archive_entry *entry) {
        _cleanup_fd_ int fd = -EBADF;
        int r;

        if (st->st_size > TMPFS_FILE_BYTES_MAX)
                return tell(packing, "is left out: it is longer than 1 TiB.");
        if (archive_entry_hardlink(entry) || st->st_size == 0) {
                r = write_header(packing, entry);
                return r < 0 ? r : 0;
        }
        fd = reopen(path_fd, O_RDONLY | O_NOATIME);
        if (fd < 0)
                return tell(packing, "is left out: it cannot be read.");
        return pack_contents(packing, fd, st, entry);
}

static int pack_inside(Packing *packing, int path_fd, struct archive_entry *entry, unsigned depth) {
        int fd, r;

        r = write_header(packing, entry);
        if (r <= 0)
                return r;
        if (depth >= TMPFS_DEPTH_MAX)
                return tell(packing, "is too deep: what is in it is left out.");
        fd = reopen(path_fd, O_RDONLY | O_DIRECTORY | O_NOATIME);
        return fd < 0 ? tell(packing, "is left out: it cannot be read.") : pack_directory(packing, fd, depth + 1);
}

static int set_target(int path_fd, struct archive_entry *entry) {
        char target[PATH_MAX];
        ssize_t n = readlinkat(path_fd, "", target, sizeof(target) - 1);

        if (n < 0)
                return -errno;
        target[n] = 0;
        archive_entry_copy_symlink(entry, target);
        return 0;
}

static int describe(Packing *packing, int path_fd, const struct stat *st, struct archive_entry **entry) {
        struct archive_entry *spare = NULL;
        int r = 0;

        archive_entry_copy_stat(*entry, st);
        archive_entry_copy_pathname(*entry, packing->path);
        if (S_ISLNK(st->st_mode))
                r = set_target(path_fd, *entry);
        if (r >= 0)
                r = tmpfs_xattrs_get(path_fd, *entry);
        if (r >= 0)
                archive_entry_linkify(packing->links, entry, &spare);
        return r;
}

static int pack_file(Packing *packing, int path_fd, const struct stat *st, unsigned depth) {
        _cleanup_(archive_entry_freep) struct archive_entry *entry = archive_entry_new();
        int r;

        if (!entry)
                return -ENOMEM;
        r = describe(packing, path_fd, st, &entry);
        if (r == -ENOMEM)
                return r;
        if (r < 0)
                return tell(packing, "is left out: its attributes cannot be read.");
        if (S_ISREG(st->st_mode))
                return pack_regular(packing, path_fd, st, entry);
        if (S_ISDIR(st->st_mode))
                return pack_inside(packing, path_fd, entry, depth);
        r = write_header(packing, entry);
        return r < 0 ? r : 0;
}

static int pack_name(Packing *packing, int directory_fd, const char *name, unsigned depth) {
        _cleanup_fd_ int fd = openat(directory_fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        struct stat st;

        if (fd < 0 || fstat(fd, &st) < 0)
                return tell(packing, errno == ENOENT ? "went away while the others were read." : "cannot be opened.");
        if (st.st_dev != packing->dev)
                return tell(packing, "is left out: another file system is mounted there.");
        if (S_ISSOCK(st.st_mode))
                return tell(packing, "is left out: it is a socket, which takes who listens there to make again.");
        return pack_file(packing, fd, &st, depth);
}

static int pack_names(Packing *packing, DIR *directory, unsigned depth) {
        size_t length = strlen(packing->path);
        const struct dirent *entry;
        int r = 0;

        while (r >= 0 && (entry = readdir(directory))) {
                if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
                        continue;
                if (length + 1 + strlen(entry->d_name) >= sizeof(packing->path)) {
                        r = tell(packing, "has names that are too long, and are left out.");
                        continue;
                }
                (void) sprintf(packing->path + length, "%s%s", length > 0 ? "/" : "", entry->d_name);
                r = pack_name(packing, dirfd(directory), entry->d_name, depth);
                packing->path[length] = 0;
        }
        return r;
}

/* Takes `fd`. */
static int pack_directory(Packing *packing, int fd, unsigned depth) {
        _cleanup_closedir_ DIR *directory = fdopendir(fd);

        if (!directory) {
                fd_close(fd);
                return -ENOMEM;
        }
        return pack_names(packing, directory, depth);
}

static int pack_root(Packing *packing, int root_fd) {
        _cleanup_(archive_entry_freep) struct archive_entry *entry = archive_entry_new();
        struct stat st;
        int fd, r;

        if (!entry)
                return -ENOMEM;
        if (fstat(root_fd, &st) < 0)
                return -errno;
        packing->dev = st.st_dev;
        archive_entry_copy_stat(entry, &st);
        archive_entry_set_pathname(entry, ".");
        r = tmpfs_xattrs_get(root_fd, entry);
        if (r >= 0)
                r = write_header(packing, entry);
        if (r < 0)
                return r;
        fd = openat(root_fd, ".", O_RDONLY | O_DIRECTORY | O_NOATIME | O_CLOEXEC);
        return fd < 0 ? -errno : pack_directory(packing, fd, 0);
}

static int archive_begin(Packing *packing) {
        struct archive *archive = packing->archive;

        /* hdrcharset: names are bytes, whatever the locale. No padding at the end. */
        if (archive_write_set_format_pax(archive) < ARCHIVE_OK ||
                        archive_write_set_format_option(archive, "pax", "hdrcharset", "BINARY") < ARCHIVE_OK ||
                        archive_write_set_bytes_per_block(archive, TMPFS_BUFFER_BYTES) < ARCHIVE_OK ||
                        archive_write_set_bytes_in_last_block(archive, 1) < ARCHIVE_OK ||
                        archive_write_open(archive, packing, NULL, on_write, NULL) < ARCHIVE_OK)
                return -ENOMEM;
        archive_entry_linkresolver_set_strategy(packing->links, archive_format(archive));
        return 0;
}

static int pack(Packing *packing, int root_fd) {
        int r;

        if (!packing->archive || !packing->links || !packing->buffer)
                return -ENOMEM;
        if (ftruncate(packing->archive_fd, 0) < 0 || lseek(packing->archive_fd, 0, SEEK_SET) < 0)
                return -errno;
        r = archive_begin(packing);
        if (r >= 0)
                r = pack_root(packing, root_fd);
        if (r >= 0 && archive_write_close(packing->archive) < ARCHIVE_OK)
                r = broken(packing);
        return r;
}

int tmpfs_pack(int root_fd, int archive_fd, uint64_t bytes_max, TmpfsCount *ret, json_object *problems,
                char **ret_why) {
        _cleanup_free_ char *buffer = malloc(TMPFS_BUFFER_BYTES);
        Packing packing = {
                .archive = archive_write_new(),
                .links = archive_entry_linkresolver_new(),
                .archive_fd = archive_fd,
                .bytes_max = bytes_max,
                .buffer = buffer,
                .problems = problems,
        };
        int r = pack(&packing, root_fd);

        packing.error = r; /* libarchive would complete it */
        (void) archive_write_free(packing.archive);
        archive_entry_linkresolver_free(packing.links);
        if (r == -E2BIG)
                return why_set(ret_why, r, "It holds more than %llu bytes.", (unsigned long long) bytes_max);
        if (r < 0)
                return why_set(ret_why, r, "Cannot pack it: %s", strerror(-r));
        *ret = (TmpfsCount) { packing.n_files, packing.n_bytes };
        return 0;
}
