/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the service manager keeps of a workload while this daemon is restarted, and under which names. */

#include <errno.h>
#include <stdio.h>

#include "basic/log.h"
#include "workload/workload-internal.h"

static const char *const prefixes[_KEPT_MAX] = {
        [KEPT_PROCESS] = "process/",         [KEPT_RAM] = "ram/",     [KEPT_QMP] = "qmp/",
        [KEPT_DESCRIPTION] = "description/", [KEPT_STATE] = "state/", [KEPT_SESSION] = "session/",
};

const char *kept_prefix(Kept what) {
        return prefixes[what];
}

void kept_name(Kept what, const char *workload, char ret[static KEPT_NAME_SIZE]) {
        snprintf(ret, KEPT_NAME_SIZE, "%s%.*s", prefixes[what], WORKLOAD_NAME_MAX, workload);
}

void workload_keep(const Workload *w, Kept what, int fd) {
        char name[KEPT_NAME_SIZE];
        int r;

        kept_name(what, w->name, name);
        r = store_keep(name, fd);
        if (r < 0)
                log_warning_errno(r, "%s: a restart of this daemon would lose %s: %m", w->name, name);
}

void workload_drop_kept(const Workload *w, Kept what) {
        char name[KEPT_NAME_SIZE];

        kept_name(what, w->name, name);
        store_drop(name);
}

void workload_drop_all_kept(const Workload *w) {
        for (Kept what = 0; what < _KEPT_MAX; what++)
                workload_drop_kept(w, what);
}
