/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The devices of an update in whose middle the daemon died, made as they were by its successor. */

#include <errno.h>
#include <string.h>

#include "basic/json.h"
#include "basic/log.h"
#include "update/devices.h"

typedef struct Recovery {
        sd_event *event;
        Drain *drain;
        DrainRound round;
} Recovery;

static void recovery_done(Recovery *recovery) {
        drain_free(recovery->drain);
        sd_event_unref(recovery->event);
}

static int undo_round(Recovery *recovery);

static void on_undone(int error, const char *why, void *userdata) {
        Recovery *recovery = userdata;

        if (error < 0)
                log_error("A device is not as it was before the update: %s", why ?: strerror(-error));
        if (undo_round(recovery) <= 0)
                (void) sd_event_exit(recovery->event, 0);
}

/* The rounds backwards, as far as there is something to wait for. */
static int undo_round(Recovery *recovery) {
        while (recovery->round > 0) {
                int r = drain_undo(recovery->drain, --recovery->round, on_undone, recovery);

                if (r != 0)
                        return r;
        }
        return 0;
}

static int recover(int fd, json_object **ret) {
        _cleanup_(recovery_done) Recovery recovery = { .round = _DRAIN_ROUND_MAX };
        int r;

        r = sd_event_new(&recovery.event);
        if (r < 0) {
                fd_close(fd);
                return r;
        }
        r = drain_inherit(recovery.event, fd, &recovery.drain);
        if (r < 0)
                return r;
        r = undo_round(&recovery);
        if (r > 0)
                r = sd_event_loop(recovery.event);
        if (r >= 0)
                *ret = drain_to_json(recovery.drain);
        return r;
}

json_object *devices_recover(Inheritance *inheritance) {
        int fd = inheritance_take(inheritance, STORE_DEVICES), r;
        json_object *devices = NULL;

        if (fd < 0)
                return NULL;
        log_notice("Bringing the devices back that the daemon before had made quiet.");
        r = recover(fd, &devices);
        if (r == -EBADMSG || r == -ESTALE || r >= 0)
                store_drop(STORE_DEVICES);
        if (r < 0)
                log_error_errno(r, "The devices that the daemon before had made quiet cannot be brought back%s: %m",
                                r == -EBADMSG || r == -ESTALE ? "" : ", a restart of this daemon tries again");
        return devices;
}
