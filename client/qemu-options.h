/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* QEMU's command line as QEMU reads it. Private to qemu-args.c and qemu-rules.c. */

#include <stdbool.h>

/* Of the word after `option` (without its dashes): whether QEMU takes it for the option's value. `next` may
 * be NULL. */
bool qemu_option_takes_value(const char *option, const char *next);

/* 1 to go on, anything else ends the walk and is answered. */
typedef int (*QemuPropertyFunc)(const char *key, const char *value, void *userdata);

/* The properties of a value, "first,key=value,flag" or a JSON object; doubled commas are one. The first may
 * lack its key, `implied` (NULL: none). 1 when all were walked, -EBADMSG for JSON that cannot be read. */
int qemu_properties_walk(const char *text, const char *implied, QemuPropertyFunc func, void *userdata);
