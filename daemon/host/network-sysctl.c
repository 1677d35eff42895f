/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Settings of an interface below /proc/sys/net. They go when it is unregistered. */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "basic/io.h"
#include "host/network-internal.h"

#define SYSCTL_VALUE_MAX 256U

static const char *const directories[] = { "ipv4/conf", "ipv6/conf", "ipv4/neigh", "ipv6/neigh" };

char **sysctls_free(char **sysctls, size_t n) {
        for (size_t i = 0; i < n; i++)
                free(sysctls[i]);
        free(sysctls);
        return NULL;
}

/* "ipv4/conf/rp_filter=1": the length of the directory's name, or 0. */
static size_t directory_length(const char *sysctl) {
        for (size_t i = 0; i < ELEMENTSOF(directories); i++) {
                size_t length = strlen(directories[i]);

                if (strncmp(sysctl, directories[i], length) == 0 && sysctl[length] == '/')
                        return length;
        }
        return 0;
}

bool sysctl_is_sound(const char *sysctl) {
        size_t directory = directory_length(sysctl), name;

        if (directory == 0)
                return false;
        sysctl += directory + 1;
        name = strspn(sysctl, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
        return name > 0 && name < 64 && sysctl[name] == '=' && strlen(sysctl + name + 1) <= SYSCTL_VALUE_MAX;
}

/* Without the newline. */
static int read_value(int dir_fd, const char *name, char **ret) {
        size_t size;
        int r = read_file_at(dir_fd, name, SYSCTL_VALUE_MAX, ret, &size);

        if (r >= 0 && size > 0 && (*ret)[size - 1] == '\n')
                (*ret)[size - 1] = 0;
        return r;
}

/* By others that are in milliseconds (net/ipv6/ndisc.c, ndisc_ifinfo_sysctl_change(), which complains of these). */
static bool is_superseded(const char *name) {
        return strcmp(name, "base_reachable_time") == 0 || strcmp(name, "retrans_time") == 0;
}

static int read_directory(const char *directory, const char *name, char ***sysctls, size_t *n) {
        _cleanup_closedir_ DIR *dir = NULL;
        _cleanup_free_ char *path = NULL;

        if (asprintf(&path, "/proc/sys/net/%s/%s", directory, name) < 0) {
                path = NULL;
                return -ENOMEM;
        }
        dir = opendir(path);
        if (!dir) /* such as without IPv6 */
                return errno == ENOMEM ? -ENOMEM : 0;
        for (struct dirent *d; (d = readdir(dir));) {
                _cleanup_free_ char *value = NULL, *sysctl = NULL;
                struct stat st;
                char **grown;

                if (is_superseded(d->d_name))
                        continue;
                if (fstatat(dirfd(dir), d->d_name, &st, 0) < 0 || !S_ISREG(st.st_mode) || !(st.st_mode & S_IWUSR))
                        continue;
                /* What has not been set cannot be read, such as stable_secret. */
                if (read_value(dirfd(dir), d->d_name, &value) < 0)
                        continue;
                grown = reallocarray(*sysctls, *n + 1, sizeof(*grown));
                if (!grown)
                        return -ENOMEM;
                *sysctls = grown;
                if (asprintf(&sysctl, "%s/%s=%s", directory, d->d_name, value) < 0) {
                        sysctl = NULL;
                        return -ENOMEM;
                }
                if (sysctl_is_sound(sysctl))
                        grown[(*n)++] = TAKE_PTR(sysctl);
        }
        return 0;
}

int sysctls_read(const char *name, char ***ret, size_t *ret_n) {
        char **sysctls = NULL;
        size_t n = 0;
        int r = 0;

        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(directories); i++)
                r = read_directory(directories[i], name, &sysctls, &n);
        if (r < 0) {
                sysctls_free(sysctls, n);
                return r;
        }
        *ret = sysctls;
        *ret_n = n;
        return 0;
}

static long read_conf(const char *name, const char *key) {
        _cleanup_free_ char *path = NULL, *value = NULL;

        if (asprintf(&path, "/proc/sys/net/ipv6/conf/%s/%s", name, key) < 0) {
                path = NULL;
                return 0;
        }
        return read_value(AT_FDCWD, path, &value) < 0 ? 0 : strtol(value, NULL, 10);
}

bool sysctl_accepts_advertisements(const char *name) {
        long accept = read_conf(name, "accept_ra");

        return read_conf(name, "forwarding") != 0 ? accept == 2 : accept != 0;
}

int sysctl_restore(const char *name, const char *sysctl) {
        _cleanup_free_ char *path = NULL, *now = NULL;
        size_t directory = directory_length(sysctl);
        const char *key = sysctl + directory + 1, *value = strchr(key, '=') + 1;
        int r;

        if (asprintf(&path, "/proc/sys/net/%.*s/%s/%.*s", (int) directory, sysctl, name, (int) (value - 1 - key),
                            key) < 0) {
                path = NULL;
                return -ENOMEM;
        }
        r = read_value(AT_FDCWD, path, &now);
        if (r >= 0 && strcmp(now, value) == 0)
                return 0;
        r = write_file(path, value);
        return r < 0 ? r : 1;
}
