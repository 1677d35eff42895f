/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Which device an interface belongs to, by which it is known again when it has another name. */

#include <errno.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <netlink/attr.h>
#include <string.h>

#include "basic/io.h"
#include "host/network-internal.h"

#define NET_CLASS "/sys/class/net"

static bool read_number(const char *name, const char *file, unsigned *ret) {
        _cleanup_free_ char *path = NULL, *text = NULL;

        if (asprintf(&path, NET_CLASS "/%s/%s", name, file) < 0) {
                path = NULL;
                return false;
        }
        if (read_file_at(AT_FDCWD, path, 64, &text, NULL) < 0)
                return false;
        *ret = (unsigned) strtoul(text, NULL, 0);
        return true;
}

/* Its device in "../../devices/pci0000:00/0000:00:03.0/virtio0/net/eth0". Names of virtio devices are given anew each
 * time ("virtio0"), those below them are not. NULL: a virtual one, or no memory. */
static char *device_of_path(char *path) {
        char *end = strstr(path, "/net/"), *name;

        if (!end || strstr(path, "/virtual/"))
                return NULL;
        *end = 0;
        name = strrchr(path, '/');
        if (name && strncmp(name, "/virtio", strlen("/virtio")) == 0) {
                *name = 0;
                name = strrchr(path, '/');
        }
        return name ? strdup(name + 1) : NULL;
}

static char *device_by_sysfs(const Link *link) {
        _cleanup_free_ char *path = NULL;
        char target[PATH_MAX];
        unsigned index;
        ssize_t n;

        /* It can be mounted for another network namespace. */
        if (!read_number(link->name, "ifindex", &index) || index != link->index)
                return NULL;
        if (asprintf(&path, NET_CLASS "/%s", link->name) < 0) {
                path = NULL;
                return NULL;
        }
        n = readlink(path, target, sizeof(target) - 1);
        if (n < 0)
                return NULL;
        target[n] = 0;
        return device_of_path(target);
}

static char *device_by_netlink(const Link *link) {
        struct nlattr *parent = link->message.attributes[IFLA_PARENT_DEV_NAME];
        struct nlattr *bus = link->message.attributes[IFLA_PARENT_DEV_BUS_NAME];

        if (!parent || (bus && strcmp(nla_get_string(bus), "virtio") == 0))
                return NULL;
        return strdup(nla_get_string(parent));
}

static unsigned read_port(const char *name) {
        unsigned port = 0, id = 0;

        (void) read_number(name, "dev_port", &port);
        (void) read_number(name, "dev_id", &id);
        return (port & 0xffff) | id << 16;
}

int links_read_devices(const Links *links, NetworkInterface **ret, size_t *ret_n) {
        NetworkInterface *interfaces = calloc(links->n + 1, sizeof(*interfaces));
        size_t n = 0;

        if (!interfaces)
                return -ENOMEM;
        for (size_t i = 0; i < links->n; i++) {
                const Link *link = &links->items[i];
                char *device;

                if (link->kind || (link->flags & IFF_LOOPBACK))
                        continue;
                device = device_by_netlink(link);
                if (!device)
                        device = device_by_sysfs(link);
                if (device)
                        interfaces[n++] = (NetworkInterface) {
                                .index = link->index, .device = device, .port = read_port(link->name),
                        };
        }
        *ret = interfaces;
        *ret_n = n;
        return 0;
}
