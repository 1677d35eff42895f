/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "basic/json.h"
#include "client/automatic.h"
#include "client/systemd.h"
#include "client/transaction.h"

#define TRANSACTION_USEC (60ULL * 60 * 1000 * 1000)

int automatic_failed(const Ctl *ctl, const char *release, const char *message, const char *remedy) {
        _cleanup_(varlink_reply_done) VarlinkReply reply = {};
        _cleanup_json_ json_object *parameters = json_object_new_object();

        fprintf(stderr, "liveupdatectl: %s\n%s\n", message, remedy);
        if (!parameters || json_add_string(parameters, "release", release) < 0 ||
                        json_add_string(parameters, "message", message) < 0 ||
                        json_add_string(parameters, "remedy", remedy) < 0)
                return CTL_REFUSED;
        (void) ctl_call(ctl, "io.liveupdate.StageFailed", TAKE_PTR(parameters), NULL, 0, &reply);
        return CTL_REFUSED;
}

static int offer(const Ctl *ctl, const char *release) {
        _cleanup_(varlink_reply_done) VarlinkReply reply = {};
        _cleanup_json_ json_object *parameters = json_object_new_object();
        bool is_wanted = false;
        int r;

        if (!parameters || json_add_string(parameters, "release", release) < 0)
                return CTL_REFUSED;
        r = ctl_call(ctl, "io.liveupdate.Offer", TAKE_PTR(parameters), NULL, 0, &reply);
        if (r != CTL_OK)
                return r;
        if (json_get_bool(reply.parameters, "wanted", &is_wanted) < 0)
                return ctl_lost_connection(-EBADMSG);
        if (is_wanted)
                return CTL_OK;
        if (ctl->json != JSON_OFF)
                ctl_print_json(ctl, reply.parameters);
        else
                printf("%s is not staged: %s\n", release, ctl_string(reply.parameters, "reason"));
        return CTL_SAID;
}

/* 0, or a negative errno with a sentence (the caller's, NULL if there is no memory) that begins with `what`. */
static int wait_for_transaction(const char *what, char **ret_message) {
        const char *lock;
        int r;

        r = transaction_wait("", TRANSACTION_USEC, &lock);
        if (r >= 0)
                return 0;
        if (asprintf(ret_message, "%s: %s %s: %s", what,
                        r == -ETIMEDOUT ? "for an hour a package manager has held" : "Cannot wait for the end of", lock,
                        strerror(-r)) < 0)
                *ret_message = NULL;
        return r;
}

int automatic_begin(const Ctl *ctl, const char *release) {
        _cleanup_free_ char *what = NULL, *message = NULL, *remedy = NULL;
        int r;

        r = offer(ctl, release);
        if (r != CTL_OK)
                return r;
        fprintf(stderr, "%s is wanted. It is staged when the package manager is done.\n", release);
        if (asprintf(&what, "%s was not staged", release) < 0 ||
                        asprintf(&remedy, "See that the package manager's work is done, then: liveupdatectl stage %s",
                                        release) < 0)
                return CTL_REFUSED;
        if (wait_for_transaction(what, &message) >= 0)
                return CTL_OK;
        return automatic_failed(ctl, release, message ?: "Out of memory.", remedy);
}

static bool is_under_way(const char *state) {
        static const char *const states[] = { "updating", "rolling_back", "restoring" };

        for (size_t i = 0; i < ELEMENTSOF(states); i++)
                if (strcmp(state, states[i]) == 0)
                        return true;
        return false;
}

int automatic_wait_for_update(const Ctl *ctl, const char *release) {
        _cleanup_(varlink_client_freep) VarlinkClient *client = NULL;
        int r;

        fprintf(stderr, "An update is under way. %s is staged when that is over.\n", release);
        r = ctl_send(ctl, "io.liveupdate.Monitor", NULL, /* more= */ true, NULL, 0, &client);
        while (r == CTL_OK) {
                _cleanup_(varlink_reply_done) VarlinkReply reply = {};
                json_object *progress;

                /* The daemon was told to end, and has rolled back by then. */
                if (varlink_client_receive(client, &reply) < 0)
                        return CTL_OK;
                if (reply.error)
                        return ctl_print_error(&reply);
                if (json_get_object(reply.parameters, "progress", &progress) < 0)
                        return ctl_lost_connection(-EBADMSG);
                if (!is_under_way(ctl_string(progress, "state")))
                        return CTL_OK;
        }
        return r;
}

int automatic_begin_commit(const Ctl *ctl) {
        static const char remedy[] = "See that the package manager's work is done, then: liveupdatectl commit. "
                                     "The next window tries again, too.";
        _cleanup_(varlink_reply_done) VarlinkReply reply = {};
        _cleanup_json_ json_object *parameters = NULL;
        _cleanup_free_ char *message = NULL;

        if (wait_for_transaction("What is staged was not committed", &message) >= 0)
                return CTL_OK;
        fprintf(stderr, "liveupdatectl: %s\n%s\n", message ?: "Out of memory.", remedy);
        parameters = json_object_new_object();
        if (parameters && json_add_string(parameters, "message", message ?: "Out of memory.") >= 0 &&
                        json_add_string(parameters, "remedy", remedy) >= 0)
                (void) ctl_call(ctl, "io.liveupdate.CommitFailed", TAKE_PTR(parameters), NULL, 0, &reply);
        return CTL_REFUSED;
}

static int start(const char *unit) {
        _cleanup_free_ char *why = NULL;
        int r;

        r = systemd_queue("", UNIT_START, unit, &why);
        if (r >= 0)
                return CTL_OK;
        fprintf(stderr, "liveupdatectl: The kernel is staged, but %s cannot be started: %s\n"
                        "Start it by hand: systemctl start %s\n", unit, why ?: strerror(-r), unit);
        return CTL_REFUSED;
}

int automatic_follow(const Ctl *ctl, json_object *answer) {
        static const struct {
                const char *auto_commit, *unit, *text;
        } ways[] = {
                { "no",     NULL,                        "It waits for liveupdatectl commit (AutoCommit=no)."      },
                { "window", "liveupdate-commit.timer",   "It is committed in the next window (AutoCommit=window)." },
                { "now",    "liveupdate-commit.service", "It is committed now (AutoCommit=now)."                   },
        };
        const char *auto_commit = ctl_string(answer, "autoCommit");
        size_t i = 0;
        int r;

        while (i < ELEMENTSOF(ways) && strcmp(auto_commit, ways[i].auto_commit) != 0)
                i++;
        if (i >= ELEMENTSOF(ways))
                return ctl_lost_connection(-EBADMSG);
        r = ways[i].unit ? start(ways[i].unit) : CTL_OK;
        if (r == CTL_OK && ctl->json == JSON_OFF)
                puts(ways[i].text);
        return r;
}
