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

static int wait_for_transaction(const Ctl *ctl, const char *release) {
        _cleanup_free_ char *message = NULL, *remedy = NULL;
        const char *lock;
        int r;

        r = transaction_wait("", TRANSACTION_USEC, &lock);
        if (r >= 0)
                return CTL_OK;
        if (asprintf(&message, "%s was not staged: %s %s: %s", release,
                        r == -ETIMEDOUT ? "for an hour a package manager has held" : "Cannot wait for the end of", lock,
                        strerror(-r)) < 0)
                message = NULL;
        if (asprintf(&remedy, "See that the package manager's work is done, then: liveupdatectl stage %s", release) < 0)
                remedy = NULL;
        return automatic_failed(ctl, release, message ?: "Out of memory.", remedy ?: "");
}

int automatic_begin(const Ctl *ctl, const char *release) {
        int r;

        r = offer(ctl, release);
        if (r != CTL_OK)
                return r;
        fprintf(stderr, "%s is wanted. It is staged when the package manager is done.\n", release);
        return wait_for_transaction(ctl, release);
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
