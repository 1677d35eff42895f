/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "client/ctl.h"

#define OPTIONS_MAX 24U
#define HELP_COLUMN 26

/* What every verb takes, too. */
enum {
        OPTION_VERSION = 0x100,
        OPTION_JSON,
        OPTION_SOCKET,
        OPTION_OWN, /* the first of the verb's */
};

static const struct option common_options[] = {
        { "help",    no_argument,       NULL, 'h'            },
        { "version", no_argument,       NULL, OPTION_VERSION },
        { "json",    required_argument, NULL, OPTION_JSON    },
        { "socket",  required_argument, NULL, OPTION_SOCKET  },
};

static void print_indented(const char *text) {
        for (const char *end; (end = strchr(text, '\n')); text = end + 1)
                printf("%.*s\n%*s", (int) (end - text), text, HELP_COLUMN, "");
        puts(text);
}

static void print_help(const CtlUsage *usage, const CtlOption *options, size_t n_options) {
        printf("liveupdatectl %s\n\n%s\n\nOptions:\n", usage->synopsis, usage->text);
        puts("  -h --help               Show this help");
        for (size_t i = 0; i < n_options; i++) {
                const CtlOption *o = &options[i];
                int n = printf("     --%s%s%s", o->name, o->argument ? "=" : "", o->argument ?: "");

                printf("%*s", n < HELP_COLUMN ? HELP_COLUMN - n : 1, "");
                print_indented(o->help);
        }
        puts("\nThose of liveupdatectl --help may be given here, too.");
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

static int parse_common(Ctl *ctl, int c) {
        switch (c) {
        case OPTION_VERSION:
                puts("liveupdatectl " LIVEUPDATED_VERSION);
                return CTL_SAID;
        case OPTION_JSON:
                return parse_json_mode(optarg, &ctl->json);
        case 'j':
                ctl->json = isatty(STDOUT_FILENO) ? JSON_PRETTY : JSON_SHORT;
                return CTL_OK;
        case OPTION_SOCKET:
                ctl->socket = optarg;
                return CTL_OK;
        default:
                return CTL_USAGE;
        }
}

static int set(const CtlOption *option) {
        CtlList *list;

        switch (option->kind) {
        case CTL_OPTION_FLAG:
                *(bool *) option->target = true;
                break;
        case CTL_OPTION_VALUE:
                *(const char **) option->target = optarg;
                break;
        case CTL_OPTION_LIST:
                list = option->target;
                if (list->n >= CTL_LIST_MAX) {
                        fprintf(stderr, "liveupdatectl: --%s= may be given %u times at most.\n", option->name,
                                        CTL_LIST_MAX);
                        return CTL_USAGE;
                }
                list->values[list->n++] = optarg;
                break;
        }
        return CTL_OK;
}

static int check_arguments(const CtlUsage *usage, int argc, char **argv) {
        int n = argc - optind;

        if (usage->help || n == (usage->takes ? 1 : 0) || (n == 0 && usage->may_go_without))
                return CTL_OK;
        if (usage->takes)
                fprintf(stderr, "liveupdatectl: %s takes %s.\n", argv[0], usage->takes);
        else
                fprintf(stderr, "liveupdatectl: %s takes no arguments, but got '%s'.\n", argv[0], argv[optind]);
        fprintf(stderr, "See liveupdatectl %s --help.\n", argv[0]);
        return CTL_USAGE;
}

int ctl_options(Ctl *ctl, const CtlUsage *usage, const CtlOption *options, size_t n_options, int argc, char **argv) {
        struct option all[OPTIONS_MAX] = {};
        int r;

        memcpy(all, common_options, sizeof(common_options));
        for (size_t i = 0; i < n_options; i++)
                all[ELEMENTSOF(common_options) + i] = (struct option) {
                        .name = options[i].name,
                        .has_arg = options[i].argument ? required_argument : no_argument,
                        .val = OPTION_OWN + (int) i,
                };

        optind = 0;
        for (int c; (c = getopt_long(argc, argv, usage->help ? "+hj" : "hj", all, NULL)) >= 0;) {
                if (c == 'h') {
                        if (usage->help)
                                usage->help();
                        else
                                print_help(usage, options, n_options);
                        return CTL_SAID;
                }
                r = c >= OPTION_OWN ? set(&options[c - OPTION_OWN]) : parse_common(ctl, c);
                if (r != CTL_OK)
                        return r;
        }
        return check_arguments(usage, argc, argv);
}
