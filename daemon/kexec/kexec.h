/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The kernel's kexec, by kexec_file_load(2) and reboot(2): load, prove the checksum skip, jump. */

#include <stdbool.h>
#include <stdint.h>

typedef enum ChecksumSkip {
        CHECKSUM_SKIP_UNKNOWN, /* nothing on this kernel can tell (no dynamic debug, or no right to read it) */
        CHECKSUM_SKIP_ABSENT,
        CHECKSUM_SKIP_PROVEN,
} ChecksumSkip;

const char *checksum_skip_to_string(ChecksumSkip state); /* "unknown", "absent", "proven" */

typedef struct KexecLoadResult {
        ChecksumSkip checksum_skip;
        char evidence[256]; /* a sentence: the kernel message seen, or why there is none */
        uint64_t load_usec;
} KexecLoadResult;

/* Loads; replaces what was loaded. initrd_fd may be -EBADF. `cmdline` without the NUL counted may have at most 2047
 * bytes (COMMAND_LINE_SIZE of arch/x86/include/uapi/asm/setup.h). 0 or a negative errno as kexec_file_load(2) gives;
 * -E2BIG for a command line too long. Whatever dynamic debugging was on is on as before afterwards. */
int kexec_load(int kernel_fd, int initrd_fd, const char *cmdline, KexecLoadResult *ret);
int kexec_unload(void);

/* /sys/kernel/kexec_loaded. Negative errno where the kernel has no kexec. */
int kexec_is_loaded(void);

/* Whether this running kernel has the checksum skip, without loading anything (FACTS: dynamic_debug's list). */
ChecksumSkip kexec_checksum_skip_of_running_kernel(void);

/* reboot(LINUX_REBOOT_CMD_KEXEC). Answers only on failure: a negative errno, with everything still running.
 * kernel/kexec_core.c:kernel_kexec() */
int kexec_jump(void);

/* A sentence that says what an error of kexec_load() or kexec_jump() means here, and what to do about it. */
const char *kexec_error_remedy(int error);
