/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <stdio.h>
#include <string.h>

#include "basic/clock.h"
#include "basic/json.h"
#include "client/ctl.h"
#include "client/staged-text.h"

/* Enough to compare by eye; JSON has all of it. */
#define SHA256_COLUMNS 16

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

static void print_staged_time(json_object *staged) {
        uint64_t usec = ctl_u64(staged, "stagedUSec");
        char age[64], at[64];

        printf("            staged %s, %s\n", age_text(usec, now_usec(CLOCK_REALTIME), age, sizeof(age)),
                        time_text(usec, at, sizeof(at)));
}

static void print_staged(json_object *o) {
        _cleanup_free_ char *signature = NULL;
        const char *sha256 = NULL, *profile = NULL;
        char cost[64];
        json_object *staged;

        if (json_get_object(o, "staged", &staged) < 0) {
                puts("  Staged    nothing");
                return;
        }
        (void) json_get_string(staged, "sha256", &sha256);
        (void) json_get_string(staged, "profile", &profile);
        printf("  Staged    %s, %s from %s%s\n", ctl_string(staged, "release"), ctl_string(staged, "kind"),
                        ctl_string(staged, "origin"), ctl_bool(staged, "automatic") ? ", automatic" : "");
        if (profile)
                printf("            profile %s\n", profile);
        print_staged_time(staged);
        if (sha256)
                printf("            SHA-256 %.*s...\n", SHA256_COLUMNS, sha256);
        if (signature_text(staged, &signature) >= 0)
                printf("            signature %s\n", signature);
        printf("            %s\n", ctl_string(staged, "commandLine"));
        printf("            checksum skip %s: %s\n", ctl_string(staged, "checksumSkip"),
                        ctl_string(staged, "checksumSkipEvidence"));
        if (*checksum_text(staged, cost, sizeof(cost)))
                printf("            %s\n", checksum_text(staged, cost, sizeof(cost)));
}

static void print_automation_problem(json_object *automation) {
        json_object *problem;
        const char *release = NULL;
        char at[64];

        if (json_get_object(automation, "problem", &problem) < 0)
                return;
        (void) json_get_string(problem, "release", &release);
        printf("  Failed    automatic %s%s%s, %s: %s\n", ctl_string(problem, "action"), release ? " of " : "",
                        release ?: "", time_text(ctl_u64(problem, "usec"), at, sizeof(at)),
                        ctl_string(problem, "message"));
        printf("            %s\n", ctl_string(problem, "remedy"));
}

/* Nothing where nothing happens by itself. */
static void print_automation(json_object *o) {
        json_object *automation;
        const char *auto_commit;
        bool auto_stage = false;
        uint64_t next = 0;
        char at[64];

        if (json_get_object(o, "automation", &automation) < 0)
                return;
        (void) json_get_bool(automation, "autoStage", &auto_stage);
        auto_commit = ctl_string(automation, "autoCommit");
        if (auto_stage || strcmp(auto_commit, "no") != 0)
                printf("  Automatic AutoStage=%s, AutoCommit=%s\n", auto_stage ? "yes" : "no", auto_commit);
        if (json_get_u64(automation, "nextWindowUSec", &next) >= 0)
                printf("            commit at %s\n", time_text(next, at, sizeof(at)));
        print_automation_problem(automation);
}

static void print_findings(json_object *o) {
        json_object *list;

        if (json_get_array(o, "findings", &list) < 0)
                return;
        for (size_t i = 0; i < json_object_array_length(list); i++) {
                json_object *finding = json_object_array_get_idx(list, i);
                const char *state = ctl_string(finding, "state"), *remedy = NULL;

                if (strcmp(state, "ok") == 0)
                        continue;
                printf("  %-9s %s\n", strcmp(state, "warn") == 0 ? "Warning" : "Failed", ctl_string(finding, "text"));
                if (json_get_string(finding, "remedy", &remedy) >= 0)
                        printf("            %s\n", remedy);
        }
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

int status_main(Ctl *ctl, int argc, char **argv) {
        static const CtlUsage usage = {
                .synopsis = "status",
                .text = "Shows the running kernel and whether it supports live update, what is staged, what has to be\n"
                        "looked at, and the registered workloads.",
        };
        _cleanup_(varlink_reply_done) VarlinkReply reply = {};
        json_object *workloads;
        int r;

        r = ctl_options(ctl, &usage, NULL, 0, argc, argv);
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
        print_automation(reply.parameters);
        print_findings(reply.parameters);
        print_strangers(reply.parameters);
        if (json_get_array(reply.parameters, "workloads", &workloads) >= 0)
                ctl_print_workloads(workloads);
        return CTL_OK;
}
