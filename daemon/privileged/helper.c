/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "basic/json.h"
#include "basic/log.h"
#include "basic/systemd.h"
#include "privileged/helper.h"
#include "privileged/why.h"
#include "sandbox/child.h"

#define LISTEN_USEC (30ULL * 1000 * 1000) /* PID 1 has other things to do in the middle of a boot */
#define END_USEC (1000ULL * 1000)
#define ERRNO_MAX 4095
#define DECIMAL_MAX 20
#define METHOD_BYTES_MAX 128

static int fill_actions(posix_spawn_file_actions_t *actions, int fd) {
        int r = -posix_spawn_file_actions_adddup2(actions, fd, STDIN_FILENO);

        return r < 0 ? r : -posix_spawn_file_actions_addclosefrom_np(actions, STDERR_FILENO + 1);
}

/* Its messages go where the daemon's go by this variable (basic/log.h). */
static int spawn(const char *program, int fd, pid_t *ret) {
        char variable[sizeof("SYSTEMD_EXEC_PID=") + DECIMAL_MAX];
        const char *service = getenv("SYSTEMD_EXEC_PID");
        posix_spawn_file_actions_t actions;
        int r;

        (void) snprintf(variable, sizeof(variable), "SYSTEMD_EXEC_PID=%s", service ?: "");
        r = -posix_spawn_file_actions_init(&actions);
        if (r < 0)
                return r;
        r = fill_actions(&actions, fd);
        if (r >= 0)
                r = child_spawn(program, NULL, service ? variable : NULL, &actions, ret);
        (void) posix_spawn_file_actions_destroy(&actions);
        return r;
}

static int start(const char *program, Helper *helper, char **ret_why) {
        _cleanup_fd_ int ours = -EBADF, theirs = -EBADF;
        int ends[2], r;

        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
                return why_set(ret_why, -errno, "Cannot talk to %s: %m", program);
        ours = ends[0];
        theirs = ends[1];
        r = spawn(program, theirs, &helper->pid);
        if (r < 0)
                return why_set(ret_why, r, "Cannot start %s: %s", program, strerror(-r));
        r = varlink_client_take_fd(ours, &helper->client);
        if (r < 0)
                return r;
        TAKE_FD(ours);
        return 0;
}

static bool is_nobody(int error) {
        return error == -ENOENT || error == -ECONNREFUSED;
}

/* Where nobody listens yet, systemd is asked to: what only some updates need, no boot has to start. */
static int connect_listener(const HelperKind *kind, VarlinkClient **ret) {
        int r = varlink_client_connect(kind->socket, ret), k;

        if (!is_nobody(r) || !kind->unit)
                return r;
        k = systemd_start_unit("", kind->unit, LISTEN_USEC);
        if (k >= 0)
                return varlink_client_connect(kind->socket, ret);
        if (!is_nobody(k))
                log_warning_errno(k, "Cannot start %s, %s is run in the daemon's own sandbox: %m", kind->unit,
                                kind->program);
        return r;
}

int helper_open(const HelperKind *kind, Helper *ret, char **ret_why) {
        const char *program = secure_getenv(kind->variable);
        Helper helper = { .kind = kind };
        int r = -ENOENT;

        if (!program && kind->socket)
                r = connect_listener(kind, &helper.client);
        if (is_nobody(r))
                r = start(program ?: kind->program, &helper, ret_why);
        else if (r < 0)
                r = why_set(ret_why, r, "Cannot connect to %s: %s", kind->socket, strerror(-r));
        if (r < 0) {
                helper_done(&helper);
                return r;
        }
        *ret = helper;
        return 0;
}

void helper_done(Helper *helper) {
        int status;

        helper->client = varlink_client_free(helper->client);
        if (helper->pid > 0 && child_wait(&helper->pid, deadline_after(END_USEC), &status) < 0)
                child_killp(&helper->pid);
        helper->pid = 0;
}

/* Failed of its interface, io.systemd.System, or what only a wrong program says. */
static int error_of(const Helper *helper, const VarlinkReply *reply, char **ret_why) {
        const char *message = NULL;
        uint64_t number;

        if (json_get_u64(reply->parameters, "errno", &number) < 0 || number == 0 || number > ERRNO_MAX)
                return why_set(ret_why, -EPROTO, "%s answered with %s", helper->kind->interface, reply->error);
        if (json_get_string(reply->parameters, "message", &message) < 0)
                message = strerror((int) number);
        return why_set(ret_why, -(int) number, "%s", message);
}

static int call_failed(Helper *helper, const char *method, int error, char **ret_why) {
        if (error == -ETIMEDOUT) {
                if (helper->pid > 0)
                        (void) kill(helper->pid, SIGKILL);
                return why_set(ret_why, error, "%s took too long for %s.", helper->kind->program, method);
        }
        if (error == -ECONNRESET || error == -EPIPE)
                return why_set(ret_why, -ECONNRESET, "%s ended before it had answered %s: its own messages are in the "
                                "journal.", helper->kind->program, method);
        return why_set(ret_why, error, "Cannot call %s of %s: %s", method, helper->kind->program, strerror(-error));
}

int helper_call(Helper *helper, const char *method, json_object *parameters, int fd, uint64_t timeout_usec,
                VarlinkReply *ret, char **ret_why) {
        char name[METHOD_BYTES_MAX];
        VarlinkReply reply = {};
        int r;

        (void) snprintf(name, sizeof(name), "%s.%s", helper->kind->interface, method);
        varlink_client_set_timeout(helper->client, timeout_usec);
        r = varlink_client_send(helper->client, name, parameters, false, &fd, fd >= 0);
        if (r >= 0)
                r = varlink_client_receive(helper->client, &reply);
        if (r < 0)
                return call_failed(helper, method, r, ret_why);
        if (reply.error) {
                r = error_of(helper, &reply, ret_why);
                varlink_reply_done(&reply);
                return r;
        }
        *ret = reply;
        return 0;
}
