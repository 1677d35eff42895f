/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "basic/json.h"
#include "basic/log.h"
#include "ipc/call.h"
#include "ipc/service.h"

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77 /* include/uapi/asm-generic/socket.h, Linux 6.5 */
#endif

struct VarlinkCall {
        unsigned n_ref;
        Connection *connection; /* NULL once answered, or the peer is gone */
        VarlinkGoneFunc gone;
        void *gone_userdata;
        json_object *message; /* owns method and parameters */
        const char *method;
        json_object *parameters;
        uid_t uid;
        bool wants_more, is_oneway, wants_upgrade, is_answered;
        WireFds fds;
};

static void call_fail(VarlinkCall *call, int error);

VarlinkCall *varlink_call_ref(VarlinkCall *call) {
        call->n_ref++;
        return call;
}

VarlinkCall *varlink_call_unref(VarlinkCall *call) {
        if (!call || --call->n_ref > 0)
                return NULL;

        if (!call->is_answered)
                call_fail(call, -EIO);
        wire_fds_done(&call->fds);
        json_object_put(call->message);
        free(call);
        return NULL;
}

static int get_flag(json_object *message, const char *key, bool *ret) {
        int r = json_get_bool(message, key, ret);

        return r == -ENOENT ? 0 : r;
}

static int call_parse(VarlinkCall *call) {
        int r;

        r = json_get_string(call->message, "method", &call->method);
        if (r < 0)
                return -EBADMSG;
        r = json_get_object(call->message, "parameters", &call->parameters);
        if (r == -ENOENT) {
                call->parameters = json_object_new_object();
                r = json_add(call->message, "parameters", call->parameters);
        }
        if (r < 0)
                return r;

        r = get_flag(call->message, "more", &call->wants_more);
        if (r < 0)
                return r;
        r = get_flag(call->message, "oneway", &call->is_oneway);
        if (r < 0)
                return r;
        r = get_flag(call->message, "upgrade", &call->wants_upgrade);
        if (r < 0)
                return r;

        /* Both wait for an answer that the third forbids. */
        return call->is_oneway && (call->wants_more || call->wants_upgrade) ? -EBADMSG : 0;
}

int call_new(Connection *connection, VarlinkCall **ret) {
        _cleanup_(varlink_call_unrefp) VarlinkCall *call = NULL;
        int r;

        call = calloc(1, sizeof(*call));
        if (!call)
                return -ENOMEM;
        call->n_ref = 1;
        call->is_answered = true; /* nobody to answer until it is known to be a call */
        call->uid = connection->peer.uid;

        r = wire_input_take(&connection->input, &call->message, &call->fds);
        if (r < 0)
                return r;
        r = call_parse(call);
        if (r < 0)
                return r;

        call->connection = connection;
        call->is_answered = false;
        *ret = TAKE_PTR(call);
        return 0;
}

void call_disconnect(VarlinkCall *call) {
        call->connection = NULL;
        if (call->gone)
                call->gone(call, call->gone_userdata);
}

const char *call_refusal(const VarlinkMethod *method, uid_t uid, bool wants_more) {
        if (!method->func)
                return SERVICE_ERROR("MethodNotImplemented");
        if (method->is_privileged && uid != 0)
                return SERVICE_ERROR("PermissionDenied");
        if (method->needs_more && !wants_more)
                return SERVICE_ERROR("ExpectedMore");
        return NULL;
}

static const VarlinkMethod *find_method(const VarlinkInterface *interface, const char *name) {
        for (size_t i = 0; i < interface->n_methods; i++)
                if (strcmp(interface->methods[i].name, name) == 0)
                        return interface->methods + i;
        return NULL;
}

/* An error of org.varlink.service with one parameter, or none. */
static int call_refuse(VarlinkCall *call, const char *error, const char *key, const char *value) {
        _cleanup_json_ json_object *parameters = json_object_new_object();

        if (!parameters)
                return -ENOMEM;
        if (key && json_add_string(parameters, key, value) < 0)
                return -ENOMEM;
        return varlink_call_error(call, error, TAKE_PTR(parameters));
}

static int call_enter(VarlinkCall *call) {
        const char *dot = strrchr(call->method, '.'), *error;
        size_t length = dot ? (size_t) (dot - call->method) : 0;
        _cleanup_free_ char *interface = strndup(call->method, length);
        const Registration *registration;
        const VarlinkMethod *method;

        if (!interface)
                return -ENOMEM;
        if (!dot)
                return varlink_call_invalid_parameter(call, "method");
        if (call->wants_upgrade)
                return varlink_call_invalid_parameter(call, "upgrade");
        registration = server_find_interface(call->connection->server, interface, length);
        if (!registration)
                return call_refuse(call, SERVICE_ERROR("InterfaceNotFound"), "interface", interface);
        method = find_method(registration->interface, dot + 1);
        if (!method)
                return call_refuse(call, SERVICE_ERROR("MethodNotFound"), "method", call->method);
        error = call_refusal(method, call->uid, call->wants_more);
        if (error)
                return call_refuse(call, error, method->func ? NULL : "method", call->method);

        return method->func(call, call->parameters, registration->userdata);
}

void call_dispatch(VarlinkCall *call) {
        int r = call_enter(call);

        if (r < 0) {
                log_debug_errno(r, "Method %s failed: %m", call->method);
                call_fail(call, r);
        }
}

bool varlink_call_wants_more(VarlinkCall *call) {
        return call->wants_more;
}

bool varlink_call_is_connected(VarlinkCall *call) {
        return call->connection && !call->connection->is_broken;
}

void varlink_call_on_gone(VarlinkCall *call, VarlinkGoneFunc func, void *userdata) {
        call->gone = func;
        call->gone_userdata = userdata;
}

uid_t varlink_call_uid(VarlinkCall *call) {
        return call->uid;
}

int varlink_call_pidfd(VarlinkCall *call, pid_t *ret_pid, int *ret_pidfd) {
        socklen_t size = sizeof(int);
        int pidfd;

        if (!call->connection)
                return -ENOTCONN;
        if (ret_pidfd) {
                if (getsockopt(call->connection->fd, SOL_SOCKET, SO_PEERPIDFD, &pidfd, &size) < 0)
                        return -errno;
                *ret_pidfd = pidfd;
        }
        if (ret_pid)
                *ret_pid = call->connection->peer.pid;
        return 0;
}

int varlink_call_take_fd(VarlinkCall *call, uint64_t index) {
        if (index >= call->fds.n || call->fds.fds[index] < 0)
                return -ENXIO;
        return TAKE_FD(call->fds.fds[index]);
}

static void call_finish(VarlinkCall *call) {
        Connection *connection = TAKE_PTR(call->connection);

        call->is_answered = true;
        if (connection)
                connection_call_done(connection);
}

static int call_send(VarlinkCall *call, const char *error, json_object *parameters, bool continues,
                const int *fds, size_t n_fds) {
        _cleanup_json_ json_object *message = json_object_new_object();

        if (!message) {
                json_object_put(parameters);
                return -ENOMEM;
        }
        if (json_add(message, "parameters", parameters ?: json_object_new_object()) < 0)
                return -ENOMEM;
        if (error && json_add_string(message, "error", error) < 0)
                return -ENOMEM;
        if (continues && json_add_bool(message, "continues", true) < 0)
                return -ENOMEM;
        return connection_send(call->connection, message, fds, n_fds);
}

/* Consumes `parameters`. */
static int call_answer(VarlinkCall *call, const char *error, json_object *parameters, bool continues,
                const int *fds, size_t n_fds) {
        int r = 0;

        if (call->is_answered)
                r = -EALREADY;
        if (r < 0 || !call->connection || call->is_oneway || (continues && !call->wants_more))
                json_object_put(parameters);
        else
                r = call_send(call, error, parameters, continues, fds, n_fds);
        if (r < 0)
                return r;

        if (!continues)
                call_finish(call);
        return 0;
}

int varlink_call_notify(VarlinkCall *call, json_object *parameters) {
        return call_answer(call, NULL, parameters, true, NULL, 0);
}

int varlink_call_reply(VarlinkCall *call, json_object *parameters, const int *fds, size_t n_fds) {
        return call_answer(call, NULL, parameters, false, fds, n_fds);
}

int varlink_call_error(VarlinkCall *call, const char *error, json_object *parameters) {
        return call_answer(call, error, parameters, false, NULL, 0);
}

int varlink_call_invalid_parameter(VarlinkCall *call, const char *parameter) {
        return call_refuse(call, SERVICE_ERROR("InvalidParameter"), "parameter", parameter);
}

/* Ends the call whatever happens: a client that cannot even be told of the failure is not left waiting. */
static void call_fail(VarlinkCall *call, int error) {
        _cleanup_json_ json_object *parameters = json_object_new_object();
        int r = -ENOMEM;

        if (call->is_answered)
                return;
        if (parameters && json_add_string(parameters, "origin", "linux") >= 0 &&
                        json_add_u64(parameters, "errno", (uint64_t) -error) >= 0 &&
                        json_add_string(parameters, "errnoName", strerrorname_np(-error)) >= 0)
                r = varlink_call_error(call, VARLINK_ERROR_INTERNAL, TAKE_PTR(parameters));
        if (r < 0 && call->connection)
                connection_break(call->connection);
        if (!call->is_answered)
                call_finish(call);
}
