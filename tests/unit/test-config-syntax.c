/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <string.h>

#include "config-fixture.h"
#include "config/ini.h"
#include "config/span.h"

/* A line of exactly `size` bytes after a section header, in one piece or in many. */
static Config *from_long_line(size_t size, const char *piece) {
        static char text[16 * INI_LINE_BYTES_MAX];
        char *p = stpcpy(text, "[Log]\nLogLevel="), *line = text + strlen("[Log]\n");
        size_t bytes = (size_t) (p - line);

        for (; bytes + strlen(piece) <= size; bytes += strlen(piece) - (strchr(piece, '\n') != NULL))
                p = stpcpy(p, piece);
        while (bytes++ < size)
                *p++ = 'x';
        strcpy(p, "\n[Update]\nStopServices=no\n");
        return from_text(text);
}

START_TEST(bad_lines) {
        static const char text[] = "AutoStage=yes\n"       /* 1 */
                                   "[Update\n"             /* 2 */
                                   "MaxBlackoutSec=1s\n"   /* 3 */
                                   "[Automaton]\n"         /* 4 */
                                   "AutoStage=yes\n"       /* 5 */
                                   "this is passed over\n" /* 6 */
                                   "[Logs]\n"              /* 7 */
                                   "[Foo]\n"               /* 8 */
                                   "[Automation]\n"        /* 9 */
                                   "AutoStag=yes\n"        /* 10 */
                                   "autostage = yes\n"     /* 11 */
                                   "LogLevel=debug\n"      /* 12 */
                                   "Colour=red\n"          /* 13 */
                                   "=yes\n"                /* 14 */
                                   "\x1b[1m\x7f\xff=1\n"   /* 15 */
                                   "[Update]\n"            /* 16 */
                                   "RestoreTimeout=1s\n"   /* 17 */
                                   "StopServices=no";      /* 18, without a newline */
        static const char *const expected[] = {
                "f:1: AutoStage= stands before any section; put a line such as [Automation] above it",
                "f:2: section header '[Update' must end with ]; the lines below it are passed over",
                "f:4: unknown section [Automaton] (did you mean [Automation]?); the lines below it are "
                "passed over",
                "f:6: 'this is passed over' must be KEY=VALUE or [SECTION], or begin with # for a comment",
                "f:7: unknown section [Logs] (did you mean [Log]?); the lines below it are passed over",
                "f:8: unknown section [Foo]; the lines below it are passed over",
                "f:10: unknown key 'AutoStag' in section [Automation], did you mean AutoStage=?",
                "f:11: unknown key 'autostage' in section [Automation], did you mean AutoStage=?",
                "f:12: unknown key 'LogLevel' in section [Automation], did you mean LogLevel= in section "
                "[Log]?",
                "f:13: unknown key 'Colour' in section [Automation]; "
                "liveupdated.conf(5) lists the known ones",
                "f:14: '=yes' lacks a key before the =",
                "f:15: unknown key '\\x1b[1m\\x7f\\xff' in section [Automation]; "
                "liveupdated.conf(5) lists the known ones",
                "f:17: unknown key 'RestoreTimeout' in section [Update], did you mean RestoreTimeoutSec=?",
        };
        _cleanup_(config_freep) Config *config = from_text(text);

        for (size_t i = 0; i < ELEMENTSOF(expected); i++)
                assert_problem(config, i, expected[i]);
        ck_assert_uint_eq(config->n_problems, ELEMENTSOF(expected));
        ck_assert_str_eq(shown(config, "StopServices"), "no @ f:18");
        ck_assert_str_eq(shown(config, "MaxBlackoutSec"), "10s @ default");
        ck_assert_str_eq(shown(config, "AutoStage"), "no @ default");
}
END_TEST

START_TEST(syntax) {
        static const struct {
                const char *text, *shown;
                size_t n_problems;
        } cases[] = {
                { "\xef\xbb\xbf[Update]\nMaxBlackoutSec=3s", "3s @ f:2" },
                { "[Update]\r\nMaxBlackoutSec=3s\r\n", "3s @ f:2" },
                { "  [Update]\t\n \t MaxBlackoutSec \t=  3s \t\n", "3s @ f:2" },
                { "[Update]\n#MaxBlackoutSec=4s\n;=4s\n  # x\n\nMaxBlackoutSec=3s\n", "3s @ f:6" },
                { "[Update]\nMaxBlackoutSec=4s\n[Update]\nMaxBlackoutSec=3s\n", "3s @ f:4" },
                /* Continuations */
                { "[Update]\nMaxBlackoutSec=1s \\\n 500ms\n", "1s 500ms @ f:2" },
                { "[Update]\nMaxBlackoutSec=1s\\\n500ms", "1s 500ms @ f:2" },
                { "[Update]\r\nMaxBlackoutSec=1s \\\r\n500ms\r\n", "1s 500ms @ f:2" },
                { "[Update]\nMaxBlackoutSec=\\\n# no word \\\n;\n1s\\\n2s\\\n", "3s @ f:2" },
                { "[Update]\nMaxBlackoutSec=1s\\\n\n500ms=\n", "1s @ f:2", 1 }, /* ended by the empty line */
                { "[Update]\n# a comment does not go on \\\nMaxBlackoutSec=3s\n", "3s @ f:3" },
                { "[Update]\n\\\n\\\nMaxBlackoutSec=3s\n", "3s @ f:2" },
                { "[Update]\nMaxBlackoutSec=3s\n\\\n\n\\", "3s @ f:2" },
                { "[Log]\nLogLevel=\\\\\n[Update]\nMaxBlackoutSec=3s\n", "3s @ f:4", 1 }, /* not one */
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(config_freep) Config *config = from_text(cases[i].text);

                ck_assert_str_eq(shown(config, "MaxBlackoutSec"), cases[i].shown);
                ck_assert_msg(config->n_problems == cases[i].n_problems, "case %zu: %zu problems, %s", i,
                                config->n_problems, config_problem(config, 0) ?: "");
        }
}
END_TEST

START_TEST(nul_bytes) {
        static const char text[] =
                        "[Update]\nMaxBlackoutSec=3s\0 4s\nStop\0Services=no\n# a comment may \0\n"
                        "RestoreTimeoutSec=1\\\n\0\nQuiesceTimeoutSec=1s\n";
        static const char zeroes[4096];
        _cleanup_(config_freep) Config *config = NULL, *zeroed = NULL, *empty = NULL;

        config = from_bytes(text, sizeof(text) - 1);
        ck_assert_uint_eq(config->n_problems, 3);
        assert_problem(config, 0, "f:2: a NUL byte in the line, which is passed over; write it anew");
        assert_problem(config, 1, "f:3: a NUL byte in the line, which is passed over; write it anew");
        assert_problem(config, 2, "f:5: a NUL byte in the line, which is passed over; write it anew");
        ck_assert_str_eq(shown(config, "MaxBlackoutSec"), "10s @ default");
        ck_assert_str_eq(shown(config, "QuiesceTimeoutSec"), "1s @ f:7");

        zeroed = from_bytes(zeroes, sizeof(zeroes));
        ck_assert_uint_eq(zeroed->n_problems, 1);
        empty = from_bytes(NULL, 0);
        ck_assert_uint_eq(empty->n_problems, 0);
}
END_TEST

START_TEST(long_lines) {
        static const char too_long[] = "f:2: the line has more than 4096 bytes and is passed over";
        static const char *const pieces[] = { "x", "xxxxxxxxx\\\n" };

        for (size_t i = 0; i < ELEMENTSOF(pieces); i++) {
                _cleanup_(config_freep) Config *fits = from_long_line(INI_LINE_BYTES_MAX, pieces[i]);
                _cleanup_(config_freep) Config *more = from_long_line(INI_LINE_BYTES_MAX + 1, pieces[i]);
                _cleanup_(config_freep) Config *much = from_long_line(3 * INI_LINE_BYTES_MAX, pieces[i]);

                ck_assert_uint_eq(fits->n_problems, 1);
                ck_assert_ptr_nonnull(strstr(config_problem(fits, 0), "f:2: bad value 'xxx"));
                ck_assert_ptr_nonnull(strstr(config_problem(fits, 0), "...' for LogLevel="));
                assert_problem(more, 0, too_long);
                assert_problem(much, 0, too_long);
                ck_assert(!fits->stop_services && !more->stop_services && !much->stop_services);
                ck_assert_uint_eq(much->n_problems, 1);
        }
}
END_TEST

START_TEST(many_problems) {
        static char text[4096] = "[Update]\n";
        _cleanup_(config_freep) Config *config = NULL;

        for (unsigned i = 0; i < 500; i++)
                strcat(text, "a=b\n");
        strcat(text, "StopServices=no\n");
        config = from_text(text);
        ck_assert_uint_eq(config->n_problems, CONFIG_PROBLEMS_MAX);
        assert_problem(config, 62,
                        "f:64: unknown key 'a' in section [Update]; liveupdated.conf(5) lists the known "
                        "ones");
        assert_problem(config, 63, "there are more problems; correct those listed to see them");
        ck_assert_ptr_null(config_problem(config, 64));
        ck_assert(!config->stop_services);
}
END_TEST

START_TEST(spans) {
        static const struct {
                const char *text, *formatted;
                int r;
                uint64_t usec;
        } cases[] = {
                { "0", "0", 0, 0 },
                { "1us", "1us", 0, 1 },
                { "1 \xc2\xb5s", "1us", 0, 1 },
                { "2\xce\xbcs 3usec", "5us", 0, 5 },
                { "1.5", "1s 500ms", 0, 1500000 },
                { ".5s", "500ms", 0, 500000 },
                { "0.0000019", "1us", 0, 1 },
                { " 2min30s ", "2min 30s", 0, 150000000 },
                { "1 h 1m", "1h 1min", 0, UINT64_C(3660000000) },
                { "90 minutes", "1h 30min", 0, UINT64_C(5400000000) },
                { "1w 1day 1hr 1minute 1sec 1msec 1us", "1w 1d 1h 1min 1s 1ms 1us", 0,
                                UINT64_C(694861001001) },
                { "18446744073709551614us", "30500568w 6d 8h 1min 49s 551ms 614us", 0, UINT64_MAX - 1 },
                { " infinity ", "infinity", 0, UINT64_MAX },
                { "", NULL, -EINVAL },
                { " ", NULL, -EINVAL },
                { "s", NULL, -EINVAL },
                { ".", NULL, -EINVAL },
                { "5.", NULL, -EINVAL },
                { "5.s", NULL, -EINVAL },
                { "1.5.5", NULL, -EINVAL },
                { "1..5", NULL, -EINVAL },
                { "-1", NULL, -EINVAL },
                { "+1", NULL, -EINVAL },
                { "0x10", NULL, -EINVAL },
                { "1e3", NULL, -EINVAL },
                { "1S", NULL, -EINVAL },
                { "1,5s", NULL, -EINVAL },
                { "1month", NULL, -EINVAL },
                { "3 s s", NULL, -EINVAL },
                { "infinit", NULL, -EINVAL },
                { "infinityy", NULL, -EINVAL },
                { "1 infinity", NULL, -EINVAL },
                { "18446744073709551615us", NULL, -ERANGE },
                { "18446744073709551616us", NULL, -ERANGE },
                { "18446744073710s", NULL, -ERANGE },
                { "18446744073709s 1s", NULL, -ERANGE },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                uint64_t usec = 7;
                char formatted[SPAN_TEXT_MAX];

                ck_assert_msg(span_parse(cases[i].text, &usec) == cases[i].r, "'%s'", cases[i].text);
                if (cases[i].r < 0) {
                        ck_assert_uint_eq(usec, 7);
                        continue;
                }
                ck_assert_msg(usec == cases[i].usec, "'%s' is %ju", cases[i].text, (uintmax_t) usec);
                span_format(usec, formatted);
                ck_assert_str_eq(formatted, cases[i].formatted);
        }
}
END_TEST

UNIT_MAIN("config-syntax", bad_lines, syntax, nul_bytes, long_lines, many_problems, spans)
