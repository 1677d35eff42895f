/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdlib.h>

#include "basic/log.h"
#include "host/boot.h"
#include "host/services-internal.h"

struct BootWatch {
        sd_bus *bus;
        sd_bus_slot *finished, *disconnected, *question;
        sd_event_source *timer;
        void (*over)(void *userdata);
        void *userdata;
};

BootWatch *boot_watch_free(BootWatch *watch) {
        if (!watch)
                return NULL;
        sd_bus_slot_unref(watch->finished);
        sd_bus_slot_unref(watch->disconnected);
        sd_bus_slot_unref(watch->question);
        sd_bus_close_unref(watch->bus);
        sd_event_source_disable_unref(watch->timer);
        free(watch);
        return NULL;
}

/* Nobody frees the connection while it calls us. */
static void tell(BootWatch *watch, uint64_t usec) {
        (void) sd_event_source_set_time_relative(watch->timer, usec);
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata) {
        BootWatch *watch = userdata;

        watch->over(watch->userdata);
        return 0;
}

static int on_finished(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        tell(userdata, 0);
        return 0;
}

static int on_disconnected(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        log_debug("systemd closed the connection before it said that the boot is over.");
        tell(userdata, BOOT_WAIT_USEC);
        return 0;
}

/* 0 as long as the boot goes on (systemd, src/core/manager.c, manager_check_finished()). */
static int on_answer(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        uint64_t usec = 0;

        if (!sd_bus_message_is_method_error(m, NULL) && sd_bus_message_read(m, "v", "t", &usec) >= 0 && usec > 0)
                tell(userdata, 0);
        return 0;
}

static int ask(BootWatch *watch, sd_event *event) {
        const char *sender;
        int r;

        r = systemd_connect(&watch->bus);
        if (r < 0)
                return r;
        sender = systemd_sender(watch->bus);
        r = sd_bus_match_signal_async(watch->bus, &watch->finished, sender, SYSTEMD_PATH, SYSTEMD_MANAGER,
                        "StartupFinished", on_finished, NULL, watch);
        if (r >= 0)
                r = sd_bus_match_signal_async(watch->bus, &watch->disconnected, "org.freedesktop.DBus.Local",
                                "/org/freedesktop/DBus/Local", "org.freedesktop.DBus.Local", "Disconnected",
                                on_disconnected, NULL, watch);
        if (r >= 0)
                r = sd_bus_call_method_async(watch->bus, &watch->question, sender, SYSTEMD_PATH,
                                "org.freedesktop.DBus.Properties", "Get", on_answer, watch, "ss", SYSTEMD_MANAGER,
                                "FinishTimestampMonotonic");
        return r < 0 ? r : sd_bus_attach_event(watch->bus, event, SD_EVENT_PRIORITY_NORMAL);
}

int boot_watch_new(sd_event *event, void (*over)(void *userdata), void *userdata, BootWatch **ret) {
        _cleanup_(boot_watch_freep) BootWatch *watch = calloc(1, sizeof(*watch));
        uint64_t wait_usec = BOOT_LIMIT_USEC;
        int r;

        if (!watch)
                return -ENOMEM;
        watch->over = over;
        watch->userdata = userdata;
        r = ask(watch, event);
        if (r < 0) {
                log_debug_errno(r, "No systemd tells when the boot is over: %m");
                watch->bus = sd_bus_close_unref(watch->bus);
                wait_usec = BOOT_WAIT_USEC;
        }
        r = sd_event_add_time_relative(event, &watch->timer, CLOCK_MONOTONIC, wait_usec, 0, on_timer, watch);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(watch);
        return 0;
}
