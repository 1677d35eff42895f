/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Varlink on a stream socket: NUL-terminated JSON, `more`, `oneway`, errors with parameters, introspection
 * by org.varlink.service, and fds as SCM_RIGHTS beside a message. https://varlink.org is the reference for
 * the wire. */

#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <systemd/sd-event.h>

#include "basic/cleanup.h"

/* Bounds; whoever exceeds one loses his connection, nobody else's. */
#define VARLINK_MESSAGE_BYTES_MAX (1U << 20)
#define VARLINK_FDS_MAX 16U          /* per message */
#define VARLINK_CONNECTIONS_MAX 128U /* per server */
#define VARLINK_CONNECTIONS_PER_UID_MAX 64U
#define VARLINK_BACKLOG_BYTES_MAX (4U << 20)       /* answers not yet taken, per connection */
#define VARLINK_REQUEST_USEC (30ULL * 1000 * 1000) /* to complete a message begun, to take an answer */

/* An internal failure, in terms that systemd's tools know: {"origin": "linux", "errno", "errnoName"}. */
#define VARLINK_ERROR_INTERNAL "io.systemd.System"

typedef struct VarlinkServer VarlinkServer;
typedef struct VarlinkCall VarlinkCall;

/* A negative answer is an internal failure, and the caller is told so, if not answered yet. With 0 the
 * method has answered, or has taken a reference and will: the connection reads no further call before that.
 * `parameters` lives as long as the call. */
typedef int (*VarlinkMethodFunc)(VarlinkCall *call, json_object *parameters, void *userdata);

typedef struct VarlinkMethod {
        const char *name;       /* without the interface */
        VarlinkMethodFunc func; /* NULL: org.varlink.service.MethodNotImplemented */
        bool is_privileged;     /* for uid 0 only: others get org.varlink.service.PermissionDenied */
        bool needs_more;        /* without `more`: org.varlink.service.ExpectedMore */
} VarlinkMethod;

typedef struct VarlinkInterface {
        const char *name;
        const char *description; /* the text of the .varlink file */
        const VarlinkMethod *methods;
        size_t n_methods;
} VarlinkInterface;

int varlink_server_new(sd_event *event, const char *product, const char *version, VarlinkServer **ret);
VarlinkServer *varlink_server_free(VarlinkServer *server);
DEFINE_CLEANUP(VarlinkServer *, varlink_server_free)

/* Of the event sources of the server and its connections, sd_event_source_set_priority(). */
int varlink_server_set_priority(VarlinkServer *server, int64_t priority);

/* As long as it does not, who connects waits in the kernel; connections that are there are served. True at first. */
void varlink_server_set_accepting(VarlinkServer *server, bool is_accepting);

/* The interface is borrowed and must outlive the server. -EEXIST if there is one of that name. */
int varlink_server_add_interface(VarlinkServer *server, const VarlinkInterface *interface, void *userdata);

/* Binds a listening socket at the absolute `path`, replacing one on which nobody accepts (-EADDRINUSE if
 * somebody does, -EEXIST if it is no socket), and removes it with the server. Or takes a listening one from
 * socket activation; on failure it stays the caller's. */
int varlink_server_listen(VarlinkServer *server, const char *path, mode_t mode);
int varlink_server_take_listen_fd(VarlinkServer *server, int fd);

/* Serves a connected, non-blocking socket. On failure it stays the caller's; -EUSERS if a limit forbids it. */
int varlink_server_take_connection_fd(VarlinkServer *server, int fd);
bool varlink_server_has_connections(const VarlinkServer *server);

/* A call that is not answered when its last reference goes answers with an internal error by itself. */
VarlinkCall *varlink_call_ref(VarlinkCall *call);
VarlinkCall *varlink_call_unref(VarlinkCall *call);
DEFINE_CLEANUP(VarlinkCall *, varlink_call_unref)

bool varlink_call_wants_more(VarlinkCall *call);
bool varlink_call_is_connected(VarlinkCall *call); /* and not answered */
uid_t varlink_call_uid(VarlinkCall *call);

/* Who connected; either pointer may be NULL. -ENOTCONN if answered or gone. The pid may be another's by now,
 * the pidfd (SO_PEERPIDFD, Linux 6.5) never is. */
int varlink_call_pidfd(VarlinkCall *call, pid_t *ret_pid, int *ret_pidfd);

/* Called once if the peer goes before the answer; a kept reference may be dropped from inside. */
typedef void (*VarlinkGoneFunc)(VarlinkCall *call, void *userdata);
void varlink_call_on_gone(VarlinkCall *call, VarlinkGoneFunc func, void *userdata);

/* fd number `index` of those beside the call: taken (then the caller's), or -ENXIO. */
int varlink_call_take_fd(VarlinkCall *call, uint64_t index);

/* Answers. `parameters` is consumed, NULL means {}; fds are duplicated. `notify` is one of a `more` series
 * and leaves the call open (without `more` nothing is sent); the others end it. A peer that is gone is no
 * error. The bytes are sent at once as far as the socket takes them, so that a progress message is out
 * before a blocking step begins. -EALREADY after the end, -EMSGSIZE for an answer over the bound; a failure
 * leaves the call open. */
int varlink_call_notify(VarlinkCall *call, json_object *parameters);
int varlink_call_reply(VarlinkCall *call, json_object *parameters, const int *fds, size_t n_fds);
int varlink_call_error(VarlinkCall *call, const char *error, json_object *parameters);
/* org.varlink.service.InvalidParameter */
int varlink_call_invalid_parameter(VarlinkCall *call, const char *parameter);

/* The blocking client, for command-line programs. */
typedef struct VarlinkClient VarlinkClient;

int varlink_client_connect(const char *path, VarlinkClient **ret);
/* A connected, blocking stream socket, such as one end of a socketpair whose other is ssh's stdin and
 * stdout. On failure it stays the caller's. */
int varlink_client_take_fd(int fd, VarlinkClient **ret);
VarlinkClient *varlink_client_free(VarlinkClient *client);
DEFINE_CLEANUP(VarlinkClient *, varlink_client_free)

/* What is received from now on has to be there within that time, all together: -ETIMEDOUT. */
void varlink_client_set_timeout(VarlinkClient *client, uint64_t timeout_usec);

/* An answer: parameters (never NULL), and the error's name or NULL. Everything in it is freed with it. */
typedef struct VarlinkReply {
        json_object *parameters;
        char *error;
        bool continues;
        int fds[VARLINK_FDS_MAX];
        size_t n_fds;
} VarlinkReply;

void varlink_reply_done(VarlinkReply *reply);

/* Sends; `parameters` is consumed, fds are lent. -ECONNRESET when the peer is gone. */
int varlink_client_send(VarlinkClient *client, const char *method, json_object *parameters, bool more,
                const int *fds, size_t n_fds);
/* Waits for the next answer. -ECONNRESET when the peer is gone, -EBADMSG when it speaks no varlink. */
int varlink_client_receive(VarlinkClient *client, VarlinkReply *ret);
