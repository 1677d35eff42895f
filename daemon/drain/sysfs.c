/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "basic/io.h"
#include "drain/inventory-internal.h"

struct dirent *dir_next(DIR *dir) {
        struct dirent *d;

        do
                d = readdir(dir);
        while (d && (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0));
        return d;
}

DIR *dir_open_at(int dir_fd, const char *path) {
        int fd = openat(dir_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        DIR *dir = fd < 0 ? NULL : fdopendir(fd);

        if (!dir)
                fd_close(fd);
        return dir;
}

int link_read(int dir_fd, const char *path, char **ret) {
        char target[SYSFS_TEXT_MAX + 1];
        ssize_t n = readlinkat(dir_fd, path, target, sizeof(target));

        if (n < 0)
                return -errno;
        if (n == sizeof(target))
                return -ENAMETOOLONG;
        target[n] = 0;
        *ret = strdup(target);
        return *ret ? 0 : -ENOMEM;
}

int link_read_name(int dir_fd, const char *path, char **ret) {
        _cleanup_free_ char *target = NULL;
        int r = link_read(dir_fd, path, &target);
        const char *slash;

        if (r < 0)
                return r;
        slash = strrchr(target, '/');
        *ret = strdup(slash ? slash + 1 : target);
        return *ret ? 0 : -ENOMEM;
}

int sysfs_link_read(int dir_fd, const char *path, char **ret) {
        _cleanup_free_ char *target = NULL;
        const char *p;
        int r = link_read(dir_fd, path, &target);

        if (r < 0)
                return r;
        for (p = target; strncmp(p, "../", 3) == 0;)
                p += 3;
        *ret = strdup(p);
        return *ret ? 0 : -ENOMEM;
}

int attribute_read(int dir_fd, const char *path, char **ret) {
        int r = read_file_at(dir_fd, path, SYSFS_TEXT_MAX, ret, NULL);

        if (r >= 0)
                (*ret)[strcspn(*ret, "\n")] = 0;
        return r;
}

int attribute_read_number(int dir_fd, const char *path, int base, unsigned long *ret) {
        _cleanup_free_ char *text = NULL;
        unsigned long value;
        char *end;
        int r = attribute_read(dir_fd, path, &text);

        if (r < 0)
                return r;
        errno = 0;
        value = strtoul(text, &end, base);
        if (errno != 0 || end == text || *end)
                return -EBADMSG;
        *ret = value;
        return 0;
}

int line_get(const char *text, const char *key, char **ret) {
        size_t length = strlen(key);

        for (const char *p = text; p && *p; p = strchr(p, '\n'), p = p ? p + 1 : NULL) {
                if (strncmp(p, key, length) != 0 || p[length] != ':')
                        continue;
                p += length + 1;
                p += strspn(p, " \t");
                *ret = strndup(p, strcspn(p, "\n"));
                return *ret ? 0 : -ENOMEM;
        }
        return -ENOENT;
}

int strings_add(char ***list, const char *s) {
        size_t n = strings_count(*list);
        char **grown;

        for (size_t i = 0; i < n; i++)
                if (strcmp((*list)[i], s) == 0)
                        return 0;
        grown = reallocarray(*list, n + 2, sizeof(*grown));
        if (!grown)
                return -ENOMEM;
        *list = grown;
        grown[n + 1] = NULL;
        grown[n] = strdup(s);
        return grown[n] ? 0 : -ENOMEM;
}

size_t strings_count(char *const *list) {
        size_t n = 0;

        while (list && list[n])
                n++;
        return n;
}

void strings_free(char **list) {
        for (size_t i = 0; list && list[i]; i++)
                free(list[i]);
        free(list);
}

/* drivers/pci/probe.c:pci_setup_device(): %04x:%02x:%02x.%d; a domain of a controller's own has more digits. */
bool is_pci_address(const char *name, size_t length) {
        static const char hexadecimal[] = "0123456789abcdef", form[] = ":xx:xx.o";
        size_t domain = strspn(name, hexadecimal);

        if (domain < 4 || domain > 8 || length != domain + strlen(form))
                return false;
        for (const char *f = form, *p = name + domain; *f; f++, p++) {
                bool fits = *f == 'x'   ? *p && strchr(hexadecimal, *p)
                                : *f == 'o' ? *p >= '0' && *p <= '7'
                                            : *p == *f;

                if (!fits)
                        return false;
        }
        return true;
}
