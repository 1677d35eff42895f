/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The two verbs that follow an update: commit, which starts it, and monitor. */

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "basic/json.h"
#include "client/ctl.h"

static void print_progress(const Ctl *ctl, json_object *parameters, const char **ret_state) {
        json_object *progress;
        const char *phase = NULL, *text = NULL;

        if (json_get_object(parameters, "progress", &progress) < 0)
                return;
        *ret_state = ctl_string(progress, "state");
        if (ctl->json != JSON_OFF) {
                ctl_print_json(ctl, progress);
                return;
        }
        (void) json_get_string(progress, "phase", &phase);
        (void) json_get_string(progress, "text", &text);
        printf("%s%s%s%s%s\n", *ret_state, phase ? ": " : "", phase ?: "", text ? ": " : "", text ?: "");
        fflush(stdout);
}

/* Prints what comes until the last answer, or until the connection ends. */
static int follow(const Ctl *ctl, VarlinkClient *client) {
        for (;;) {
                _cleanup_(varlink_reply_done) VarlinkReply reply = {};
                const char *state = "";
                int r;

                r = varlink_client_receive(client, &reply);
                if (r < 0)
                        return ctl_lost_connection(r);
                if (reply.error)
                        return ctl_print_error(&reply);
                print_progress(ctl, reply.parameters, &state);
                if (!reply.continues)
                        return CTL_OK;
        }
}

static int start(const Ctl *ctl, const char *method, json_object *parameters) {
        _cleanup_(varlink_client_freep) VarlinkClient *client = NULL;
        int r;

        r = ctl_connect(ctl, &client);
        if (r != CTL_OK) {
                json_object_put(parameters);
                return r;
        }
        r = varlink_client_send(client, method, parameters, /* more= */ true, NULL, 0);
        return r < 0 ? ctl_lost_connection(r) : follow(ctl, client);
}

int monitor_main(const Ctl *ctl, int argc, char **argv) {
        int r = ctl_no_arguments(argc, argv);

        return r != CTL_OK ? r : start(ctl, "io.liveupdate.Monitor", NULL);
}

static void help(void) {
        puts("liveupdatectl commit [OPTIONS...]\n\n"
             "Changes to the staged kernel. Registered workloads go on under it. On success this command ends with\n"
             "the old kernel; when it returns, the update was refused or rolled back.\n\n"
             "  -h --help        Show this help\n"
             "     --allow-loss  Go ahead although something is named that will not survive");
}

int commit_main(const Ctl *ctl, int argc, char **argv) {
        enum { OPTION_ALLOW_LOSS = 0x100 };
        static const struct option options[] = {
                { "help",       no_argument, NULL, 'h'               },
                { "allow-loss", no_argument, NULL, OPTION_ALLOW_LOSS },
                {}
        };
        json_object *parameters;
        bool allow_loss = false;

        for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) >= 0;)
                switch (c) {
                case 'h':
                        help();
                        return CTL_OK;
                case OPTION_ALLOW_LOSS:
                        allow_loss = true;
                        break;
                default:
                        return CTL_USAGE;
                }
        if (optind < argc) {
                fputs("liveupdatectl: commit takes no arguments.\nSee liveupdatectl commit --help.\n", stderr);
                return CTL_USAGE;
        }

        parameters = json_object_new_object();
        if (!parameters || json_add_bool(parameters, "allowLoss", allow_loss) < 0) {
                json_object_put(parameters);
                return CTL_REFUSED;
        }
        return start(ctl, "io.liveupdate.Commit", parameters);
}
