/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#include "basic/log.h"
#include "update/manager.h"
#include "update/report.h"
#include "update/update.h"

static void help(void) {
        puts("liveupdated [OPTIONS...]\n\n"
             "Swaps the Linux kernel under running virtual machines.\n\n"
             "  -h --help     Show this help\n"
             "     --version  Show the version\n"
             "  -d --debug    Log more\n\n"
             "It is controlled by liveupdatectl(1).");
}

/* 0: go on, 1: done, negative errno. */
static int parse_options(int argc, char **argv) {
        enum { OPTION_VERSION = 0x100 };
        static const struct option options[] = {
                { "help",    no_argument, NULL, 'h'            },
                { "version", no_argument, NULL, OPTION_VERSION },
                { "debug",   no_argument, NULL, 'd'            },
                {}
        };

        for (int c; (c = getopt_long(argc, argv, "hd", options, NULL)) >= 0;)
                switch (c) {
                case 'h':
                        help();
                        return 1;
                case OPTION_VERSION:
                        puts("liveupdated " LIVEUPDATED_VERSION);
                        return 1;
                case 'd':
                        log_set_max_level(LOG_DEBUG);
                        break;
                default:
                        return -EINVAL;
                }
        if (optind < argc)
                return log_error_errno(-EINVAL, "liveupdated takes no arguments, see --help.");
        return 0;
}

static int handle_signals(sd_event *event) {
        sigset_t signals;
        int r;

        sigemptyset(&signals);
        sigaddset(&signals, SIGTERM);
        sigaddset(&signals, SIGINT);
        if (sigprocmask(SIG_BLOCK, &signals, NULL) < 0)
                return -errno;
        signal(SIGPIPE, SIG_IGN);
        r = sd_event_add_signal(event, NULL, SIGTERM, NULL, NULL);
        return r < 0 ? r : sd_event_add_signal(event, NULL, SIGINT, NULL, NULL);
}

static int run(void) {
        _cleanup_(manager_freep) Manager *manager = NULL;
        int r;

        r = manager_new(&manager);
        if (r < 0)
                return log_error_errno(r, "Cannot start: %m");
        r = handle_signals(manager->event);
        if (r < 0)
                return log_error_errno(r, "Cannot handle signals: %m");

        /* What the previous kernel kept comes first: whoever asks for it may be waiting on the socket already. */
        (void) update_take_over(manager);
        r = manager_listen(manager);
        if (r < 0)
                return log_error_errno(r, "Cannot listen: %m");
        if (!manager->update)
                report_load(manager);

        (void) sd_notify(/* unset_environment= */ 1, "READY=1\nSTATUS=Ready.");
        r = sd_event_loop(manager->event);
        (void) sd_notify(0, "STOPPING=1");
        return r < 0 ? log_error_errno(r, "The event loop failed: %m") : 0;
}

int main(int argc, char **argv) {
        int r = parse_options(argc, argv);

        if (r != 0)
                return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
        return run() < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
