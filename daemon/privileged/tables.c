/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdlib.h>

#include "basic/io.h"
#include "basic/json.h"
#include "host/firewall.h"
#include "privileged/tables.h"

/* Escapes make no byte of a text more than six. */
#define FILE_BYTES_MAX (6U * FIREWALL_BYTES_MAX)

int tables_write(int fd, json_object *tables) {
        _cleanup_json_ json_object *o = json_object_new_object();
        const char *text;
        size_t size;

        if (!o || json_add(o, "tables", json_object_get(tables)) < 0)
                return -ENOMEM;
        text = json_object_to_json_string_length(o, JSON_C_TO_STRING_PLAIN, &size);
        return text ? write_full(fd, text, size) : -ENOMEM;
}

int tables_read(int fd, json_object **ret) {
        _cleanup_json_ json_object *o = NULL;
        _cleanup_free_ char *text = NULL;
        json_object *tables;
        size_t size;
        int r;

        r = read_fd(fd, FILE_BYTES_MAX, &text, &size);
        if (r >= 0)
                r = json_parse_object(text, size, &o);
        if (r < 0)
                return r;
        if (json_get_array(o, "tables", &tables) < 0)
                return -EBADMSG;
        *ret = json_object_get(tables);
        return 0;
}
