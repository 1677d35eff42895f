/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "basic/cleanup.h"
#include "unit.h"
#include "update/command-line.h"

#define TRACE "reserve_mem=2M:4096:oops ramoops.mem_name=oops ramoops.console_size=0x80000"

static const struct {
        const char *base, *running, *additions;
} additions[] = {
        { "root=/dev/vda",                      "",          "kho=on liveupdate=on " TRACE               },
        { "",                                   "",          "kho=on liveupdate=on " TRACE               },
        { "kho=on liveupdate=on quiet",         "",          TRACE                                       },
        { "kho=1 liveupdate=y",                 "",          TRACE                                       },
        { "kho=off",                            "",          "kho=on liveupdate=on " TRACE               },
        { "kho=on kho=off liveupdate=on",       "",          "kho=on " TRACE                             },
        { "kho= liveupdate=on",                 "",          "kho=on " TRACE                             },
        { "akho=on xliveupdate=on",             "",          "kho=on liveupdate=on " TRACE               },
        { "kho_scratch=16M liveupdate=on",      "",          "kho=on " TRACE                             },
        { "a=\"kho=on b\" liveupdate=on",       "",          "kho=on " TRACE                             },
        /* Behind "--" it is init's. */
        { "liveupdate=on -- kho=on",            "",          "kho=on " TRACE                             },
        /* The running kernel's log has to be found again: under its name. */
        { "kho=on liveupdate=on", "a reserve_mem=1M:4096:log ramoops.mem_name=log ramoops.record_size=4096 b",
          "reserve_mem=1M:4096:log ramoops.mem_name=log ramoops.record_size=4096" },
        { "kho=on liveupdate=on", "reserve_mem=9M:4096:catalog ramoops.mem_name=log", TRACE },
        { "kho=on liveupdate=on", "ramoops.mem_address=0x1000 ramoops.mem_size=1", TRACE },
        { "kho=on liveupdate=on ramoops.mem_address=0x1000", "reserve_mem=1M:4096:l ramoops.mem_name=l", "" },
        { "kho=on liveupdate=on ramoops.mem_name=x", "", "" },
};

START_TEST(additions_are_what_is_missing) {
        _cleanup_free_ char *added = NULL;
        bool lacks_trace;

        ck_assert_int_eq(command_line_additions(additions[_i].base, additions[_i].running, NULL, 2016, &added, &lacks_trace),
                         0);
        ck_assert_str_eq(added, additions[_i].additions);
        ck_assert(!lacks_trace);
}
END_TEST

static const struct {
        const char *base, *added;
} wishes[] = {
        { "kho=on liveupdate=on ramoops.x=1",                     "wish=1"                              },
        { "kho=on liveupdate=on ramoops.x=1 wish=2",              "wish=1"                              },
        { "kho=on wish=1 liveupdate=on ramoops.x=1",              ""                                    },
        { "kho=on liveupdate=on",                                 "wish=1 " TRACE                       },
        { "",                                                     "kho=on liveupdate=on wish=1 " TRACE  },
};

START_TEST(wishes_are_added_once) {
        _cleanup_free_ char *added = NULL;
        bool lacks_trace;

        ck_assert_int_eq(command_line_additions(wishes[_i].base, "", "wish=1", 2016, &added, &lacks_trace), 0);
        ck_assert_str_eq(added, wishes[_i].added);
}
END_TEST

START_TEST(wishes_give_way_to_the_limit) {
        static const char base[] = "kho=on liveupdate=on ramoops.x=1", wish[] = "wish=1";
        size_t exact = strlen(base) + 1 + strlen(wish);

        for (size_t max = exact - 1; max <= exact; max++) {
                _cleanup_free_ char *added = NULL, *line = NULL;
                bool lacks_trace;

                ck_assert_int_eq(command_line_additions(base, "", wish, max, &added, &lacks_trace), 0);
                ck_assert(!lacks_trace);
                line = command_line_join(base, added);
                ck_assert_uint_le(strlen(line), max);
                ck_assert_str_eq(added, max < exact ? "" : wish);
        }
}
END_TEST

START_TEST(trace_gives_way_to_the_limit) {
        static const char base[] = "root=/dev/vda", needed[] = "kho=on liveupdate=on";
        size_t exact = strlen(base) + 1 + strlen(needed) + 1 + strlen(TRACE);
        bool lacks_trace;

        for (size_t max = exact - 1; max <= exact; max++) {
                _cleanup_free_ char *added = NULL, *line = NULL;

                ck_assert_int_eq(command_line_additions(base, "", NULL, max, &added, &lacks_trace), 0);
                ck_assert(lacks_trace == (max < exact));
                line = command_line_join(base, added);
                ck_assert_uint_le(strlen(line), max);
                if (lacks_trace)
                        ck_assert_str_eq(added, needed);
        }
}
END_TEST

static const struct {
        const char *base, *additions, *line;
} joints[] = {
        { "",               "",    ""                    },
        { "",               "x",   "x"                   },
        { "a b",            "",    "a b"                 },
        { "a b",            "x y", "a b x y"             },
        { "a b -- c",       "x",   "a b x -- c"          },
        { "-- c",           "x",   "x -- c"              },
        { "a  \"b -- c\" ", "x",   "a  \"b -- c\" x "    },
        { "a \"b",          "x",   "a \"b x"             },
        { "a --b",          "x",   "a --b x"             },
};

START_TEST(additions_stand_ahead_of_what_is_for_init) {
        _cleanup_free_ char *line = command_line_join(joints[_i].base, joints[_i].additions);

        ck_assert_str_eq(line, joints[_i].line);
}
END_TEST

START_TEST(origins_have_names) {
        for (int i = 0; i < _COMMAND_LINE_ORIGIN_MAX; i++) {
                const char *name = command_line_origin_to_string((CommandLineOrigin) i);

                ck_assert_int_eq(command_line_origin_from_string(name), i);
        }
        ck_assert_int_lt(command_line_origin_from_string("heaven"), 0);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("command-line");
        TCase *tcase = tcase_create("command-line");

        tcase_add_loop_test(tcase, additions_are_what_is_missing, 0, (int) ELEMENTSOF(additions));
        tcase_add_loop_test(tcase, wishes_are_added_once, 0, (int) ELEMENTSOF(wishes));
        tcase_add_test(tcase, wishes_give_way_to_the_limit);
        tcase_add_test(tcase, trace_gives_way_to_the_limit);
        tcase_add_loop_test(tcase, additions_stand_ahead_of_what_is_for_init, 0, (int) ELEMENTSOF(joints));
        tcase_add_test(tcase, origins_have_names);
        suite_add_tcase(suite, tcase);
        return unit_run(suite);
}
