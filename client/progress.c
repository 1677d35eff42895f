/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The two verbs that follow an update: commit, which starts it, and monitor. */

#include <errno.h>
#include <stdio.h>

#include "basic/json.h"
#include "client/automatic.h"
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

static bool is_among(const VarlinkReply *reply, const char *const *errors) {
        for (; errors && *errors; errors++)
                if (ctl_error_is(reply, *errors))
                        return true;
        return false;
}

/* Prints what comes until the last answer, or until the connection ends. The errors that are named in `tolerated`, a
 * list that ends with NULL or is NULL, are only told. */
static int follow(const Ctl *ctl, VarlinkClient *client, const char *const *tolerated) {
        for (;;) {
                _cleanup_(varlink_reply_done) VarlinkReply reply = {};
                const char *state = "";
                int r;

                r = varlink_client_receive(client, &reply);
                if (r < 0)
                        return ctl_lost_connection(r);
                if (reply.error && is_among(&reply, tolerated)) {
                        fprintf(stderr, "%s\n", ctl_string(reply.parameters, "message"));
                        return CTL_OK;
                }
                if (reply.error)
                        return ctl_print_error(&reply);
                print_progress(ctl, reply.parameters, &state);
                if (!reply.continues)
                        return CTL_OK;
        }
}

static int start(const Ctl *ctl, const char *method, json_object *parameters, const char *const *tolerated) {
        _cleanup_(varlink_client_freep) VarlinkClient *client = NULL;
        int r;

        r = ctl_send(ctl, method, parameters, /* more= */ true, NULL, 0, &client);
        return r == CTL_OK ? follow(ctl, client, tolerated) : r;
}

int monitor_main(Ctl *ctl, int argc, char **argv) {
        static const CtlUsage usage = {
                .synopsis = "monitor",
                .text = "Tells where things stand, and every change from then on, until it is interrupted.",
        };
        int r = ctl_options(ctl, &usage, NULL, 0, argc, argv);

        return r != CTL_OK ? r : start(ctl, "io.liveupdate.Monitor", NULL, NULL);
}

int commit_main(Ctl *ctl, int argc, char **argv) {
        static const CtlUsage usage = {
                .synopsis = "commit [OPTIONS...]",
                .text = "Changes to the staged kernel. Registered workloads go on under it. On success this command\n"
                        "ends with the old kernel; when it returns, the update was refused or rolled back.",
        };
        _cleanup_json_ json_object *parameters = json_object_new_object();
        bool allow_loss = false, force = false, is_automatic = false, if_staged = false;
        const CtlOption options[] = {
                { "allow-loss", NULL, "Go ahead although something is named that will not survive", &allow_loss,
                        CTL_OPTION_FLAG },
                { "force",      NULL, "Go ahead in spite of findings that fail (see check). It may cost all\n"
                                      "guests and take a cold boot to mend",
                        &force, CTL_OPTION_FLAG },
                { "automatic",  NULL, "Not by hand: if AutoCommit= wants it, when no package manager is at work, and\n"
                                      "a failure is kept and shown by status",
                        &is_automatic, CTL_OPTION_FLAG },
                { "if-staged",  NULL, "When nothing is staged, say so and be done", &if_staged, CTL_OPTION_FLAG },
        };
        const char *tolerated[3] = {};
        size_t n_tolerated = 0;
        int r;

        r = ctl_options(ctl, &usage, options, ELEMENTSOF(options), argc, argv);
        if (r == CTL_OK && is_automatic)
                r = automatic_begin_commit(ctl);
        if (r != CTL_OK)
                return r;
        if (is_automatic)
                tolerated[n_tolerated++] = "NotWanted";
        if (if_staged)
                tolerated[n_tolerated++] = "NothingStaged";
        if (!parameters || json_add_bool(parameters, "allowLoss", allow_loss) < 0 ||
                        (force && json_add_bool(parameters, "force", true) < 0) ||
                        (is_automatic && json_add_bool(parameters, "automatic", true) < 0))
                return CTL_REFUSED;
        return start(ctl, "io.liveupdate.Commit", TAKE_PTR(parameters), tolerated);
}
