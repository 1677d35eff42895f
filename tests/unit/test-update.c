/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "idl.h"
#include "unit.h"
#include "update/manager.h"

START_TEST(interfaces_agree_with_their_schemas) {
        idl_assert_agrees(&liveupdate_interface);
        idl_assert_agrees(&workload_interface);
}
END_TEST

START_TEST(workload_names) {
        static const char *const bad[] = { "", "-a", ".a", "a b", "a/b", "ä", "a\n",
                "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" };

        ck_assert(workload_name_is_valid("vm1"));
        ck_assert(workload_name_is_valid("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"));
        for (size_t i = 0; i < ELEMENTSOF(bad); i++)
                ck_assert_msg(!workload_name_is_valid(bad[i]), "'%s'", bad[i]);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("update");
        TCase *cases = tcase_create("update");
        SRunner *runner;
        int failed;

        tcase_add_test(cases, interfaces_agree_with_their_schemas);
        tcase_add_test(cases, workload_names);
        suite_add_tcase(suite, cases);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
