/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "basic/io.h"
#include "workload/workload-internal.h"

static bool is_registered(Registry *registry, pid_t pid) {
        for (Workload *w = registry->first; w; w = w->next)
                if (w->pid == pid)
                        return true;
        return false;
}

static bool link_begins(int dir_fd, const char *path, const char *prefix) {
        char target[256];
        ssize_t n = readlinkat(dir_fd, path, target, sizeof(target) - 1);

        if (n < 0)
                return false;
        target[n] = 0;
        return strncmp(target, prefix, strlen(prefix)) == 0;
}

static bool runs_qemu(int process_fd) {
        char target[4096], *base;
        ssize_t n = readlinkat(process_fd, "exe", target, sizeof(target) - 1);

        if (n < 0)
                return false;
        target[n] = 0;
        base = strrchr(target, '/');
        return base && strncmp(base + 1, "qemu-system-", strlen("qemu-system-")) == 0;
}

/* virt/kvm/kvm_main.c:kvm_dev_ioctl_create_vm() names the file. */
static bool holds_kvm_vm(int process_fd) {
        _cleanup_closedir_ DIR *dir = NULL;
        int fd = openat(process_fd, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        if (fd < 0)
                return false;
        dir = fdopendir(fd);
        if (!dir) {
                fd_close(fd);
                return false;
        }
        for (struct dirent *d; (d = readdir(dir));)
                if (link_begins(dirfd(dir), d->d_name, "anon_inode:kvm-vm"))
                        return true;
        return false;
}

static int stranger_append(Stranger **strangers, size_t *n, pid_t pid, int process_fd) {
        _cleanup_free_ char *comm = NULL;
        Stranger *grown = reallocarray(*strangers, *n + 1, sizeof(**strangers));

        if (!grown)
                return -ENOMEM;
        *strangers = grown;
        grown[*n] = (Stranger) { .pid = pid };
        if (read_file_at(process_fd, "comm", 64, &comm, NULL) >= 0)
                snprintf(grown[*n].comm, sizeof(grown[*n].comm), "%.*s", (int) strcspn(comm, "\n"), comm);
        (*n)++;
        return 0;
}

int strangers_find(Registry *registry, Stranger **ret, size_t *ret_n) {
        _cleanup_free_ Stranger *strangers = NULL;
        _cleanup_closedir_ DIR *proc = opendir("/proc");
        size_t n = 0;
        int r;

        if (!proc)
                return -errno;
        for (struct dirent *d; (d = readdir(proc));) {
                _cleanup_fd_ int process_fd = -EBADF;
                pid_t pid = (pid_t) strtol(d->d_name, NULL, 10);

                if (!isdigit((unsigned char) d->d_name[0]) || is_registered(registry, pid))
                        continue;
                process_fd = openat(dirfd(proc), d->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
                if (process_fd < 0 || (!runs_qemu(process_fd) && !holds_kvm_vm(process_fd)))
                        continue;
                r = stranger_append(&strangers, &n, pid, process_fd);
                if (r < 0)
                        return r;
        }

        *ret = TAKE_PTR(strangers);
        *ret_n = n;
        return 0;
}
