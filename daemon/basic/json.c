/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "basic/json.h"

#define JSON_DEPTH_MAX 32

int json_parse_object(const char *text, size_t size, json_object **ret) {
        struct json_tokener *tokener;
        json_object *o;
        bool whole;

        if (size > INT_MAX - 1)
                return -EBADMSG;
        tokener = json_tokener_new_ex(JSON_DEPTH_MAX);
        if (!tokener)
                return -ENOMEM;

        json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_ALLOW_TRAILING_CHARS);
        o = json_tokener_parse_ex(tokener, text, (int) size);
        whole = json_tokener_get_error(tokener) == json_tokener_success;
        for (size_t i = json_tokener_get_parse_end(tokener); whole && i < size; i++)
                whole = strchr(" \t\r\n", text[i]) && text[i];
        json_tokener_free(tokener);

        if (!whole || !json_object_is_type(o, json_type_object)) {
                json_object_put(o);
                return -EBADMSG;
        }

        *ret = o;
        return 0;
}

static int json_get(json_object *o, const char *key, enum json_type type, json_object **ret) {
        json_object *value;

        if (!json_object_is_type(o, json_type_object))
                return -EBADMSG;
        if (!json_object_object_get_ex(o, key, &value) || !value)
                return -ENOENT;
        if (!json_object_is_type(value, type))
                return -EBADMSG;
        *ret = value;
        return 0;
}

int json_get_string(json_object *o, const char *key, const char **ret) {
        json_object *value;
        int r = json_get(o, key, json_type_string, &value);

        if (r < 0)
                return r;
        /* A string with a NUL inside would be read short by everything after us. */
        if (strlen(json_object_get_string(value)) != (size_t) json_object_get_string_len(value))
                return -EBADMSG;
        *ret = json_object_get_string(value);
        return 0;
}

int json_get_u64(json_object *o, const char *key, uint64_t *ret) {
        json_object *value;
        int r = json_get(o, key, json_type_int, &value);

        if (r < 0)
                return r;
        if (json_object_get_int64(value) < 0)
                return -ERANGE;
        *ret = json_object_get_uint64(value);
        return 0;
}

int json_get_bool(json_object *o, const char *key, bool *ret) {
        json_object *value;
        int r = json_get(o, key, json_type_boolean, &value);

        if (r < 0)
                return r;
        *ret = json_object_get_boolean(value);
        return 0;
}

int json_get_object(json_object *o, const char *key, json_object **ret) {
        return json_get(o, key, json_type_object, ret);
}

int json_get_array(json_object *o, const char *key, json_object **ret) {
        return json_get(o, key, json_type_array, ret);
}

int json_add(json_object *o, const char *key, json_object *value) {
        if (!value)
                return -ENOMEM;
        if (json_object_object_add(o, key, value) < 0) {
                json_object_put(value);
                return -ENOMEM;
        }
        return 0;
}

int json_add_string(json_object *o, const char *key, const char *value) {
        return value ? json_add(o, key, json_object_new_string(value)) : 0;
}

int json_add_u64(json_object *o, const char *key, uint64_t value) {
        return json_add(o, key, json_object_new_uint64(value));
}

int json_add_bool(json_object *o, const char *key, bool value) {
        return json_add(o, key, json_object_new_boolean(value));
}

int json_append_text(json_object *list, const char *format, ...) {
        _cleanup_free_ char *text = NULL;
        json_object *s;
        va_list ap;
        int n;

        va_start(ap, format);
        n = vasprintf(&text, format, ap);
        va_end(ap);
        if (n < 0) {
                text = NULL;
                return -ENOMEM;
        }
        s = json_object_new_string(text);
        if (s && json_object_array_add(list, s) >= 0)
                return 0;
        json_object_put(s);
        return -ENOMEM;
}
