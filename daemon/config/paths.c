/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "config/paths.h"

/* In /run is what tells of this boot: process IDs, sockets, our own report. One way to write each, so that what the
 * manifest says is what was meant. */
static bool path_is_good(const char *path) {
        size_t size = strlen(path);

        if (strcmp(path, "/run") == 0 || path[0] != '/' || size < 2 || size >= PATH_MAX || path[size - 1] == '/')
                return false;
        for (const char *p = path; *p; p = strchrnul(p + 1, '/')) {
                size_t part = strcspn(p + 1, "/");

                if (part == 0 || (part == 1 && p[1] == '.') || (part == 2 && p[1] == '.' && p[2] == '.'))
                        return false;
        }
        return true;
}

int paths_add(Config *config, const char *text) {
        char **paths, *path;

        if (!path_is_good(text))
                return -EINVAL;
        for (size_t i = 0; i < config->n_preserve_tmpfs; i++)
                if (strcmp(config->preserve_tmpfs[i], text) == 0)
                        return 0;
        if (config->n_preserve_tmpfs >= PRESERVE_TMPFS_MAX)
                return -ENOSPC;
        paths = reallocarray(config->preserve_tmpfs, config->n_preserve_tmpfs + 2, sizeof(*paths));
        if (!paths)
                return -ENOMEM;
        config->preserve_tmpfs = paths;
        path = strdup(text);
        paths[config->n_preserve_tmpfs] = path;
        if (!path)
                return -ENOMEM;
        paths[++config->n_preserve_tmpfs] = NULL;
        return 0;
}

void paths_clear(Config *config) {
        for (size_t i = 0; i < config->n_preserve_tmpfs; i++)
                free(config->preserve_tmpfs[i]);
        free(config->preserve_tmpfs);
        config->preserve_tmpfs = NULL;
        config->n_preserve_tmpfs = 0;
}

char *paths_format(const Config *config) {
        size_t size = 1;
        char *text, *p;

        for (size_t i = 0; i < config->n_preserve_tmpfs; i++)
                size += strlen(config->preserve_tmpfs[i]) + 1;
        text = p = calloc(1, size);
        for (size_t i = 0; text && i < config->n_preserve_tmpfs; i++)
                p = stpcpy(stpcpy(p, i > 0 ? " " : ""), config->preserve_tmpfs[i]);
        return text;
}

void paths_describe(char ret[static SETTING_TEXT_MAX]) {
        snprintf(ret, SETTING_TEXT_MAX, "an absolute path without . or .., such as /run/example, but not /run itself");
}
