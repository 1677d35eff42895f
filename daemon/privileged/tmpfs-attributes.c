/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "privileged/tmpfs.h"

/* Calls that take no O_PATH fd take this, and are led to the very file, a symbolic link itself too. */
typedef struct FdPath {
        char text[sizeof("/proc/self/fd/") + 3 * sizeof(int)];
} FdPath;

static FdPath fd_path(int fd) {
        FdPath path;

        (void) snprintf(path.text, sizeof(path.text), "/proc/self/fd/%i", fd);
        return path;
}

int tmpfs_xattrs_get(int fd, struct archive_entry *entry) {
        _cleanup_free_ char *names = malloc(TMPFS_XATTR_BYTES_MAX), *value = malloc(TMPFS_XATTR_BYTES_MAX);
        FdPath path = fd_path(fd);
        ssize_t n;

        if (!names || !value)
                return -ENOMEM;
        n = listxattr(path.text, names, TMPFS_XATTR_BYTES_MAX);
        if (n < 0)
                return errno == ENOTSUP ? 0 : -errno;
        for (const char *name = names; name < names + n; name += strlen(name) + 1) {
                ssize_t size = getxattr(path.text, name, value, TMPFS_XATTR_BYTES_MAX);

                if (size >= 0)
                        archive_entry_xattr_add_entry(entry, name, value, (size_t) size);
                else if (errno != ENODATA)
                        return -errno;
        }
        return 0;
}

/* What a directory's default list gave to what was made in it. */
static void drop_inherited_acl(const FdPath *path) {
        (void) removexattr(path->text, "system.posix_acl_access");
        (void) removexattr(path->text, "system.posix_acl_default");
}

int tmpfs_xattrs_set(int fd, struct archive_entry *entry) {
        FdPath path = fd_path(fd);
        const char *name;
        const void *value;
        size_t size;
        int r = 0;

        archive_entry_xattr_reset(entry);
        while (archive_entry_xattr_next(entry, &name, &value, &size) == ARCHIVE_OK)
                if (name && setxattr(path.text, name, value, size, 0) < 0 && r == 0)
                        r = -errno;
        return r;
}

static struct timespec time_of(bool is_set, time_t sec, long nsec) {
        return (struct timespec) { .tv_sec = sec, .tv_nsec = is_set ? nsec : UTIME_OMIT };
}

static int set_times(int fd, struct archive_entry *entry) {
        const struct timespec times[] = {
                time_of(archive_entry_atime_is_set(entry), archive_entry_atime(entry), archive_entry_atime_nsec(entry)),
                time_of(archive_entry_mtime_is_set(entry), archive_entry_mtime(entry), archive_entry_mtime_nsec(entry)),
        };

        return utimensat(fd, "", times, AT_EMPTY_PATH) < 0 ? -errno : 0;
}

/* In this order: a change of owner takes away set-user-ID bits and capabilities, and any change the time. */
int tmpfs_attributes_set(int fd, struct archive_entry *entry) {
        FdPath path = fd_path(fd);
        bool is_link = archive_entry_filetype(entry) == AE_IFLNK;
        int r = 0, r_xattr, r_times;

        if (fchownat(fd, "", (uid_t) archive_entry_uid(entry), (gid_t) archive_entry_gid(entry), AT_EMPTY_PATH) < 0)
                return -errno; /* as somebody else's it gets no mode of its owner's */
        if (!is_link)
                drop_inherited_acl(&path);
        if (!is_link && chmod(path.text, archive_entry_perm(entry)) < 0)
                r = -errno;
        r_xattr = tmpfs_xattrs_set(fd, entry);
        r_times = set_times(fd, entry);
        return r < 0 ? r : r_xattr < 0 ? r_xattr : r_times;
}

static bool is_same_target(int fd, struct archive_entry *entry) {
        const char *wanted = archive_entry_symlink(entry);
        char target[PATH_MAX];
        ssize_t n = readlinkat(fd, "", target, sizeof(target));

        return wanted && n >= 0 && (size_t) n == strlen(wanted) && memcmp(target, wanted, (size_t) n) == 0;
}

bool tmpfs_is_same(int fd, const struct stat *st, struct archive_entry *entry) {
        if ((st->st_mode & S_IFMT) != archive_entry_filetype(entry) || st->st_uid != (uid_t) archive_entry_uid(entry) ||
                        st->st_gid != (gid_t) archive_entry_gid(entry))
                return false;
        if (S_ISLNK(st->st_mode))
                return is_same_target(fd, entry);
        if ((st->st_mode & 07777) != archive_entry_perm(entry))
                return false;
        if (S_ISREG(st->st_mode))
                return st->st_size == archive_entry_size(entry);
        return (!S_ISCHR(st->st_mode) && !S_ISBLK(st->st_mode)) || st->st_rdev == archive_entry_rdev(entry);
}

const char *tmpfs_printable(const char *name, char text[static 256]) {
        size_t i;

        for (i = 0; name[i] && i < 255; i++)
                text[i] = name[i] >= ' ' && name[i] <= '~' ? name[i] : '?';
        text[i] = 0;
        return text;
}
