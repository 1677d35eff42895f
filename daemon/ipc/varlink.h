/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Varlink on a stream socket: NUL-terminated JSON, `more`, `oneway`, errors with parameters, introspection by
 * org.varlink.service, and fds as SCM_RIGHTS beside a message. https://varlink.org is the reference for the wire. */

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
#define VARLINK_REQUEST_USEC (30ULL * 1000 * 1000) /* to complete a message once begun, to take an answer */

typedef struct VarlinkServer VarlinkServer;
typedef struct VarlinkCall VarlinkCall;

/* A negative answer is an internal failure, and the caller is told so. With 0 the method has answered, or has taken
 * a reference and will: the connection reads no further call before that. */
typedef int (*VarlinkMethodFunc)(VarlinkCall *call, json_object *parameters, void *userdata);

typedef struct VarlinkMethod {
        const char *name; /* without the interface */
        VarlinkMethodFunc func;
        bool is_privileged; /* for uid 0 only: others get org.varlink.service.PermissionDenied */
        bool needs_more;    /* without `more`: org.varlink.service.ExpectedMore */
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

/* The interface is borrowed and must outlive the server. */
int varlink_server_add_interface(VarlinkServer *server, const VarlinkInterface *interface, void *userdata);

/* Binds a listening socket at `path` (replacing a stale one), or takes a listening one from socket activation. */
int varlink_server_listen(VarlinkServer *server, const char *path, mode_t mode);
int varlink_server_take_listen_fd(VarlinkServer *server, int fd);

/* A call that is not answered when its last reference goes answers with an internal error by itself. */
VarlinkCall *varlink_call_ref(VarlinkCall *call);
VarlinkCall *varlink_call_unref(VarlinkCall *call);
DEFINE_CLEANUP(VarlinkCall *, varlink_call_unref)

bool varlink_call_wants_more(VarlinkCall *call);
bool varlink_call_is_connected(VarlinkCall *call);
uid_t varlink_call_uid(VarlinkCall *call);
int varlink_call_pidfd(VarlinkCall *call, pid_t *ret_pid, int *ret_pidfd); /* the peer at connect time */

/* fd number `index` of those beside the call: taken (then the caller's), or -ENXIO. */
int varlink_call_take_fd(VarlinkCall *call, uint64_t index);

/* Answers. `parameters` is consumed, NULL means {}; fds are duplicated. `notify` is one of a `more` series and
 * leaves the call open; the other two end it. A peer that is gone is no error. The bytes are sent at once as far as
 * the socket takes them, so that a progress message is out before a blocking step begins. */
int varlink_call_notify(VarlinkCall *call, json_object *parameters);
int varlink_call_reply(VarlinkCall *call, json_object *parameters, const int *fds, size_t n_fds);
int varlink_call_error(VarlinkCall *call, const char *error, json_object *parameters);
/* org.varlink.service.InvalidParameter */
int varlink_call_invalid_parameter(VarlinkCall *call, const char *parameter);

/* The blocking client, for command-line programs. */
typedef struct VarlinkClient VarlinkClient;

int varlink_client_connect(const char *path, VarlinkClient **ret);
int varlink_client_take_fd(int fd, VarlinkClient **ret); /* a connected socket; also a pipe pair is fine for ssh */
VarlinkClient *varlink_client_free(VarlinkClient *client);
DEFINE_CLEANUP(VarlinkClient *, varlink_client_free)

/* An answer: parameters (never NULL), and the error's name or NULL. Everything in it is freed with it. */
typedef struct VarlinkReply {
        json_object *parameters;
        char *error;
        bool continues;
        int fds[VARLINK_FDS_MAX];
        size_t n_fds;
} VarlinkReply;

void varlink_reply_done(VarlinkReply *reply);

/* Sends; `parameters` is consumed, fds are lent. */
int varlink_client_send(VarlinkClient *client, const char *method, json_object *parameters, bool more, const int *fds,
                size_t n_fds);
/* Waits for the next answer. -ECONNRESET when the peer is gone, -EBADMSG when it speaks no varlink. */
int varlink_client_receive(VarlinkClient *client, VarlinkReply *ret);
