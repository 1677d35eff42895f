/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <stdio.h>
#include <string.h>

#include "basic/json.h"
#include "client/ctl.h"

/* As a file that would say the same. */
static void print_settings(json_object *settings) {
        const char *section = "";

        for (size_t i = 0; i < json_object_array_length(settings); i++) {
                json_object *setting = json_object_array_get_idx(settings, i);

                if (strcmp(section, ctl_string(setting, "section")) != 0) {
                        section = ctl_string(setting, "section");
                        printf("%s[%s]\n", i > 0 ? "\n" : "", section);
                }
                printf("# %s\n%s=%s\n", ctl_string(setting, "origin"), ctl_string(setting, "key"),
                                ctl_string(setting, "value"));
        }
}

static void print_problems(json_object *problems) {
        fflush(stdout);
        for (size_t i = 0; i < json_object_array_length(problems); i++)
                fprintf(stderr, "Warning: %s\n", json_object_get_string(json_object_array_get_idx(problems, i)));
}

int config_main(Ctl *ctl, int argc, char **argv) {
        static const CtlUsage usage = {
                .synopsis = "config",
                .text = "Shows every setting that is in effect and the file and line it comes from, in the form of\n"
                        "liveupdated.conf(5). What was passed over in the files is told on standard error.",
        };
        _cleanup_(varlink_reply_done) VarlinkReply reply = {};
        json_object *list;
        int r;

        r = ctl_options(ctl, &usage, NULL, 0, argc, argv);
        if (r != CTL_OK)
                return r;
        r = ctl_call(ctl, "io.liveupdate.Config", NULL, NULL, 0, &reply);
        if (r != CTL_OK)
                return r;
        if (ctl->json != JSON_OFF) {
                ctl_print_json(ctl, reply.parameters);
                return CTL_OK;
        }

        if (json_get_array(reply.parameters, "settings", &list) >= 0)
                print_settings(list);
        if (json_get_array(reply.parameters, "problems", &list) >= 0)
                print_problems(list);
        return CTL_OK;
}
