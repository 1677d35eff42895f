/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The tables of nftables through the program that has libnftables, in a network namespace of the test's own. */

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "basic/json.h"
#include "ipc/varlink.h"
#include "privileged/privileged.h"
#include "unit.h"

#define TABLE "table inet guests {\n\tchain input {\n\t\ttype filter hook input priority filter; policy accept;\n" \
              "\t\tip saddr 10.0.0.1 drop\n\t}\n}\n"

/* False: this machine has no nftables. */
static bool begin(void) {
        _cleanup_json_ json_object *tables = NULL;
        _cleanup_free_ char *why = NULL;
        int r;

        if (unshare(CLONE_NEWNET) < 0)
                return false;
        r = privileged_capture_firewall(&tables, &why);
        if (r == -EOPNOTSUPP)
                return false;
        ck_assert_int_eq(r, 0);
        ck_assert_uint_eq(json_object_array_length(tables), 0);
        return true;
}

static json_object *tables_of(const char *family, const char *name, const char *text) {
        json_object *tables = json_object_new_array(), *o = json_object_new_object();

        ck_assert_int_eq(json_add_string(o, "family", family), 0);
        ck_assert_int_eq(json_add_string(o, "name", name), 0);
        ck_assert_int_eq(json_add_string(o, "text", text), 0);
        json_object_array_add(tables, o);
        return tables;
}

START_TEST(there_and_back) {
        _cleanup_json_ json_object *tables = tables_of("inet", "guests", TABLE), *now = NULL,
                        *problems = json_object_new_array();
        _cleanup_free_ char *why = NULL, *why_not = NULL, *why_again = NULL;
        const char *text;
        size_t n = 0;

        if (!begin())
                return;
        ck_assert_int_eq(privileged_reconcile_firewall(tables, false, &n, problems, &why), 0);
        ck_assert_uint_eq(n, 1);
        ck_assert_uint_eq(json_object_array_length(problems), 0);
        ck_assert_int_eq(privileged_capture_firewall(&now, &why_not), 0);
        ck_assert_uint_eq(json_object_array_length(now), 1);
        ck_assert_int_eq(json_get_string(json_object_array_get_idx(now, 0), "text", &text), 0);
        ck_assert_ptr_nonnull(strstr(text, "10.0.0.1"));
        ck_assert_int_eq(privileged_reconcile_firewall(tables, true, &n, problems, &why_again), 0);
        ck_assert_uint_eq(n, 0);
        ck_assert_uint_eq(json_object_array_length(problems), 0);
}
END_TEST

START_TEST(hostile_ones_are_refused) {
        _cleanup_json_ json_object *tables = tables_of("inet", "guests", "include \"/etc/shadow\"\n"),
                        *problems = json_object_new_array();
        _cleanup_free_ char *why = NULL;
        size_t n = 0;

        ck_assert_int_eq(privileged_reconcile_firewall(tables, false, &n, problems, &why), 0);
        ck_assert_uint_eq(n, 0);
        ck_assert_uint_eq(json_object_array_length(problems), 1);
        ck_assert_ptr_nonnull(strstr(json_object_get_string(json_object_array_get_idx(problems, 0)), "not put back"));
}
END_TEST

/* More than a message on a varlink connection may have. */
START_TEST(large_ones_fit) {
        _cleanup_json_ json_object *tables = json_object_new_array(), *problems = json_object_new_array();
        _cleanup_free_ char *why = NULL, *text = malloc(2U << 20);
        size_t n = 0;
        char *p;

        if (!begin())
                return;
        p = stpcpy(text, "table inet guests {\n\tset many {\n\t\ttype ipv4_addr\n\t\telements = { ");
        for (unsigned i = 0; i < 90000; i++)
                p += sprintf(p, "%s10.%u.%u.%u", i > 0 ? ", " : "", i >> 16, i >> 8 & 255, i & 255);
        strcpy(p, " }\n\t}\n}\n");
        ck_assert_uint_gt(strlen(text), VARLINK_MESSAGE_BYTES_MAX);
        json_object_put(tables);
        tables = tables_of("inet", "guests", text);
        ck_assert_int_eq(privileged_reconcile_firewall(tables, false, &n, problems, &why), 0);
        ck_assert_uint_eq(n, 1);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("privileged-firewall");
        TCase *cases = tcase_create("privileged-firewall");
        SRunner *runner;
        int failed;

        tcase_add_test(cases, there_and_back);
        tcase_add_test(cases, hostile_ones_are_refused);
        tcase_add_test(cases, large_ones_fit);
        suite_add_tcase(suite, cases);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
