/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#include "basic/json.h"
#include "basic/log.h"
#include "update/devices.h"
#include "update/handover.h"
#include "update/host.h"
#include "update/manager.h"
#include "update/report.h"
#include "update/update.h"

static void help(void) {
        puts("liveupdated [OPTIONS...]\n\n"
             "Swaps the Linux kernel under running virtual machines.\n\n"
             "  -h --help     Show this help\n"
             "     --version  Show the version\n"
             "  -d --debug    Log more, whatever LogLevel= says\n\n"
             "It is controlled by liveupdatectl(1).");
}

/* 0: go on, 1: done, negative errno. */
static int parse_options(int argc, char **argv, bool *ret_is_debug) {
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
                        *ret_is_debug = true;
                        break;
                default:
                        return -EINVAL;
                }
        if (optind < argc)
                return log_error_errno(-EINVAL, "liveupdated takes no arguments, see --help.");
        return 0;
}

static int on_end(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata) {
        manager_end(userdata);
        return 0;
}

static int on_reload(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata) {
        manager_reload(userdata);
        return 0;
}

static int handle_signals(Manager *manager) {
        static const struct {
                int number;
                sd_event_signal_handler_t handler;
        } handlers[] = {
                { SIGTERM, on_end    },
                { SIGINT,  on_end    },
                { SIGHUP,  on_reload },
        };
        sigset_t signals;
        int r;

        sigemptyset(&signals);
        for (size_t i = 0; i < ELEMENTSOF(handlers); i++)
                sigaddset(&signals, handlers[i].number);
        if (sigprocmask(SIG_BLOCK, &signals, NULL) < 0)
                return -errno;
        signal(SIGPIPE, SIG_IGN);
        for (size_t i = 0; i < ELEMENTSOF(handlers); i++) {
                r = sd_event_add_signal(manager->event, NULL, handlers[i].number, handlers[i].handler, manager);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* What was before comes first: whoever asks for it may be waiting on the socket already. */
static int go_on(Manager *manager) {
        _cleanup_(inheritance_freep) Inheritance *inheritance = NULL;
        _cleanup_json_ json_object *devices = NULL;
        int r;

        r = inheritance_new(&inheritance);
        if (r < 0)
                return log_error_errno(r, "Cannot take the inherited file descriptors: %m");
        r = baseline_new(manager->event, inheritance, &manager->baseline);
        if (r < 0)
                return log_error_errno(r, "Cannot start: %m");
        devices = devices_recover(inheritance); /* before their users go on */
        r = registry_inherit(manager->registry, inheritance);
        if (r < 0)
                log_error_errno(r, "Cannot take over every workload of the daemon before: %m");
        handover_inherit(manager, inheritance);
        (void) update_take_over(manager, inheritance, devices);
        if (!manager->host)
                host_restore_inherit(manager, inheritance);
        r = manager_listen(manager, inheritance);
        return r < 0 ? log_error_errno(r, "Cannot listen: %m") : 0;
}

static int run(bool is_debug) {
        _cleanup_(manager_freep) Manager *manager = NULL;
        int r;

        r = manager_new(&manager);
        if (r < 0)
                return log_error_errno(r, "Cannot start: %m");
        if (is_debug)
                log_set_max_level(LOG_DEBUG);
        r = handle_signals(manager);
        if (r < 0)
                return log_error_errno(r, "Cannot handle signals: %m");
        r = go_on(manager);
        if (r < 0)
                return r;
        (void) staged_kernel_load(&manager->staged);
        automation_load(&manager->automation, LIVEUPDATE_RUNTIME_DIRECTORY "/automation.json");
        if (!manager->update)
                report_load(manager);
        r = sd_event_set_watchdog(manager->event, true);
        if (r < 0)
                log_warning_errno(r, "Cannot serve the watchdog: %m");

        (void) sd_notify(0, "READY=1\nSTATUS=Ready.");
        r = sd_event_loop(manager->event);
        (void) sd_notify(0, "STOPPING=1");
        return r < 0 ? log_error_errno(r, "The event loop failed: %m") : 0;
}

int main(int argc, char **argv) {
        bool is_debug = false;
        int r = parse_options(argc, argv, &is_debug);

        if (r != 0)
                return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
        return run(is_debug) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
