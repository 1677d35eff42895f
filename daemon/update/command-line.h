/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The next kernel's command line: where it comes from, and what a live update needs of it. */

#include <stdbool.h>
#include <stddef.h>

typedef enum CommandLineOrigin {
        COMMAND_LINE_OF_IMAGE,   /* of the image and its addons */
        COMMAND_LINE_OF_ENTRY,   /* of a boot loader entry */
        COMMAND_LINE_OF_RUNNING, /* the running kernel's */
        COMMAND_LINE_GIVEN,
        _COMMAND_LINE_ORIGIN_MAX,
} CommandLineOrigin;

const char *command_line_origin_to_string(CommandLineOrigin origin); /* "image", "entry", "running", "given" */
int command_line_origin_from_string(const char *name);               /* -EINVAL */

/* What has to be put behind `base` so that the next kernel takes over what this one hands it: kho=on, liveupdate=on,
 * unless the last word on either is that already; `wish`, a word that saves time (NULL: none), unless it is there; and
 * memory for the kernel's log, so that the shutdown can be told from the jump, the same that the `running` command line
 * has, unless `base` has ramoops of its own. The latter two only as long as it all stays within `bytes_max`;
 * *ret_lacks_trace says that the log's memory did not. Caller frees *ret, which is "" where nothing is missing. -ENOMEM. */
int command_line_additions(const char *base, const char *running, const char *wish, size_t bytes_max, char **ret,
                bool *ret_lacks_trace);

/* `base` with them, ahead of what is for init. Caller frees; NULL: no memory. */
char *command_line_join(const char *base, const char *additions);

int command_line_of_running_kernel(char **ret);
