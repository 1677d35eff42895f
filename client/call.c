/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "basic/json.h"
#include "client/ctl.h"
#include "client/findings.h"

static int explain_unreachable(const Ctl *ctl, int error) {
        fprintf(stderr, "liveupdatectl: Cannot reach liveupdated at %s: %s\n", ctl->socket, strerror(-error));
        fputs(error == -EACCES ? "Run it as root. Members of the group liveupdate may look, too.\n" :
                                 "Start it: systemctl start liveupdated.service\n", stderr);
        return CTL_UNREACHABLE;
}

int ctl_lost_connection(int error) {
        fprintf(stderr, "liveupdatectl: The connection to liveupdated broke: %s\n", strerror(-error));
        fputs("Its log may tell why: journalctl -u liveupdated.service\n", stderr);
        return CTL_UNREACHABLE;
}

int ctl_print_error(const VarlinkReply *reply) {
        const char *message = NULL, *remedy = NULL;

        if (strcmp(reply->error, "org.varlink.service.PermissionDenied") == 0) {
                message = "This is for root only.";
                remedy = "Run it as root.";
        }
        (void) json_get_string(reply->parameters, "message", &message);
        (void) json_get_string(reply->parameters, "remedy", &remedy);

        fprintf(stderr, "liveupdatectl: %s\n",
                        message ?: json_object_to_json_string_ext(reply->parameters, JSON_C_TO_STRING_PLAIN));
        findings_print_failed(stderr, reply->parameters);
        if (remedy && *remedy)
                fprintf(stderr, "%s\n", remedy);
        if (!message)
                fprintf(stderr, "(%s)\n", reply->error);
        return CTL_REFUSED;
}

bool ctl_error_is(const VarlinkReply *reply, const char *name) {
        static const char interface[] = "io.liveupdate.";

        return strncmp(reply->error, interface, sizeof(interface) - 1) == 0 &&
               strcmp(reply->error + sizeof(interface) - 1, name) == 0;
}

int ctl_send(const Ctl *ctl, const char *method, json_object *parameters, bool more, const int *fds, size_t n_fds,
                VarlinkClient **ret) {
        _cleanup_(varlink_client_freep) VarlinkClient *client = NULL;
        int r;

        r = varlink_client_connect(ctl->socket, &client);
        if (r < 0) {
                json_object_put(parameters);
                return explain_unreachable(ctl, r);
        }
        r = varlink_client_send(client, method, parameters, more, fds, n_fds);
        if (r < 0)
                return ctl_lost_connection(r);
        *ret = TAKE_PTR(client);
        return CTL_OK;
}

int ctl_ask(const Ctl *ctl, const char *method, json_object *parameters, const int *fds, size_t n_fds,
                VarlinkReply *ret) {
        _cleanup_(varlink_client_freep) VarlinkClient *client = NULL;
        int r;

        r = ctl_send(ctl, method, parameters, /* more= */ false, fds, n_fds, &client);
        if (r != CTL_OK)
                return r;
        r = varlink_client_receive(client, ret);
        return r < 0 ? ctl_lost_connection(r) : CTL_OK;
}

int ctl_call(const Ctl *ctl, const char *method, json_object *parameters, const int *fds, size_t n_fds,
                VarlinkReply *ret) {
        int r;

        r = ctl_ask(ctl, method, parameters, fds, n_fds, ret);
        if (r != CTL_OK || !ret->error)
                return r;
        r = ctl_print_error(ret);
        varlink_reply_done(ret);
        return r;
}

void ctl_print_json(const Ctl *ctl, json_object *o) {
        puts(json_object_to_json_string_ext(o,
                        (ctl->json == JSON_SHORT ? JSON_C_TO_STRING_PLAIN :
                                                   JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED) |
                                        JSON_C_TO_STRING_NOSLASHESCAPE));
        fflush(stdout);
}

const char *ctl_string(json_object *o, const char *key) {
        const char *s = "-";

        (void) json_get_string(o, key, &s);
        return s;
}

bool ctl_bool(json_object *o, const char *key) {
        bool b = false;

        (void) json_get_bool(o, key, &b);
        return b;
}

uint64_t ctl_u64(json_object *o, const char *key) {
        uint64_t u = 0;

        (void) json_get_u64(o, key, &u);
        return u;
}
