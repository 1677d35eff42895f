/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "timeline/kmsg.h"
#include "timeline/timeline.h"
#include "unit.h"

#define HZ UINT64_C(1000000) /* so that ticks are µs */
#define MARK_TSC UINT64_C(1000000000)
#define MARK "[   10.000000] liveupdated: token\n"

START_TEST(records_of_kmsg) {
        static const struct {
                const char *data;
                int r;
                bool is_from_kernel;
                uint64_t stamp_usec;
                const char *text;
        } cases[] = {
                { "6,339,5140900,-;NET: Registered\n", 0, true, 5140900, "NET: Registered" },
                { "14,1,2,-,caller=T1;user\n", 0, false, 2, "user" },
                { "30,1,2,c,caller=T1,more=x;a;b\n SUBSYSTEM=pci\n DEVICE=+pci:0\n", 0, false, 2, "a;b" },
                { "6,1,18446744073709551615,-;no newline", 0, true, UINT64_MAX, "no newline" },
                { "6,1,2,-;\n", 0, true, 2, "" },
                { "", -EBADMSG },
                { "6", -EBADMSG },
                { "6,", -EBADMSG },
                { "6,1,2", -EBADMSG },
                { "6,1,2,-", -EBADMSG },
                { ",1,2,-;x", -EBADMSG },
                { "x,1,2,-;x", -EBADMSG },
                { "6,1,-2,-;x", -EBADMSG },
                { "6,1,18446744073709551616,-;x", -EBADMSG },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                KmsgRecord record = { 0 };

                ck_assert_msg(kmsg_parse(cases[i].data, strlen(cases[i].data), &record) == cases[i].r,
                                "case %zu", i);
                if (cases[i].r < 0)
                        continue;
                ck_assert_msg(record.is_from_kernel == cases[i].is_from_kernel, "case %zu", i);
                ck_assert_uint_eq(record.stamp_usec, cases[i].stamp_usec);
                ck_assert_uint_eq(record.size, strlen(cases[i].text));
                ck_assert_mem_eq(record.text, cases[i].text, record.size);
        }
}
END_TEST

START_TEST(the_line_of_init) {
        static const struct {
                const char *data;
                bool expected;
        } cases[] = {
                { "6,1,2,-;Run /init as init process\n", true },
                { "6,1,2,-;Run /sbin/my init as init process", true },
                { "14,1,2,-;Run /init as init process\n", false }, /* a process says so */
                { "6,1,2,-;Run  as init process\n", false },
                { "6,1,2,-;Run as init process\n", false },
                { "6,1,2,-;Run /init as init process!\n", false },
                { "6,1,2,-;xRun /init as init process\n", false },
                { "6,1,2,-;Run\n", false },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                KmsgRecord record;

                ck_assert_int_eq(kmsg_parse(cases[i].data, strlen(cases[i].data), &record), 0);
                ck_assert_msg(kmsg_is_init_line(&record) == cases[i].expected, "case %zu", i);
        }
}
END_TEST

START_TEST(refuses_tokens) {
        char token[KMSG_TOKEN_MAX + 2];
        uint64_t tsc = 7;

        memset(token, 'x', sizeof(token) - 1);
        token[sizeof(token) - 1] = 0;
        ck_assert_int_eq(kmsg_mark(-EBADF, 7, "", &tsc), -EINVAL);
        ck_assert_int_eq(kmsg_mark(-EBADF, 7, token, &tsc), -EINVAL);
        ck_assert_int_eq(kmsg_mark(-EBADF, 7, "two\nlines", &tsc), -EINVAL);
        ck_assert_int_eq(kmsg_mark(-EBADF, 7, "two words", &tsc), -EINVAL);
        ck_assert_int_eq(kmsg_mark(-EBADF, 7, "back\\slash", &tsc), -EINVAL);
        ck_assert_int_eq(kmsg_mark(-EBADF, 7, "n\xc3\xb6", &tsc), -EINVAL);
        ck_assert_int_eq(kmsg_mark(-EBADF, 7, "fine", &tsc), -EBADF);
        ck_assert_uint_eq(tsc, 7);
}
END_TEST

static int parse(const char *text, ShutdownLog **ret) {
        return shutdown_log_parse(text, strlen(text), "token", MARK_TSC, HZ, ret);
}

START_TEST(a_whole_shutdown) {
        static const char text[] = "12 of a line that the ring buffer cut\n"
                                   "[    9.000000] liveupdated: token2\n"
                                   "[    9.100000] e1000e 0000:00:09.0: shutdown\n" MARK
                                   "[   10.100000] kvm: exiting hardware virtualization\n"
                                   "[   10.200000] sd 0:0:0:0: shutdown\n"
                                   "[   10.200010] sd 0:0:0:0: [sda] Synchronizing SCSI cache\n"
                                   "[   10.250000] unrelated\n"
                                   "[   10.300000] e1000e 0000:00:02.0: shutdown_pre\n"
                                   "[   10.300005] e1000e 0000:00:02.0: shutdown\n"
                                   "[   10.400000] Generic PHY r8169-0-100:00: shutdown\n"
                                   "** 3 printk messages dropped **\n"
                                   "[   10.500000]  nodriver: shutdown\n"
                                   "[   10.500100]  nodriver: last words\n"
                                   "[   10.600000] kexec_core: Starting new kernel\n"
                                   "[   10.610000] Disabling non-boot CPUs ...\n"
                                   "[   10.620000] smpboot: CPU 1 is now offline\n"
                                   "\nNo errors detected\n";
        static const struct {
                const char *driver, *device;
                uint64_t start, end;
        } expected[] = {
                { "sd", "0:0:0:0", 200000, 300000 },
                { "e1000e", "0000:00:02.0", 300000, 400000 },
                { "Generic PHY", "r8169-0-100:00", 400000, 500000 },
                { "", "nodriver", 500000, 600000 },
        };
        _cleanup_(shutdown_log_freep) ShutdownLog *log = NULL;

        ck_assert_int_eq(parse(text, &log), 0);
        ck_assert_uint_eq(log->mark_tsc, MARK_TSC);
        ck_assert_uint_eq(log->last_line_tsc, MARK_TSC + 620000);
        ck_assert_uint_eq(log->n_devices, ELEMENTSOF(expected));
        for (size_t i = 0; i < ELEMENTSOF(expected); i++) {
                ck_assert_str_eq(log->devices[i].driver, expected[i].driver);
                ck_assert_str_eq(log->devices[i].device, expected[i].device);
                ck_assert_uint_eq(log->devices[i].start_tsc, MARK_TSC + expected[i].start);
                ck_assert_uint_eq(log->devices[i].end_tsc, MARK_TSC + expected[i].end);
        }
}
END_TEST

/* Each: what follows the mark, how many devices it holds, and how far after the mark the last line is. */
START_TEST(kinds_of_lines) {
        static const struct {
                const char *text;
                size_t n_devices;
                uint64_t last;
        } cases[] = {
                { MARK, 0, 0 },
                { "[   10.000000] liveupdated: token", 0, 0 },
                { MARK "[   10.000001] e1000e 0000:00:02.0: shutdown", 1, 1 },
                { MARK "[   10.000001] e1000e 0000:00:02.0: shutdown\r\n", 1, 1 },
                { MARK "<6>[   10.000001] e1000e 0000:00:02.0: shutdown\n", 1, 1 },
                { MARK "[   10.000001][    T1] e1000e 0000:00:02.0: shutdown\n", 1, 1 },
                { MARK "<6>[   10.000001][   C12] e1000e 0000:00:02.0: shutdown\n", 1, 1 },
                { MARK "[12345678.000000] e1000e 0000:00:02.0: shutdown\n", 1, 12345668000000 },
                /* No lines */
                { MARK "e1000e 0000:00:02.0: shutdown\n", 0, 0 },
                { MARK "[   10.000001]e1000e 0000:00:02.0: shutdown\n", 0, 0 },
                { MARK "[   10.00001] e1000e 0000:00:02.0: shutdown\n", 0, 0 },
                { MARK "[   10,000001] e1000e 0000:00:02.0: shutdown\n", 0, 0 },
                { MARK "[9999999999999.000001] e1000e 0000:00:02.0: shutdown\n", 0, 0 },
                { MARK "[", 0, 0 },
                { MARK "[    ", 0, 0 },
                { MARK "[   10.000001", 0, 0 },
                { MARK "[   10.000001]", 0, 0 },
                { MARK "[   10.000001][    ", 0, 0 },
                { MARK "<6", 0, 0 },
                { MARK "<6>", 0, 0 },
                /* Lines, but no devices */
                { MARK "[   10.000001] \n", 0, 1 },
                { MARK "[   10.000001] : shutdown\n", 0, 1 },
                { MARK "[   10.000001] reboot: shutdown\n", 0, 1 },
                { MARK "[   10.000001] PM: foo: shutdown\n", 0, 1 },
                { MARK "[   10.000001] e1000e 0000:00:02.0: shutdown now\n", 0, 1 },
                { MARK "[   10.000001] e1000e 0000:00:02.0\x01: shutdown\n", 0, 1 },
                { MARK "[   10.000001] e1000e \xff: shutdown\n", 0, 1 },
                /* The last mark counts, another's does not */
                { MARK "[   11.000000] a b: shutdown\n[   12.000000] liveupdated: token\n", 0, 0 },
                { MARK "[   11.000000] liveupdated: another\n", 0, 1000000 },
                /* A small step back is two CPUs, a large one or a banner another kernel */
                { MARK "[   12.000000] a b: shutdown\n[   11.900000] c d: shutdown\n", 2, 2000000 },
                { MARK "[   12.000000] a b: shutdown\n[    0.000000] c d: shutdown\n", 1, 2000000 },
                { MARK "[   10.000001] a b: shutdown\n[   10.000002] Linux version 7.3\n[   13.0] x\n", 1,
                                1 },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(shutdown_log_freep) ShutdownLog *log = NULL;

                ck_assert_msg(parse(cases[i].text, &log) == 0, "case %zu", i);
                ck_assert_msg(log->n_devices == cases[i].n_devices, "case %zu: %zu devices", i,
                                log->n_devices);
                ck_assert_msg(log->last_line_tsc == MARK_TSC + cases[i].last, "case %zu: +%ju", i,
                                (uintmax_t) (log->last_line_tsc - MARK_TSC));
        }
}
END_TEST

START_TEST(no_mark) {
        static const char *const bad[] = {
                "",
                "\n",
                "liveupdated: token\n",
                "[   10.000000] liveupdated: toke\n",
                "[   10.000000] liveupdated: token \n",
                "[   10.000000] x liveupdated: token\n",
                "[   10.000000] liveupdated: tokenn\n",
        };
        static const char with_nul[] = "[   10.000000] liveupdated: to\0ken\n";
        ShutdownLog *log = NULL;

        for (size_t i = 0; i < ELEMENTSOF(bad); i++)
                ck_assert_msg(parse(bad[i], &log) == -ENOENT, "case %zu", i);
        ck_assert_int_eq(shutdown_log_parse(with_nul, sizeof(with_nul) - 1, "token", 1, HZ, &log), -ENOENT);
        ck_assert_int_eq(shutdown_log_parse(MARK, strlen(MARK), "token", 1, 0, &log), -EINVAL);
        ck_assert_int_eq(shutdown_log_parse(MARK, SIZE_MAX, "token", 1, HZ, &log), -EFBIG);
        ck_assert_ptr_null(log);
}
END_TEST

START_TEST(bounded) {
        _cleanup_(shutdown_log_freep) ShutdownLog *log = NULL, *late = NULL;
        static const char line[] = "[   10.000001] a b: shutdown\n";
        static const char far[] = MARK "[999999999999.999999] a b: shutdown\n";
        _cleanup_free_ char *text = NULL;
        size_t size = strlen(MARK);

        text = malloc(size + 10000 * strlen(line) + 1);
        ck_assert_ptr_nonnull(text);
        memcpy(text, MARK, size);
        for (unsigned i = 0; i < 10000; i++, size += strlen(line))
                memcpy(text + size, line, strlen(line));
        ck_assert_int_eq(shutdown_log_parse(text, size, "token", 1, HZ, &log), 0);
        ck_assert_uint_eq(log->n_devices, 4096);

        ck_assert_int_eq(
                        shutdown_log_parse(far, strlen(far), "token", UINT64_MAX - 1, UINT64_MAX, &late), 0);
        ck_assert_uint_eq(late->last_line_tsc, UINT64_MAX);
        ck_assert_uint_eq(late->devices[0].end_tsc, UINT64_MAX);
}
END_TEST

START_TEST(the_running_kernel) {
        uint64_t hz, before, after, tsc = 0, zero = 0, init = 0;
        int r;

        if (access("/dev/kmsg", R_OK | W_OK) < 0) {
                fprintf(stderr, "skipped: /dev/kmsg: %m\n");
                return;
        }

        before = tsc_now();
        ck_assert_int_eq(kernel_log_mark("test-kernel-log", &tsc), 0);
        after = tsc_now();
        ck_assert(tsc >= before && tsc <= after);

        hz = clock_tsc_hz(clock_sample());
        r = kernel_log_zero_tsc(hz, &zero);
        if (r == -ENODATA || r == -EPERM) {
                fprintf(stderr, "skipped: /dev/kmsg: %s\n", strerror(-r));
                return;
        }
        ck_assert_int_eq(r, 0);
        ck_assert_uint_lt(zero, before);
        r = kernel_log_init_tsc(hz, &init);
        ck_assert(r == 0 || r == -ENOENT);
        if (r == 0)
                ck_assert(init > zero && init < before);
}
END_TEST

START_TEST(pstore_of_this_machine) {
        ShutdownLog *log = NULL;

        /* Absent, empty, denied or without our mark, but never found. */
        ck_assert_int_lt(shutdown_log_read("no-such-token", 1, HZ, &log), 0);
        ck_assert_ptr_null(log);
}
END_TEST

UNIT_MAIN("kernel-log", records_of_kmsg, the_line_of_init, refuses_tokens, a_whole_shutdown, kinds_of_lines,
                no_mark, bounded, the_running_kernel, pstore_of_this_machine)
