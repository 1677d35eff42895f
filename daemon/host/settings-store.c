/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Settings for a successor of this process. */

#include <errno.h>
#include <string.h>

#include "basic/io.h"
#include "basic/json.h"
#include "host/settings-internal.h"

/* Quotation marks and backslashes count twice; six more bytes a setting. */
#define STORED_MAX (2U * SETTINGS_BYTES_MAX + 8U * SETTINGS_MAX + 2U)

int settings_to_fd(const Settings *settings, int *ret) {
        _cleanup_json_ json_object *o = json_object_new_object();
        const char *text;
        size_t size;

        if (!o)
                return -ENOMEM;
        for (size_t i = 0; i < settings->n; i++)
                if (json_add_string(o, settings->items[i].path, settings->items[i].value) < 0)
                        return -ENOMEM;
        text = json_object_to_json_string_length(o, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &size);
        return text ? memfd_new_with("liveupdate-settings", text, size, ret) : -ENOMEM;
}

static int append(Settings *settings, json_object *o, const char *path) {
        const char *value;
        int r;

        if (!setting_path_is_sound(path)) /* another version looked at it */
                return 0;
        if (json_get_string(o, path, &value) < 0 || !setting_value_is_sound(value))
                return -EBADMSG;
        r = settings_append(settings, path, value);
        return r == -E2BIG ? -EBADMSG : r;
}

int settings_from_fd(int fd, Settings **ret) {
        _cleanup_(settings_freep) Settings *settings = NULL;
        _cleanup_json_ json_object *o = NULL;
        _cleanup_free_ char *text = NULL;
        size_t size;
        int r = read_fd(fd, STORED_MAX, &text, &size);

        if (r >= 0)
                r = json_parse_object(text, size, &o);
        if (r < 0)
                return r == -EFBIG ? -EBADMSG : r;
        r = settings_new(&settings);
        if (r < 0)
                return r;
        json_object_object_foreach(o, path, value) {
                (void) value;
                r = append(settings, o, path);
                if (r < 0)
                        return r;
        }
        settings_sort(settings);
        *ret = TAKE_PTR(settings);
        return 0;
}
