/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Interfaces that come late: their driver is loaded when udev gets to it, their VM's process makes its tap. */

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "basic/log.h"
#include "update/host-internal.h"

/* A pass may itself be what changed an interface. */
#define RATE_USEC (1000ULL * 1000)
#define RATE_MAX 25

struct HostWatch {
        int fd;
        sd_event_source *source;
        void (*changed)(void *userdata);
        void *userdata;
};

HostWatch *host_watch_free(HostWatch *watch) {
        if (!watch)
                return NULL;
        sd_event_source_disable_unref(watch->source);
        fd_close(watch->fd);
        free(watch);
        return NULL;
}

DEFINE_CLEANUP(HostWatch *, host_watch_free)

/* What exactly it was, the next pass finds out; ENOBUFS says that it was a lot. */
static int on_message(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        HostWatch *watch = userdata;
        char message[8192];

        while (recv(fd, message, sizeof(message), MSG_DONTWAIT) >= 0 || errno == ENOBUFS || errno == EINTR)
                ;
        watch->changed(watch->userdata);
        return 0;
}

int host_watch_new(sd_event *event, void (*changed)(void *userdata), void *userdata, HostWatch **ret) {
        static const struct sockaddr_nl address = { .nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK };
        _cleanup_(host_watch_freep) HostWatch *watch = calloc(1, sizeof(*watch));
        int r;

        if (!watch)
                return -ENOMEM;
        watch->changed = changed;
        watch->userdata = userdata;
        watch->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
        if (watch->fd < 0 || bind(watch->fd, (const struct sockaddr *) &address, sizeof(address)) < 0)
                return -errno;
        r = sd_event_add_io(event, &watch->source, watch->fd, EPOLLIN, on_message, watch);
        if (r >= 0)
                r = sd_event_source_set_ratelimit(watch->source, RATE_USEC, RATE_MAX);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(watch);
        return 0;
}
