/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "basic/json.h"
#include "unit.h"

START_TEST(parses_one_object) {
        static const char text[] = "{\"name\":\"vm\",\"size\":18446744073709551615,\"on\":true}\n";
        _cleanup_json_ json_object *o = NULL;
        const char *name = NULL;
        uint64_t size = 0;
        bool on = false;

        ck_assert_int_eq(json_parse_object(text, strlen(text), &o), 0);
        ck_assert_int_eq(json_get_string(o, "name", &name), 0);
        ck_assert_str_eq(name, "vm");
        ck_assert_int_eq(json_get_u64(o, "size", &size), 0);
        ck_assert_uint_eq(size, UINT64_MAX);
        ck_assert_int_eq(json_get_bool(o, "on", &on), 0);
        ck_assert(on);
        ck_assert_int_eq(json_get_bool(o, "off", &on), -ENOENT);
        ck_assert_int_eq(json_get_bool(o, "name", &on), -EBADMSG);
}
END_TEST

START_TEST(refuses_everything_else) {
        static const char *const bad[] = {
                "", "[]", "1", "{", "{}x", "{}{}", "{\"a\":1,}", "nul", "\"\"",
                "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
        };

        for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
                json_object *o = NULL;

                ck_assert_msg(json_parse_object(bad[i], strlen(bad[i]), &o) == -EBADMSG, "%s", bad[i]);
                ck_assert_ptr_null(o);
        }
}
END_TEST

START_TEST(refuses_nul_and_negative) {
        static const char text[] = "{\"nul\":\"a\\u0000b\",\"minus\":-1}";
        _cleanup_json_ json_object *o = NULL;
        const char *s = NULL;
        uint64_t u = 7;

        ck_assert_int_eq(json_parse_object(text, strlen(text), &o), 0);
        ck_assert_int_eq(json_get_string(o, "nul", &s), -EBADMSG);
        ck_assert_int_eq(json_get_u64(o, "minus", &u), -ERANGE);
        ck_assert_uint_eq(u, 7);
}
END_TEST

UNIT_MAIN("json", parses_one_object, refuses_everything_else, refuses_nul_and_negative)
