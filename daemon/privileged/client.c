/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <sys/stat.h>

#include "basic/io.h"
#include "basic/json.h"
#include "privileged/helper.h"
#include "privileged/privileged.h"
#include "privileged/tables.h"
#include "privileged/why.h"

#define USEC_PER_SEC 1000000ULL
#define TIMEOUT_USEC (10 * USEC_PER_SEC)
#define LOAD_TIMEOUT_USEC (30 * USEC_PER_SEC)
#define TMPFS_GIB_USEC (30 * USEC_PER_SEC) /* and as much for each one begun */
#define TMPFS_TIMEOUT_USEC_MAX (600 * USEC_PER_SEC)

static const HelperKind privileged = {
        .interface = "io.liveupdate.Privileged",
        .socket = PRIVILEGED_SOCKET,
        .unit = PRIVILEGED_UNIT,
        .program = LIVEUPDATE_LIBEXECDIR "/liveupdate-privileged",
        .variable = "LIVEUPDATE_PRIVILEGED",
};

static const HelperKind tmpfs = {
        .interface = "io.liveupdate.Tmpfs",
        .socket = PRIVILEGED_TMPFS_SOCKET,
        .unit = "liveupdate-tmpfs.socket",
        .program = LIVEUPDATE_LIBEXECDIR "/liveupdate-tmpfs",
        .variable = "LIVEUPDATE_TMPFS",
};

static const HelperKind firewall = {
        .interface = "io.liveupdate.Firewall",
        .program = LIVEUPDATE_LIBEXECDIR "/liveupdate-firewall",
        .variable = "LIVEUPDATE_FIREWALL",
};

/* Consumes `parameters`; `fd` may be -EBADF. */
static int call(const HelperKind *kind, const char *method, json_object *parameters, int fd, uint64_t timeout_usec,
                VarlinkReply *ret, char **ret_why) {
        Helper helper;
        int r;

        r = helper_open(kind, &helper, ret_why);
        if (r < 0) {
                json_object_put(parameters);
                return r;
        }
        r = helper_call(&helper, method, parameters, fd, timeout_usec, ret, ret_why);
        helper_done(&helper);
        return r;
}

static int malformed(const HelperKind *kind, char **ret_why) {
        return why_set(ret_why, -EPROTO, "%s answered what is not of its interface.", kind->program);
}

static int append_problems(json_object *answer, json_object *problems) {
        json_object *list;

        if (json_get_array(answer, "problems", &list) < 0)
                return -EPROTO;
        for (size_t i = 0; i < json_object_array_length(list); i++) {
                json_object *problem = json_object_array_get_idx(list, i);

                if (!json_object_is_type(problem, json_type_string))
                        return -EPROTO;
                if (json_append_text(problems, "%s", json_object_get_string(problem)) < 0)
                        return -ENOMEM;
        }
        return 0;
}

static int take_changes(const HelperKind *kind, json_object *answer, size_t *ret_n_changes, json_object *problems,
                char **ret_why) {
        uint64_t n;
        int r;

        if (json_get_u64(answer, "changes", &n) < 0)
                return malformed(kind, ret_why);
        r = append_problems(answer, problems);
        if (r == -EPROTO)
                return malformed(kind, ret_why);
        *ret_n_changes = (size_t) n;
        return r;
}

int privileged_set_clock(const WallClock *clock, int64_t *ret_step_nsec, char **ret_why) {
        _cleanup_json_ json_object *parameters = json_object_new_object();
        _cleanup_(varlink_reply_done) VarlinkReply reply = {};
        json_object *step;
        int r;

        *ret_why = NULL;
        if (!parameters || json_add(parameters, "clock", wall_clock_to_json(clock)) < 0)
                return -ENOMEM;
        r = call(&privileged, "SetClock", TAKE_PTR(parameters), -EBADF, TIMEOUT_USEC, &reply, ret_why);
        if (r < 0)
                return r;
        if (!json_object_object_get_ex(reply.parameters, "stepNSec", &step) ||
                        !json_object_is_type(step, json_type_int))
                return malformed(&privileged, ret_why);
        *ret_step_nsec = json_object_get_int64(step);
        return 0;
}

int privileged_list_modules(json_object **ret, char **ret_why) {
        _cleanup_(varlink_reply_done) VarlinkReply reply = {};
        json_object *modules;
        int r;

        *ret_why = NULL;
        r = call(&privileged, "ListModules", NULL, -EBADF, TIMEOUT_USEC, &reply, ret_why);
        if (r < 0)
                return r;
        if (json_get_array(reply.parameters, "modules", &modules) < 0)
                return malformed(&privileged, ret_why);
        *ret = json_object_get(modules);
        return 0;
}

int privileged_load_modules(json_object *modules, size_t *ret_n_changes, json_object *problems, char **ret_why) {
        _cleanup_json_ json_object *parameters = json_object_new_object();
        _cleanup_(varlink_reply_done) VarlinkReply reply = {};
        int r;

        *ret_why = NULL;
        if (!parameters || json_add(parameters, "modules", json_object_get(modules)) < 0)
                return -ENOMEM;
        r = call(&privileged, "LoadModules", TAKE_PTR(parameters), -EBADF, LOAD_TIMEOUT_USEC, &reply, ret_why);
        return r < 0 ? r : take_changes(&privileged, reply.parameters, ret_n_changes, problems, ret_why);
}

static uint64_t tmpfs_timeout_usec(uint64_t bytes) {
        uint64_t n = 1 + (bytes >> 30);

        return n < TMPFS_TIMEOUT_USEC_MAX / TMPFS_GIB_USEC ? n * TMPFS_GIB_USEC : TMPFS_TIMEOUT_USEC_MAX;
}

int privileged_pack_tmpfs(const char *path, int fd, uint64_t bytes_max, json_object **ret, char **ret_why) {
        _cleanup_json_ json_object *parameters = json_object_new_object();
        _cleanup_(varlink_reply_done) VarlinkReply reply = {};
        json_object *problems;
        const char *options;
        uint64_t n;
        int r;

        *ret_why = NULL;
        bytes_max = bytes_max < INT64_MAX ? bytes_max : INT64_MAX;
        if (!parameters || json_add_string(parameters, "path", path) < 0 ||
                        json_add_u64(parameters, "archive", 0) < 0 ||
                        json_add_u64(parameters, "bytesMax", bytes_max) < 0)
                return -ENOMEM;
        r = call(&tmpfs, "Pack", TAKE_PTR(parameters), fd, tmpfs_timeout_usec(bytes_max), &reply, ret_why);
        if (r < 0)
                return r;
        if (json_get_u64(reply.parameters, "files", &n) < 0 || json_get_u64(reply.parameters, "bytes", &n) < 0 ||
                        json_get_string(reply.parameters, "options", &options) < 0 ||
                        json_get_array(reply.parameters, "problems", &problems) < 0)
                return malformed(&tmpfs, ret_why);
        *ret = json_object_get(reply.parameters);
        return 0;
}

int privileged_unpack_tmpfs(const char *path, int fd, const char *options, bool may_mount, size_t *ret_n_changes,
                json_object *problems, char **ret_why) {
        _cleanup_json_ json_object *parameters = json_object_new_object();
        _cleanup_(varlink_reply_done) VarlinkReply reply = {};
        struct stat st;
        int r;

        *ret_why = NULL;
        if (fstat(fd, &st) < 0)
                return -errno;
        if (!parameters || json_add_string(parameters, "path", path) < 0 ||
                        json_add_u64(parameters, "archive", 0) < 0 ||
                        json_add_string(parameters, "options", options) < 0 ||
                        json_add_bool(parameters, "mayMount", may_mount) < 0)
                return -ENOMEM;
        r = call(&tmpfs, "Unpack", TAKE_PTR(parameters), fd, tmpfs_timeout_usec((uint64_t) st.st_size), &reply,
                        ret_why);
        return r < 0 ? r : take_changes(&tmpfs, reply.parameters, ret_n_changes, problems, ret_why);
}

int privileged_place(int pid_fd, json_object *placement, json_object *problems, char **ret_why) {
        _cleanup_json_ json_object *parameters = json_object_new_object();
        _cleanup_(varlink_reply_done) VarlinkReply reply = {};
        json_object *threads, *oom_score;
        int r;

        *ret_why = NULL;
        if (json_get_array(placement, "threads", &threads) < 0)
                return why_set(ret_why, -EBADMSG, "What is known of the threads' placement is malformed.");
        if (!json_object_object_get_ex(placement, "oomScoreAdjust", &oom_score))
                oom_score = NULL;
        if (!parameters || json_add_u64(parameters, "process", 0) < 0 ||
                        json_add(parameters, "threads", json_object_get(threads)) < 0 ||
                        (oom_score && json_add(parameters, "oomScoreAdjust", json_object_get(oom_score)) < 0))
                return -ENOMEM;
        r = call(&privileged, "Place", TAKE_PTR(parameters), pid_fd, TIMEOUT_USEC, &reply, ret_why);
        if (r >= 0 && append_problems(reply.parameters, problems) < 0)
                return malformed(&privileged, ret_why);
        return r;
}

static json_object *firewall_parameters(void) {
        _cleanup_json_ json_object *parameters = json_object_new_object();

        return parameters && json_add_u64(parameters, "tables", 0) >= 0 ? TAKE_PTR(parameters) : NULL;
}

int privileged_capture_firewall(json_object **ret, char **ret_why) {
        _cleanup_json_ json_object *parameters = firewall_parameters();
        _cleanup_(varlink_reply_done) VarlinkReply reply = {};
        _cleanup_fd_ int fd = -EBADF;
        int r;

        *ret_why = NULL;
        if (!parameters)
                return -ENOMEM;
        r = memfd_new_with("liveupdate-firewall", NULL, 0, &fd);
        if (r >= 0)
                r = call(&firewall, "Capture", TAKE_PTR(parameters), fd, TIMEOUT_USEC, &reply, ret_why);
        if (r < 0)
                return r;
        return tables_read(fd, ret) < 0 ? malformed(&firewall, ret_why) : 0;
}

int privileged_reconcile_firewall(json_object *tables, bool is_later, size_t *ret_n_changes, json_object *problems,
                char **ret_why) {
        _cleanup_json_ json_object *parameters = firewall_parameters();
        _cleanup_(varlink_reply_done) VarlinkReply reply = {};
        _cleanup_fd_ int fd = -EBADF;
        int r;

        *ret_why = NULL;
        if (!parameters || json_add_bool(parameters, "later", is_later) < 0)
                return -ENOMEM;
        r = memfd_new_with("liveupdate-firewall", NULL, 0, &fd);
        if (r >= 0)
                r = tables_write(fd, tables);
        if (r >= 0)
                r = call(&firewall, "Reconcile", TAKE_PTR(parameters), fd, TIMEOUT_USEC, &reply, ret_why);
        return r < 0 ? r : take_changes(&firewall, reply.parameters, ret_n_changes, problems, ret_why);
}
