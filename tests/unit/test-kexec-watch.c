/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <limits.h>

#include "kexec/watch.h"
#include "temporary-root.h"

#define LIMIT "/proc/sys/kernel/kexec_load_limit_reboot"
#define LOADED "/sys/kernel/kexec_loaded"

static void assert_limit(const char *expected) {
        char found[32] = {};
        int fd = root_open(LIMIT);

        ck_assert_int_ge(read(fd, found, sizeof(found) - 1), 0);
        ck_assert_str_eq(found, expected);
        close(fd);
}

START_TEST(has_calls_counted) {
        static const char *const senseless[] = { "", "\n", "x\n", "-2\n", "99999999999999999999\n", "2147483648\n" };
        TEMPORARY_ROOT();

        ck_assert_uint_eq(kexec_calls_left(root, true), KEXEC_CALLS_UNKNOWN);
        root_put(LIMIT, "-1\n");
        ck_assert_uint_eq(kexec_calls_left(root, false), KEXEC_CALLS_UNKNOWN);
        assert_limit("-1\n");
        ck_assert_uint_eq(kexec_calls_left(root, true), INT_MAX);
        assert_limit("2147483647\n");
        root_put(LIMIT, "5\n"); /* of the host's own */
        ck_assert_uint_eq(kexec_calls_left(root, true), 5);
        assert_limit("5\n");
        for (size_t i = 0; i < ELEMENTSOF(senseless); i++) {
                root_put(LIMIT, senseless[i]);
                ck_assert_uint_eq(kexec_calls_left(root, true), KEXEC_CALLS_UNKNOWN);
                assert_limit(senseless[i]);
        }
}
END_TEST

START_TEST(notices_others) {
        KexecLoadResult staged = { .calls_before = 101, .calls_left = 100 };
        const KexecLoadResult unknown = { .calls_before = KEXEC_CALLS_UNKNOWN, .calls_left = KEXEC_CALLS_UNKNOWN };
        TEMPORARY_ROOT();

        root_put(LOADED, "1\n");
        root_put(LIMIT, "100\n");
        ck_assert_int_eq(kexec_loaded_since(root, &staged), KEXEC_LOADED_OURS);
        ck_assert_int_eq(kexec_loaded_since(root, &unknown), KEXEC_LOADED_UNKNOWN);
        root_put(LIMIT, "99\n");
        ck_assert_int_eq(kexec_loaded_since(root, &staged), KEXEC_LOADED_OTHER);
        root_put(LOADED, "0\n");
        ck_assert_int_eq(kexec_loaded_since(root, &staged), KEXEC_LOADED_NOTHING);
        root_put(LOADED, "1\n");
        root_put(LIMIT, "-1\n");
        ck_assert_int_eq(kexec_loaded_since(root, &staged), KEXEC_LOADED_UNKNOWN);
}
END_TEST

START_TEST(follows_a_failed_load) {
        KexecLoadResult staged = { .calls_before = 101, .calls_left = 100 };
        const KexecLoadResult failed = { .calls_before = 100, .calls_left = 99 },
                              late = { .calls_before = 97, .calls_left = 96 };

        kexec_loaded_follow(&staged, &failed);
        ck_assert_uint_eq(staged.calls_left, 99);
        kexec_loaded_follow(&staged, &late); /* somebody else called in between: still to be noticed */
        ck_assert_uint_eq(staged.calls_left, 99);
}
END_TEST

UNIT_MAIN("kexec-watch", has_calls_counted, notices_others, follows_a_failed_load)
