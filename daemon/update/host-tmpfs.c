/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The contents of the file systems of PreserveTmpfs=, packed when the services have stopped and nobody but the guests
 * writes to them any more. */

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "basic/io.h"
#include "basic/json.h"
#include "basic/log.h"
#include "luo/luo.h"
#include "privileged/privileged.h"
#include "update/host.h"

/* A tmpfs is half of the memory by default. */
#define TMPFS_BYTES_MAX (64ULL << 30)

struct HostPacking {
        pthread_mutex_t lock;
        int session_fd; /* under the lock; -EBADF: nobody wants it any more */
        char **paths;
        size_t n_paths;
        json_object *packed;
        char *why;
};

static void packing_free(void *data) {
        HostPacking *packing = data;

        pthread_mutex_destroy(&packing->lock);
        fd_close(packing->session_fd);
        for (size_t i = 0; packing->paths && i < packing->n_paths; i++)
                free(packing->paths[i]);
        free(packing->paths);
        json_object_put(packing->packed);
        free(packing->why);
        free(packing);
}

static int preserve(HostPacking *packing, uint64_t token, int fd) {
        int r;

        pthread_mutex_lock(&packing->lock);
        r = packing->session_fd >= 0 ? luo_session_preserve(packing->session_fd, token, fd) : -ECANCELED;
        pthread_mutex_unlock(&packing->lock);
        return r;
}

/* The kernel takes a file as it is: it is preserved when it has its size. */
static int pack(HostPacking *packing, size_t i) {
        uint64_t token = MANIFEST_TOKEN_TMPFS + i;
        _cleanup_fd_ int fd = -EBADF;
        json_object *o;
        int r;

        r = memfd_new_with("liveupdate-tmpfs", NULL, 0, &fd);
        if (r < 0)
                return r;
        r = privileged_pack_tmpfs(packing->paths[i], fd, TMPFS_BYTES_MAX, &o, &packing->why);
        if (r < 0)
                return r;
        if (json_add_string(o, "path", packing->paths[i]) < 0 || json_add_u64(o, "token", token) < 0 ||
                        json_object_array_add(packing->packed, o) < 0) {
                json_object_put(o);
                return -ENOMEM;
        }
        return preserve(packing, token, fd);
}

/* The operator has said that it is to be preserved: what cannot be is no less than a reason to roll back. */
static int run_pack(void *data) {
        HostPacking *packing = data;
        int r = 0;

        for (size_t i = 0; r >= 0 && i < packing->n_paths; i++) {
                _cleanup_free_ char *why = NULL;

                r = pack(packing, i);
                why = TAKE_PTR(packing->why);
                if (r < 0 && asprintf(&packing->why, "cannot preserve %s: %s", packing->paths[i],
                                             why ?: strerror(-r)) < 0)
                        packing->why = NULL;
        }
        return r;
}

/* For the journal: the manifest has no room for all that may be. */
static void tell_problems(json_object *packed) {
        for (size_t i = 0; i < json_object_array_length(packed); i++) {
                json_object *o = json_object_array_get_idx(packed, i), *problems;
                const char *path = "";

                if (json_get_array(o, "problems", &problems) < 0)
                        continue;
                (void) json_get_string(o, "path", &path);
                for (size_t k = 0; k < json_object_array_length(problems); k++)
                        log_warning("Not carried to the next kernel as it is, in %s: %s", path,
                                        json_object_get_string(json_object_array_get_idx(problems, k)));
                json_object_object_del(o, "problems");
        }
}

static void on_packed(int error, void *userdata) {
        Update *update = userdata;
        HostPacking *packing = TAKE_PTR(update->packing);

        if (error < 0)
                (void) update_explain(update, error, "%s", packing->why ?: strerror(-error));
        else {
                tell_problems(packing->packed);
                json_object_put(update->manifest.tmpfs);
                update->manifest.tmpfs = TAKE_PTR(packing->packed);
        }
        update->host_task = task_free(update->host_task); /* and `packing` with it */
        update->host_done(error, update);
}

static int packing_new(const Update *update, HostPacking **ret) {
        const Config *config = update->manager->config;
        HostPacking *packing = calloc(1, sizeof(*packing));

        if (!packing)
                return -ENOMEM;
        pthread_mutex_init(&packing->lock, NULL);
        packing->session_fd = fcntl(update->manifest_session_fd, F_DUPFD_CLOEXEC, 3);
        packing->packed = json_object_new_array();
        packing->paths = calloc(config->n_preserve_tmpfs, sizeof(char *));
        if (packing->session_fd < 0 || !packing->packed || !packing->paths) {
                packing_free(packing);
                return -ENOMEM;
        }
        for (size_t i = 0; i < config->n_preserve_tmpfs; i++) {
                packing->paths[packing->n_paths] = strdup(config->preserve_tmpfs[i]);
                if (!packing->paths[packing->n_paths++]) {
                        packing_free(packing);
                        return -ENOMEM;
                }
        }
        *ret = packing;
        return 0;
}

int host_pack(Update *update, TaskDoneFunc done) {
        HostPacking *packing;
        int r;

        if (update->manager->config->n_preserve_tmpfs == 0)
                return 0;
        r = packing_new(update, &packing);
        if (r < 0)
                return r;
        update->host_done = done;
        update->packing = packing;
        r = task_start(update->manager->event, run_pack, packing, packing_free, on_packed, update,
                        &update->host_task);
        if (r < 0)
                update->packing = NULL;
        return r < 0 ? r : 1;
}

/* A thread in the middle of one goes on for minutes. It must not hold the session, of which there is only one. */
void host_pack_stop(Update *update) {
        HostPacking *packing = TAKE_PTR(update->packing);

        if (!packing)
                return;
        pthread_mutex_lock(&packing->lock);
        packing->session_fd = fd_close(packing->session_fd);
        pthread_mutex_unlock(&packing->lock);
        update->host_task = task_free(update->host_task); /* and `packing` with it, once the thread is through */
}
