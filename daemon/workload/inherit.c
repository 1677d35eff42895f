/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* At start, from what a predecessor of this daemon kept: every workload as it was, each judged by what is there
 * of it. */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "basic/io.h"
#include "basic/log.h"
#include "workload/workload-internal.h"

typedef struct KeptSet {
        const char *name;
        int fds[_KEPT_MAX];
        bool has_ended; /* there was a process */
} KeptSet;

static KeptSet kept_set_take(Inheritance *inheritance, const char *name) {
        KeptSet set = { .name = name };

        for (Kept what = 0; what < _KEPT_MAX; what++) {
                char fd_name[KEPT_NAME_SIZE];

                kept_name(what, name, fd_name);
                set.fds[what] = inheritance_take(inheritance, fd_name);
        }
        return set;
}

static void kept_set_drop(KeptSet *set, Kept what) {
        char name[KEPT_NAME_SIZE];

        kept_name(what, set->name, name);
        store_drop(name);
        set->fds[what] = fd_close(set->fds[what]);
}

static void kept_set_drop_all(KeptSet *set) {
        for (Kept what = 0; what < _KEPT_MAX; what++)
                kept_set_drop(set, what);
}

static void kept_set_done(KeptSet *set) {
        for (Kept what = 0; what < _KEPT_MAX; what++)
                set->fds[what] = fd_close(set->fds[what]);
}

/* fs/pidfs.c:pidfd_show_fdinfo(). -ESRCH: it has ended; another error: no pidfd. */
static int process_of(int pid_fd, pid_t *ret) {
        struct pollfd pollfd = { .fd = pid_fd, .events = POLLIN };
        char path[sizeof("/proc/self/fdinfo/") + 11];
        _cleanup_free_ char *text = NULL;
        const char *line;
        int r;

        snprintf(path, sizeof(path), "/proc/self/fdinfo/%i", pid_fd);
        r = read_file_at(AT_FDCWD, path, 4096, &text, NULL);
        if (r < 0)
                return r;
        line = strstr(text, "\nPid:\t");
        if (!line)
                return -EBADF;
        *ret = (pid_t) strtol(line + strlen("\nPid:\t"), NULL, 10);
        return *ret <= 0 || poll(&pollfd, 1, 0) != 0 ? -ESRCH : 0;
}

/* What has ended meanwhile, or is not what it is called, is as good as not there. */
static pid_t kept_set_check_process(KeptSet *set) {
        pid_t pid = 0;
        int r;

        if (set->fds[KEPT_PROCESS] < 0 && set->fds[KEPT_QMP] < 0)
                return 0;
        r = set->fds[KEPT_PROCESS] < 0 ? -ESRCH : process_of(set->fds[KEPT_PROCESS], &pid);
        if (r >= 0)
                return pid;
        if (r == -ESRCH)
                set->has_ended = true;
        else
                log_warning_errno(r, "%s: its process cannot be told from what was kept: %m", set->name);
        kept_set_drop(set, KEPT_PROCESS);
        kept_set_drop(set, KEPT_QMP);
        return 0;
}

/* Its owner is who made the connection; see liveupdate-run, which becomes QEMU. */
static int owner_of(int qmp_fd, uid_t *ret) {
        socklen_t size = sizeof(struct ucred);
        struct ucred peer;

        if (getsockopt(qmp_fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
                return -errno;
        if (peer.uid == (uid_t) -1)
                return -EBADMSG; /* no unix socket */
        *ret = peer.uid;
        return 0;
}

static int size_of(int ram_fd, uint64_t *ret) {
        struct stat st;

        if (fstat(ram_fd, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode) || st.st_size <= 0)
                return -EBADMSG;
        *ret = (uint64_t) st.st_size;
        return 0;
}

static int inherit_process(Workload *w, KeptSet *set, pid_t pid) {
        int r = workload_watch_process(w, pid, TAKE_FD(set->fds[KEPT_PROCESS]));

        if (r < 0)
                return r;
        if (set->fds[KEPT_QMP] < 0) {
                workload_set_problem(w, "its QMP connection ended");
                return -ENOTCONN;
        }
        return qemu_take_over(w, TAKE_FD(set->fds[KEPT_QMP]));
}

static void inherit_description(Workload *w, KeptSet *set) {
        uint64_t ram_bytes = w->ram_bytes;
        uid_t uid = w->uid;
        int r;

        if (set->fds[KEPT_DESCRIPTION] < 0)
                return;
        w->is_interrupted = true;
        w->was_running = true;
        r = workload_read_description(w, set->fds[KEPT_DESCRIPTION]);
        if (r < 0)
                log_warning_errno(r, "%s: its description cannot be read, its guest is taken to have run: %m", w->name);
        w->ram_bytes = ram_bytes;
        w->uid = uid;
}

/* One that runs under this kernel, and perhaps stands still for an update that is over. */
static int inherit_running(Registry *registry, KeptSet *set, pid_t pid) {
        _cleanup_(workload_freep) Workload *w = NULL;
        int r;

        r = workload_new(set->name, "qemu", &w);
        if (r < 0)
                return r;
        w->state = WORKLOAD_RUNNING;
        r = size_of(set->fds[KEPT_RAM], &w->ram_bytes);
        if (r < 0)
                return log_warning_errno(r, "%s: its memory cannot be told from what was kept: %m", w->name);
        w->ram_fd = TAKE_FD(set->fds[KEPT_RAM]);
        if (set->fds[KEPT_QMP] >= 0 && owner_of(set->fds[KEPT_QMP], &w->uid) < 0)
                kept_set_drop(set, KEPT_QMP);
        inherit_description(w, set);

        registry_link(registry, w);
        r = inherit_process(w, set, pid);
        if (r < 0 && r != -ENOTCONN)
                return r;
        log_info("Workload %s, process %i: taken over.", w->name, (int) w->pid);
        TAKE_PTR(w);
        return 0;
}

/* One that came over from the previous kernel and is not finished: never dropped. */
static int inherit_preserved(Registry *registry, KeptSet *set, pid_t pid) {
        Workload *w;
        int r;

        r = workload_new(set->name, "qemu", &w);
        if (r < 0)
                return r;
        registry_link(registry, w);
        w->is_preserved = true;
        w->state = WORKLOAD_PRESERVED;
        w->session_fd = TAKE_FD(set->fds[KEPT_SESSION]);
        w->description_fd = TAKE_FD(set->fds[KEPT_DESCRIPTION]);
        w->ram_fd = TAKE_FD(set->fds[KEPT_RAM]);
        w->state_fd = TAKE_FD(set->fds[KEPT_STATE]);
        if (set->has_ended)
                workload_set_problem(w, "its process ended before the guest ran, while the daemon was restarted");

        r = workload_take_preserved(w);
        if (r >= 0 && pid > 0) {
                w->state = WORKLOAD_RESTORING;
                r = inherit_process(w, set, pid);
        } else if (pid > 0)
                (void) workload_watch_process(w, pid, TAKE_FD(set->fds[KEPT_PROCESS]));
        if (r < 0) {
                w->state = WORKLOAD_FAILED;
                log_error("%s: %s. It stays preserved.", w->name, w->problem ?: strerror(-r));
        } else
                log_info("Workload %s, preserved by the previous kernel: taken over.", w->name);
        return 0;
}

static int inherit_workload(Registry *registry, Inheritance *inheritance, const char *name) {
        _cleanup_(kept_set_done) KeptSet set = kept_set_take(inheritance, name);
        pid_t pid;
        int r;

        if (registry_get(registry, name))
                return 0; /* older ones of the same name */
        pid = kept_set_check_process(&set);
        if (set.fds[KEPT_SESSION] >= 0)
                return inherit_preserved(registry, &set, pid);

        if (pid > 0 && set.fds[KEPT_RAM] >= 0)
                r = inherit_running(registry, &set, pid);
        else if (pid > 0)
                r = log_warning_errno(-ENODATA, "%s runs, but its memory was not kept: it cannot survive.", name);
        else
                r = log_info_errno(-ESRCH, "%s ended while the daemon was restarted.", name);
        if (r < 0)
                kept_set_drop_all(&set);
        return r == -ENOMEM ? r : 0;
}

/* Takes whatever begins so out of the inheritance; what is none of ours is no workload's. */
static int inherit_next(Registry *registry, Inheritance *inheritance, const char *fd_name, const char *prefix) {
        char copy[KEPT_NAME_SIZE];

        if (!workload_name_is_valid(fd_name + strlen(prefix))) {
                log_warning("Nothing is known of inherited fd %s, it is dropped.", fd_name);
                store_drop(fd_name);
                fd_close(inheritance_take(inheritance, fd_name));
                return 0;
        }
        snprintf(copy, sizeof(copy), "%s", fd_name + strlen(prefix));
        return inherit_workload(registry, inheritance, copy);
}

int registry_inherit(Registry *registry, Inheritance *inheritance) {
        static const Kept order[] = { KEPT_SESSION, KEPT_PROCESS, KEPT_RAM, KEPT_QMP, KEPT_DESCRIPTION, KEPT_STATE };
        int error = 0;

        for (size_t i = 0; i < ELEMENTSOF(order); i++) {
                const char *prefix = kept_prefix(order[i]);

                for (const char *fd_name; (fd_name = inheritance_find(inheritance, prefix));) {
                        int r = inherit_next(registry, inheritance, fd_name, prefix);

                        /* None holds back the others, nor leaves them to be dropped. */
                        if (r < 0 && error >= 0)
                                error = r;
                }
        }
        return error;
}
