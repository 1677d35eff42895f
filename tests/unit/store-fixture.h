/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The service manager's side of an fd store, as src/core/service.c has it: what is sent to $NOTIFY_SOCKET is kept,
 * newest first, but no file twice; what hangs up is dropped; all of it is handed to the next process. */

#include <errno.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "store/store.h"
#include "unit.h"

typedef struct Stored {
        char name[256];
        int fd;
} Stored;

typedef struct Manager {
        int fd;
        Stored stored[64];
        size_t n;
} Manager;

static inline Manager manager_new(void) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        socklen_t size = sizeof(address);
        Manager m = { .fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0) };

        ck_assert_int_ge(m.fd, 0);
        ck_assert_int_eq(bind(m.fd, (struct sockaddr *) &address, sizeof(sa_family_t)), 0); /* any abstract name */
        ck_assert_int_eq(getsockname(m.fd, (struct sockaddr *) &address, &size), 0);
        address.sun_path[0] = '@';
        address.sun_path[size - offsetof(struct sockaddr_un, sun_path)] = 0;
        ck_assert_int_eq(setenv("NOTIFY_SOCKET", address.sun_path, 1), 0);
        return m;
}

static inline void manager_done(Manager *m) {
        while (m->n > 0)
                fd_close(m->stored[--m->n].fd);
        m->fd = fd_close(m->fd);
        (void) unsetenv("NOTIFY_SOCKET");
}

static inline void manager_drop_at(Manager *m, size_t i) {
        fd_close(m->stored[i].fd);
        memmove(m->stored + i, m->stored + i + 1, (--m->n - i) * sizeof(Stored));
}

/* By kcmp(2), as src/basic/fd-util.c:same_fd(). */
static inline bool manager_has(const Manager *m, int fd) {
        for (size_t i = 0; i < m->n; i++)
                if (syscall(SYS_kcmp, getpid(), getpid(), KCMP_FILE, m->stored[i].fd, fd) == 0)
                        return true;
        return false;
}

static inline void manager_hear(Manager *m, const char *text, int fd) {
        const char *name = strstr(text, "\nFDNAME=");

        ck_assert_msg(name, "%s", text);
        name += strlen("\nFDNAME=");
        if (strncmp(text, "FDSTORE=1\n", 10) == 0) {
                ck_assert_int_ge(fd, 0);
                ck_assert_uint_lt(m->n, 64);
                if (manager_has(m, fd)) {
                        fd_close(fd);
                        return;
                }
                memmove(m->stored + 1, m->stored, m->n++ * sizeof(Stored));
                snprintf(m->stored[0].name, sizeof(m->stored[0].name), "%s", name);
                m->stored[0].fd = fd;
                return;
        }
        ck_assert_int_eq(strncmp(text, "FDSTOREREMOVE=1\n", 16), 0);
        ck_assert_int_lt(fd, 0);
        for (size_t i = 0; i < m->n;)
                if (strcmp(m->stored[i].name, name) == 0)
                        manager_drop_at(m, i);
                else
                        i++;
}

/* Hears all that was said; answers how many messages that were. */
static inline unsigned manager_settle(Manager *m) {
        for (unsigned n = 0;; n++) {
                char text[4096], control[CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(struct ucred))];
                struct iovec iov = { text, sizeof(text) - 1 };
                struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
                        .msg_controllen = sizeof(control) };
                ssize_t size = recvmsg(m->fd, &message, MSG_CMSG_CLOEXEC);
                int fd = -EBADF;

                if (size < 0)
                        return n;
                text[size] = 0;
                for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c))
                        if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
                                memcpy(&fd, CMSG_DATA(c), sizeof(fd));
                manager_hear(m, text, fd);
        }
}

static inline int manager_find(Manager *m, const char *name) {
        manager_settle(m);
        for (size_t i = 0; i < m->n; i++)
                if (strcmp(m->stored[i].name, name) == 0)
                        return m->stored[i].fd;
        return -ENOENT;
}

static inline size_t manager_count(Manager *m) {
        manager_settle(m);
        return m->n;
}

static inline void manager_lose(Manager *m, const char *name) {
        manager_settle(m);
        for (size_t i = 0; i < m->n; i++)
                if (strcmp(m->stored[i].name, name) == 0) {
                        manager_drop_at(m, i);
                        return;
                }
        ck_abort_msg("%s is not kept", name);
}

/* What the next process is started with. */
static inline Inheritance *manager_bequeath(Manager *m) {
        Inheritance *inheritance;

        manager_settle(m);
        for (size_t i = 0; i < m->n;) {
                struct pollfd pollfd = { .fd = m->stored[i].fd };

                if (poll(&pollfd, 1, 0) > 0 && (pollfd.revents & (POLLHUP | POLLERR)))
                        manager_drop_at(m, i);
                else
                        i++;
        }
        ck_assert_int_eq(inheritance_new(&inheritance), 0);
        for (size_t i = 0; i < m->n; i++) {
                int fd = fcntl(m->stored[i].fd, F_DUPFD_CLOEXEC, 3);

                ck_assert_int_ge(fd, 0);
                ck_assert_int_eq(inheritance_add(inheritance, m->stored[i].name, fd), 0);
        }
        return inheritance;
}
