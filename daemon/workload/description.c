/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "basic/io.h"
#include "basic/json.h"
#include "workload/workload-internal.h"

#define DESCRIPTION_BYTES 4096U
#define DESCRIPTION_BYTES_MAX (16U * 1024) /* of another version of this daemon */

/* JSON, blank to its end. */
static int description_write(const Workload *w, char text[static DESCRIPTION_BYTES]) {
        _cleanup_json_ json_object *o = json_object_new_object();
        const char *json;
        size_t size;

        if (!o || json_add_string(o, "name", w->name) < 0 || json_add_string(o, "kind", w->kind) < 0 ||
                        json_add_u64(o, "uid", w->uid) < 0 || json_add_u64(o, "ramBytes", w->ram_bytes) < 0 ||
                        json_add_u64(o, "pausedTsc", w->paused_tsc) < 0 ||
                        json_add_bool(o, "wasRunning", w->was_running) < 0)
                return -ENOMEM;
        json = json_object_to_json_string_length(o, JSON_C_TO_STRING_PLAIN, &size);
        if (!json)
                return -ENOMEM;
        if (size > DESCRIPTION_BYTES)
                return -E2BIG;
        memset(text, ' ', DESCRIPTION_BYTES);
        memcpy(text, json, size);
        return 0;
}

int workload_describe(const Workload *w, int *ret_fd) {
        char text[DESCRIPTION_BYTES];
        int r = description_write(w, text);

        return r < 0 ? r : memfd_new_with("liveupdate-description", text, sizeof(text), ret_fd);
}

int workload_describe_again(const Workload *w, int fd) {
        char text[DESCRIPTION_BYTES];
        int r = description_write(w, text);
        ssize_t n;

        if (r < 0)
                return r;
        n = pwrite(fd, text, sizeof(text), 0);
        if (n < 0)
                return -errno;
        return n == sizeof(text) ? 0 : -EIO;
}

int workload_read_description(Workload *w, int fd) {
        _cleanup_json_ json_object *o = NULL;
        _cleanup_free_ char *text = NULL;
        const char *name = NULL, *kind = NULL;
        uint64_t uid = 0;
        size_t size;
        int r;

        r = read_fd(fd, DESCRIPTION_BYTES_MAX, &text, &size);
        if (r < 0)
                return r;
        r = json_parse_object(text, size, &o);
        if (r < 0)
                return r;

        if (json_get_string(o, "name", &name) < 0 || strcmp(name, w->name) != 0 ||
                        json_get_string(o, "kind", &kind) < 0 || strcmp(kind, w->kind) != 0 ||
                        json_get_u64(o, "uid", &uid) < 0 || uid >= UINT32_MAX ||
                        json_get_u64(o, "ramBytes", &w->ram_bytes) < 0 ||
                        json_get_u64(o, "pausedTsc", &w->paused_tsc) < 0 ||
                        json_get_bool(o, "wasRunning", &w->was_running) < 0)
                return -EBADMSG;
        w->uid = (uid_t) uid;
        return 0;
}
