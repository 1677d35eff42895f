/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "host/settings-internal.h"

int settings_new(Settings **ret) {
        *ret = calloc(1, sizeof(Settings));
        return *ret ? 0 : -ENOMEM;
}

Settings *settings_free(Settings *settings) {
        if (!settings)
                return NULL;
        for (size_t i = 0; i < settings->n; i++) {
                free(settings->items[i].path);
                free(settings->items[i].value);
        }
        free(settings->items);
        free(settings);
        return NULL;
}

static int settings_grow(Settings *settings) {
        size_t n = settings->n_allocated ? settings->n_allocated * 2 : 256;
        KernelSetting *grown;

        if (settings->n < settings->n_allocated)
                return 0;
        grown = reallocarray(settings->items, n, sizeof(*grown));
        if (!grown)
                return -ENOMEM;
        settings->items = grown;
        settings->n_allocated = n;
        return 0;
}

int settings_append(Settings *settings, const char *path, const char *value) {
        _cleanup_free_ char *path_copy = NULL, *value_copy = NULL;
        size_t n_bytes = strlen(path) + strlen(value);

        if (settings->n >= SETTINGS_MAX || n_bytes > SETTINGS_BYTES_MAX - settings->n_bytes)
                return -E2BIG;
        path_copy = strdup(path);
        value_copy = strdup(value);
        if (!path_copy || !value_copy || settings_grow(settings) < 0)
                return -ENOMEM;
        settings->items[settings->n++] = (KernelSetting){ TAKE_PTR(path_copy), TAKE_PTR(value_copy) };
        settings->n_bytes += n_bytes;
        return 0;
}

static int compare(const void *a, const void *b) {
        return strcmp(((const KernelSetting *) a)->path, ((const KernelSetting *) b)->path);
}

void settings_sort(Settings *settings) {
        if (settings->n > 0)
                qsort(settings->items, settings->n, sizeof(*settings->items), compare);
}

KernelSetting *settings_find(const Settings *settings, const char *path) {
        const KernelSetting key = { .path = (char *) path };

        return settings->n == 0 ? NULL : bsearch(&key, settings->items, settings->n, sizeof(key), compare);
}

/* To its place among the others, which are sorted. */
static void sink_last(Settings *settings) {
        KernelSetting *items = settings->items, last = items[settings->n - 1];
        size_t i = settings->n - 1;

        for (; i > 0 && compare(&items[i - 1], &last) > 0; i--)
                items[i] = items[i - 1];
        items[i] = last;
}

int settings_put(Settings *settings, const char *path, const char *value) {
        KernelSetting *there = settings_find(settings, path);
        size_t length = strlen(value);
        char *copy;
        int r;

        if (!there) {
                r = settings_append(settings, path, value);
                if (r >= 0)
                        sink_last(settings);
                return r;
        }
        if (length > SETTINGS_BYTES_MAX - (settings->n_bytes - strlen(there->value)))
                return -E2BIG;
        copy = strdup(value);
        if (!copy)
                return -ENOMEM;
        settings->n_bytes = settings->n_bytes - strlen(there->value) + length;
        free(there->value);
        there->value = copy;
        return 0;
}

int settings_adopt(Settings *to, const Settings *from) {
        int r = 0;

        for (size_t i = 0; r >= 0 && i < from->n; i++)
                r = settings_put(to, from->items[i].path, from->items[i].value);
        return r;
}
