/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>

#include "basic/clock.h"
#include "basic/io.h"
#include "basic/json.h"
#include "host/settings-internal.h"
#include "temporary-root.h"

#define THP "/sys/kernel/mm/transparent_hugepage"
#define KSM "/sys/kernel/mm/ksm"
#define POOL "/sys/devices/system/node/node1/hugepages/hugepages-2048kB"

static const char *value_of(const Settings *settings, const char *path) {
        const KernelSetting *setting = settings_find(settings, path);

        return setting ? setting->value : NULL;
}

static Settings *read_root(void) {
        Settings *settings = NULL;

        ck_assert_int_eq(settings_read(root, &settings), 0);
        return settings;
}

START_TEST(reads_what_can_be_set) {
        TEMPORARY_ROOT();
        _cleanup_(settings_freep) Settings *settings = NULL;

        root_put("/proc/sys/vm/swappiness", "60\n");
        root_put("/proc/sys/net/ipv4/tcp_mem", "1\t2\t3\n");
        root_put("/proc/sys/net/ipv4/ip_local_reserved_ports", "\n");
        root_put("/proc/sys/net/ipv4/conf/all/rp_filter", "1\n");
        root_put("/proc/sys/net/ipv6/neigh/default/gc_thresh1", "128\n");
        root_put(THP "/enabled", "always [madvise] never\n");
        root_put(THP "/hugepages-64kB/enabled", "always [inherit] madvise never\n");
        root_put(THP "/khugepaged/pages_to_scan", "4096\n");
        root_put(KSM "/run", "1\n");
        root_put(KSM "/advisor_mode", "[none] scan-time\n");
        root_put(POOL "/nr_hugepages", "100\n");
        root_put(POOL "/surplus_hugepages", "30\n");
        root_put("/sys/kernel/mm/hugepages/hugepages-2048kB/nr_overcommit_hugepages", "7\n");
        settings = read_root();
        ck_assert_uint_eq(settings->n, 12);
        ck_assert_str_eq(value_of(settings, "/proc/sys/vm/swappiness"), "60");
        ck_assert_str_eq(value_of(settings, "/proc/sys/net/ipv4/tcp_mem"), "1\t2\t3");
        ck_assert_str_eq(value_of(settings, "/proc/sys/net/ipv4/ip_local_reserved_ports"), "");
        ck_assert_str_eq(value_of(settings, "/proc/sys/net/ipv4/conf/all/rp_filter"), "1");
        ck_assert_str_eq(value_of(settings, "/proc/sys/net/ipv6/neigh/default/gc_thresh1"), "128");
        ck_assert_str_eq(value_of(settings, THP "/enabled"), "madvise");
        ck_assert_str_eq(value_of(settings, THP "/hugepages-64kB/enabled"), "inherit");
        ck_assert_str_eq(value_of(settings, THP "/khugepaged/pages_to_scan"), "4096");
        ck_assert_str_eq(value_of(settings, KSM "/advisor_mode"), "none");
        ck_assert_str_eq(value_of(settings, POOL "/nr_hugepages"), "70");
}
END_TEST

START_TEST(leaves_out_what_is_no_setting) {
        static const char *const paths[] = {
                "/proc/sys/fs/binfmt_misc/register", "/proc/sys/fs/xfs/stats_clear", "/proc/sys/kernel/cad_pid",
                "/proc/sys/kernel/hostname", "/proc/sys/kernel/hung_task_warnings",
                "/proc/sys/kernel/kexec_load_limit_reboot", "/proc/sys/kernel/ns_last_pid", "/proc/sys/kernel/printk",
                "/proc/sys/kernel/random/boot_id", "/proc/sys/kernel/tainted", "/proc/sys/net/ipv4/conf/eth0/rp_filter",
                "/proc/sys/net/ipv6/conf/all.1/forwarding", "/proc/sys/net/ipv4/neigh/eth0/gc_stale_time",
                "/proc/sys/net/ipv4/route/flush", "/proc/sys/vm/compact_memory", "/proc/sys/vm/drop_caches",
                "/proc/sys/vm/nr_hugepages", "/proc/sys/vm/stat_refresh", "/proc/sys/sunrpc/rpc_debug",
                /* below no root */
                "/proc/sysrq-trigger", "/sys/kernel/mm/hugepages/hugepages-2048kB/demote",
                "/sys/kernel/mm/hugepages/hugepages-2048kB/deep/nr_hugepages", "/sys/kernel/mm/damon/admin/kdamonds/nr",
                "/sys/devices/system/node/node1/compact", KSM "/deep/run",
        };
        TEMPORARY_ROOT();
        _cleanup_(settings_freep) Settings *settings = NULL;

        for (size_t i = 0; i < ELEMENTSOF(paths); i++) {
                root_put(paths[i], "1\n");
                ck_assert_msg(!setting_path_is_sound(paths[i]), "%s", paths[i]);
        }
        /* Settings by name, but not by nature. */
        root_put("/proc/sys/vm/told", "1\n");
        ck_assert_int_eq(chmod(root_path("/proc/sys/vm/told"), 0444), 0);
        root_put("/proc/sys/vm/triggered", "1\n");
        ck_assert_int_eq(chmod(root_path("/proc/sys/vm/triggered"), 0200), 0);
        root_put("/proc/sys/vm/table", "1\n2\n");
        root_put_bytes("/proc/sys/vm/binary", "1\0002", 3);
        root_put("/elsewhere", "1\n");
        ck_assert_int_eq(symlink(root_path("/elsewhere"), "link"), 0);
        ck_assert_int_eq(rename("link", root_path("/proc/sys/vm/link")), 0);
        settings = read_root();
        ck_assert_uint_eq(settings->n, 0);
}
END_TEST

START_TEST(knows_which_paths_are_sound) {
        static const char *const sound[] = { "/proc/sys/vm/swappiness", "/proc/sys/net/ipv4/conf/default/rp_filter",
                THP "/enabled", THP "/khugepaged/defrag", POOL "/nr_hugepages",
                "/sys/kernel/mm/numa/demotion_enabled" };
        static const char *const unsound[] = { "", "/", "/proc/sys", "/proc/sys/", "/proc/sys/vm/", "proc/sys/vm/x",
                "/proc/sys/vm/../../../etc/passwd", "/proc/sys/./vm/swappiness", "/proc/sys//vm/swappiness",
                "/proc/sys/vm/swappiness/..", "/proc/sys/vm/with space", "/proc/sys/vm/\xc3\xa4", "/etc/passwd",
                THP "/../ksm/run", "/sys/devices/system/node/node1/../node1/hugepages/hugepages-2048kB/nr_hugepages",
                "/proc/sys/net/ipv4/conf/eth0/rp_filter", "/proc/sys/fs/binfmt_misc/deep/below",
                "/proc/sys/net/ipv4/conf/all/../eth0/rp_filter" };
        char long_path[SETTING_PATH_MAX + 2] = "/proc/sys/";

        for (size_t i = 0; i < ELEMENTSOF(sound); i++)
                ck_assert_msg(setting_path_is_sound(sound[i]), "%s", sound[i]);
        for (size_t i = 0; i < ELEMENTSOF(unsound); i++)
                ck_assert_msg(!setting_path_is_sound(unsound[i]), "%s", unsound[i]);
        memset(long_path + 10, 'a', SETTING_PATH_MAX - 10);
        ck_assert(setting_path_is_sound(long_path));
        long_path[SETTING_PATH_MAX] = 'a';
        ck_assert(!setting_path_is_sound(long_path));
}
END_TEST

START_TEST(compares_words) {
        ck_assert(setting_values_are_equal("1\t2 3", " 1 2\t\t3 "));
        ck_assert(setting_values_are_equal("", " "));
        ck_assert(!setting_values_are_equal("1 2", "1 2 3"));
        ck_assert(!setting_values_are_equal("12", "1 2"));
        ck_assert(!setting_values_are_equal("1", "2"));
}
END_TEST

START_TEST(tells_what_is_changed) {
        TEMPORARY_ROOT();
        _cleanup_(settings_freep) Settings *baseline = NULL, *now = NULL;
        _cleanup_json_ json_object *changed = NULL;

        root_put("/proc/sys/vm/swappiness", "60\n");
        root_put("/proc/sys/vm/overcommit_ratio", "50\n");
        root_put("/proc/sys/net/ipv4/tcp_mem", "1\t2\t3\n");
        root_put(KSM "/pages_to_scan", "100\n");
        root_put(KSM "/advisor_mode", "[none] scan-time\n");
        baseline = read_root();
        root_put("/proc/sys/vm/swappiness", "10\n");
        root_put("/proc/sys/net/ipv4/tcp_mem", "1 2 3\n");
        root_put("/proc/sys/net/bridge/bridge-nf-call-iptables", "0\n"); /* with a module, since */
        root_put(KSM "/pages_to_scan", "4711\n");                        /* by itself */
        root_put(KSM "/advisor_mode", "none [scan-time]\n");
        now = read_root();
        changed = settings_changed(baseline, now);
        ck_assert_str_eq(json_object_to_json_string_ext(changed,
                                         JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE),
                        "{\"/proc/sys/net/bridge/bridge-nf-call-iptables\":\"0\","
                        "\"/proc/sys/vm/swappiness\":\"10\","
                        "\"" KSM "/advisor_mode\":\"scan-time\"}");
}
END_TEST

START_TEST(goes_through_a_memfd) {
        TEMPORARY_ROOT();
        _cleanup_(settings_freep) Settings *settings = NULL, *again = NULL;
        _cleanup_fd_ int fd = -EBADF;

        root_put("/proc/sys/kernel/core_pattern", "|/bin/dump \"%e\\\" %p\n");
        root_put("/proc/sys/net/ipv4/tcp_mem", "1\t2\t3\n");
        root_put("/proc/sys/vm/swappiness", "60\n");
        settings = read_root();
        ck_assert_int_eq(settings_to_fd(settings, &fd), 0);
        ck_assert_int_eq(settings_from_fd(fd, &again), 0);
        ck_assert_uint_eq(again->n, 3);
        ck_assert_uint_eq(again->n_bytes, settings->n_bytes);
        for (size_t i = 0; i < settings->n; i++) {
                ck_assert_str_eq(settings->items[i].path, again->items[i].path);
                ck_assert_str_eq(settings->items[i].value, again->items[i].value);
        }
}
END_TEST

static int from_text(const char *text) {
        _cleanup_(settings_freep) Settings *settings = NULL;
        _cleanup_fd_ int fd = -EBADF;

        ck_assert_int_eq(memfd_new_with("settings", text, strlen(text), &fd), 0);
        return settings_from_fd(fd, &settings);
}

START_TEST(refuses_hostile_memfds) {
        ck_assert_int_eq(from_text("{}"), 0);
        ck_assert_int_eq(from_text("{\"/proc/sys/vm/swappiness\": \"60\"}"), 0);
        ck_assert_int_eq(from_text(""), -EBADMSG);
        ck_assert_int_eq(from_text("[]"), -EBADMSG);
        ck_assert_int_eq(from_text("{\"/proc/sys/vm/swappiness\": \"60\""), -EBADMSG);
        ck_assert_int_eq(from_text("{\"/proc/sys/vm/swappiness\": 60}"), -EBADMSG);
        ck_assert_int_eq(from_text("{\"/proc/sys/vm/swappiness\": \"6\\n0\"}"), -EBADMSG);
        ck_assert_int_eq(from_text("{\"/proc/sys/vm/swappiness\": \"6\\u00000\"}"), -EBADMSG);
}
END_TEST

START_TEST(passes_over_what_is_left_out) {
        static const char text[] = "{\"/proc/sys/../version\": \"60\", \"/proc/sys/vm/drop_caches\": \"3\", "
                                   "\"/proc/sys/vm/swappiness\": \"60\"}";
        _cleanup_(settings_freep) Settings *settings = NULL;
        _cleanup_fd_ int fd = -EBADF;

        ck_assert_int_eq(memfd_new_with("settings", text, strlen(text), &fd), 0);
        ck_assert_int_eq(settings_from_fd(fd, &settings), 0);
        ck_assert_uint_eq(settings->n, 1);
        ck_assert_str_eq(settings->items[0].path, "/proc/sys/vm/swappiness");
}
END_TEST

START_TEST(has_bounds) {
        _cleanup_(settings_freep) Settings *settings = NULL;
        _cleanup_free_ char *value = malloc(SETTING_VALUE_MAX + 1);
        char path[64];

        ck_assert_int_eq(settings_new(&settings), 0);
        memset(value, 'x', SETTING_VALUE_MAX);
        value[SETTING_VALUE_MAX] = 0;
        for (unsigned i = 0; i < SETTINGS_MAX; i++) {
                snprintf(path, sizeof(path), "/proc/sys/vm/a%u", i);
                ck_assert_int_eq(settings_append(settings, path, "1"), 0);
        }
        ck_assert_int_eq(settings_append(settings, "/proc/sys/vm/b", "1"), -E2BIG);
        settings_sort(settings);
        ck_assert_int_eq(settings_put(settings, "/proc/sys/vm/a7", "2"), 0);
        ck_assert_str_eq(value_of(settings, "/proc/sys/vm/a7"), "2");
        ck_assert_int_eq(settings_put(settings, "/proc/sys/vm/b", "1"), -E2BIG);
        for (unsigned i = 0; i < 60; i++) {
                snprintf(path, sizeof(path), "/proc/sys/vm/a%u", i);
                ck_assert_int_eq(settings_put(settings, path, value), 0);
        }
        for (unsigned i = 60; i < 64; i++) {
                snprintf(path, sizeof(path), "/proc/sys/vm/a%u", i);
                if (settings_put(settings, path, value) == -E2BIG)
                        return;
        }
        ck_abort_msg("more than 4 MiB");
}
END_TEST

START_TEST(reads_this_machine) {
        _cleanup_(settings_freep) Settings *settings = NULL, *again = NULL;
        _cleanup_json_ json_object *changed = NULL;
        uint64_t began = now_usec(CLOCK_MONOTONIC);

        ck_assert_int_eq(settings_read("", &settings), 0);
        printf("# %zu settings of %zu bytes, read in %llu us\n", settings->n, settings->n_bytes,
                        (unsigned long long) (now_usec(CLOCK_MONOTONIC) - began));
        ck_assert_uint_gt(settings->n, 50);
        ck_assert_ptr_nonnull(value_of(settings, "/proc/sys/kernel/pid_max"));
        ck_assert_ptr_null(value_of(settings, "/proc/sys/kernel/hostname"));
        for (size_t i = 0; i < settings->n; i++)
                ck_assert_msg(setting_path_is_sound(settings->items[i].path), "%s", settings->items[i].path);
        ck_assert_int_eq(settings_read("", &again), 0);
        changed = settings_changed(settings, again);
        ck_assert_msg(json_object_object_length(changed) == 0, "changed by themselves: %s",
                        json_object_to_json_string(changed));
}
END_TEST

/* The kernel raises them when huge pages are allowed: so they are carried with that, and set after it. */
START_TEST(pages_kept_free_come_after_huge_pages) {
        static const char free_path[] = "/proc/sys/vm/min_free_kbytes",
                          huge_path[] = "/sys/kernel/mm/transparent_hugepage/enabled";
        TEMPORARY_ROOT();
        _cleanup_(settings_freep) Settings *baseline = NULL, *now = NULL;
        _cleanup_json_ json_object *changed = NULL;

        root_put(free_path, "5000\n");
        root_put(huge_path, "always madvise [never]\n");
        baseline = read_root();
        root_put(huge_path, "[always] madvise never\n");
        now = read_root();
        changed = settings_changed(baseline, now);
        ck_assert_int_eq(json_object_object_length(changed), 2);
        ck_assert_uint_gt(setting_rank(free_path), setting_rank(huge_path));
}
END_TEST

UNIT_MAIN("settings", reads_what_can_be_set, leaves_out_what_is_no_setting, knows_which_paths_are_sound, compares_words,
        tells_what_is_changed, goes_through_a_memfd, refuses_hostile_memfds, passes_over_what_is_left_out, has_bounds,
        reads_this_machine, pages_kept_free_come_after_huge_pages)
