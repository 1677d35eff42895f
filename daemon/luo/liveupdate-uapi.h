/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The part of the kernel's <linux/liveupdate.h> (Linux 6.19 and later) that we use, for systems whose
 * headers are older. The ioctls are extensible: the first member is the size the caller knows, and the
 * numbers are made by _IO(), without a size, so that they stay the same when a struct grows. */

#if __has_include(<linux/liveupdate.h>)
#include <linux/liveupdate.h>
#else

#include <stdint.h>
#include <sys/ioctl.h>

#define LIVEUPDATE_IOCTL_TYPE 0xBA
#define LIVEUPDATE_SESSION_NAME_LENGTH 64 /* with the NUL */

/* On the device */
struct liveupdate_ioctl_create_session {
        uint32_t size;
        int32_t fd; /* out */
        uint8_t name[LIVEUPDATE_SESSION_NAME_LENGTH];
};

struct liveupdate_ioctl_retrieve_session {
        uint32_t size;
        int32_t fd; /* out */
        uint8_t name[LIVEUPDATE_SESSION_NAME_LENGTH];
};

#define LIVEUPDATE_IOCTL_CREATE_SESSION _IO(LIVEUPDATE_IOCTL_TYPE, 0x00)
#define LIVEUPDATE_IOCTL_RETRIEVE_SESSION _IO(LIVEUPDATE_IOCTL_TYPE, 0x01)

/* On a session */
struct liveupdate_session_preserve_fd {
        uint32_t size;
        int32_t fd;
        uint64_t token __attribute__((aligned(8)));
};

struct liveupdate_session_retrieve_fd {
        uint32_t size;
        int32_t fd; /* out */
        uint64_t token __attribute__((aligned(8)));
};

struct liveupdate_session_finish {
        uint32_t size;
        uint32_t reserved;
};

#define LIVEUPDATE_SESSION_PRESERVE_FD _IO(LIVEUPDATE_IOCTL_TYPE, 0x40)
#define LIVEUPDATE_SESSION_RETRIEVE_FD _IO(LIVEUPDATE_IOCTL_TYPE, 0x41)
#define LIVEUPDATE_SESSION_FINISH _IO(LIVEUPDATE_IOCTL_TYPE, 0x42)

#endif

_Static_assert(sizeof(struct liveupdate_ioctl_create_session) >= 72, "ABI of Linux 6.19");
_Static_assert(sizeof(struct liveupdate_ioctl_retrieve_session) >= 72, "ABI of Linux 6.19");
_Static_assert(sizeof(struct liveupdate_session_preserve_fd) >= 16, "ABI of Linux 6.19");
_Static_assert(sizeof(struct liveupdate_session_retrieve_fd) >= 16, "ABI of Linux 6.19");
_Static_assert(sizeof(struct liveupdate_session_finish) >= 8, "ABI of Linux 6.19");
