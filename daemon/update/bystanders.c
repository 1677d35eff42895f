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
        if (--update->pending == 0)
                update_step_done(update);
}

static int for_each(Update *update, WorkloadFunc func, WorkloadState state) {
        for (Workload *w = NULL; (w = registry_next(update->manager->registry, w));)
                if (workload_state(w) == state && !update_takes_part(update, w) &&
                                has_device(drain_inventory(update->drain), workload_name(w))) {
                        update->pending++;
                        func(w, on_done, update);
                }
        return update->pending > 0;
}

int bystanders_pause(Update *update) {
        return for_each(update, workload_halt, WORKLOAD_RUNNING);
}

int bystanders_resume(Update *update) {
        return update->drain ? for_each(update, workload_cancel, WORKLOAD_PAUSED) : 0;
}
