/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Settings of the real kernel, in network namespaces of their own. */

#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "basic/io.h"
#include "basic/json.h"
#include "host/settings-internal.h"
#include "unit.h"

#define FORWARD "/proc/sys/net/ipv4/ip_forward"
#define CONF "/proc/sys/net/ipv4/conf"
#define RESERVED "/proc/sys/net/ipv4/ip_local_reserved_ports"

static Settings *read_namespace(void) {
        Settings *settings = NULL;

        ck_assert_int_eq(write_file(RESERVED, "5000-5010\n"), 0);
        ck_assert_int_eq(settings_read("", &settings), 0);
        return settings;
}

START_TEST(is_as_it_was_for_the_kernel) {
        static const char *const orders[][2] = {
                { FORWARD, "1" },
                { CONF "/all/accept_redirects", "1" }, /* what they were before */
                { CONF "/default/forwarding", "0" },
                { CONF "/default/rp_filter", "2" },
                { "/proc/sys/net/ipv4/tcp_rmem", "4096 100000 200000" },
                { "/proc/sys/net/ipv4/ipfrag_high_thresh", "9000000" },
                { "/proc/sys/net/ipv4/ipfrag_low_thresh", "8000000" },
                { RESERVED, "\n" },
        };
        _cleanup_(settings_freep) Settings *baseline = NULL, *now = NULL, *collected = NULL, *after = NULL;
        _cleanup_json_ json_object *wanted = NULL, *problems = json_object_new_array();
        size_t n_changes;

        if (unshare(CLONE_NEWNET) < 0) {
                printf("# SKIP: this machine gives out no network namespaces (%m), the kernel's own part is NOT tested\n");
                return;
        }
        ck_assert_int_eq(settings_new(&collected), 0);
        baseline = read_namespace();
        for (size_t i = 0; i < ELEMENTSOF(orders); i++)
                ck_assert_msg(write_file(orders[i][0], orders[i][1]) == 0, "%s: %m", orders[i][0]);
        ck_assert_int_eq(settings_read("", &now), 0);
        wanted = settings_changed(baseline, now);
        ck_assert_int_ge(json_object_object_length(wanted), (int) ELEMENTSOF(orders) - 1);

        ck_assert_int_eq(unshare(CLONE_NEWNET), 0);
        baseline = settings_free(baseline);
        baseline = read_namespace();
        ck_assert_int_eq(settings_restore("", wanted, SETTINGS_PASS_FIRST, collected, &n_changes, problems), 0);
        ck_assert_msg(json_object_array_length(problems) == 0, "%s", json_object_to_json_string(problems));
        ck_assert_uint_gt(n_changes, 5);
        ck_assert_int_eq(settings_read("", &after), 0);
        for (size_t i = 0; i < now->n; i++) {
                const KernelSetting *setting = settings_find(after, now->items[i].path);

                ck_assert_msg(setting && strcmp(setting->value, now->items[i].value) == 0, "%s", now->items[i].path);
        }
        ck_assert_int_eq(settings_restore("", wanted, SETTINGS_PASS_FIRST, collected, &n_changes, problems), 0);
        ck_assert_uint_eq(n_changes, 0);
}
END_TEST

UNIT_MAIN("settings-kernel", is_as_it_was_for_the_kernel)
