/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "config/config.h"

#define CONFIG_FILE_BYTES_MAX (64U * 1024U)
#define CONFIG_PROBLEMS_MAX 64

struct ConfigOrigin {
        char *text; /* "FILE:LINE"; NULL: nothing set it */
};

struct ConfigProblem {
        char *text;
};

/* All answer 0 or -ENOMEM, and nothing else. */

/* The defaults. */
int config_new(Config **ret);

/* Every file below `root`, in order. */
int config_read_files(Config *config, const char *root);

/* Exactly `size` hostile bytes over what is set already. `file` is their name in problems and origins. */
int config_apply(Config *config, const char *file, const char *text, size_t size);

/* Notes a problem; line 0 is none. What comes after the last that has room is only said to be there. */
int config_note(Config *config, const char *file, unsigned line, const char *format, ...)
                __attribute__((format(printf, 4, 5)));

/* Hostile text fit for a message: printable ASCII as it is, other bytes as \xNN, cut after `max` bytes with
 * "...". Caller frees; NULL for want of memory. */
char *config_printable(const char *text, size_t max);
