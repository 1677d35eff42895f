/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Where the host's state comes from: the manifest and the memfds beside it in its session, or what a predecessor of
 * this process kept of them. */

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "basic/json.h"
#include "basic/log.h"
#include "luo/luo.h"
#include "update/host-internal.h"

#define STORE_HOST "host"
#define STORE_TMPFS_NAME_SIZE (sizeof("tmpfs-") + 20)

static void store_tmpfs_name(uint64_t token, char ret[static STORE_TMPFS_NAME_SIZE]) {
        snprintf(ret, STORE_TMPFS_NAME_SIZE, "tmpfs-%" PRIu64, token);
}

static void keep(const char *name, int fd) {
        int r = store_keep(name, fd);

        if (r < 0)
                log_warning_errno(r, "A restart of this daemon would leave the host as it is then, %s cannot be kept: "
                                     "%m", name);
}

/* Not before the update's is dropped: the manager takes no file twice, whatever its name
 * (src/core/service.c:service_add_fd_store()). */
void host_restore_keep(const HostRestore *host, int manifest_fd) {
        if (host)
                keep(STORE_HOST, manifest_fd);
}

void host_state_drop_kept(const HostState *state) {
        if (host_state_lacks_tmpfs(state))
                return;
        for (size_t i = 0; i < state->n_tmpfs; i++) {
                char name[STORE_TMPFS_NAME_SIZE];

                store_tmpfs_name(state->tmpfs[i].token, name);
                store_drop(name);
        }
        store_drop(STORE_HOST);
}

int host_add_losses(const Manager *manager, json_object *losses) {
        if (!manager->keeps_tmpfs)
                return 0;
        return json_append_text(losses, "contents of a tmpfs, which the update before brought and could not put back "
                                        "(see liveupdatectl report; mount it and restart liveupdated.service)");
}

/* The session hands out what was retrieved before once more; see workload/session.c. */
static void take_fd(HostTmpfs *tmpfs, int session_fd, Inheritance *inheritance) {
        char name[STORE_TMPFS_NAME_SIZE];

        store_tmpfs_name(tmpfs->token, name);
        if (inheritance)
                tmpfs->fd = inheritance_take(inheritance, name);
        if (tmpfs->fd >= 0)
                return;
        tmpfs->fd = session_fd >= 0 ? luo_session_retrieve_fd(session_fd, tmpfs->token) : -ENOENT;
        if (tmpfs->fd >= 0)
                keep(name, tmpfs->fd);
        else
                log_error_errno(tmpfs->fd, "The contents of %s did not come over: %m", tmpfs->path);
}

/* An archive is never empty: this one a predecessor has unpacked (host-parts.c). */
static void take_tmpfs(HostTmpfs *tmpfs, int session_fd, Inheritance *inheritance) {
        struct stat st;

        take_fd(tmpfs, session_fd, inheritance);
        tmpfs->is_back = tmpfs->fd >= 0 && fstat(tmpfs->fd, &st) >= 0 && st.st_size == 0;
}

static void take_all(HostState *state, int session_fd, Inheritance *inheritance) {
        for (size_t i = 0; i < state->n_tmpfs; i++)
                take_tmpfs(&state->tmpfs[i], session_fd, inheritance);
        if (!state->is_first_process)
                return;
        state->seed_fd = luo_session_retrieve_fd(session_fd, MANIFEST_TOKEN_SEED);
        if (state->seed_fd < 0)
                log_debug("The old kernel left no seed.");
}

int host_restore_begin(Update *update, Inheritance *inheritance) {
        _cleanup_(host_state_unrefp) HostState *state = NULL;
        int r;

        r = host_state_new(&update->manifest, update->manager->baseline, &state);
        if (r < 0)
                return r;
        state->is_first_process = !update->is_inherited;
        take_all(state, update->manifest_session_fd, inheritance);
        return host_restore_start(update->manager, state, update->manifest.id);
}

static int inherit(Manager *manager, int fd, Inheritance *inheritance) {
        _cleanup_(manifest_done) Manifest manifest = {};
        _cleanup_(host_state_unrefp) HostState *state = NULL;
        int r;

        r = manifest_read(fd, &manifest, NULL);
        if (r >= 0)
                r = host_state_new(&manifest, manager->baseline, &state);
        if (r < 0)
                return r;
        take_all(state, -EBADF, inheritance);
        r = host_restore_start(manager, state, manifest.id);
        if (r >= 0)
                host_restore_after_update(manager->host);
        return r;
}

void host_restore_inherit(Manager *manager, Inheritance *inheritance) {
        _cleanup_fd_ int fd = inheritance_take(inheritance, STORE_HOST);
        int r;

        if (fd < 0) {
                if (inheritance_find(inheritance, "tmpfs-"))
                        log_error("Contents of a tmpfs are lost: the daemon before left them, but not what they are.");
                return;
        }
        log_notice("Going on to put the host back as it was under the kernel before.");
        r = inherit(manager, fd, inheritance);
        if (r < 0)
                log_error_errno(r, "What the daemon before left of the host's state cannot be put back: %m");
}
