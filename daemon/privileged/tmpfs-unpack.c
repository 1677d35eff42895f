/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "privileged/tmpfs-unpack.h"
#include "privileged/tmpfs.h"
#include "privileged/why.h"

/* A directory that was made is root's alone until the end, when all that it holds is there. By this mode, which nobody
 * gives, it is known again, should this be interrupted and begun anew. */
#define UNFINISHED_MODE 01700

typedef struct Made {
        struct archive_entry *entry;
        dev_t dev;
        ino_t ino;
} Made;

typedef struct Unpacking {
        struct archive *archive;
        int root_fd;
        bool is_new;
        Made *directories;
        size_t n_directories;
        size_t n_changes;
        int error; /* for which another try is worth while */
        json_object *problems;
} Unpacking;

static int tell(Unpacking *unpacking, const char *path, const char *what, int error) {
        char text[256];

        return problem_add(unpacking->problems, "%s %s%s%s", tmpfs_printable(path, text), what, error < 0 ? ": " : ".",
                        error < 0 ? strerror(-error) : "");
}

/* Below the root, without "." and "..", and without what ends a directory's name. */
static int get_path(struct archive_entry *entry, char path[static PATH_MAX]) {
        const char *name = archive_entry_pathname(entry);
        size_t length = name ? strlen(name) : 0;

        if (length == 0 || length >= PATH_MAX)
                return -EBADMSG;
        memcpy(path, name, length + 1);
        if (length > 1 && path[length - 1] == '/')
                path[length - 1] = 0;
        return unpacking_is_path(path) ? 0 : -EBADMSG;
}

static int remember_directory(Unpacking *unpacking, int fd, struct archive_entry *entry) {
        Made *directories = reallocarray(unpacking->directories, unpacking->n_directories + 1, sizeof(Made));
        Made made = {};
        struct stat st;

        if (!directories)
                return -ENOMEM;
        unpacking->directories = directories;
        if (fstat(fd, &st) < 0)
                return -errno;
        made = (Made) { archive_entry_clone(entry), st.st_dev, st.st_ino };
        if (!made.entry)
                return -ENOMEM;
        directories[unpacking->n_directories++] = made;
        return 0;
}

/* A directory for all takes its group's bit from the one that it is in. */
static bool is_made(const struct stat *st, mode_t mode) {
        mode_t looked_at = S_ISLNK(mode) ? S_IFMT : S_IFMT | (07777 & ~(mode_t) S_ISGID);

        return st->st_uid == geteuid() && (st->st_mode & looked_at) == (mode & looked_at);
}

/* What was just made at that name is root's, with a type and a mode that nothing else of root's has, so that it is not
 * what a user of the directory put in its place. */
static int open_made(int parent_fd, const char *name, mode_t mode, int *ret) {
        _cleanup_fd_ int fd = openat(parent_fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        struct stat st;

        if (fd < 0 || fstat(fd, &st) < 0)
                return -errno;
        if (!is_made(&st, mode))
                return -EEXIST;
        *ret = TAKE_FD(fd);
        return 0;
}

static int make_directory(Unpacking *unpacking, int parent_fd, const char *name, struct archive_entry *entry) {
        _cleanup_fd_ int fd = -EBADF;
        int r;

        if (mkdirat(parent_fd, name, UNFINISHED_MODE) < 0)
                return -errno;
        r = open_made(parent_fd, name, S_IFDIR | UNFINISHED_MODE, &fd);
        return r < 0 ? r : remember_directory(unpacking, fd, entry);
}

static int make_node(int parent_fd, const char *name, struct archive_entry *entry) {
        mode_t type = archive_entry_filetype(entry);

        if (type == S_IFLNK) {
                const char *target = archive_entry_symlink(entry);

                return !target ? -EBADMSG : symlinkat(target, parent_fd, name) < 0 ? -errno : 0;
        }
        if (type != S_IFIFO && type != S_IFCHR && type != S_IFBLK)
                return -EBADMSG;
        return mknodat(parent_fd, name, type, archive_entry_rdev(entry)) < 0 ? -errno : 0;
}

static int make_special(int parent_fd, const char *name, struct archive_entry *entry) {
        _cleanup_fd_ int fd = -EBADF;
        int r;

        r = make_node(parent_fd, name, entry);
        if (r < 0)
                return r;
        r = open_made(parent_fd, name, archive_entry_filetype(entry), &fd);
        return r < 0 ? r : tmpfs_attributes_set(fd, entry);
}

/* Gives the file a name, of which it may have none yet. */
static int link_fd(int fd, int parent_fd, const char *name) {
        char path[sizeof("/proc/self/fd/") + 3 * sizeof(int)];

        (void) snprintf(path, sizeof(path), "/proc/self/fd/%i", fd);
        return linkat(AT_FDCWD, path, parent_fd, name, AT_SYMLINK_FOLLOW) < 0 ? -errno : 0;
}

/* It has no name before it is whole, so that whatever interrupts this leaves no part of one. */
static int make_regular(Unpacking *unpacking, int parent_fd, const char *name, struct archive_entry *entry) {
        _cleanup_fd_ int fd = openat(parent_fd, ".", O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
        int r, r_attributes;

        if (fd < 0)
                return -errno;
        r = unpacking_write(unpacking->archive, fd, archive_entry_size(entry));
        if (r < 0)
                return r;
        r_attributes = tmpfs_attributes_set(fd, entry);
        r = link_fd(fd, parent_fd, name);
        return r < 0 ? r : r_attributes;
}

/* Not what somebody else put where the first of its names was. */
static bool is_target(const struct stat *st, struct archive_entry *entry) {
        return st->st_uid == (uid_t) archive_entry_uid(entry) && st->st_gid == (gid_t) archive_entry_gid(entry) &&
                        (S_ISLNK(st->st_mode) || (st->st_mode & 07777) == archive_entry_perm(entry)) &&
                        st->st_mtim.tv_sec == archive_entry_mtime(entry) &&
                        st->st_mtim.tv_nsec == archive_entry_mtime_nsec(entry);
}

static int make_link(Unpacking *unpacking, int parent_fd, const char *name, struct archive_entry *entry) {
        const char *target = archive_entry_hardlink(entry);
        _cleanup_fd_ int fd = -EBADF;
        struct stat st;

        if (!unpacking_is_path(target))
                return -EBADMSG;
        fd = tmpfs_open_beneath(unpacking->root_fd, target, O_PATH);
        if (fd < 0)
                return fd;
        if (fstat(fd, &st) < 0)
                return -errno;
        return is_target(&st, entry) ? link_fd(fd, parent_fd, name) : -ENOENT;
}

static int make(Unpacking *unpacking, int parent_fd, const char *name, struct archive_entry *entry) {
        if (archive_entry_hardlink(entry))
                return make_link(unpacking, parent_fd, name, entry);
        if (archive_entry_filetype(entry) == AE_IFDIR)
                return make_directory(unpacking, parent_fd, name, entry);
        if (archive_entry_filetype(entry) == AE_IFREG)
                return make_regular(unpacking, parent_fd, name, entry);
        return make_special(parent_fd, name, entry);
}

static bool is_link_of(Unpacking *unpacking, const struct stat *st, const char *target) {
        _cleanup_fd_ int fd = tmpfs_open_beneath(unpacking->root_fd, target, O_PATH);
        struct stat other;

        return fd >= 0 && fstat(fd, &other) >= 0 && st->st_dev == other.st_dev && st->st_ino == other.st_ino;
}

static bool is_there(Unpacking *unpacking, int fd, struct archive_entry *entry) {
        const char *target = archive_entry_hardlink(entry);
        struct stat st;

        if (fstat(fd, &st) < 0)
                return false;
        if (target)
                return is_link_of(unpacking, &st, target);
        if (S_ISDIR(st.st_mode) && archive_entry_filetype(entry) == AE_IFDIR)
                return true; /* with what it is to have now */
        return tmpfs_is_same(fd, &st, entry) &&
                        (!S_ISREG(st.st_mode) || unpacking_is_contents(unpacking->archive, fd, st.st_size));
}

static bool is_unfinished(int fd, struct archive_entry *entry) {
        struct stat st;

        return archive_entry_filetype(entry) == AE_IFDIR && !archive_entry_hardlink(entry) && fstat(fd, &st) >= 0 &&
                        is_made(&st, S_IFDIR | UNFINISHED_MODE);
}

static int make_at(Unpacking *unpacking, const char *path, int parent_fd, const char *name,
                struct archive_entry *entry) {
        int r = make(unpacking, parent_fd, name, entry);

        if (r == -ENOMEM)
                return r;
        if (r == -ENOSPC || r == -EDQUOT || r == -EROFS)
                unpacking->error = r;
        unpacking->n_changes += r >= 0;
        return r < 0 ? tell(unpacking, path, "is not as it was", r) : 0;
}

static int unpack_at(Unpacking *unpacking, const char *path, int parent_fd, const char *name,
                struct archive_entry *entry) {
        _cleanup_fd_ int there = openat(parent_fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);

        if (there >= 0 && is_unfinished(there, entry))
                return remember_directory(unpacking, there, entry);
        if (there >= 0 && is_there(unpacking, there, entry))
                return 0;
        if (there >= 0)
                return tell(unpacking, path, "is there already, and is not as it was", 0);
        if (errno != ENOENT)
                return tell(unpacking, path, "is not unpacked", -errno);
        return make_at(unpacking, path, parent_fd, name, entry);
}

static int unpack_root(Unpacking *unpacking, struct archive_entry *entry) {
        return unpacking->is_new && archive_entry_filetype(entry) == AE_IFDIR && !archive_entry_hardlink(entry) ?
                        remember_directory(unpacking, unpacking->root_fd, entry) : 0;
}

static int unpack_entry(Unpacking *unpacking, struct archive_entry *entry) {
        _cleanup_fd_ int parent_fd = -EBADF;
        char path[PATH_MAX];
        const char *name;
        int r;

        r = get_path(entry, path);
        if (r < 0)
                return tell(unpacking, archive_entry_pathname(entry) ?: "A file without a name",
                                "is not unpacked: no such name belongs into an archive", 0);
        if (strcmp(path, ".") == 0)
                return unpack_root(unpacking, entry);
        r = tmpfs_open_parent(unpacking->root_fd, path, &parent_fd, &name);
        if (r < 0)
                return tell(unpacking, path, "is not unpacked, its directory cannot be opened", r);
        return unpack_at(unpacking, path, parent_fd, name, entry);
}

static int finish_directory(Unpacking *unpacking, const Made *made) {
        _cleanup_fd_ int fd = -EBADF;
        char path[PATH_MAX];
        struct stat st;
        int r;

        if (get_path(made->entry, path) < 0)
                return 0;
        fd = tmpfs_open_beneath(unpacking->root_fd, path, O_PATH | O_DIRECTORY);
        if (fd < 0 || fstat(fd, &st) < 0 || st.st_dev != made->dev || st.st_ino != made->ino)
                return tell(unpacking, path, "was moved away while it was unpacked", 0);
        r = tmpfs_attributes_set(fd, made->entry);
        return r < 0 ? tell(unpacking, path, "is not as it was", r) : 0;
}

/* The last first: what is in a directory changes its times. */
static int finish_directories(Unpacking *unpacking) {
        int r = 0;

        while (unpacking->n_directories > 0) {
                Made *made = unpacking->directories + --unpacking->n_directories;

                if (r >= 0)
                        r = finish_directory(unpacking, made);
                archive_entry_free(made->entry);
        }
        free(unpacking->directories);
        return r;
}

static int unpack_entries(Unpacking *unpacking, char **ret_why) {
        struct archive_entry *entry;
        int r = 0;

        while (r >= 0) {
                int got = archive_read_next_header(unpacking->archive, &entry);

                if (got == ARCHIVE_EOF)
                        return 0;
                if (got < ARCHIVE_WARN)
                        return why_set(ret_why, -EBADMSG, "The archive is damaged: %s",
                                        archive_error_string(unpacking->archive) ?: "no reason given");
                r = unpack_entry(unpacking, entry);
        }
        return why_set(ret_why, r, "Cannot unpack it: %s", strerror(-r));
}

int tmpfs_unpack(int root_fd, int archive_fd, bool is_new, size_t *ret_n_changes, json_object *problems,
                char **ret_why) {
        _cleanup_(archive_read_freep) struct archive *archive = archive_read_new();
        Unpacking unpacking = { .archive = archive, .root_fd = root_fd, .is_new = is_new, .problems = problems };
        int r, r_directories;

        if (!archive || archive_read_support_format_tar(archive) < ARCHIVE_OK)
                return why_set(ret_why, -ENOMEM, "libarchive does not start.");
        if (lseek(archive_fd, 0, SEEK_SET) < 0)
                return why_set(ret_why, -errno, "Cannot read the archive: %m");
        if (archive_read_open_fd(archive, archive_fd, TMPFS_BUFFER_BYTES) < ARCHIVE_OK)
                return why_set(ret_why, -EBADMSG, "This is no archive: %s", archive_error_string(archive) ?: "?");
        r = unpack_entries(&unpacking, ret_why);
        r_directories = finish_directories(&unpacking);
        *ret_n_changes = unpacking.n_changes;
        if (r >= 0)
                r = r_directories;
        if (r >= 0 && unpacking.error < 0)
                r = why_set(ret_why, unpacking.error, "Not all of it could be unpacked: %s",
                                strerror(-unpacking.error));
        return r;
}
