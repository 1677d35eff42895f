/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A setting's file. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/settings-internal.h"

#define SPACE " \t"
#define USUAL_MAX 1024U
#define POOL "/nr_hugepages"

bool setting_value_is_sound(const char *value) {
        size_t length = strlen(value);

        if (length > SETTING_VALUE_MAX)
                return false;
        for (size_t i = 0; i < length; i++)
                if (value[i] != '\t' && (value[i] < ' ' || value[i] > '~'))
                        return false;
        return true;
}

bool setting_values_are_equal(const char *a, const char *b) {
        for (;;) {
                size_t length;

                a += strspn(a, SPACE);
                b += strspn(b, SPACE);
                length = strcspn(a, SPACE);
                if (length != strcspn(b, SPACE) || strncmp(a, b, length) != 0)
                        return false;
                if (length == 0)
                        return true;
                a += length;
                b += length;
        }
}

/* In one read(2), which is all that a sysctl answers. proc_sys_call_handler() clears a buffer as large as ours each
 * time, so it is a small one first. */
static int read_line(int fd, char **ret) {
        size_t size = USUAL_MAX;

        for (;;) {
                _cleanup_free_ char *text = malloc(size + 1);
                ssize_t n;

                if (!text)
                        return -ENOMEM;
                n = pread(fd, text, size, 0);
                if (n < 0)
                        return -errno;
                if ((size_t) n == size && size == USUAL_MAX) {
                        size = SETTING_VALUE_MAX + 1;
                        continue;
                }
                if (n > 0 && text[n - 1] == '\n')
                        n--;
                text[n] = 0;
                if (strlen(text) != (size_t) n || !setting_value_is_sound(text))
                        return -EBADMSG;
                *ret = TAKE_PTR(text);
                return 0;
        }
}

/* "always [madvise] never": madvise. */
static void choose(char *text) {
        const char *open = strchr(text, '['), *close = open ? strchr(open, ']') : NULL;

        if (!close)
                return;
        memmove(text, open + 1, (size_t) (close - open - 1));
        text[close - open - 1] = 0;
}

/* Huge pages beyond the pool, which go when they are free, count as its own: mm/hugetlb_sysfs.c. */
static int take_off_surplus(int dir_fd, char *text) {
        _cleanup_fd_ int fd = openat(dir_fd, "surplus_hugepages", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
        _cleanup_free_ char *surplus = NULL;
        unsigned long long all, more;
        int r;

        if (fd < 0)
                return errno == ENOENT ? 0 : -errno;
        r = read_line(fd, &surplus);
        if (r < 0)
                return r;
        all = strtoull(text, NULL, 10);
        more = strtoull(surplus, NULL, 10);
        if (more > 0 && more <= all) /* so that it gets no longer */
                sprintf(text, "%llu", all - more);
        return 0;
}

static bool ends_with(const char *text, const char *end) {
        size_t length = strlen(text), end_length = strlen(end);

        return length >= end_length && strcmp(text + length - end_length, end) == 0;
}

int setting_read_at(int dir_fd, const char *name, const char *path, char **ret) {
        _cleanup_fd_ int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
        _cleanup_free_ char *value = NULL;
        struct stat st;
        int r;

        if (fd < 0)
                return -errno;
        if (fstat(fd, &st) < 0)
                return -errno;
        /* Root may open what nobody can read. */
        if (!S_ISREG(st.st_mode) || !(st.st_mode & 0222) || !(st.st_mode & 0444))
                return -EBADMSG;
        r = read_line(fd, &value);
        if (r < 0)
                return r;
        if (strncmp(path, "/sys/", 5) == 0)
                choose(value);
        if (ends_with(path, POOL))
                r = take_off_surplus(dir_fd, value);
        if (r >= 0)
                *ret = TAKE_PTR(value);
        return r;
}

/* Component by component, since openat2(2) is ENOSYS to whoever has RestrictSUIDSGID=: systemd's filter cannot look at
 * its flags. Takes `fd`. */
static int open_below(int fd, char *directory) {
        char *state = NULL;

        for (char *name = strtok_r(directory, "/", &state); fd >= 0 && name; name = strtok_r(NULL, "/", &state)) {
                _cleanup_fd_ int parent_fd = fd;

                fd = openat(parent_fd, name, O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
                if (fd < 0)
                        return -errno;
        }
        return fd;
}

/* The directory that it is in, and its name. */
static int open_parent(const char *root, const char *path, const char **ret_name) {
        _cleanup_free_ char *directory = strdup(path + 1);
        int fd;

        if (!directory)
                return -ENOMEM;
        *strrchr(directory, '/') = 0;
        *ret_name = strrchr(path, '/') + 1;
        fd = open(*root ? root : "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
        return fd < 0 ? -errno : open_below(fd, directory);
}

int setting_read(const char *root, const char *path, char **ret) {
        const char *name;
        _cleanup_fd_ int dir_fd = open_parent(root, path, &name);

        return dir_fd < 0 ? dir_fd : setting_read_at(dir_fd, name, path, ret);
}

/* With an end of line: of nothing at all the kernel would not hear. */
int setting_write(const char *root, const char *path, const char *value) {
        const char *name;
        _cleanup_fd_ int dir_fd = open_parent(root, path, &name), fd = -EBADF;
        _cleanup_free_ char *line = NULL;
        int length;
        ssize_t n;

        if (dir_fd < 0)
                return dir_fd;
        fd = openat(dir_fd, name, O_WRONLY | O_TRUNC | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
        if (fd < 0)
                return -errno;
        length = asprintf(&line, "%s\n", value);
        if (length < 0) {
                line = NULL;
                return -ENOMEM;
        }
        n = write(fd, line, (size_t) length);
        if (n < 0)
                return -errno;
        return n == length ? 0 : -EIO;
}
