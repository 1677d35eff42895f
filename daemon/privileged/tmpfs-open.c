/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <libmount.h>
#include <limits.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "privileged/tmpfs.h"
#include "privileged/why.h"

static int open_how(int dir_fd, const char *path, int flags, uint64_t resolve) {
        const struct open_how how = { .flags = (uint64_t) flags | O_CLOEXEC, .resolve = resolve };
        long fd = syscall(SYS_openat2, dir_fd, path, &how, sizeof(how));

        return fd < 0 ? -errno : (int) fd;
}

int tmpfs_open_beneath(int root_fd, const char *path, int flags) {
        return open_how(root_fd, path, flags | O_NOFOLLOW,
                        RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV);
}

int tmpfs_open_parent(int root_fd, const char *path, int *ret_fd, const char **ret_name) {
        const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
        char parent[PATH_MAX] = ".";
        int fd;

        if (!*name || strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || strlen(name) > NAME_MAX)
                return -EBADMSG;
        if (slash) {
                size_t length = (size_t) (slash - path);

                if (length == 0 || length >= sizeof(parent))
                        return -EBADMSG;
                memcpy(parent, path, length);
                parent[length] = 0;
        }
        fd = tmpfs_open_beneath(root_fd, parent, O_PATH | O_DIRECTORY);
        if (fd < 0)
                return fd;
        *ret_fd = fd;
        *ret_name = name;
        return 0;
}

static bool is_canonical(const char *path) {
        if (path[0] != '/' || !path[1] || strlen(path) >= PATH_MAX)
                return false;
        for (const char *p = path; *p; p += strcspn(p, "/")) {
                size_t length = strcspn(++p, "/");

                if (length == 0 || (length == 1 && p[0] == '.') || (length == 2 && p[0] == '.' && p[1] == '.'))
                        return false;
        }
        return true;
}

static char *options_of(struct libmnt_fs *mount) {
        const char *vfs = mnt_fs_get_vfs_options(mount), *fs = mnt_fs_get_fs_options(mount);
        char *text;

        return asprintf(&text, "%s,%s", vfs ?: "", fs ?: "") < 0 ? NULL : text;
}

/* The last mount at that path, which must be what `fd` refers to. */
static int look_at_mount(struct libmnt_table *mounts, const char *path, int fd, char **ret_options) {
        struct libmnt_fs *mount = mnt_table_find_target(mounts, path, MNT_ITER_BACKWARD);
        struct stat st;

        if (!mount)
                return -ENOTCONN;
        if (fstat(fd, &st) < 0)
                return -errno;
        if (!mnt_fs_get_fstype(mount) || strcmp(mnt_fs_get_fstype(mount), "tmpfs") != 0 ||
                        mnt_fs_get_devno(mount) != st.st_dev)
                return -ENOTSUP;
        if (!ret_options)
                return 0;
        *ret_options = options_of(mount);
        return *ret_options ? 0 : -ENOMEM;
}

static int look(const char *path, int fd, char **ret_options) {
        struct libmnt_table *mounts = mnt_new_table_from_file("/proc/self/mountinfo");
        int r;

        if (!mounts)
                return -errno;
        /* By name alone: a canonical path needs no look at the file system. */
        (void) mnt_table_set_cache(mounts, NULL);
        r = look_at_mount(mounts, path, fd, ret_options);
        mnt_unref_table(mounts);
        return r;
}

int tmpfs_open(const char *path, int *ret_fd, char **ret_options, char **ret_why) {
        _cleanup_fd_ int fd = -EBADF;
        int r;

        if (!is_canonical(path))
                return why_set(ret_why, -EINVAL, "The path of a tmpfs has to be absolute, without "
                                "'.', '..' and doubled '/'.");
        fd = open_how(AT_FDCWD, path, O_RDONLY | O_DIRECTORY, RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS);
        if (fd == -ELOOP)
                return why_set(ret_why, -EINVAL, "%s leads over a symbolic link: name the directory itself.", path);
        if (fd < 0)
                return why_set(ret_why, fd, "Cannot open %s: %s", path, strerror(-fd));
        r = look(path, fd, ret_options);
        if (r == -ENOTSUP)
                return why_set(ret_why, r, "What is mounted at %s is no tmpfs.", path);
        if (r == -ENOTCONN)
                (void) why_set(ret_why, r, "No tmpfs is mounted at %s.", path);
        else if (r < 0)
                return why_set(ret_why, r, "Cannot tell what is mounted at %s: %s", path, strerror(-r));
        *ret_fd = TAKE_FD(fd);
        return r;
}

#define FD_PATH_BYTES (sizeof("/proc/self/fd/") + 3 * sizeof(int))

int tmpfs_mount(const char *path, int directory_fd, const char *options, int *ret_fd, char **ret_why) {
        char data[TMPFS_OPTIONS_BYTES_MAX], target[FD_PATH_BYTES];
        unsigned long flags;

        tmpfs_parse_options(options, &flags, data);
        (void) snprintf(target, sizeof(target), "/proc/self/fd/%i", directory_fd);
        if (mount("tmpfs", target, "tmpfs", flags & ~(unsigned long) MS_RDONLY, data) < 0)
                return why_set(ret_why, -errno, "Cannot mount a tmpfs at %s with the options %s: %m", path, data);
        free(*ret_why);
        *ret_why = NULL;
        return tmpfs_open(path, ret_fd, NULL, ret_why);
}

int tmpfs_seal(const char *path, int root_fd, const char *options, char **ret_why) {
        char data[TMPFS_OPTIONS_BYTES_MAX], target[FD_PATH_BYTES];
        unsigned long flags;

        tmpfs_parse_options(options, &flags, data);
        (void) snprintf(target, sizeof(target), "/proc/self/fd/%i", root_fd);
        if (flags & MS_RDONLY && mount(NULL, target, NULL, flags | MS_REMOUNT | MS_BIND, NULL) < 0)
                return why_set(ret_why, -errno, "Cannot make the tmpfs at %s read-only: %m", path);
        return 0;
}
