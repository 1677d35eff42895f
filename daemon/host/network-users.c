/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Which interfaces a process has in its hands, by what it has open. */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "basic/cleanup.h"
#include "basic/io.h"
#include "host/network.h"

#define TUN_RDEV makedev(10, 200) /* include/linux/miscdevice.h, TUN_MINOR */
#define FDINFO_BYTES_MAX 4096U

char **network_names_free(char **names) {
        for (size_t i = 0; names && names[i]; i++)
                free(names[i]);
        free(names);
        return NULL;
}

static int add_name(char ***names, const char *name, size_t length) {
        char **grown, *copy;
        size_t n = 0;

        for (; *names && (*names)[n]; n++)
                if (strncmp((*names)[n], name, length) == 0 && (*names)[n][length] == 0)
                        return 0;
        grown = reallocarray(*names, n + 2, sizeof(*grown));
        if (!grown)
                return -ENOMEM;
        *names = grown;
        grown[n] = NULL;
        copy = strndup(name, length);
        if (!copy)
                return -ENOMEM;
        grown[n] = copy;
        grown[n + 1] = NULL;
        return 0;
}

/* "iff:" TAB "tap0" (drivers/net/tun.c, tun_chr_show_fdinfo()); one that is attached to nothing has no name. */
static int add_of_tun(int process_fd, const char *number, char ***names) {
        _cleanup_free_ char *text = NULL;
        const char *name;
        char path[64];
        size_t length;
        int r;

        (void) snprintf(path, sizeof(path), "fdinfo/%.32s", number);
        r = read_file_at(process_fd, path, FDINFO_BYTES_MAX, &text, NULL);
        if (r < 0)
                return r == -ENOMEM ? r : 0; /* closed meanwhile */
        name = strstr(text, "\niff:");
        if (!name)
                return 0;
        name += strlen("\niff:");
        name += strspn(name, "\t ");
        length = strcspn(name, "\n");
        return length > 0 ? add_name(names, name, length) : 0;
}

/* ".../net/macvtap0/macvtap/tap5" (drivers/net/macvtap.c, macvtap_device_event()); of an ipvtap it has "ipvtap". */
static int add_of_macvtap(dev_t rdev, char ***names) {
        char path[64], target[PATH_MAX];
        const char *name, *end;
        ssize_t n;

        (void) snprintf(path, sizeof(path), "/sys/dev/char/%u:%u", major(rdev), minor(rdev));
        n = readlink(path, target, sizeof(target) - 1);
        if (n < 0)
                return 0;
        target[n] = 0;
        name = strstr(target, "/net/");
        if (!name)
                return 0;
        name += strlen("/net/");
        end = name + strcspn(name, "/");
        return strstr(end, "/tap") && end > name ? add_name(names, name, (size_t) (end - name)) : 0;
}

static bool is_in_our_network(int process_fd) {
        char ours[64] = "", its[64] = "";

        return readlink("/proc/self/ns/net", ours, sizeof(ours) - 1) > 0 &&
                        readlinkat(process_fd, "ns/net", its, sizeof(its) - 1) > 0 && strcmp(ours, its) == 0;
}

static int add_of_fd(int process_fd, int fds_fd, const char *number, char ***names) {
        struct statx st;
        dev_t rdev;

        /* Nobody is to be asked who is on another machine. */
        if (statx(fds_fd, number, AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT, STATX_TYPE, &st) < 0 || !S_ISCHR(st.stx_mode))
                return 0;
        rdev = makedev(st.stx_rdev_major, st.stx_rdev_minor);
        return rdev == TUN_RDEV ? add_of_tun(process_fd, number, names) : add_of_macvtap(rdev, names);
}

static int has_gone(int error) {
        return error == ENOENT || error == ESRCH ? 0 : -error;
}

int network_interfaces_of_process(pid_t pid, char ***names) {
        _cleanup_fd_ int process_fd = -EBADF;
        _cleanup_closedir_ DIR *dir = NULL;
        char path[32];
        int fds_fd, r = 0;

        (void) snprintf(path, sizeof(path), "/proc/%i", (int) pid);
        process_fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (process_fd < 0)
                return has_gone(errno);
        if (!is_in_our_network(process_fd))
                return 0;
        fds_fd = openat(process_fd, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fds_fd < 0)
                return has_gone(errno);
        dir = fdopendir(fds_fd);
        if (!dir) {
                close(fds_fd);
                return -ENOMEM;
        }
        for (struct dirent *d; r >= 0 && (d = readdir(dir));)
                if (d->d_name[0] != '.')
                        r = add_of_fd(process_fd, dirfd(dir), d->d_name, names);
        return r;
}
