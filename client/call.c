/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "basic/json.h"
#include "client/ctl.h"

int ctl_connect(const Ctl *ctl, VarlinkClient **ret) {
        int r = varlink_client_connect(ctl->socket, ret);

        if (r >= 0)
                return CTL_OK;
        fprintf(stderr, "liveupdatectl: Cannot reach liveupdated at %s: %s\n", ctl->socket, strerror(-r));
        fprintf(stderr, r == -EACCES ? "Run it as root.\n" : "Start it: systemctl start liveupdated.service\n");
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
        if (remedy && *remedy)
                fprintf(stderr, "%s\n", remedy);
        if (!message)
                fprintf(stderr, "(%s)\n", reply->error);
        return CTL_REFUSED;
}

int ctl_call(const Ctl *ctl, const char *method, json_object *parameters, const int *fds, size_t n_fds,
                VarlinkReply *ret) {
        _cleanup_(varlink_client_freep) VarlinkClient *client = NULL;
        int r;

        r = ctl_connect(ctl, &client);
        if (r != CTL_OK) {
                json_object_put(parameters);
                return r;
        }
        r = varlink_client_send(client, method, parameters, /* more= */ false, fds, n_fds);
        if (r >= 0)
                r = varlink_client_receive(client, ret);
        if (r < 0)
                return ctl_lost_connection(r);
        if (!ret->error)
                return CTL_OK;

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

int ctl_no_arguments(int argc, char **argv) {
        if (argc <= 1)
                return CTL_OK;
        fprintf(stderr, "liveupdatectl: %s takes no arguments, but got '%s'.\nSee liveupdatectl --help.\n", argv[0],
                        argv[1]);
        return CTL_USAGE;
}

const char *ctl_string(json_object *o, const char *key) {
        const char *s = "-";

        (void) json_get_string(o, key, &s);
        return s;
}

uint64_t ctl_u64(json_object *o, const char *key) {
        uint64_t u = 0;

        (void) json_get_u64(o, key, &u);
        return u;
}
