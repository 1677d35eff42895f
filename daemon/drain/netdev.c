/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The interfaces of this network namespace, and which sits on which. Containers may have ten thousand, so no more is
 * read of one than is asked for. */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "drain/inventory-internal.h"

static int netdev_compare(const void *pa, const void *pb) {
        const Netdev *a = pa, *b = pb;

        return strcmp(a->name, b->name);
}

Netdev *netdev_find(const Reading *reading, const char *name) {
        Netdev key = { .name = (char *) name };

        if (reading->n_netdevs == 0)
                return NULL;
        return bsearch(&key, reading->netdevs, reading->n_netdevs, sizeof(key), netdev_compare);
}

static int netdev_read(Reading *reading, int dir_fd, const char *name) {
        Netdev *grown = reallocarray(reading->netdevs, reading->n_netdevs + 1, sizeof(*grown)), *netdev;
        int r;

        if (!grown)
                return -ENOMEM;
        reading->netdevs = grown;
        netdev = &grown[reading->n_netdevs];
        *netdev = (Netdev) {};
        r = sysfs_link_read(dir_fd, name, &netdev->path);
        if (r < 0) /* bonding_masters is a file there */
                return r == -ENOENT || r == -EINVAL ? 0 : r;
        netdev->name = strdup(name);
        reading->n_netdevs++;
        if (!netdev->name)
                return -ENOMEM;
        netdev->device = inventory_find_in_path(reading->inventory, netdev->path);
        return 0;
}

int netdevs_read(Reading *reading) {
        _cleanup_closedir_ DIR *dir = dir_open_at(reading->sys_fd, "class/net");

        if (!dir)
                return errno == ENOENT ? 0 : -errno;
        for (struct dirent *d; (d = dir_next(dir));) {
                int r = netdev_read(reading, dirfd(dir), d->d_name);

                if (r < 0)
                        return r;
        }
        if (reading->n_netdevs > 0)
                qsort(reading->netdevs, reading->n_netdevs, sizeof(*reading->netdevs), netdev_compare);
        return 0;
}

void netdevs_free(Reading *reading) {
        for (size_t i = 0; i < reading->n_netdevs; i++) {
                free(reading->netdevs[i].name);
                free(reading->netdevs[i].path);
                free(reading->netdevs[i].uppers);
                free(reading->netdevs[i].lowers);
        }
        free(reading->netdevs);
}

static size_t list_size(Netdev *const *list) {
        size_t n = 0;

        while (list && list[n])
                n++;
        return n;
}

static int list_add(Netdev ***list, Netdev *netdev) {
        size_t n = list_size(*list);
        Netdev **grown = reallocarray(*list, n + 2, sizeof(Netdev *));

        if (!grown)
                return -ENOMEM;
        *list = grown;
        grown[n] = netdev;
        grown[n + 1] = NULL;
        return 0;
}

static int list_add_named(Reading *reading, Netdev ***list, const char *name) {
        Netdev *netdev = netdev_find(reading, name);

        return netdev ? list_add(list, netdev) : 0;
}

int netdev_know(Reading *reading, Netdev *netdev) {
        _cleanup_closedir_ DIR *dir = NULL;
        int r = 0;

        if (netdev->is_known)
                return 0;
        netdev->is_known = true;
        dir = dir_open_at(reading->sys_fd, netdev->path);
        if (!dir)
                return errno == ENOENT ? 0 : -errno;
        for (struct dirent *d; r >= 0 && (d = dir_next(dir));) {
                if (strncmp(d->d_name, "upper_", 6) == 0)
                        r = list_add_named(reading, &netdev->uppers, d->d_name + 6);
                else if (strncmp(d->d_name, "lower_", 6) == 0)
                        r = list_add_named(reading, &netdev->lowers, d->d_name + 6);
                else if (strcmp(d->d_name, "tun_flags") == 0)
                        netdev->is_tun = true;
        }
        return r;
}

/* Adds what sits on those of `list`, or what those sit on, to its end, each once. */
static int list_follow(Reading *reading, Netdev ***list, bool up) {
        for (size_t i = 0; *list && (*list)[i]; i++) {
                Netdev *netdev = (*list)[i], **next;
                int r = netdev_know(reading, netdev);

                next = up ? netdev->uppers : netdev->lowers;
                for (size_t j = 0; r >= 0 && next && next[j]; j++) {
                        if (next[j]->visit == reading->visits)
                                continue;
                        next[j]->visit = reading->visits;
                        r = list_add(list, next[j]);
                }
                if (r < 0)
                        return r;
        }
        return 0;
}

int netdev_uppers(Reading *reading, Netdev *netdev, Netdev ***ret) {
        _cleanup_free_ Netdev **list = NULL;
        int r;

        netdev->visit = ++reading->visits;
        r = list_add(&list, netdev);
        if (r >= 0)
                r = list_follow(reading, &list, true);
        if (r < 0)
                return r;
        memmove(list, list + 1, list_size(list) * sizeof(Netdev *));
        *ret = TAKE_PTR(list);
        return 0;
}

/* All below of it and of what sits on it, itself included. */
static int netdev_neighbourhood(Reading *reading, Netdev *netdev, Netdev ***ret) {
        _cleanup_free_ Netdev **list = NULL;
        int r;

        netdev->visit = ++reading->visits;
        r = list_add(&list, netdev);
        if (r >= 0)
                r = list_follow(reading, &list, true);
        if (r >= 0)
                r = list_follow(reading, &list, false);
        if (r >= 0)
                *ret = TAKE_PTR(list);
        return r;
}

/* veth, vxlan and their like lead on to where no link of sysfs says; so does the host's routing, when no hardware is
 * there at all. */
int netdev_collect(Reading *reading, const char *name, DeviceSet *set) {
        _cleanup_free_ Netdev **list = NULL;
        Netdev *netdev = netdev_find(reading, name);
        bool is_found = false;
        int r = 0;

        if (netdev)
                r = netdev_neighbourhood(reading, netdev, &list);
        for (size_t i = 0; list && list[i]; i++) {
                if (list[i]->device) {
                        device_set_add(reading, set, list[i]->device);
                        is_found = true;
                } else if (!list[i]->lowers && !list[i]->is_tun)
                        set->is_on_network = true;
        }
        if (!is_found)
                set->is_on_network = true;
        return r;
}
