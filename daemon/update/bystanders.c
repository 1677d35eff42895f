/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "basic/log.h"
#include "update/manager.h"
#include "update/update-internal.h"

static bool has_device(const Inventory *inventory, const char *workload) {
        for (size_t i = 0; i < inventory->n; i++)
                for (size_t k = 0; k < inventory->devices[i].n_users; k++) {
                        const DeviceUser *user = &inventory->devices[i].users[k];

                        if (user->use == USE_VFIO && user->workload && strcmp(user->workload, workload) == 0)
                                return true;
                }
        return false;
}

static void on_done(Workload *w, int error, const char *why, void *userdata) {
        Update *update = userdata;

        if (error < 0)
                log_warning("%s, which is not carried over: %s", workload_name(w), why ?: strerror(-error));
        if (--update->pending > 0)
                return;
        if (!update->is_undoing || quiesce_undo_devices(update) == 0)
                update_step_done(update);
}

int bystanders_pause(Update *update) {
        for (Workload *w = NULL; (w = registry_next(update->manager->registry, w));)
                if (workload_state(w) == WORKLOAD_RUNNING && !workload_is_busy(w) && !update_takes_part(update, w) &&
                                has_device(drain_inventory(update->drain), workload_name(w))) {
                        update->pending++;
                        workload_halt(w, on_done, update);
                }
        return update->pending > 0;
}

int bystanders_resume(Update *update) {
        for (Workload *w = NULL; (w = registry_next(update->manager->registry, w));)
                if (workload_is_halted(w)) {
                        update->pending++;
                        workload_cancel(w, on_done, update);
                }
        return update->pending > 0;
}
