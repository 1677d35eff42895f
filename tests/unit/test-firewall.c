/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* nftables across a reboot, in network namespaces of the test's own; and text that is not what it should be. */

#include "host/firewall-internal.h"
#include "host/firewall-library.h"
#include "host/firewall.h"
#include "network-jump.h"

/* text */

#define SOUND                                                                                                \
        "table inet filter {\n"                                                                              \
        "\tset clients {\n\t\ttype ipv4_addr\n\t\tflags timeout\n"                                           \
        "\t\telements = { 10.0.0.1 timeout 1h expires 59m }\n\t}\n\n"                                        \
        "\tchain include-late {\n\t\tcounter packets 5 bytes 420 comment \"a # } { include \" accept\n\t}\n" \
        "}\n"

START_TEST(takes_a_table) {
        ck_assert(firewall_text_is_sound(SOUND, "inet", "filter"));
        ck_assert(firewall_text_is_sound("table ip a.b-c_d/1 {\n}\n", "ip", "a.b-c_d/1"));
}
END_TEST

START_TEST(refuses_what_is_more_than_a_table) {
        static const char *const broken[] = {
                "", "table ip t", "table ip t {", "table ip t {\n}}", "table ip t {\n}\nflush ruleset\n",
                "table ip t {\n}; flush ruleset\n", "flush ruleset\ntable ip t {\n}\n", "table ip6 t {\n}\n",
                "table ip tt {\n}\n", "table ip t; flush ruleset; table ip t {\n}\n", "add table ip t {\n}\n",
                "table ip t {\n\tinclude \"/etc/shadow\"\n}\n", "table ip t {\n\tinclude\t\"/etc/shadow\"\n}\n",
                "table ip t {\n\tchain c {\n\t\tinclude \"/etc/shadow\"\n\t}\n}\n",
                "table ip t {\n;include \"/etc/shadow\"\n}\n", "table ip t {\n5-include \"/etc/shadow\"\n}\n",
                "table ip t {\nx-include\n\"/etc/shadow\"\n}\n", "table ip t {\n\tinclu\\\nde \"/etc/shadow\"\n}\n",
                "table ip t {\n\tdefine x = 1\n}\n", "table ip t {\n\tset s { type $x; }\n}\n",
                "table ip t {\n# }\n}\n", "table ip t {\n\tcomment \"}\n}\n", "table ip t {\n\tcomment \"a\nb\"\n}\n",
                "table ip t {\n\001\n}\n", "table ip t {\n\303\244\n}\n",
                "table ip t {{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}\n",
        };

        for (size_t i = 0; i < ELEMENTSOF(broken); i++)
                ck_assert_msg(!firewall_text_is_sound(broken[i], "ip", "t"), "%s", broken[i]);
        ck_assert(!firewall_text_is_sound("table user t {\n}\n", "user", "t"));
        ck_assert(!firewall_text_is_sound("table ip t;x {\n}\n", "ip", "t;x"));
        ck_assert(!firewall_text_is_sound("table ip  {\n}\n", "ip", ""));
        ck_assert(!firewall_text_is_sound("table ip 1t {\n}\n", "ip", "1t"));
}
END_TEST

START_TEST(refuses_broken_json) {
        static const char *const broken[] = {
                "{\"a\":{}}", "{\"a\":[1]}", "{\"a\":[{}]}", "{\"a\":[{\"family\":\"ip\",\"name\":\"t\"}]}",
                "{\"a\":[{\"family\":\"ip\",\"name\":\"t\",\"text\":7}]}",
                "{\"a\":[{\"family\":\"ip\",\"name\":\"t x\",\"text\":\"table ip t x {\\n}\\n\"}]}",
        };

        for (size_t i = 0; i < ELEMENTSOF(broken); i++) {
                _cleanup_json_ json_object *o = NULL, *problems = json_object_new_array();
                size_t n = 1;

                ck_assert_int_eq(json_parse_object(broken[i], strlen(broken[i]), &o), 0);
                ck_assert_int_eq(firewall_reconcile(json_object_object_get(o, "a"), NETWORK_PASS_FIRST, &n, problems),
                                -EBADMSG);
        }
}
END_TEST

START_TEST(a_text_that_is_more_is_told) {
        static const char text[] = "{\"a\":[{\"family\":\"ip\",\"name\":\"t\",\"text\":\"flush ruleset\"}]}";
        _cleanup_json_ json_object *o = NULL, *problems = json_object_new_array();
        size_t n = 1;

        ck_assert_int_eq(json_parse_object(text, strlen(text), &o), 0);
        ck_assert_int_eq(firewall_reconcile(json_object_object_get(o, "a"), NETWORK_PASS_FIRST, &n, problems), 0);
        ck_assert_uint_eq(n, 0);
        ck_assert_uint_eq(json_object_array_length(problems), 1);
}
END_TEST

START_TEST(state_is_left_out) {
        _cleanup_free_ char *text = firewall_text_without_state(SOUND);
        char comment[] = "table ip t { # warning\n\tcomment \"#1\" # no\n}\n";

        ck_assert_str_eq(text, "table inet filter {\n"
                        "\tset clients {\n\t\ttype ipv4_addr\n\t\tflags timeout\n\t}\n\n"
                        "\tchain include-late {\n\t\tcounter packets bytes comment \"a # } { include \" accept\n\t}\n"
                        "}\n");
        firewall_text_strip(comment);
        ck_assert_str_eq(comment, "table ip t { \n\tcomment \"#1\" \n}\n");
        ck_assert(firewall_text_has_owner("table ip t {\n\tflags dormant,owner\n}\n"));
        ck_assert(!firewall_text_has_owner("table ip t {\n\tset s {\n\t\tflags owner\n\t}\n}\n"));
        ck_assert(!firewall_text_has_owner("table ip t {\n\tflags dormant\n\tchain owner {\n\t}\n}\n"));
}
END_TEST

/* the kernel */

static void nft(const char *commands) {
        _cleanup_(firewall_closep) Firewall *firewall = NULL;

        ck_assert_int_eq(firewall_open(&firewall), 0);
        ck_assert_msg(firewall_run(firewall, commands, NULL) == 0, "%s: %s", commands, firewall_error(firewall));
}

/* False: not here. */
static bool firewall_begin(void) {
        _cleanup_(firewall_closep) Firewall *firewall = NULL;
        const char *output;

        if (!network_begin(false))
                return false;
        if (firewall_open(&firewall) < 0 || firewall_run(firewall, "list tables", &output) < 0) {
                printf("# SKIP: libnftables is not installed, or the kernel has no nftables; NOTHING of it is tested\n");
                return false;
        }
        return true;
}

static json_object *captured(void) {
        json_object *tables;

        ck_assert_int_eq(firewall_capture(&tables), 0);
        return tables;
}

static size_t reconciled(json_object *wanted, NetworkPass pass, json_object *problems) {
        size_t n;

        ck_assert_int_eq(firewall_reconcile(wanted, pass, &n, problems), 0);
        return n;
}

#define RULES                                                    \
        "table inet filter {\n"                                  \
        "comment \"ours\"\n"                                     \
        "counter c {\n"                                          \
        "packets 7 bytes 700\n"                                  \
        "}\n"                                                    \
        "set s {\n"                                              \
        "type ipv4_addr\n"                                       \
        "flags timeout\n"                                        \
        "elements = { 10.0.0.1 timeout 1h }\n"                   \
        "}\n"                                                    \
        "set p {\n"                                              \
        "type ipv4_addr . inet_service\n"                        \
        "flags interval\n"                                       \
        "elements = { 10.0.0.0/8 . 20-30 }\n"                    \
        "}\n"                                                    \
        "map m {\n"                                              \
        "type ifname : verdict\n"                                \
        "elements = { \"br0\" : accept }\n"                      \
        "}\n"                                                    \
        "chain forward {\n"                                      \
        "type filter hook forward priority 0; policy drop;\n"    \
        "ct state established,related accept\n"                  \
        "iifname vmap @m\n"                                      \
        "ip saddr @s counter packets 3 bytes 300 accept\n"       \
        "counter name c\n"                                       \
        "}\n"                                                    \
        "}\n"                                                    \
        "table ip nat {\n"                                       \
        "chain post {\n"                                         \
        "type nat hook postrouting priority 100;\n"              \
        "ip saddr 10.0.0.0/8 oifname \"a*\" masquerade random\n" \
        "}\n"                                                    \
        "}\n"

START_TEST(tables_come_again) {
        _cleanup_json_ json_object *wanted = NULL, *again = NULL, *problems = json_object_new_array();

        if (!firewall_begin())
                return;
        wanted = captured();
        ck_assert_uint_eq(json_object_array_length(wanted), 0);
        json_object_put(wanted);
        nft(RULES);
        wanted = captured();
        ck_assert_uint_eq(json_object_array_length(wanted), 2);

        jump(false);
        ck_assert_uint_eq(reconciled(wanted, NETWORK_PASS_FIRST, problems), 2);
        ck_assert_str_eq(json_object_to_json_string(problems), "[ ]");
        again = captured();
        ck_assert_uint_eq(json_object_array_length(again), 2);
        for (size_t i = 0; i < 2; i++) {
                json_object *a = json_object_array_get_idx(wanted, i), *b = json_object_array_get_idx(again, i);
                const char *then, *now;

                ck_assert_int_eq(json_get_string(a, "text", &then), 0);
                ck_assert_int_eq(json_get_string(b, "text", &now), 0);
                if (!strstr(then, "expires"))
                        ck_assert_str_eq(then, now);
                ck_assert(!strstr(then, "packets 3") || strstr(now, "packets 3 bytes 300"));
        }
        ck_assert_uint_eq(reconciled(wanted, NETWORK_PASS_FIRST, problems), 0);
        ck_assert_uint_eq(reconciled(wanted, NETWORK_PASS_LATER, problems), 0);
        ck_assert_str_eq(json_object_to_json_string(problems), "[ ]");
        network_end();
}
END_TEST

START_TEST(what_is_there_is_left) {
        _cleanup_json_ json_object *wanted = NULL, *problems = json_object_new_array();

        if (!firewall_begin())
                return;
        nft(RULES);
        wanted = captured();
        jump(false);
        nft("table ip nat {\nchain other {\n}\n}\n");
        ck_assert_uint_eq(reconciled(wanted, NETWORK_PASS_FIRST, problems), 1);
        ck_assert_uint_eq(json_object_array_length(problems), 0);
        ck_assert_uint_eq(reconciled(wanted, NETWORK_PASS_LATER, problems), 0);
        ck_assert_uint_eq(json_object_array_length(problems), 1);
        ck_assert_ptr_nonnull(strstr(json_object_to_json_string(problems), "table ip nat is otherwise"));
        network_end();
}
END_TEST

/* One that cannot be made takes no other along. */
START_TEST(bad_tables_are_told) {
        static const char text[] =
                "{\"a\":[{\"family\":\"ip\",\"name\":\"bad\",\"text\":\"table ip bad {\\n\\tchain c {\\n\\t\\tnonsense\\n"
                "\\t}\\n}\\n\"},"
                "{\"family\":\"ip\",\"name\":\"good\",\"text\":\"table ip good {\\n}\\n\"}]}";
        _cleanup_json_ json_object *o = NULL, *now = NULL, *problems = json_object_new_array();

        if (!firewall_begin())
                return;
        ck_assert_int_eq(json_parse_object(text, strlen(text), &o), 0);
        ck_assert_uint_eq(reconciled(json_object_object_get(o, "a"), NETWORK_PASS_FIRST, problems), 1);
        ck_assert_uint_eq(json_object_array_length(problems), 1);
        printf("# %s\n", json_object_get_string(json_object_array_get_idx(problems, 0)));
        now = captured();
        ck_assert_uint_eq(json_object_array_length(now), 1);
        network_end();
}
END_TEST

UNIT_MAIN("firewall", takes_a_table, refuses_what_is_more_than_a_table, refuses_broken_json, a_text_that_is_more_is_told,
                state_is_left_out, tables_come_again, what_is_there_is_left, bad_tables_are_told)
