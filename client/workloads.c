/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <stdio.h>

#include "basic/json.h"
#include "client/ctl.h"

void ctl_print_workloads(json_object *list) {
        size_t n = json_object_array_length(list);

        if (n == 0) {
                puts("  Workloads none");
                return;
        }
        printf("\n  %-24s %-8s %-10s %8s %10s\n", "WORKLOAD", "KIND", "STATE", "PID", "RAM");
        for (size_t i = 0; i < n; i++) {
                json_object *w = json_object_array_get_idx(list, i);
                const char *problem = NULL;

                printf("  %-24s %-8s %-10s %8llu %6llu MiB\n", ctl_string(w, "name"), ctl_string(w, "kind"),
                                ctl_string(w, "state"), (unsigned long long) ctl_u64(w, "pid"),
                                (unsigned long long) ctl_u64(w, "ramBytes") >> 20);
                if (json_get_string(w, "problem", &problem) >= 0)
                        printf("    %s\n", problem);
        }
}

int workloads_main(Ctl *ctl, int argc, char **argv) {
        static const CtlUsage usage = {
                .synopsis = "workloads",
                .text = "Lists the workloads that are registered and survive an update.",
        };
        _cleanup_(varlink_reply_done) VarlinkReply reply = {};
        json_object *workloads;
        int r;

        r = ctl_options(ctl, &usage, NULL, 0, argc, argv);
        if (r != CTL_OK)
                return r;
        r = ctl_call(ctl, "io.liveupdate.Workloads", NULL, NULL, 0, &reply);
        if (r != CTL_OK)
                return r;
        if (ctl->json != JSON_OFF)
                ctl_print_json(ctl, reply.parameters);
        else if (json_get_array(reply.parameters, "workloads", &workloads) >= 0)
                ctl_print_workloads(workloads);
        return CTL_OK;
}
