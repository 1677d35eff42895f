/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/io.h"
#include "basic/json.h"
#include "basic/log.h"
#include "workload/workload-internal.h"

/* Twice of what is needed, in whole pages: the placement may become longer until the guest stands still. A guest of
 * 1024 vCPUs, each pinned to its own processor and scheduled in real time, takes 100 KiB. */
#define DESCRIPTION_BYTES_MIN 4096U
#define DESCRIPTION_BYTES_MAX (1024U * 1024)

static int add_placement(const Workload *w, json_object *o) {
        json_object *placement;
        int r;

        if (!w->placement)
                return 0;
        r = placement_to_json(w->placement, &placement);
        return r < 0 ? r : json_add(o, "placement", placement);
}

static int to_json(const Workload *w, json_object **ret) {
        _cleanup_json_ json_object *o = json_object_new_object();

        if (!o || json_add_string(o, "name", w->name) < 0 || json_add_string(o, "kind", w->kind) < 0 ||
                        json_add_u64(o, "uid", w->uid) < 0 || json_add_u64(o, "ramBytes", w->ram_bytes) < 0 ||
                        json_add_u64(o, "pausedTsc", w->paused_tsc) < 0 ||
                        json_add_bool(o, "wasRunning", w->was_running) < 0 ||
                        add_placement(w, o) < 0)
                return -ENOMEM;
        *ret = TAKE_PTR(o);
        return 0;
}

/* JSON of at most `max` bytes. What is dispensable gives way. */
static int write_json(const Workload *w, size_t max, json_object **ret, const char **ret_text, size_t *ret_size) {
        _cleanup_json_ json_object *o = NULL;
        int r;

        r = to_json(w, &o);
        if (r < 0)
                return r;
        *ret_text = json_object_to_json_string_length(o, JSON_C_TO_STRING_PLAIN, ret_size);
        if (*ret_text && *ret_size > max && w->placement) {
                log_warning("%s: how its threads run is left to its unit after the update: it takes %zu bytes to tell, "
                            "and there is room for %zu.", w->name, *ret_size, max);
                json_object_object_del(o, "placement");
                *ret_text = json_object_to_json_string_length(o, JSON_C_TO_STRING_PLAIN, ret_size);
        }
        if (!*ret_text)
                return -ENOMEM;
        if (*ret_size > max)
                return -E2BIG;
        *ret = TAKE_PTR(o);
        return 0;
}

/* Blank to its end. */
static int fill(int fd, const char *json, size_t json_size, size_t size) {
        _cleanup_free_ char *text = malloc(size);
        ssize_t n;

        if (!text)
                return -ENOMEM;
        memset(text, ' ', size);
        memcpy(text, json, json_size);
        n = pwrite(fd, text, size, 0);
        if (n < 0)
                return -errno;
        return (size_t) n == size ? 0 : -EIO;
}

int workload_describe(const Workload *w, int *ret_fd) {
        _cleanup_json_ json_object *o = NULL;
        _cleanup_fd_ int fd = -EBADF;
        size_t json_size, size;
        const char *json;
        int r;

        r = write_json(w, DESCRIPTION_BYTES_MAX, &o, &json, &json_size);
        if (r < 0)
                return r;
        size = (2 * json_size + DESCRIPTION_BYTES_MIN - 1) / DESCRIPTION_BYTES_MIN * DESCRIPTION_BYTES_MIN;
        if (size > DESCRIPTION_BYTES_MAX)
                size = DESCRIPTION_BYTES_MAX;
        r = memfd_new_with("liveupdate-description", NULL, size, &fd);
        if (r >= 0)
                r = fill(fd, json, json_size, size);
        if (r < 0)
                return r;
        *ret_fd = TAKE_FD(fd);
        return 0;
}

int workload_describe_again(const Workload *w, int fd) {
        _cleanup_json_ json_object *o = NULL;
        const char *json;
        size_t json_size;
        struct stat st;
        int r;

        if (fstat(fd, &st) < 0)
                return -errno;
        r = write_json(w, (size_t) st.st_size, &o, &json, &json_size);
        return r < 0 ? r : fill(fd, json, json_size, (size_t) st.st_size);
}

/* A guest comes back without, too. */
static void read_placement(Workload *w, json_object *o) {
        json_object *placement;
        int r = json_get_object(o, "placement", &placement);

        w->placement = placement_free(w->placement);
        if (r >= 0)
                r = placement_from_json(placement, &w->placement);
        if (r < 0 && r != -ENOENT)
                log_warning_errno(r, "%s: what is told of how its threads ran cannot be read, they run as its unit "
                                     "says: %m", w->name);
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
        read_placement(w, o);
        return 0;
}
