/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "basic/io.h"
#include "trust/trust-d.h"

/* Of files of the same name the one of the first directory counts, as for the configuration. */
static const char *const directories[] = {
        "/etc/liveupdate/trust.d",
        "/run/liveupdate/trust.d",
        "/usr/lib/liveupdate/trust.d",
};

typedef struct Names {
        char **items;
        size_t n;
} Names;

static void names_done(Names *names) {
        for (size_t i = 0; i < names->n; i++)
                free(names->items[i]);
        free(names->items);
}

/* 1 if it is new. */
static int names_add(Names *names, const char *name) {
        char **items;

        for (size_t i = 0; i < names->n; i++)
                if (strcmp(names->items[i], name) == 0)
                        return 0;
        items = reallocarray(names->items, names->n + 1, sizeof(*items));
        if (!items)
                return -ENOMEM;
        names->items = items;
        items[names->n] = strdup(name);
        if (!items[names->n])
                return -ENOMEM;
        names->n++;
        return 1;
}

static bool is_certificate(const char *name) {
        static const char *const suffixes[] = { ".pem", ".crt", ".cer", ".der" };
        size_t size = strlen(name);

        if (name[0] == '.' || size < 4)
                return false;
        for (size_t i = 0; i < ELEMENTSOF(suffixes); i++)
                if (strcmp(name + size - 4, suffixes[i]) == 0)
                        return true;
        return false;
}

/* 1 for a mask. The file is looked at before it is opened for reading, which would wait on a FIFO. */
static int certificate_read(int dir_fd, const char *name, char **ret, size_t *ret_size) {
        _cleanup_fd_ int fd = openat(dir_fd, name, O_PATH | O_CLOEXEC);
        struct stat st;

        if (fd < 0 || fstat(fd, &st) < 0)
                return -errno;
        if (S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3)) /* Documentation/admin-guide/devices.txt */
                return 1;
        if (!S_ISREG(st.st_mode))
                return S_ISDIR(st.st_mode) ? -EISDIR : -EINVAL;
        return read_fd(fd, MATERIAL_FILE_BYTES_MAX, ret, ret_size);
}

static int certificate_add(Material *material, int dir_fd, const char *directory, const char *name) {
        _cleanup_free_ char *path = NULL;
        char *data = NULL;
        size_t size = 0;
        int r;

        r = certificate_read(dir_fd, name, &data, &size);
        if (r > 0)
                return 0;
        if (r == -ENOMEM || asprintf(&path, "%s/%s", directory, name) < 0) {
                free(data);
                return -ENOMEM;
        }
        return material_add(material, MATERIAL_CERTIFICATES, path, r, data, size);
}

/* A directory that is not there is none; one that cannot be read is told. */
static int directory_add(Material *material, Names *names, const char *root, const char *directory) {
        _cleanup_closedir_ DIR *dir = NULL;
        _cleanup_free_ char *path = NULL;
        const struct dirent *entry;
        int r = 0;

        if (asprintf(&path, "%s%s", root, directory) < 0)
                return -ENOMEM;
        dir = opendir(path);
        if (!dir && (errno == ENOENT || errno == ENOTDIR))
                return 0;
        if (!dir)
                return material_add(material, MATERIAL_CERTIFICATES, directory, -errno, NULL, 0);

        while (r >= 0 && (entry = readdir(dir))) {
                if (!is_certificate(entry->d_name))
                        continue;
                if (names->n >= MATERIAL_FILES_MAX)
                        return material_add(material, MATERIAL_CERTIFICATES, directory, -E2BIG, NULL, 0);
                r = names_add(names, entry->d_name);
                if (r > 0)
                        r = certificate_add(material, dirfd(dir), directory, entry->d_name);
        }
        return r;
}

int trust_d_add(Material *material, const char *root) {
        _cleanup_(names_done) Names names = {};
        int r = 0;

        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(directories); i++)
                r = directory_add(material, &names, root, directories[i]);
        return r < 0 ? r : 0;
}
