/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <stdio.h>
#include <string.h>

#include "client/ctl.h"

typedef struct Verb {
        const char *name;
        int (*func)(Ctl *ctl, int argc, char **argv);
        const char *arguments, *help;
} Verb;

static const Verb verbs[] = {
        { "status",    status_main,    "",              "Show what is running, staged and registered" },
        { "check",     check_main,     "[IMAGE]",       "Find what a commit would meet"               },
        { "stage",     stage_main,     "IMAGE|RELEASE", "Load the next kernel"                        },
        { "unstage",   unstage_main,   "",              "Unload it again"                             },
        { "commit",    commit_main,    "",              "Change to the staged kernel, now"            },
        { "workloads", workloads_main, "",              "List what will survive"                      },
        { "devices",   devices_main,   "",              "List what does DMA, and what becomes of it"  },
        { "report",    report_main,    "",              "Show where the time of the last update went" },
        { "monitor",   monitor_main,   "",              "Follow an update as it happens"              },
        { "config",    config_main,    "",              "Show the configuration in effect"            },
};

static void help(void) {
        puts("liveupdatectl [OPTIONS...] VERB [OPTIONS...]\n\n"
             "Controls liveupdated, which swaps the Linux kernel under running virtual machines.\n\n"
             "Verbs:");
        for (size_t i = 0; i < ELEMENTSOF(verbs); i++)
                printf("  %-10s %-14s %s\n", verbs[i].name, verbs[i].arguments, verbs[i].help);
        puts("\nOptions:\n"
             "  -h --help               Show this help, or that of a verb\n"
             "     --version            Show the version\n"
             "     --json=pretty|short  Answer in JSON\n"
             "  -j                      The same as --json=pretty on a terminal, else --json=short\n"
             "     --socket=PATH        Talk to this socket instead of /run/liveupdate/io.liveupdate\n\n"
             "Exit codes: 0 done, 1 refused or failed, 2 wrong usage, 3 liveupdated cannot be reached.");
}

static int run(Ctl *ctl, int argc, char **argv) {
        static const CtlUsage usage = { .help = help };
        int r;

        r = ctl_options(ctl, &usage, NULL, 0, argc, argv);
        if (r != CTL_OK)
                return r;
        if (optind >= argc) {
                fputs("liveupdatectl: Which verb?\nSee liveupdatectl --help.\n", stderr);
                return CTL_USAGE;
        }

        argc -= optind;
        argv += optind;
        for (size_t i = 0; i < ELEMENTSOF(verbs); i++)
                if (strcmp(argv[0], verbs[i].name) == 0)
                        return verbs[i].func(ctl, argc, argv);

        fprintf(stderr, "liveupdatectl: There is no verb '%s'.\nSee liveupdatectl --help.\n", argv[0]);
        return CTL_USAGE;
}

int main(int argc, char **argv) {
        Ctl ctl = { .socket = "/run/liveupdate/io.liveupdate" };
        int r = run(&ctl, argc, argv);

        return r == CTL_SAID ? CTL_OK : r;
}
