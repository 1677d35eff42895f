/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "client/ctl.h"

typedef struct Verb {
        const char *name;
        int (*func)(const Ctl *ctl, int argc, char **argv);
        const char *arguments, *help;
} Verb;

static const Verb verbs[] = {
        { "status",    status_main,    "",                  "Show what is running, staged and registered"       },
        { "stage",     stage_main,     "[OPTIONS] IMAGE",   "Load the next kernel: a bzImage or UKI, - is stdin" },
        { "unstage",   unstage_main,   "",                  "Unload it again"                                   },
        { "commit",    commit_main,    "[--allow-loss]",    "Change to the staged kernel, now"                  },
        { "workloads", workloads_main, "",                  "List what will survive"                            },
        { "report",    report_main,    "",                  "Show where the time of the last update went"       },
        { "monitor",   monitor_main,   "",                  "Follow an update as it happens"                    },
};

static void help(void) {
        puts("liveupdatectl [OPTIONS...] VERB\n\n"
             "Controls liveupdated, which swaps the Linux kernel under running virtual machines.\n\n"
             "Verbs:");
        for (size_t i = 0; i < ELEMENTSOF(verbs); i++)
                printf("  %-10s %-17s %s\n", verbs[i].name, verbs[i].arguments, verbs[i].help);
        puts("\nOptions:\n"
             "  -h --help               Show this help, or that of a verb\n"
             "     --version            Show the version\n"
             "     --json=pretty|short  Answer in JSON\n"
             "  -j                      The same as --json=pretty on a terminal, else --json=short\n"
             "     --socket=PATH        Talk to this socket instead of /run/liveupdate/io.liveupdate\n\n"
             "Exit codes: 0 done, 1 refused or failed, 2 wrong usage, 3 liveupdated cannot be reached.");
}

static int parse_json_mode(const char *value, JsonMode *ret) {
        if (strcmp(value, "pretty") == 0)
                *ret = JSON_PRETTY;
        else if (strcmp(value, "short") == 0)
                *ret = JSON_SHORT;
        else if (strcmp(value, "off") == 0)
                *ret = JSON_OFF;
        else {
                fprintf(stderr, "liveupdatectl: --json= takes pretty, short or off, not '%s'.\n", value);
                return CTL_USAGE;
        }
        return CTL_OK;
}

/* CTL_OK to go on; -1 when all is said. */
static int parse_options(int argc, char **argv, Ctl *ctl) {
        enum { OPTION_VERSION = 0x100, OPTION_JSON, OPTION_SOCKET };
        static const struct option options[] = {
                { "help",    no_argument,       NULL, 'h'            },
                { "version", no_argument,       NULL, OPTION_VERSION },
                { "json",    required_argument, NULL, OPTION_JSON    },
                { "socket",  required_argument, NULL, OPTION_SOCKET  },
                {}
        };
        int r;

        /* + : what follows the verb is the verb's. */
        for (int c; (c = getopt_long(argc, argv, "+hj", options, NULL)) >= 0;)
                switch (c) {
                case 'h':
                        help();
                        return -1;
                case OPTION_VERSION:
                        puts("liveupdatectl " LIVEUPDATED_VERSION);
                        return -1;
                case OPTION_JSON:
                        r = parse_json_mode(optarg, &ctl->json);
                        if (r != CTL_OK)
                                return r;
                        break;
                case 'j':
                        ctl->json = isatty(STDOUT_FILENO) ? JSON_PRETTY : JSON_SHORT;
                        break;
                case OPTION_SOCKET:
                        ctl->socket = optarg;
                        break;
                default:
                        return CTL_USAGE;
                }
        return CTL_OK;
}

int main(int argc, char **argv) {
        Ctl ctl = { .socket = "/run/liveupdate/io.liveupdate" };
        int r;

        r = parse_options(argc, argv, &ctl);
        if (r != CTL_OK)
                return r < 0 ? CTL_OK : r;
        if (optind >= argc) {
                fputs("liveupdatectl: Which verb?\nSee liveupdatectl --help.\n", stderr);
                return CTL_USAGE;
        }

        argc -= optind;
        argv += optind;
        optind = 0; /* for the verb's own options */
        for (size_t i = 0; i < ELEMENTSOF(verbs); i++)
                if (strcmp(argv[0], verbs[i].name) == 0)
                        return verbs[i].func(&ctl, argc, argv);

        fprintf(stderr, "liveupdatectl: There is no verb '%s'.\nSee liveupdatectl --help.\n", argv[0]);
        return CTL_USAGE;
}
