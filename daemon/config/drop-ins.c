/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "config/config-internal.h"
#include "config/files.h"

#define DROP_IN_DIRECTORY CONFIG_FILE_NAME ".d"
#define DROP_INS_MAX 256

typedef struct DropIn {
        char *name;
        size_t directory;
} DropIn;

typedef struct DropIns {
        DropIn *items;
        size_t n;
} DropIns;

static void drop_ins_done(DropIns *drop_ins) {
        for (size_t i = 0; i < drop_ins->n; i++)
                free(drop_ins->items[i].name);
        free(drop_ins->items);
}

static bool is_drop_in(const struct dirent *entry) {
        size_t size = strlen(entry->d_name), suffix = strlen(".conf");

        return entry->d_name[0] != '.' && size > suffix &&
                        strcmp(entry->d_name + size - suffix, ".conf") == 0;
}

static int drop_ins_add(DropIns *drop_ins, const char *name, size_t directory) {
        DropIn *items = reallocarray(drop_ins->items, drop_ins->n + 1, sizeof(*items));
        char *copy;

        if (!items)
                return -ENOMEM;
        drop_ins->items = items;
        copy = strdup(name);
        if (!copy)
                return -ENOMEM;
        items[drop_ins->n++] = (DropIn){ copy, directory };
        return 0;
}

static int drop_ins_collect(DropIns *drop_ins, Config *config, const char *root, size_t directory) {
        _cleanup_free_ char *path = NULL, *label = NULL;
        _cleanup_closedir_ DIR *dir = NULL;
        struct dirent *entry;
        int r = 0;

        if (asprintf(&path, "%s%s/" DROP_IN_DIRECTORY, root, config_directories[directory]) < 0)
                return -ENOMEM;
        label = config_printable(path, PATH_MAX);
        if (!label)
                return -ENOMEM;
        if (config_is_absent(path))
                return 0;
        dir = opendir(path);
        if (!dir)
                return config_note_unreadable(config, label, -errno);

        while (r == 0) {
                errno = 0;
                entry = readdir(dir);
                if (!entry)
                        return errno != 0 ? config_note_unreadable(config, label, -errno) : 0;
                if (is_drop_in(entry))
                        r = drop_ins_add(drop_ins, entry->d_name, directory);
        }
        return r;
}

static int drop_in_compare(const void *a, const void *b) {
        const DropIn *x = a, *y = b;
        int order = strcmp(x->name, y->name);

        return order != 0 ? order : (x->directory > y->directory) - (x->directory < y->directory);
}

static int drop_in_read(const DropIn *drop_in, Config *config, const char *root) {
        _cleanup_free_ char *path = NULL;

        if (asprintf(&path, "%s%s/" DROP_IN_DIRECTORY "/%s", root, config_directories[drop_in->directory],
                            drop_in->name) < 0)
                return -ENOMEM;
        return config_read_file(config, path);
}

int config_read_drop_ins(Config *config, const char *root) {
        _cleanup_(drop_ins_done) DropIns drop_ins = { 0 };
        const char *last = "";
        size_t n = 0;
        int r;

        for (size_t i = 0; i < N_CONFIG_DIRECTORIES; i++) {
                r = drop_ins_collect(&drop_ins, config, root, i);
                if (r < 0)
                        return r;
        }
        if (drop_ins.n > 0)
                qsort(drop_ins.items, drop_ins.n, sizeof(*drop_ins.items), drop_in_compare);

        for (size_t i = 0; i < drop_ins.n; i++) {
                if (strcmp(drop_ins.items[i].name, last) == 0)
                        continue;
                last = drop_ins.items[i].name;
                if (++n > DROP_INS_MAX)
                        return config_note(config, DROP_IN_DIRECTORY, 0,
                                        "more than %i drop-ins, the rest is passed over", DROP_INS_MAX);
                r = drop_in_read(&drop_ins.items[i], config, root);
                if (r < 0)
                        return r;
        }
        return 0;
}
