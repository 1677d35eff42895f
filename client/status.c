/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <stdio.h>

#include "basic/json.h"
#include "client/ctl.h"

static void print_support(json_object *o) {
        json_object *support;
        const char *evidence = NULL, *remedy = NULL;

        if (json_get_object(o, "support", &support) < 0)
                return;
        printf("  Support   %s\n", ctl_string(support, "text"));
        if (json_get_string(support, "evidence", &evidence) >= 0)
                printf("            %s\n", evidence);
        if (json_get_string(support, "remedy", &remedy) >= 0)
                printf("            %s\n", remedy);
}

static void print_progress(json_object *o) {
        json_object *progress;
        const char *phase = NULL;

        if (json_get_object(o, "progress", &progress) < 0)
                return;
        printf("  State     %s", ctl_string(progress, "state"));
        if (json_get_string(progress, "phase", &phase) >= 0)
                printf(", %s", phase);
        putchar('\n');
}

static void print_staged(json_object *o) {
        json_object *staged;

        if (json_get_object(o, "staged", &staged) < 0) {
                puts("  Staged    nothing");
                return;
        }
        printf("  Staged    %s, %s from %s\n", ctl_string(staged, "release"), ctl_string(staged, "kind"),
                        ctl_string(staged, "origin"));
        printf("            %s\n", ctl_string(staged, "commandLine"));
        printf("            checksum skip %s: %s\n", ctl_string(staged, "checksumSkip"),
                        ctl_string(staged, "checksumSkipEvidence"));
}

static void print_strangers(json_object *o) {
        json_object *list;

        if (json_get_array(o, "strangers", &list) < 0)
                return;
        for (size_t i = 0; i < json_object_array_length(list); i++) {
                json_object *stranger = json_object_array_get_idx(list, i);

                printf("  Warning   %s, process %llu, was not started through liveupdate-run and would be lost\n",
                                ctl_string(stranger, "comm"), (unsigned long long) ctl_u64(stranger, "pid"));
        }
}

int status_main(const Ctl *ctl, int argc, char **argv) {
        _cleanup_(varlink_reply_done) VarlinkReply reply = {};
        json_object *workloads;
        int r;

        r = ctl_no_arguments(argc, argv);
        if (r != CTL_OK)
                return r;
        r = ctl_call(ctl, "io.liveupdate.Status", NULL, NULL, 0, &reply);
        if (r != CTL_OK)
                return r;
        if (ctl->json != JSON_OFF) {
                ctl_print_json(ctl, reply.parameters);
                return CTL_OK;
        }

        printf("  Kernel    %s\n", ctl_string(reply.parameters, "kernel"));
        print_progress(reply.parameters);
        print_support(reply.parameters);
        print_staged(reply.parameters);
        print_strangers(reply.parameters);
        if (json_get_array(reply.parameters, "workloads", &workloads) >= 0)
                ctl_print_workloads(workloads);
        return CTL_OK;
}
