/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Persistent tun and tap interfaces, which are made through their own device (drivers/net/tun.c). */

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/if_link.h>
#include <netlink/attr.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "host/network-links.h"

typedef struct Tun {
        uint8_t type, is_persistent, has_pi, has_vnet_header, is_multi_queue;
        uint32_t owner, group; /* UINT32_MAX: anybody */
} Tun;

static void read_option(struct nlattr *data, int type, void *ret, size_t size) {
        const struct nlattr *a = nla_find(nla_data(data), nla_len(data), type);

        if (a && nla_len(a) >= (int) size)
                memcpy(ret, nla_data(a), size);
}

static bool tun_read(const Link *link, Tun *ret) {
        struct nlattr *data = link_info_attribute(link, IFLA_INFO_DATA);

        *ret = (Tun) { .owner = UINT32_MAX, .group = UINT32_MAX };
        if (!data)
                return false;
        read_option(data, IFLA_TUN_TYPE, &ret->type, sizeof(ret->type));
        read_option(data, IFLA_TUN_PERSIST, &ret->is_persistent, sizeof(ret->is_persistent));
        read_option(data, IFLA_TUN_PI, &ret->has_pi, sizeof(ret->has_pi));
        read_option(data, IFLA_TUN_VNET_HDR, &ret->has_vnet_header, sizeof(ret->has_vnet_header));
        read_option(data, IFLA_TUN_MULTI_QUEUE, &ret->is_multi_queue, sizeof(ret->is_multi_queue));
        read_option(data, IFLA_TUN_OWNER, &ret->owner, sizeof(ret->owner));
        read_option(data, IFLA_TUN_GROUP, &ret->group, sizeof(ret->group));
        return ret->type == IFF_TUN || ret->type == IFF_TAP;
}

static int tun_flags(const Tun *tun) {
        return tun->type | (tun->has_pi ? 0 : IFF_NO_PI) | (tun->has_vnet_header ? IFF_VNET_HDR : 0) |
               (tun->is_multi_queue ? IFF_MULTI_QUEUE : 0);
}

/* An owner of -1 is nobody (tun_not_capable()). */
static int set_owners(int fd, const Tun *wanted, const Tun *now) {
        if (wanted->owner != now->owner && ioctl(fd, TUNSETOWNER, (unsigned long) wanted->owner) < 0)
                return -errno;
        if (wanted->group != now->group && ioctl(fd, TUNSETGROUP, (unsigned long) wanted->group) < 0)
                return -errno;
        if (wanted->is_persistent && !now->is_persistent && ioctl(fd, TUNSETPERSIST, 1UL) < 0)
                return -errno;
        return 0;
}

/* `index` 0: any. It ends with `fd` unless it is made persistent. */
static int tun_attach(const char *name, int flags, unsigned index, int *ret_fd) {
        _cleanup_fd_ int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
        struct ifreq request = { .ifr_flags = (short) flags };

        if (fd < 0)
                return -errno;
        (void) snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
        if (index != 0 && ioctl(fd, TUNSETIFINDEX, &index) < 0)
                return -errno;
        if (ioctl(fd, TUNSETIFF, &request) < 0)
                return -errno;
        *ret_fd = TAKE_FD(fd);
        return 0;
}

int tun_make(const Link *then, unsigned index) {
        static const Tun nobody = { .owner = UINT32_MAX, .group = UINT32_MAX };
        _cleanup_fd_ int fd = -EBADF;
        Tun wanted;
        int r;

        /* The name would be a pattern. */
        if (!tun_read(then, &wanted) || strchr(then->name, '%'))
                return -EINVAL;
        r = tun_attach(then->name, tun_flags(&wanted) | IFF_TUN_EXCL, index, &fd);
        if (r < 0)
                return r;
        return set_owners(fd, &wanted, &nobody);
}

int tun_adjust(const Link *then) {
        _cleanup_fd_ int fd = -EBADF;
        Tun wanted, now;
        int r;

        if (!tun_read(then, &wanted) || !tun_read(then->now, &now) || !wanted.is_persistent)
                return 0;
        if (wanted.owner == now.owner && wanted.group == now.group && now.is_persistent)
                return 0;
        r = tun_attach(then->now->name, tun_flags(&now), 0, &fd);
        if (r >= 0)
                r = set_owners(fd, &wanted, &now);
        return r < 0 ? r : 1;
}
