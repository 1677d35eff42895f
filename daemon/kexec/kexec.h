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
ChecksumSkip checksum_skip_from_string(const char *name);    /* unknown for what is none of them */

typedef struct KexecLoadResult {
        ChecksumSkip checksum_skip;
        char evidence[256]; /* a sentence: the kernel message seen, or why there is none */
        uint64_t load_usec;
        uint64_t calls_before, calls_left; /* kexec/watch.h: the kernel's count, without the load and with it */
} KexecLoadResult;
#define KEXEC_CALLS_UNKNOWN UINT64_MAX

/* What a kexec takes is less than the 2047 a boot loader may give: arch/x86/kernel/kexec-bzimage64.c:
 * bzImage64_load() keeps MAX_ELFCOREHDR_STR_LEN (30) bytes free even without a crash kernel, and counts the NUL. */
#define KEXEC_CMDLINE_BYTES_MAX 2016

/* Loads; replaces what was loaded, but only on success: after an error an older kernel may still be loaded.
 * initrd_fd may be -EBADF. 0 or a negative errno as kexec_file_load(2) gives; -E2BIG for a command line too long.
 * On failure, too, *ret has the count of calls, for kexec_loaded_follow().
 * Whatever dynamic debugging was on is on as before afterwards. */
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
