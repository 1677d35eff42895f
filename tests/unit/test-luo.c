/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include "basic/cleanup.h"
#include "luo/device.h"
#include "luo/facts.h"
#include "luo/luo.h"
#include "unit.h"

START_TEST(decides_by_facts) {
        static const struct {
                LuoFacts facts;
                LuoSupport expected;
        } cases[] = {
                { { 0 }, LUO_SUPPORTED },
                { { -EBUSY }, LUO_DEVICE_BUSY },
                { { -EACCES }, LUO_DEVICE_DENIED },
                { { -EPERM }, LUO_DEVICE_DENIED },
                { { -EIO }, LUO_HANDOVER_UNREADABLE },
                { { -ENOMEM }, LUO_DEVICE_FAILED },
                { { -ENOENT, .has_misc_device = true }, LUO_NO_DEVICE_NODE },
                { { -ENOENT, .has_kho = FACT_NO, .has_luo = FACT_NO, .kho = FACT_YES },
                                LUO_KERNEL_WITHOUT_KHO },
                { { -ENOENT, .has_kho = FACT_YES, .has_luo = FACT_NO, .kho = FACT_YES },
                                LUO_KERNEL_WITHOUT_LUO },
                /* The kernel's build goes first: parameters would not help. */
                { { -ENOENT, .has_kho = FACT_NO, .has_luo = FACT_NO, .kho = FACT_NO },
                                LUO_KERNEL_WITHOUT_KHO },
                { { -ENOENT, .has_kho = FACT_YES, .has_luo = FACT_YES }, LUO_KHO_OFF },
                { { -ENOENT, .kho = FACT_NO, .liveupdate = FACT_YES }, LUO_KHO_OFF },
                { { -ENOENT, .kho_is_default = FACT_YES, .kho = FACT_NO, .liveupdate = FACT_YES },
                                LUO_KHO_OFF },
                { { -ENOENT, .kho_is_default = FACT_NO, .liveupdate = FACT_YES }, LUO_KHO_OFF },
                { { -ENOENT, .kho_is_default = FACT_YES }, LUO_LIVEUPDATE_OFF },
                { { -ENOENT, .kho = FACT_YES }, LUO_LIVEUPDATE_OFF },
                { { -ENOENT, .kho = FACT_YES, .liveupdate = FACT_NO }, LUO_LIVEUPDATE_OFF },
                { { -ENOENT, .kho = FACT_YES, .liveupdate = FACT_YES }, LUO_DISABLED_BY_KERNEL },
                { { -ENOENT, .kho_is_default = FACT_YES, .liveupdate = FACT_YES }, LUO_DISABLED_BY_KERNEL },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                ck_assert_msg(luo_support_decide(&cases[i].facts) == cases[i].expected, "case %zu", i);
}
END_TEST

START_TEST(every_state_has_words) {
        for (LuoSupport s = LUO_SUPPORTED; s <= LUO_DEVICE_FAILED; s++) {
                ck_assert_ptr_nonnull(luo_support_to_string(s));
                ck_assert_ptr_nonnull(luo_support_message(s));
                ck_assert((luo_support_remedy(s) == NULL) == (s == LUO_SUPPORTED));
                for (LuoSupport other = LUO_SUPPORTED; other < s; other++)
                        ck_assert_str_ne(luo_support_to_string(s), luo_support_to_string(other));
        }
        ck_assert_str_eq(luo_support_to_string((LuoSupport) 4711), "device-failed");
}
END_TEST

START_TEST(command_line_as_the_kernel_reads_it) {
        static const struct {
                const char *line;
                Fact expected;
        } cases[] = {
                { "", FACT_UNKNOWN },
                { "quiet root=/dev/vda\n", FACT_UNKNOWN },
                { "kho=on", FACT_YES },
                { "quiet kho=1 ro\n", FACT_YES },
                { "kho=y", FACT_YES },
                { "kho=Yes", FACT_YES },
                { "kho=enable", FACT_YES },
                { "kho=true", FACT_YES },
                { "kho=off", FACT_NO },
                { "kho=0", FACT_NO },
                { "kho=n", FACT_NO },
                { "kho=Disabled", FACT_NO },
                { "kho=on kho=off", FACT_NO },
                { "kho=off kho=on", FACT_YES },
                { "kho=on kho=maybe", FACT_YES },
                { "kho=on kho=", FACT_YES },
                { "kho=on kho", FACT_YES },
                { "kho=o", FACT_UNKNOWN },
                { "kho", FACT_UNKNOWN },
                { "kho=", FACT_UNKNOWN },
                { "xkho=on", FACT_UNKNOWN },
                { "kho_scratch=on", FACT_UNKNOWN },
                { "kho=on -- kho=off", FACT_YES },
                { "-- kho=on", FACT_UNKNOWN },
                { "dyndbg=\"a kho=off b\" kho=on x=\"kho=off\"", FACT_YES },
                { "kho=\"on\"", FACT_YES },
                { "\"kho=on\"", FACT_YES },
                { "\"", FACT_UNKNOWN },
                { "kho=\"", FACT_UNKNOWN },
                { "kho=on\tkho=off\n", FACT_NO },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                ck_assert_msg(command_line_bool(cases[i].line, "kho") == cases[i].expected, "%s",
                                cases[i].line);
}
END_TEST

static FILE *text_open(const char *text) {
        /* fmemopen() refuses to open nothing. */
        FILE *f = *text ? fmemopen((char *) text, strlen(text), "r") : fopen("/dev/null", "re");

        ck_assert_ptr_nonnull(f);
        return f;
}

START_TEST(reads_symbols) {
        static const struct {
                const char *text;
                Fact kho, luo;
        } cases[] = {
                { "", FACT_UNKNOWN, FACT_UNKNOWN },
                { "garbage\n\n", FACT_UNKNOWN, FACT_UNKNOWN },
                { "0000000000000000 T _text\n", FACT_NO, FACT_NO },
                { "0000000000000000 T _text\n0000000000000000 T kho_is_enabled\n", FACT_YES, FACT_NO },
                { "0 T liveupdate_enabled\t[m]\n0 T kho_is_enabled", FACT_YES, FACT_YES },
                { "0 T kho_is_enabled_not\n0 t liveupdate_enabled.cold\n", FACT_NO, FACT_NO },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_fclose_ FILE *f = text_open(cases[i].text);
                LuoFacts facts = { 0 };

                luo_facts_from_symbols(f, &facts);
                ck_assert_msg(facts.has_kho == cases[i].kho && facts.has_luo == cases[i].luo, "case %zu", i);
        }
}
END_TEST

START_TEST(reads_config) {
        static const char text[] = "# a kernel\nCONFIG_KEXEC_HANDOVER=y\n# CONFIG_LIVEUPDATE is not set\n"
                                   "CONFIG_KEXEC_HANDOVER_ENABLE_DEFAULT=y\n";
        _cleanup_fclose_ FILE *f = text_open(text), *none = text_open("");
        LuoFacts facts = { .has_luo = FACT_YES };

        luo_facts_from_config(none, &facts);
        ck_assert_int_eq(facts.has_kho, FACT_UNKNOWN);
        luo_facts_from_config(f, &facts);
        ck_assert_int_eq(facts.has_kho, FACT_YES);
        ck_assert_int_eq(facts.has_luo, FACT_YES); /* known before, from the kernel itself */
        ck_assert_int_eq(facts.kho_is_default, FACT_YES);
}
END_TEST

/* A stand-in for the device: a file that is busy as long as the test says so. */
static atomic_bool busy;
static atomic_uint attempts;

static int open_unless_busy(const char *path) {
        attempts++;
        return busy ? -EBUSY : luo_device_try_open(path);
}

static int open_unreadable(const char *path) {
        (void) path;
        return -EIO;
}

/* As the kernel does it: tells of the close first, then lets go. */
static void *close_later(void *p) {
        usleep(20000);
        close(*(int *) p);
        usleep(2000);
        busy = false;
        return NULL;
}

static int temporary_file(char *path) {
        int fd = mkostemp(path, O_CLOEXEC);

        ck_assert_int_ge(fd, 0);
        return fd;
}

START_TEST(waits_for_the_close) {
        char path[] = "/tmp/test-luo-XXXXXX";
        int held = temporary_file(path), fd;
        pthread_t thread;

        busy = true;
        attempts = 0;
        ck_assert_int_eq(pthread_create(&thread, NULL, close_later, &held), 0);
        fd = luo_device_open_wait(path, open_unless_busy, UINT64_MAX);
        pthread_join(thread, NULL);
        unlink(path);
        ck_assert_int_ge(fd, 0);
        close(fd);
        /* Before and after the watch, at the news, and while the device is let go of: 2 ms, at doubling
         * distances. */
        ck_assert_uint_le(attempts, 20);
}
END_TEST

START_TEST(gives_up_in_time) {
        char path[] = "/tmp/test-luo-XXXXXX";
        int held = temporary_file(path);

        busy = true;
        attempts = 0;
        ck_assert_int_eq(luo_device_open_wait(path, open_unless_busy, 30000), -EBUSY);
        ck_assert_uint_eq(attempts, 3); /* without news none in between */
        attempts = 0;
        ck_assert_int_eq(luo_device_open_wait(path, open_unless_busy, 0), -EBUSY);
        ck_assert_uint_eq(attempts, 1);
        ck_assert_int_eq(luo_device_open_wait(path, open_unreadable, 30000), -EIO);
        unlink(path);
        close(held);
        ck_assert_int_eq(luo_device_open_wait(path, open_unless_busy, 30000), -ENOENT);
        busy = false;
        ck_assert_int_eq(luo_device_open_wait(path, open_unless_busy, 30000), -ENOENT);
}
END_TEST

START_TEST(refuses_names_and_strange_fds) {
        char name[LUO_SESSION_NAME_MAX + 2];
        _cleanup_fd_ int fd = memfd_create("not a session", MFD_CLOEXEC);

        memset(name, 'x', sizeof(name) - 1);
        name[sizeof(name) - 1] = 0;
        ck_assert_int_eq(luo_session_create(fd, ""), -EINVAL);
        ck_assert_int_eq(luo_session_create(fd, name), -ENAMETOOLONG);
        ck_assert_int_eq(luo_session_retrieve(fd, name), -ENAMETOOLONG);
        name[LUO_SESSION_NAME_MAX] = 0;
        ck_assert_int_eq(luo_session_create(fd, name), -ENOTTY);
        ck_assert_int_eq(luo_session_retrieve(fd, "x"), -ENOTTY);
        ck_assert_int_eq(luo_session_preserve(fd, 1, fd), -ENOTTY);
        ck_assert_int_eq(luo_session_retrieve_fd(fd, 1), -ENOTTY);
        ck_assert_int_eq(luo_session_finish(-EBADF), -EBADF);
}
END_TEST

/* On whatever machine the test runs: consistent with itself, and nothing stays open. */
START_TEST(asks_this_machine) {
        LuoSupport support = luo_support();
        _cleanup_free_ char *evidence = luo_support_evidence(support);
        _cleanup_fd_ int fd = luo_device_open(0);
        char comm[16] = "unset";

        ck_assert((fd >= 0) == (support == LUO_SUPPORTED));
        if (support == LUO_KHO_OFF)
                ck_assert_msg(evidence && strstr(evidence, "kho="), "%s", evidence);
        if (fd < 0 && support != LUO_DEVICE_BUSY)
                ck_assert_int_eq(luo_device_holder(comm), 0);
}
END_TEST

UNIT_MAIN("luo", decides_by_facts, every_state_has_words, command_line_as_the_kernel_reads_it, reads_symbols,
                reads_config, waits_for_the_close, gives_up_in_time, refuses_names_and_strange_fds,
                asks_this_machine)
