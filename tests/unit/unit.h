/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <check.h>
#include <stdlib.h>

/* Takes the suite; what main() answers. */
static inline int unit_run(Suite *suite) {
        SRunner *runner = srunner_create(suite);
        int failed;

        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* The body of main(): one suite of one test case made of the given tests. */
#define UNIT_MAIN(name, ...)                                                                                 \
        int main(void) {                                                                                     \
                const TTest *const tests[] = { __VA_ARGS__ };                                                \
                Suite *suite = suite_create(name);                                                           \
                TCase *cases = tcase_create(name);                                                           \
                                                                                                             \
                for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)                                \
                        tcase_add_test(cases, tests[i]);                                                     \
                suite_add_tcase(suite, cases);                                                               \
                return unit_run(suite);                                                                      \
        }
