/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The floor of every blackout: reboot(KEXEC) into an initramfs whose init does nothing but retrieve one session.
 *
 *     floor KERNEL INITRD     in the old kernel: preserves a memfd that holds the TSC, and jumps
 *     as PID 1                in the new kernel: takes it back and says how long that was */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <time.h>
#include <unistd.h>

#include "basic/io.h"
#include "basic/log.h"
#include "kexec/kexec.h"
#include "luo/luo.h"
#include "timeline/timeline.h"

#define SESSION "floor"
#define TOKEN 1
#define DEVICE_USEC 5000000

/* In place of the library's, so that the journal's libraries need not be loaded: the floor must be low. */
int log_message(int level, int error, const char *file, int line, const char *format, ...) {
        (void) level;
        (void) file;
        (void) line;
        (void) format;
        return error;
}

static int fail(const char *what, int error) {
        printf("floor ERROR: %s: %s\n", what, strerror(-error));
        fflush(stdout);
        return 1;
}

static int jump(const char *kernel, const char *initrd) {
        int kernel_fd = open(kernel, O_RDONLY | O_CLOEXEC), initrd_fd = open(initrd, O_RDONLY | O_CLOEXEC);
        int line_fd = open("/proc/cmdline", O_RDONLY | O_CLOEXEC);
        int memfd = -EBADF, device, session, r;
        volatile uint64_t *start;
        KexecLoadResult loaded;
        char line[4096] = "";

        if (kernel_fd < 0 || initrd_fd < 0 || line_fd < 0 || read(line_fd, line, sizeof(line) - 1) <= 0)
                return fail("open", -errno);
        line[strcspn(line, "\n")] = 0;

        r = memfd_new_with(SESSION, NULL, sysconf(_SC_PAGESIZE), &memfd);
        if (r < 0)
                return fail("memfd", r);
        start = mmap(NULL, sysconf(_SC_PAGESIZE), PROT_READ | PROT_WRITE, MAP_SHARED, memfd, 0);
        if (start == MAP_FAILED)
                return fail("mmap", -errno);

        device = luo_device_open(DEVICE_USEC);
        if (device < 0)
                return fail(LUO_DEVICE, device);
        session = luo_session_create(device, SESSION);
        if (session < 0)
                return fail("session", session);
        r = luo_session_preserve(session, TOKEN, memfd);
        if (r < 0)
                return fail("preserve", r);
        close(device);

        r = kexec_load(kernel_fd, initrd_fd, line, &loaded);
        if (r < 0)
                return fail("kexec_file_load", r);
        printf("floor checksum_skip=%s\n", checksum_skip_to_string(loaded.checksum_skip));
        fflush(stdout);
        sync();

        /* Preserved contents stay writable until the jump: mm/memfd_luo.c. */
        *start = tsc_now();
        return fail("reboot", kexec_jump());
}

static int arrive(void) {
        uint64_t start = 0, end, hz;
        ClockSample since;
        int device, session, memfd;

        if (mount("devtmpfs", "/dev", "devtmpfs", 0, NULL) < 0)
                return fail("devtmpfs", -errno);
        device = luo_device_open(DEVICE_USEC);
        if (device < 0)
                return fail(LUO_DEVICE, device);
        session = luo_session_retrieve(device, SESSION);
        if (session < 0)
                return fail("session", session);
        memfd = luo_session_retrieve_fd(session, TOKEN);
        if (memfd < 0)
                return fail("retrieve", memfd);
        if (pread(memfd, &start, sizeof(start), 0) != sizeof(start))
                return fail("pread", -errno);
        end = tsc_now();

        since = clock_sample();
        nanosleep(&(struct timespec) { .tv_sec = 1 }, NULL);
        hz = clock_tsc_hz(since);
        printf("floor_usec=%llu tsc_hz=%llu\n", (unsigned long long) tsc_to_usec(end - start, hz),
               (unsigned long long) hz);
        fflush(stdout);
        return 0;
}

int main(int argc, char **argv) {
        if (getpid() == 1) {
                (void) arrive();
                reboot(RB_POWER_OFF);
        }
        if (argc != 3) {
                fprintf(stderr, "usage: floor KERNEL INITRD\n");
                return 2;
        }
        return jump(argv[1], argv[2]);
}
