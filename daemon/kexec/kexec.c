/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <linux/kexec.h>
#include <string.h>
#include <sys/reboot.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "basic/cleanup.h"
#include "basic/clock.h"
#include "basic/io.h"
#include "kexec/checksum.h"
#include "kexec/watch.h"

static const char state_names[][8] = {
        [CHECKSUM_SKIP_UNKNOWN] = "unknown",
        [CHECKSUM_SKIP_ABSENT] = "absent",
        [CHECKSUM_SKIP_PROVEN] = "proven",
};

const char *checksum_skip_to_string(ChecksumSkip state) {
        return (size_t) state < ELEMENTSOF(state_names) ? state_names[state] : "unknown";
}

ChecksumSkip checksum_skip_from_string(const char *name) {
        for (size_t i = 0; i < ELEMENTSOF(state_names); i++)
                if (strcmp(name, state_names[i]) == 0)
                        return (ChecksumSkip) i;
        return CHECKSUM_SKIP_UNKNOWN;
}

static int load(int kernel_fd, int initrd_fd, const char *cmdline, size_t length) {
        unsigned long flags = initrd_fd < 0 ? KEXEC_FILE_NO_INITRAMFS : 0;

        /* The kernel wants the NUL counted: kernel/kexec_file.c:kimage_file_prepare_segments(). */
        if (syscall(SYS_kexec_file_load, kernel_fd, initrd_fd, length + 1, cmdline, flags) < 0)
                return -errno;
        return 0;
}

int kexec_load(int kernel_fd, int initrd_fd, const char *cmdline, KexecLoadResult *ret) {
        _cleanup_(checksum_watch_end) ChecksumWatch watch = CHECKSUM_WATCH_EMPTY;
        size_t length = strlen(cmdline);
        KexecLoadResult result = {};
        uint64_t begin_usec;
        int r;

        *ret = (KexecLoadResult) { .calls_before = KEXEC_CALLS_UNKNOWN, .calls_left = KEXEC_CALLS_UNKNOWN };
        if (length > KEXEC_CMDLINE_BYTES_MAX)
                return -E2BIG;
        if (kernel_fd < 0)
                return -EBADF;

        result.calls_before = result.calls_left = kexec_calls_left("", true);
        checksum_watch_begin(&watch, checksum_controls, "/dev/kmsg");
        begin_usec = now_usec(CLOCK_MONOTONIC);
        r = load(kernel_fd, initrd_fd, cmdline, length);
        result.load_usec = now_usec(CLOCK_MONOTONIC) - begin_usec;
        if (r < 0) {
                result.calls_left = kexec_calls_left("", false);
                *ret = result;
                return r;
        }
        /* Exactly one was ours. If somebody else called in the meantime, this is not what is left. */
        if (result.calls_before != KEXEC_CALLS_UNKNOWN)
                result.calls_left = result.calls_before - 1;
        result.checksum_skip = checksum_watch_verdict(&watch, result.evidence, sizeof(result.evidence));

        *ret = result;
        return 0;
}

int kexec_unload(void) {
        if (syscall(SYS_kexec_file_load, -1, -1, 0UL, NULL, (unsigned long) KEXEC_FILE_UNLOAD) < 0)
                return -errno;
        return 0;
}

int kexec_is_loaded(void) {
        _cleanup_free_ char *text = NULL;
        int r;

        r = read_file_at(AT_FDCWD, "/sys/kernel/kexec_loaded", 64, &text, NULL);
        return r < 0 ? r : text[0] == '1';
}

ChecksumSkip kexec_checksum_skip_of_running_kernel(void) {
        return checksum_skip_listed(checksum_controls);
}

int kexec_jump(void) {
        /* 0 is for a kernel that came back, as with KEXEC_PRESERVE_CONTEXT, which is never loaded here. */
        return reboot(RB_KEXEC) < 0 ? -errno : -ENOTRECOVERABLE;
}
