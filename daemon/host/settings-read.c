/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* All settings of the running kernel. */

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/settings-internal.h"

#define DEPTH_MAX 16U /* /proc/sys has six */

typedef struct Reading {
        Settings *settings;
        char path[SETTING_PATH_MAX + 1]; /* below the root; where the reading is */
} Reading;

static bool read_passes_over(int error) {
        return error < 0 && error != -ENOMEM && error != -E2BIG && error != -EMFILE && error != -ENFILE;
}

static int read_file(Reading *reading, int dir_fd, const char *name) {
        _cleanup_free_ char *value = NULL;
        int r = setting_read_at(dir_fd, name, reading->path, &value);

        if (r >= 0)
                r = settings_append(reading->settings, reading->path, value);
        /* What was never set may have no value (stable_secret), what belongs to a module may just have gone. */
        return read_passes_over(r) ? 0 : r;
}

static int read_directory(Reading *reading, int parent_fd, const char *name, const char *pattern, unsigned depth);

/* `pattern` is what is left of it from this component on. */
static int read_entry(Reading *reading, int dir_fd, const struct dirent *d, const char *pattern, unsigned depth) {
        size_t length = strlen(reading->path);
        const char *slash = strchr(pattern, '/'), *rest = slash ? slash + 1 : pattern;
        bool is_everything = strcmp(pattern, "**") == 0;
        char component[SETTING_PATH_MAX + 1];
        int r = 0;

        if (d->d_name[0] == '.' || length + 1 + strlen(d->d_name) > SETTING_PATH_MAX)
                return 0;
        snprintf(component, sizeof(component), "%.*s", (int) strcspn(pattern, "/"), pattern);
        if (!is_everything && fnmatch(component, d->d_name, 0) != 0)
                return 0;
        reading->path[length] = '/';
        strcpy(reading->path + length + 1, d->d_name);
        if (setting_is_left_out(reading->path))
                r = 0;
        else if (d->d_type == DT_DIR && (slash || is_everything))
                r = read_directory(reading, dir_fd, d->d_name, rest, depth + 1);
        else if (d->d_type == DT_REG && !slash)
                r = read_file(reading, dir_fd, d->d_name);
        reading->path[length] = 0;
        return r;
}

static int read_directory(Reading *reading, int parent_fd, const char *name, const char *pattern, unsigned depth) {
        int fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
        _cleanup_closedir_ DIR *dir = fd < 0 ? NULL : fdopendir(fd);
        int r = fd < 0 || dir ? 0 : -errno;

        if (fd < 0)
                return read_passes_over(-errno) ? 0 : -errno;
        if (!dir) {
                fd_close(fd);
                return r;
        }
        for (struct dirent *d; r >= 0 && depth < DEPTH_MAX && (d = readdir(dir));)
                r = read_entry(reading, fd, d, pattern, depth);
        return r;
}

/* What comes before the first wildcard is opened as it is. */
static int read_root(Reading *reading, const char *root, const char *pattern) {
        _cleanup_free_ char *full = NULL;
        size_t length = strcspn(pattern, "*");

        while (pattern[length - 1] != '/')
                length--;
        snprintf(reading->path, sizeof(reading->path), "%.*s", (int) length - 1, pattern);
        if (asprintf(&full, "%s%s", root, reading->path) < 0) {
                full = NULL;
                return -ENOMEM;
        }
        return read_directory(reading, AT_FDCWD, full, pattern + length, 0);
}

int settings_read(const char *root, Settings **ret) {
        _cleanup_(settings_freep) Settings *settings = NULL;
        Reading reading = {};
        int r = settings_new(&settings);

        reading.settings = settings;
        for (const char *const *pattern = setting_roots; r >= 0 && *pattern; pattern++)
                r = read_root(&reading, root, *pattern);
        if (r < 0)
                return r;
        settings_sort(settings);
        *ret = TAKE_PTR(settings);
        return 0;
}
