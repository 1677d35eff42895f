/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>

#include "basic/cleanup.h"
#include "basic/version.h"
#include "unit.h"

static int sign(int r) {
        return (r > 0) - (r < 0);
}

static void expect(const char *a, const char *b, int order) {
        ck_assert_msg(sign(version_compare(a, b)) == order, "'%s' against '%s' is not %i", a, b, order);
        ck_assert_msg(sign(version_compare(b, a)) == -order, "'%s' against '%s' is not %i", b, a, -order);
}

/* The list of UAPI.10 itself, but for the two that put "~" above "0" and above nothing: they contradict its own rules,
 * by which "~" always sorts lower, and systemd-analyze compare-versions. */
START_TEST(orders_the_examples_of_the_specification) {
        expect("11", "11", 0);
        expect("systemd-123", "systemd-123", 0);
        expect("bar-123", "foo-123", -1);
        expect("123a", "123", 1);
        expect("123.a", "123", 1);
        expect("123.a", "123.b", -1);
        expect("123a", "123.a", 1);
        expect("11α", "11β", 0);
        expect("A", "a", -1);
        expect("", "0", -1);
        expect("0.", "0", 1);
        expect("0.0", "0", 1);
        expect("~", "0", -1);
        expect("~", "", -1);
        expect("1_", "1", 0);
        expect("_1", "1", 0);
        expect("1_", "1.2", -1);
        expect("1_2_3", "1.3.3", 1);
        expect("1+", "1", 0);
        expect("+1", "1", 0);
        expect("1+", "1.2", -1);
        expect("1+2+3", "1.3.3", 1);
}
END_TEST

/* Each is older than the next. */
START_TEST(orders_a_history) {
        static const char *const history[] = {
                "122.1",   "123~rc1-1", "123",     "123-a",  "123-a.1",   "123-1",
                "123-1.1", "123.a-1",   "123.1-1", "123a-1", "123^post1", "124-1",
        };

        for (size_t i = 0; i < ELEMENTSOF(history); i++)
                for (size_t j = 0; j < ELEMENTSOF(history); j++)
                        expect(history[i], history[j], sign((int) i - (int) j));
}
END_TEST

START_TEST(orders_kernel_releases) {
        expect("6.12.9", "6.12.10", -1);
        expect("6.12.9-amd64", "6.12.10-amd64", -1);
        expect("6.12.9-amd64", "6.12.9-arm64", -1);
        expect("6.1.0-13-amd64", "6.1.0-9-amd64", 1);
        expect("7.4~rc1", "7.4", -1);
        expect("7.4~rc1-amd64", "7.4~rc2-amd64", -1);
        expect("7.3.4-rig-a", "7.3.4-rig-b", -1);
        expect("6.14.0-100.fc43.x86_64", "6.14.0-99.fc43.x86_64", 1);
        expect("6.12.9-arch1-1", "6.12.10-arch1-1", -1);
        expect("6.12.9+deb13-amd64", "6.12.9+deb12-amd64", 1);
}
END_TEST

START_TEST(numbers_have_no_bound) {
        expect("1.18446744073709551616", "1.18446744073709551617", -1);
        expect("99999999999999999999999999999999", "100000000000000000000000000000000", -1);
        expect("1.007", "1.7", 0);
        expect("1.000000000000000000000000000000001", "1.2", -1);
}
END_TEST

UNIT_MAIN("version", orders_the_examples_of_the_specification, orders_a_history, orders_kernel_releases,
        numbers_have_no_bound)
