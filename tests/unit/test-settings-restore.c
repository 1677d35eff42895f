/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>

#include "basic/json.h"
#include "host/settings-internal.h"
#include "temporary-root.h"

#define FORWARD "/proc/sys/net/ipv4/ip_forward"
#define CONF "/proc/sys/net/ipv4/conf"
#define POOL "/sys/devices/system/node/node0/hugepages/hugepages-2048kB/nr_hugepages"
#define RUNTIME "/proc/sys/kernel/sched_rt_runtime_us"
#define PERIOD "/proc/sys/kernel/sched_rt_period_us"

/* The kernel's part. */

int __real_setting_write(const char *at, const char *path, const char *value);
int __wrap_setting_write(const char *at, const char *path, const char *value);

static char written[4096]; /* the paths, in order */

static long number_at(const char *path) {
        _cleanup_free_ char *value = NULL;

        ck_assert_int_eq(setting_read(root, path, &value), 0);
        return strtol(value, NULL, 10);
}

int __wrap_setting_write(const char *at, const char *path, const char *value) {
        ck_assert_str_eq(at, root);
        strcat(strcat(written, path), "\n");
        if (strcmp(path, RUNTIME) == 0 && strtol(value, NULL, 10) > number_at(PERIOD))
                return -EINVAL;
        if (strcmp(path, "/proc/sys/kernel/refused") == 0)
                return -EPERM;
        if (strcmp(path, FORWARD) == 0) { /* inet_forward_change() */
                root_put(CONF "/all/forwarding", value);
                root_put(CONF "/all/accept_redirects", "0\n");
                root_put(CONF "/default/forwarding", value);
        }
        if (strcmp(path, POOL) == 0 && strtol(value, NULL, 10) > 10)
                value = "10";
        return __real_setting_write(at, path, value);
}

static json_object *problems;
static size_t n_changes;

static Settings *read_root(void) {
        Settings *settings = NULL;

        ck_assert_int_eq(settings_read(root, &settings), 0);
        return settings;
}

static Settings *new_settings(void) {
        Settings *settings = NULL;

        ck_assert_int_eq(settings_new(&settings), 0);
        return settings;
}

static void restore(json_object *wanted, SettingsPass pass, Settings *baseline) {
        *written = 0;
        json_object_put(problems);
        problems = json_object_new_array();
        ck_assert_int_eq(settings_restore(root, wanted, pass, baseline, &n_changes, problems), 0);
}

static void is_at(const char *path, const char *expected) {
        _cleanup_free_ char *value = NULL;

        ck_assert_int_eq(setting_read(root, path, &value), 0);
        ck_assert_str_eq(value, expected);
}

static size_t n_problems(void) {
        return json_object_array_length(problems);
}

static const char *problem(size_t i) {
        return json_object_get_string(json_object_array_get_idx(problems, i));
}

/* What a new kernel begins with. */
static void boot(void) {
        root_put("/proc/sys/vm/swappiness", "60\n");
        root_put("/proc/sys/vm/overcommit_ratio", "50\n");
        root_put("/proc/sys/kernel/core_pattern", "core\n");
        root_put("/proc/sys/kernel/modules_disabled", "0\n");
        root_put(FORWARD, "0\n");
        root_put(CONF "/all/forwarding", "0\n");
        root_put(CONF "/all/accept_redirects", "1\n");
        root_put(CONF "/default/forwarding", "0\n");
        root_put(POOL, "0\n");
}

START_TEST(carries_it_from_update_to_update) {
        TEMPORARY_ROOT();
        _cleanup_(settings_freep) Settings *baseline = NULL;
        _cleanup_json_ json_object *wanted = NULL;

        boot();
        baseline = read_root();
        /* The operator, under the first kernel. */
        root_put("/proc/sys/vm/swappiness", "10\n");
        root_put("/proc/sys/kernel/core_pattern", "|/bin/dump %e\n");
        root_put(FORWARD, "1\n");
        root_put(CONF "/all/forwarding", "1\n");
        root_put(CONF "/default/forwarding", "1\n");
        for (unsigned update = 0; update < 3; update++) {
                _cleanup_(settings_freep) Settings *now = read_root(), *collected = new_settings();

                json_object_put(wanted);
                wanted = settings_changed(baseline, now);
                ck_assert_int_eq(json_object_object_length(wanted), 6); /* accept_redirects for ip_forward's sake */
                boot();
                restore(wanted, SETTINGS_PASS_FIRST, collected);
                ck_assert_uint_eq(n_problems(), 0);
                ck_assert_uint_eq(n_changes, 5);
                is_at("/proc/sys/vm/swappiness", "10");
                is_at("/proc/sys/vm/overcommit_ratio", "50");
                is_at("/proc/sys/kernel/core_pattern", "|/bin/dump %e");
                is_at(CONF "/default/forwarding", "1");
                is_at(CONF "/all/accept_redirects", "1");
                /* systemd-sysctl.service has its turn, and another value. */
                root_put("/proc/sys/vm/swappiness", "30\n");
                restore(wanted, SETTINGS_PASS_LATER, collected);
                ck_assert_uint_eq(n_changes, 1);
                is_at("/proc/sys/vm/swappiness", "10");
                baseline = settings_free(baseline);
                baseline = read_root();
                ck_assert_int_eq(settings_adopt(baseline, collected), 0);
                restore(wanted, SETTINGS_PASS_LATER, baseline);
                ck_assert_uint_eq(n_changes, 0);
                ck_assert_str_eq(written, "");
                ck_assert_str_eq(settings_find(baseline, "/proc/sys/vm/swappiness")->value, "30");
        }
}
END_TEST

START_TEST(remembers_what_was_before) {
        TEMPORARY_ROOT();
        _cleanup_(settings_freep) Settings *baseline = NULL;
        _cleanup_json_ json_object *wanted = json_object_new_object();

        boot();
        json_add_string(wanted, "/proc/sys/vm/swappiness", "10");
        json_add_string(wanted, "/proc/sys/vm/overcommit_ratio", "50");
        baseline = new_settings(); /* of before a module came, say */
        restore(wanted, SETTINGS_PASS_FIRST, baseline);
        ck_assert_uint_eq(n_changes, 1);
        ck_assert_uint_eq(baseline->n, 1);
        ck_assert_str_eq(settings_find(baseline, "/proc/sys/vm/swappiness")->value, "60");
        /* A service sets another one, later: that is what it has to be told from. */
        root_put("/proc/sys/vm/swappiness", "20\n");
        restore(wanted, SETTINGS_PASS_FIRST, baseline);
        ck_assert_uint_eq(n_changes, 1);
        ck_assert_str_eq(settings_find(baseline, "/proc/sys/vm/swappiness")->value, "20");
        is_at("/proc/sys/vm/swappiness", "10");
}
END_TEST

START_TEST(sets_in_order) {
        TEMPORARY_ROOT();
        _cleanup_(settings_freep) Settings *baseline = new_settings();
        _cleanup_json_ json_object *wanted = json_object_new_object();

        boot();
        root_put("/sys/kernel/mm/ksm/run", "0\n");
        root_put("/sys/kernel/mm/ksm/advisor_mode", "[none] scan-time\n");
        root_put("/sys/kernel/mm/ksm/advisor_max_cpu", "70\n");
        root_put("/sys/kernel/mm/ksm/sleep_millisecs", "20\n");
        json_add_string(wanted, "/sys/kernel/mm/ksm/run", "1");
        json_add_string(wanted, "/sys/kernel/mm/ksm/sleep_millisecs", "10");
        json_add_string(wanted, "/sys/kernel/mm/ksm/advisor_max_cpu", "10");
        json_add_string(wanted, "/sys/kernel/mm/ksm/advisor_mode", "scan-time");
        json_add_string(wanted, CONF "/default/forwarding", "0");
        json_add_string(wanted, CONF "/all/accept_redirects", "1");
        json_add_string(wanted, FORWARD, "1");
        restore(wanted, SETTINGS_PASS_FIRST, baseline);
        is_at(CONF "/all/accept_redirects", "1");
        is_at(CONF "/default/forwarding", "0");
        ck_assert_str_eq(written, FORWARD "\n" CONF "/all/accept_redirects\n" CONF "/default/forwarding\n"
                                  "/sys/kernel/mm/ksm/advisor_mode\n"
                                  "/sys/kernel/mm/ksm/advisor_max_cpu\n"
                                  "/sys/kernel/mm/ksm/sleep_millisecs\n"
                                  "/sys/kernel/mm/ksm/run\n");
}
END_TEST

START_TEST(tries_twice_what_depends) {
        TEMPORARY_ROOT();
        _cleanup_(settings_freep) Settings *baseline = new_settings();
        _cleanup_json_ json_object *wanted = json_object_new_object();

        root_put("/proc/sys/kernel/a_runtime", "1\n");
        root_put(RUNTIME, "950000\n");
        root_put(PERIOD, "1000000\n");
        json_add_string(wanted, RUNTIME, "2000000");
        json_add_string(wanted, PERIOD, "3000000");
        restore(wanted, SETTINGS_PASS_FIRST, baseline);
        is_at(RUNTIME, "2000000");
        ck_assert_uint_eq(n_changes, 2);
        ck_assert_uint_eq(n_problems(), 0);
}
END_TEST

START_TEST(tells_problems) {
        TEMPORARY_ROOT();
        _cleanup_(settings_freep) Settings *baseline = new_settings();
        _cleanup_json_ json_object *wanted = json_object_new_object();

        boot();
        root_put("/etc/secret", "1\n");
        root_put("/proc/sys/kernel/refused", "1\n");
        root_put("/proc/sys/kernel/told", "1\n");
        ck_assert_int_eq(chmod(root_path("/proc/sys/kernel/told"), 0444), 0);
        json_add_string(wanted, "/proc/sys/../../etc/secret", "2");
        json_add_string(wanted, "/etc/secret", "2");
        json_add_string(wanted, "/proc/sys/vm/drop_caches", "3");
        json_add_u64(wanted, "/proc/sys/vm/swappiness", 10);
        json_add_string(wanted, "/proc/sys/vm/\n", "10");
        json_add_string(wanted, "/proc/sys/kernel/refused", "2");
        json_add_string(wanted, "/proc/sys/kernel/told", "2");
        json_add_string(wanted, "/proc/sys/net/netfilter/nf_a", "2");
        json_add_string(wanted, "/proc/sys/net/netfilter/nf_b", "2");
        json_add_string(wanted, "/proc/sys/net/nf_c", "2");
        restore(wanted, SETTINGS_PASS_FIRST, baseline);
        ck_assert_uint_eq(n_changes, 0);
        is_at("/proc/sys/vm/swappiness", "60");
        ck_assert_str_eq(written, "/proc/sys/kernel/refused\n/proc/sys/kernel/refused\n");
        ck_assert_uint_eq(n_problems(), 9);
        ck_assert_str_eq(problem(0),
                        "/proc/sys/../../etc/secret is left as it is: no setting that is carried to the next kernel");
        ck_assert_str_eq(problem(4),
                        "A file whose name is no text is left as it is: no setting that is carried to the next kernel");
        ck_assert_str_eq(problem(5), "/proc/sys/kernel/refused cannot be set as it was under the kernel before: "
                                     "Operation not permitted");
        ck_assert_str_eq(problem(6), "/proc/sys/kernel/told cannot be set as it was under the kernel before: "
                                     "It cannot be read and written");
        ck_assert_str_eq(problem(7), "/proc/sys/net/netfilter/nf_a and 1 more beside it are not there; if they are a "
                                     "module's, load that and set them");
        ck_assert_str_eq(problem(8), "/proc/sys/net/nf_c is not there; if it is a module's, load that and set it");
}
END_TEST

START_TEST(does_not_follow_links) {
        TEMPORARY_ROOT();
        _cleanup_(settings_freep) Settings *baseline = new_settings();
        _cleanup_json_ json_object *wanted = json_object_new_object();

        boot();
        root_put("/etc/target/file", "1\n");
        root_put("/proc/sys/net/core/x", "1\n");
        ck_assert_int_eq(symlink("/etc/target/file", root_path("/proc/sys/vm/link")), 0);
        ck_assert_int_eq(symlink("../../../etc/target", root_path("/proc/sys/net/linked")), 0);
        json_add_string(wanted, "/proc/sys/vm/link", "2");
        json_add_string(wanted, "/proc/sys/net/linked/file", "2");
        restore(wanted, SETTINGS_PASS_FIRST, baseline);
        ck_assert_uint_eq(n_changes, 0);
        ck_assert_uint_eq(n_problems(), 2);
        ck_assert_str_eq(written, "");
}
END_TEST

START_TEST(keeps_some_for_later) {
        TEMPORARY_ROOT();
        _cleanup_(settings_freep) Settings *baseline = new_settings();
        _cleanup_json_ json_object *wanted = json_object_new_object();

        boot();
        json_add_string(wanted, "/proc/sys/kernel/modules_disabled", "1");
        json_add_string(wanted, POOL, "20");
        json_add_string(wanted, "/proc/sys/vm/swappiness", "10");
        restore(wanted, SETTINGS_PASS_FIRST, baseline);
        ck_assert_str_eq(written, "/proc/sys/vm/swappiness\n");
        restore(wanted, SETTINGS_PASS_LATER, baseline);
        ck_assert_str_eq(written, POOL "\n/proc/sys/kernel/modules_disabled\n");
        is_at("/proc/sys/vm/swappiness", "10");
        ck_assert_uint_eq(n_changes, 2);
        ck_assert_uint_eq(n_problems(), 1); /* memory for 10 only */
        ck_assert_str_eq(problem(0), POOL " was set, but is not what it was under the kernel before");
}
END_TEST

START_TEST(refuses_what_is_no_object) {
        _cleanup_(settings_freep) Settings *baseline = new_settings();
        _cleanup_json_ json_object *list = json_object_new_array(), *many = json_object_new_object();
        char path[64];

        for (unsigned i = 0; i <= SETTINGS_MAX; i++) {
                snprintf(path, sizeof(path), "/proc/sys/vm/a%u", i);
                json_add_string(many, path, "1");
        }
        ck_assert_int_eq(settings_restore("/nowhere", list, SETTINGS_PASS_FIRST, baseline, &n_changes, list), -EBADMSG);
        ck_assert_int_eq(settings_restore("/nowhere", NULL, SETTINGS_PASS_FIRST, baseline, &n_changes, list), -EBADMSG);
        ck_assert_int_eq(settings_restore("/nowhere", many, SETTINGS_PASS_FIRST, baseline, &n_changes, list), -EBADMSG);
}
END_TEST

UNIT_MAIN("settings-restore", carries_it_from_update_to_update, remembers_what_was_before, sets_in_order,
        tries_twice_what_depends, tells_problems, does_not_follow_links, keeps_some_for_later, refuses_what_is_no_object)
