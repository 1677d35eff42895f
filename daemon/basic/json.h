/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>

#include "basic/cleanup.h"

static inline void json_putp(json_object **p) {
        if (*p)
                json_object_put(*p);
}
#define _cleanup_json_ _cleanup_(json_putp)

/* Parses exactly `size` bytes of hostile text. -EBADMSG on anything but one JSON object of at most 32 levels;
 * trailing white space is fine, trailing text is not. */
int json_parse_object(const char *text, size_t size, json_object **ret);

/* Members by name; what they answer belongs to `o`. -ENOENT where there is none (or null), -EBADMSG where it is
 * of another type, -ERANGE for numbers out of range. *ret is left alone on error, so defaults can be preset. */
int json_get_string(json_object *o, const char *key, const char **ret);
int json_get_u64(json_object *o, const char *key, uint64_t *ret);
int json_get_bool(json_object *o, const char *key, bool *ret);
int json_get_object(json_object *o, const char *key, json_object **ret);
int json_get_array(json_object *o, const char *key, json_object **ret);

/* Adds a member, consuming `value` on failure too. 0 or -ENOMEM; a chain of them may be or-ed and tested once. */
int json_add(json_object *o, const char *key, json_object *value);
int json_add_string(json_object *o, const char *key, const char *value); /* NULL adds nothing */
int json_add_u64(json_object *o, const char *key, uint64_t value);
int json_add_bool(json_object *o, const char *key, bool value);

/* Appends a string to an array: 0 or -ENOMEM. */
int json_append_text(json_object *list, const char *format, ...) __attribute__((format(printf, 2, 3)));
