/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

#include "host/settings.h"

#define SETTINGS_BYTES_MAX (4U << 20)
#define SETTING_PATH_MAX 255U
#define SETTING_VALUE_MAX 65535U /* net.ipv4.ip_local_reserved_ports can be long */

typedef struct KernelSetting {
        char *path, *value;
} KernelSetting;

struct Settings {
        KernelSetting *items; /* sorted by path, but while they are read */
        size_t n, n_allocated, n_bytes;
};

/* settings.c */
/* Behind the others, in whatever order. -E2BIG. */
int settings_append(Settings *settings, const char *path, const char *value);
void settings_sort(Settings *settings);
/* NULL: there is none of that path. */
KernelSetting *settings_find(const Settings *settings, const char *path);
/* Instead of the value that is there, or in its place among the others. */
int settings_put(Settings *settings, const char *path, const char *value);

/* settings-table.c */
extern const char *const setting_roots[]; /* fnmatch(3) by component; "**" as the last one: all below; NULL ends */
/* Whether it is left out, a file, or a directory with all that is below. Of the path itself, not of what it is in. */
bool setting_is_left_out(const char *path);
/* Whether settings_read() would look at that path, which is hostile. */
bool setting_path_is_sound(const char *path);
SettingsPass setting_pass(const char *path);
/* What is to be set first has the lower one. */
unsigned setting_rank(const char *path);

/* settings-value.c */
bool setting_value_is_sound(const char *value); /* one line of text */
/* Whether both are the same words. */
bool setting_values_are_equal(const char *a, const char *b);
/* Without the line's end; of a choice ("always [madvise] never") the word; of a pool of huge pages those that stay.
 * -ENOENT; -EBADMSG: no setting, since it is not a file, cannot be read and written, or has no value in a line of
 * text. Caller frees. */
int setting_read_at(int dir_fd, const char *name, const char *path, char **ret);
/* Below the root, through no link. */
int setting_read(const char *root, const char *path, char **ret);
int setting_write(const char *root, const char *path, const char *value);
