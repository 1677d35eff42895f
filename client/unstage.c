/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <errno.h>
#include <stdio.h>
#include <systemd/sd-daemon.h>

#include "basic/json.h"
#include "client/ctl.h"
#include "client/release.h"
#include "client/systemd.h"

static int call(const Ctl *ctl, const char *release, bool *ret_is_unstaged) {
        _cleanup_(varlink_reply_done) VarlinkReply reply = {};
        _cleanup_json_ json_object *parameters = json_object_new_object();
        int r;

        if (!parameters || json_add_string(parameters, "release", release) < 0)
                return CTL_REFUSED;
        r = ctl_ask(ctl, "io.liveupdate.Unstage", TAKE_PTR(parameters), NULL, 0, &reply);
        if (r != CTL_OK)
                return r;
        *ret_is_unstaged = false;
        if (reply.error)
                return ctl_error_is(&reply, "NothingStaged") ? CTL_OK : ctl_print_error(&reply);
        r = json_get_bool(reply.parameters, "unstaged", ret_is_unstaged);
        return r < 0 ? ctl_lost_connection(-EBADMSG) : CTL_OK;
}

static int print(const Ctl *ctl, const char *release, bool is_unstaged) {
        _cleanup_json_ json_object *o = json_object_new_object();

        if (!o || json_add_bool(o, "unstaged", is_unstaged) < 0)
                return CTL_REFUSED;
        if (ctl->json != JSON_OFF)
                ctl_print_json(ctl, o);
        else if (is_unstaged)
                puts("Unstaged.");
        else
                printf("%s%s is not staged.\n", release ? "A kernel of release " : "A kernel", release ?: "");
        return CTL_OK;
}

int unstage_main(Ctl *ctl, int argc, char **argv) {
        static const CtlUsage usage = {
                .synopsis = "unstage [OPTIONS...]",
                .text = "Unloads the staged kernel.",
        };
        _cleanup_free_ char *release = NULL, *why = NULL;
        bool is_unstaged = false;
        const char *word = NULL;
        const CtlOption options[] = {
                { "release", "RELEASE", "Only if it is of this release, or of that of a kernel's path", &word,
                        CTL_OPTION_VALUE },
        };
        int r;

        r = ctl_options(ctl, &usage, options, ELEMENTSOF(options), argc, argv);
        if (r != CTL_OK)
                return r;
        if (word && (*word == '/' ? release_from_path(word, &release) : release_from_word(word, &release)) < 0) {
                fprintf(stderr, "liveupdatectl: '%s' names no kernel release.\nSee liveupdatectl unstage --help.\n",
                                word);
                return CTL_USAGE;
        }
        r = call(ctl, release, &is_unstaged);
        if (r != CTL_OK)
                return r;
        /* It would find nothing to commit to. */
        if (is_unstaged && sd_booted() > 0)
                (void) systemd_queue("", UNIT_STOP, "liveupdate-commit.timer", &why);
        return print(ctl, release, is_unstaged);
}
