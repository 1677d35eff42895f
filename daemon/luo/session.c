/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

#include "luo/liveupdate-uapi.h"
#include "luo/luo.h"

_Static_assert(LUO_SESSION_NAME_MAX == LIVEUPDATE_SESSION_NAME_LENGTH - 1, "see luo.h");

/* The kernel cuts a long name off at retrieval without a word (luo_session.c:luo_session_retrieve() compares
 * 64 bytes of it), so it is refused here. */
static int name_copy(uint8_t to[static LIVEUPDATE_SESSION_NAME_LENGTH], const char *name) {
        size_t size = strlen(name);

        if (size == 0)
                return -EINVAL;
        if (size > LUO_SESSION_NAME_MAX)
                return -ENAMETOOLONG;
        memcpy(to, name, size + 1);
        return 0;
}

int luo_session_create(int device_fd, const char *name) {
        struct liveupdate_ioctl_create_session arg = { .size = sizeof(arg) };
        int r;

        r = name_copy(arg.name, name);
        if (r < 0)
                return r;
        if (ioctl(device_fd, LIVEUPDATE_IOCTL_CREATE_SESSION, &arg) < 0)
                return -errno;
        return arg.fd;
}

int luo_session_retrieve(int device_fd, const char *name) {
        struct liveupdate_ioctl_retrieve_session arg = { .size = sizeof(arg) };
        int r;

        r = name_copy(arg.name, name);
        if (r < 0)
                return r;
        if (ioctl(device_fd, LIVEUPDATE_IOCTL_RETRIEVE_SESSION, &arg) < 0)
                return -errno;
        return arg.fd;
}

int luo_session_preserve(int session_fd, uint64_t token, int fd) {
        struct liveupdate_session_preserve_fd arg = { .size = sizeof(arg), .fd = fd, .token = token };

        return ioctl(session_fd, LIVEUPDATE_SESSION_PRESERVE_FD, &arg) < 0 ? -errno : 0;
}

int luo_session_retrieve_fd(int session_fd, uint64_t token) {
        struct liveupdate_session_retrieve_fd arg = { .size = sizeof(arg), .token = token };

        return ioctl(session_fd, LIVEUPDATE_SESSION_RETRIEVE_FD, &arg) < 0 ? -errno : arg.fd;
}

int luo_session_finish(int session_fd) {
        struct liveupdate_session_finish arg = { .size = sizeof(arg) };

        return ioctl(session_fd, LIVEUPDATE_SESSION_FINISH, &arg) < 0 ? -errno : 0;
}
