/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The kernel's Live Update Orchestrator: /dev/liveupdate and its sessions (include/uapi/linux/liveupdate.h,
 * kernel/liveupdate/). Everything here blocks in the kernel and nowhere else. */

#include <stdbool.h>
#include <stdint.h>

#define LUO_DEVICE "/dev/liveupdate"
#define LUO_SESSION_NAME_MAX 63 /* LIVEUPDATE_SESSION_NAME_LENGTH - 1 */

typedef enum LuoSupport {
        LUO_SUPPORTED,
        LUO_KERNEL_WITHOUT_KHO,   /* CONFIG_KEXEC_HANDOVER off */
        LUO_KERNEL_WITHOUT_LUO,   /* CONFIG_LIVEUPDATE off */
        LUO_KHO_OFF,              /* booted without kho=on */
        LUO_LIVEUPDATE_OFF,       /* booted without liveupdate=on */
        LUO_DISABLED_BY_KERNEL,   /* both on, yet the kernel gave up: see its log */
        LUO_NO_DEVICE_NODE,       /* the kernel has the device, /dev has not */
        LUO_DEVICE_BUSY,          /* another process has it open: one at a time, luo_open() */
        LUO_DEVICE_DENIED,
        LUO_HANDOVER_UNREADABLE,  /* EIO: the handover of the previous kernel could not be read */
        LUO_DEVICE_FAILED,
} LuoSupport;

/* Opens the device to find out, and closes it again. */
LuoSupport luo_support(void);
const char *luo_support_to_string(LuoSupport support); /* stable identifier */
const char *luo_support_message(LuoSupport support);   /* what is the matter */
const char *luo_support_remedy(LuoSupport support);    /* what to do; NULL for LUO_SUPPORTED */
/* What on this machine shows it, beside the message: "the running command line has kho=off", "held by systemd (PID 1)".
 * NULL where there is nothing to add. Caller frees. */
char *luo_support_evidence(LuoSupport support);
/* The holder of the device, by /proc/PID/fd; 0 where it cannot be found. */
int luo_device_holder(char comm[static 16]);

/* The device fd, waiting up to `timeout_usec` for another process to close it (systemd opens it briefly at boot and
 * shutdown). -EBUSY after that, -ENOENT without a device, -EIO when the handover could not be read. */
int luo_device_open(uint64_t timeout_usec);

/* fds of sessions (close-on-exec); closing one created here destroys the session and what it preserved stays with its
 * owner. Closing one retrieved here finishes it (luo_session_release()): what was not taken out by then is lost. */
int luo_session_create(int device_fd, const char *name);   /* -EEXIST; -EINVAL, -ENAMETOOLONG: bad name */
int luo_session_retrieve(int device_fd, const char *name); /* -ENOENT: no such session; -EINVAL: retrieved already */

/* A token names a fd within its session. -ENOENT or -EOPNOTSUPP: the kernel has no handler for this kind of fd.
 * -EEXIST: the token is taken. -EBUSY: the file is preserved already, in this session or another; a retrieved one counts
 * as that until its session is finished (luo_file.c:luo_retrieve_file()). */
int luo_session_preserve(int session_fd, uint64_t token, int fd);
int luo_session_retrieve_fd(int session_fd, uint64_t token);
int luo_session_finish(int session_fd);
