/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The kernel's debugfs or securityfs, mounted where it usually is, or nowhere. */

typedef enum KernelFs {
        KERNEL_FS_DEBUG,
        KERNEL_FS_SECURITY,
} KernelFs;

/* Its root directory below `root`, "" for the real one, where it need not be mounted: a mount is made then that
 * nobody else sees and that goes with the fd. -ENODEV: the kernel has no such file system; -ENOENT: there is none
 * below `root`; -EPERM, -EACCES: this kernel shows it to nobody (debugfs=off), or not to us. */
int kernel_fs_open(const char *root, KernelFs fs);
