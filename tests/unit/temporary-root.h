/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A directory that stands for the root of the file system, and all that is put into it. One at a time. */

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "basic/cleanup.h"
#include "unit.h"

static char root[] = "/tmp/liveupdate-root-XXXXXX";

/* A line among a test's declarations; the directory is there until its end. */
#define TEMPORARY_ROOT() _cleanup_(root_removep) __attribute__((unused)) char *temporary_root = root_new()

static inline char *root_new(void) {
        strcpy(root + sizeof(root) - 7, "XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(root));
        return root;
}

static inline int root_remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw) {
        return remove(path);
}

static inline void root_removep(char **p) {
        ck_assert_int_eq(nftw(*p, root_remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

/* Static, overwritten by the next one. */
static inline const char *root_path(const char *path) {
        static char full[256];

        ck_assert_int_lt(snprintf(full, sizeof(full), "%s%s", root, path), (int) sizeof(full));
        return full;
}

/* Makes the directories on the way and the file, if they are not there. */
static inline int root_open(const char *path) {
        char *full = strdup(root_path(path));
        int fd;

        for (char *p = full + strlen(root) + 1; (p = strchr(p, '/')); p++) {
                *p = 0;
                ck_assert(mkdir(full, 0755) == 0 || errno == EEXIST);
                *p = '/';
        }
        fd = open(full, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
        ck_assert_int_ge(fd, 0);
        free(full);
        return fd;
}

/* The file's contents from now on. */
static inline void root_put_bytes(const char *path, const void *bytes, size_t size) {
        int fd = root_open(path);

        ck_assert_int_eq(ftruncate(fd, 0), 0);
        ck_assert_int_eq(write(fd, bytes, size), (ssize_t) size);
        close(fd);
}

static inline void root_put(const char *path, const char *text) {
        root_put_bytes(path, text, strlen(text));
}
