/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* An update outlives the process that began it: on purpose, when the kernel changes, and otherwise when the daemon is
 * restarted, upgraded or dies. Its successor finds the manifest, either in LUO's session or in the fd store of the
 * service manager, and goes on. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-id128.h>

#include "basic/log.h"
#include "luo/luo.h"
#include "update/handover.h"
#include "update/host.h"
#include "update/manager.h"
#include "update/story.h"
#include "update/update-internal.h"

#define DEVICE_WAIT_USEC (5ULL * 1000 * 1000) /* systemd opens it for a moment, too */

/* Its duplicates go to the store at once: when the last fd of a retrieved session is closed, the kernel finishes it. */
static void manifest_keep(const Update *update) {
        int r = store_keep(STORE_MANIFEST_SESSION, update->manifest_session_fd);

        if (r >= 0)
                r = store_keep(STORE_MANIFEST, update->manifest_fd);
        if (r < 0)
                log_warning_errno(r, "A restart of this daemon would end the update without a report: %m");
}

static void restore_host(Update *update, Inheritance *inheritance) {
        int r = host_restore_begin(update, inheritance);

        if (r < 0)
                log_error_errno(r, "The host's state cannot be put back: %m");
}

static int retrieve_manifest(Update *update) {
        _cleanup_fd_ int session_fd = -EBADF, manifest_fd = -EBADF;
        int r;

        session_fd = luo_session_retrieve(update->device_fd, MANIFEST_SESSION);
        if (session_fd == -ENOENT)
                return 0;
        if (session_fd < 0)
                return log_error_errno(session_fd, "Cannot retrieve the session of the manifest: %m");
        manifest_fd = luo_session_retrieve_fd(session_fd, MANIFEST_TOKEN);
        if (manifest_fd < 0) {
                handover_keep(update->manager, TAKE_FD(session_fd), -EBADF, manifest_fd);
                return manifest_fd;
        }
        r = manifest_read(manifest_fd, &update->manifest, &update->manifest_tail);
        if (r < 0) {
                handover_keep(update->manager, TAKE_FD(session_fd), TAKE_FD(manifest_fd), r);
                return r;
        }
        update->manifest.timeline.start_tsc[PHASE_RETRIEVE] = update->began.tsc;
        update->manifest_session_fd = TAKE_FD(session_fd);
        update->manifest_fd = TAKE_FD(manifest_fd);
        manifest_keep(update);
        restore_host(update, NULL);
        return 1;
}

static int take_over_from_kernel(Update *update) {
        if (update->manager->handover.is_unread) /* a predecessor has the session already */
                return 0;
        update->began = clock_sample();
        update->device_fd = luo_device_open(DEVICE_WAIT_USEC);
        if (update->device_fd == -ENOENT)
                return 0;
        if (update->device_fd < 0)
                return log_error_errno(update->device_fd,
                                "Cannot open " LUO_DEVICE ", what it may keep stays there: %m");
        return retrieve_manifest(update);
}

static bool began_under_this_kernel(const Manifest *manifest) {
        sd_id128_t boot_id;

        return sd_id128_get_boot(&boot_id) >= 0 && manifest->from_boot_id &&
                        strcmp(manifest->from_boot_id, SD_ID128_TO_STRING(boot_id)) == 0;
}

static Phase last_phase(const Timeline *timeline) {
        Phase phase = PHASE_SEAL; /* a manifest that says more has gone to the next kernel */

        while (phase > PHASE_PREPARE && timeline->start_tsc[phase] == 0)
                phase--;
        return phase;
}

/* The workloads run again already (registry_inherit()); what is left is what the daemon did to the host. */
static int undo_for_predecessor(Update *update, Inheritance *inheritance, json_object *devices) {
        int fd = inheritance_take(inheritance, STORE_SERVICES), r;

        if (fd >= 0) {
                r = services_inherit(update->manager->event, fd, &update->services);
                if (r < 0)
                        log_error_errno(r, "Cannot tell which services were stopped for the update: %m");
        }
        if (devices) {
                json_object_put(update->manifest.devices);
                update->manifest.devices = json_object_get(devices);
        }
        story_interrupted(update);
        if (last_phase(&update->manifest.timeline) == PHASE_SEAL)
                filesystems_thaw_leftover();
        (void) update_explain(update, -ESHUTDOWN, "liveupdated ended in the middle of it");
        update->is_new_side = false;
        update->is_undoing = true;
        update->failed_phase = last_phase(&update->manifest.timeline);
        update->phase = PHASE_QUIESCE;
        return 1;
}

static int go_on_for_predecessor(Update *update, Inheritance *inheritance) {
        log_notice("Going on with the update that the daemon before had begun.");
        update->began = clock_sample();
        update->phase = PHASE_RESTORE;
        if (update->manifest.timeline.start_tsc[PHASE_RETRIEVE] == 0)
                timeline_begin(&update->manifest.timeline, PHASE_RETRIEVE);
        restore_host(update, inheritance);
        return 1;
}

static int take_over_from_predecessor(Update *update, Inheritance *inheritance, json_object *devices) {
        int r;

        update->is_inherited = true;
        update->manifest_session_fd = inheritance_take(inheritance, STORE_MANIFEST_SESSION);
        r = manifest_read(update->manifest_fd, &update->manifest, &update->manifest_tail);
        if (r < 0) {
                store_drop(STORE_MANIFEST);
                store_drop(STORE_MANIFEST_SESSION);
                return log_error_errno(r, "The daemon before left a manifest that cannot be read: %m");
        }
        return began_under_this_kernel(&update->manifest) ? undo_for_predecessor(update, inheritance, devices) :
                                                            go_on_for_predecessor(update, inheritance);
}

int update_take_over(Manager *manager, Inheritance *inheritance, json_object *devices) {
        Update *update;
        int r;

        r = update_new(manager, PHASE_RETRIEVE, &update);
        if (r < 0)
                return r;
        update->manifest_fd = inheritance_take(inheritance, STORE_MANIFEST);
        r = update->manifest_fd >= 0 ? take_over_from_predecessor(update, inheritance, devices) :
                                        take_over_from_kernel(update);
        if (r <= 0) {
                update_free(update);
                return r;
        }
        update_start(update);
        return 1;
}
