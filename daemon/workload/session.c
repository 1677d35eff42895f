/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A workload's own LUO session: its RAM, its device state, and a description of both. */

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "luo/luo.h"
#include "workload/workload-internal.h"

#define SESSION_PREFIX "liveupdated/"

static_assert(sizeof(SESSION_PREFIX) - 1 + WORKLOAD_NAME_MAX <= LUO_SESSION_NAME_MAX, "a session's name must fit");

char *workload_session_name(const char *name) {
        char *s;

        return asprintf(&s, SESSION_PREFIX "%s", name) < 0 ? NULL : s;
}

int workload_create_session(Workload *w, int device_fd) {
        _cleanup_free_ char *name = workload_session_name(w->name);
        int fd;

        if (!name)
                return -ENOMEM;
        if (w->session_fd >= 0)
                return -EBUSY; /* of the update before, not finished */
        fd = luo_session_create(device_fd, name);
        if (fd < 0)
                return fd;
        w->session_fd = fd;
        return 0;
}

/* Under the old kernel a kept description tells the next daemon that there is an update to be undone. */
int workload_preserve_description(Workload *w) {
        int r = workload_describe(w, &w->description_fd);

        if (r < 0)
                return r;
        workload_drop_update(w);
        workload_keep(w, KEPT_DESCRIPTION, w->description_fd);
        workload_keep(w, KEPT_STATE, w->state_fd);
        return luo_session_preserve(w->session_fd, TOKEN_DESCRIPTION, w->description_fd);
}

int workload_preserve_state(Workload *w) {
        int r = workload_describe_again(w, w->description_fd); /* with what is known since: when it was paused */

        return r < 0 ? r : luo_session_preserve(w->session_fd, TOKEN_STATE, w->state_fd);
}

int workload_preserve_device(Workload *w, int fd) {
        int r = luo_session_preserve(w->session_fd, TOKEN_DEVICES + w->n_devices, fd);

        if (r >= 0)
                w->n_devices++;
        return r;
}

void workload_drop_session(Workload *w) {
        w->n_devices = 0;
        w->session_fd = fd_close(w->session_fd);
        w->description_fd = fd_close(w->description_fd);
        w->state_fd = fd_close(w->state_fd);
}

void workload_drop_update(Workload *w) {
        workload_drop_kept(w, KEPT_DESCRIPTION);
        workload_drop_kept(w, KEPT_STATE);
}

/* The kernel hands out what was retrieved before once more, until the session is finished
 * (kernel/liveupdate/luo_file.c:luo_retrieve_file()): what a predecessor of this daemon took out and did not get to
 * keep is not lost. */
static int take(Workload *w, int *fd, uint64_t token, Kept what, const char *noun) {
        if (*fd >= 0)
                return 0;
        *fd = luo_session_retrieve_fd(w->session_fd, token);
        if (*fd < 0) {
                workload_set_problem(w, "its %s did not come over: %s", noun, strerror(-*fd));
                return *fd;
        }
        workload_keep(w, what, *fd);
        return 0;
}

int workload_take_preserved(Workload *w) {
        struct stat st;
        int r;

        r = take(w, &w->description_fd, TOKEN_DESCRIPTION, KEPT_DESCRIPTION, "description");
        if (r < 0)
                return r;
        r = workload_read_description(w, w->description_fd);
        if (r < 0) {
                workload_set_problem(w, "its description cannot be read: %s", strerror(-r));
                return r;
        }
        r = take(w, &w->ram_fd, TOKEN_RAM, KEPT_RAM, "memory");
        if (r < 0)
                return r;
        r = take(w, &w->state_fd, TOKEN_STATE, KEPT_STATE, "device state");
        if (r < 0)
                return r;

        if (fstat(w->ram_fd, &st) < 0 || (uint64_t) st.st_size != w->ram_bytes) {
                workload_set_problem(w, "its memory came over with another size");
                return -EBADMSG;
        }
        return 0;
}

int workload_finish(Workload *w) {
        int r = luo_session_finish(w->session_fd);

        if (r < 0) {
                workload_set_problem(w, "its session could not be finished: %s", strerror(-r));
                return r;
        }
        workload_drop_kept(w, KEPT_SESSION);
        workload_drop_update(w);
        workload_drop_session(w);
        w->is_preserved = false;
        return 0;
}
