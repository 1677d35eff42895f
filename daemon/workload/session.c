/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A workload's own LUO session: its RAM, its device state, and a description of both. */

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "basic/io.h"
#include "basic/json.h"
#include "luo/luo.h"
#include "workload/workload-internal.h"

#define SESSION_PREFIX "liveupdated/"
#define DESCRIPTION_BYTES_MAX (16U * 1024)

static_assert(sizeof(SESSION_PREFIX) - 1 + WORKLOAD_NAME_MAX <= LUO_SESSION_NAME_MAX, "a session's name must fit");

char *workload_session_name(const char *name) {
        char *s;

        return asprintf(&s, SESSION_PREFIX "%s", name) < 0 ? NULL : s;
}

int workload_create_session(Workload *w, int device_fd) {
        _cleanup_free_ char *name = workload_session_name(w->name);
        int fd;

        if (!name)
                return -ENOMEM;
        fd = luo_session_create(device_fd, name);
        if (fd < 0)
                return fd;
        w->session_fd = fd;
        return 0;
}

static int workload_describe(const Workload *w, int *ret_fd) {
        _cleanup_json_ json_object *o = json_object_new_object();
        const char *text;

        if (!o || json_add_string(o, "name", w->name) < 0 || json_add_string(o, "kind", w->kind) < 0 ||
                        json_add_u64(o, "uid", w->uid) < 0 || json_add_u64(o, "ramBytes", w->ram_bytes) < 0 ||
                        json_add_u64(o, "pausedTsc", w->paused_tsc) < 0 ||
                        json_add_bool(o, "wasRunning", w->was_running) < 0)
                return -ENOMEM;
        text = json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN);
        return text ? memfd_new_with("liveupdate-description", text, strlen(text), ret_fd) : -ENOMEM;
}

int workload_preserve_state(Workload *w) {
        _cleanup_fd_ int description_fd = -EBADF;
        int r;

        r = workload_describe(w, &description_fd);
        if (r < 0)
                return r;
        r = luo_session_preserve(w->session_fd, TOKEN_DESCRIPTION, description_fd);
        if (r < 0)
                return r;
        return luo_session_preserve(w->session_fd, TOKEN_STATE, w->state_fd);
}

void workload_drop_session(Workload *w) {
        w->session_fd = fd_close(w->session_fd);
        w->state_fd = fd_close(w->state_fd);
}

static int workload_read_description(Workload *w, int fd) {
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

int workload_take_preserved(Workload *w) {
        _cleanup_fd_ int description_fd = -EBADF;
        struct stat st;
        int r;

        description_fd = luo_session_retrieve_fd(w->session_fd, TOKEN_DESCRIPTION);
        r = description_fd < 0 ? description_fd : workload_read_description(w, description_fd);
        if (r < 0) {
                workload_set_problem(w, "its description did not come over: %s", strerror(-r));
                return r;
        }

        w->ram_fd = luo_session_retrieve_fd(w->session_fd, TOKEN_RAM);
        w->state_fd = luo_session_retrieve_fd(w->session_fd, TOKEN_STATE);
        if (w->ram_fd < 0 || w->state_fd < 0) {
                r = w->ram_fd < 0 ? w->ram_fd : w->state_fd;
                workload_set_problem(w, "its %s did not come over: %s", w->ram_fd < 0 ? "memory" : "device state",
                                strerror(-r));
                return r;
        }

        if (fstat(w->ram_fd, &st) < 0 || (uint64_t) st.st_size != w->ram_bytes) {
                workload_set_problem(w, "its memory came over with another size");
                return -EBADMSG;
        }
        return 0;
}

int workload_finish(Workload *w) {
        int r = luo_session_finish(w->session_fd);

        if (r < 0) {
                workload_set_problem(w, "its session could not be finished: %s", strerror(-r));
                return r;
        }
        workload_drop_session(w);
        w->is_preserved = false;
        return 0;
}
