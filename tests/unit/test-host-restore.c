/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The order in which the host is put back, and who waits for what. The parts themselves are played (--wrap): they have
 * tests of their own. */

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "basic/clock.h"
#include "basic/json.h"
#include "basic/log.h"
#include "host/irqs.h"
#include "privileged/privileged.h"
#include "unit.h"
#include "update/host-internal.h"

#define PATIENCE_USEC (5ULL * 1000 * 1000)

/* What was called, one letter each: s settings, n network, f firewall, c clock, m modules, t tmpfs, i interrupts; capital
 * letters in the later pass. Two threads at a time write to it. */
static atomic_char calls[64];
static atomic_uint n_calls;
static atomic_uint n_missing, n_ready, n_over;
static atomic_bool has_problem, is_tmpfs_absent, is_clock_held;
static void (*boot_over)(void *userdata);
static void *boot_userdata;

static void call(char letter) {
        calls[atomic_fetch_add(&n_calls, 1)] = letter;
}

static char when(bool is_later, char letter) {
        return is_later ? (char) (letter - 'a' + 'A') : letter;
}

/* The parts */

int __wrap_network_reconcile(const Network *wanted, uint64_t elapsed_usec, NetworkPass pass, NetworkOutcome *ret);
int __wrap_network_reconcile(const Network *wanted, uint64_t elapsed_usec, NetworkPass pass, NetworkOutcome *ret) {
        call(when(pass == NETWORK_PASS_LATER, 'n'));
        *ret = (NetworkOutcome) { .n_changes = 1, .n_missing = n_missing, .problems = json_object_new_array() };
        if (has_problem)
                (void) json_append_text(ret->problems, "br0 is not there");
        return 0;
}

int __wrap_privileged_reconcile_firewall(json_object *tables, bool is_later, size_t *ret_n_changes, json_object *problems,
                char **ret_why);
int __wrap_privileged_reconcile_firewall(json_object *tables, bool is_later, size_t *ret_n_changes, json_object *problems,
                char **ret_why) {
        call(when(is_later, 'f'));
        *ret_n_changes = 1;
        return 0;
}

int __wrap_baseline_restore(Baseline *baseline, json_object *wanted, SettingsPass pass, size_t *ret_n_changes,
                json_object *problems);
int __wrap_baseline_restore(Baseline *baseline, json_object *wanted, SettingsPass pass, size_t *ret_n_changes,
                json_object *problems) {
        call(when(pass == SETTINGS_PASS_LATER, 's'));
        *ret_n_changes = 2;
        return 0;
}

int __wrap_irqs_restore(const char *root, json_object *wanted, size_t *ret_n_changes, size_t *ret_n_missing,
                json_object *problems);
int __wrap_irqs_restore(const char *root, json_object *wanted, size_t *ret_n_changes, size_t *ret_n_missing,
                json_object *problems) {
        call('I');
        return 0;
}

int __wrap_privileged_set_clock(const WallClock *clock, int64_t *ret_step_nsec, char **ret_why);
int __wrap_privileged_set_clock(const WallClock *clock, int64_t *ret_step_nsec, char **ret_why) {
        while (is_clock_held)
                usleep(1000);
        call('c');
        *ret_step_nsec = -7;
        return 0;
}

int __wrap_privileged_load_modules(json_object *modules, size_t *ret_n_changes, json_object *problems, char **ret_why);
int __wrap_privileged_load_modules(json_object *modules, size_t *ret_n_changes, json_object *problems, char **ret_why) {
        call('m');
        return 0;
}

int __wrap_privileged_unpack_tmpfs(const char *path, int fd, const char *options, bool may_mount, size_t *ret_n_changes,
                json_object *problems, char **ret_why);
int __wrap_privileged_unpack_tmpfs(const char *path, int fd, const char *options, bool may_mount, size_t *ret_n_changes,
                json_object *problems, char **ret_why) {
        call(when(may_mount, 't'));
        if (!is_tmpfs_absent)
                return 0;
        return may_mount ? -EPERM : -ENOTCONN;
}

/* What is told */

void __wrap_update_host_ready(Manager *manager);
void __wrap_update_host_ready(Manager *manager) {
        n_ready++;
}

int __wrap_boot_watch_new(sd_event *event, void (*over)(void *userdata), void *userdata, BootWatch **ret);
int __wrap_boot_watch_new(sd_event *event, void (*over)(void *userdata), void *userdata, BootWatch **ret) {
        boot_over = over;
        boot_userdata = userdata;
        *ret = NULL;
        return 0;
}

static void (*interface_changed)(void *userdata);
static void *interface_userdata;

int __wrap_host_watch_new(sd_event *event, void (*changed)(void *userdata), void *userdata, HostWatch **ret);
int __wrap_host_watch_new(sd_event *event, void (*changed)(void *userdata), void *userdata, HostWatch **ret) {
        interface_changed = changed;
        interface_userdata = userdata;
        *ret = NULL;
        return 0;
}

void __wrap_report_keep(Manager *manager, json_object *report);
void __wrap_report_keep(Manager *manager, json_object *report) {
        json_object_put(report);
}

/* The service manager's store */
static char dropped[256];

void __wrap_store_drop(const char *name);
void __wrap_store_drop(const char *name) {
        (void) strncat(dropped, name, sizeof(dropped) - strlen(dropped) - 1);
        (void) strncat(dropped, " ", sizeof(dropped) - strlen(dropped) - 1);
}

/* The fixture */

static Manager manager;
static int archive_fd; /* of the tmpfs */

static void setup(void) {
        log_set_max_level(LOG_EMERG);
        ck_assert_int_ge(sd_event_default(&manager.event), 0);
        ck_assert_int_eq(varlink_server_new(manager.event, "test", "1", &manager.varlink), 0);
        manager.report = json_object_new_object();
        ck_assert_int_eq(json_add_string(manager.report, "id", "id"), 0);
        archive_fd = memfd_create("tmpfs", MFD_CLOEXEC);
        ck_assert_int_ge(archive_fd, 0);
        ck_assert_int_eq(ftruncate(archive_fd, 4096), 0);
}

static void teardown(void) {
        host_restore_free(manager.host);
        varlink_server_free(manager.varlink);
        json_object_put(manager.report);
        fd_close(archive_fd);
        sd_event_unref(manager.event);
}

static HostState *state_of(const char *text) {
        _cleanup_(manifest_done) Manifest manifest = { .timeline.tsc_hz = 1000000000 };
        _cleanup_json_ json_object *o = NULL;
        json_object *part;
        HostState *state;

        ck_assert_int_eq(json_parse_object(text, strlen(text), &o), 0);
        if (json_get_object(o, "host", &part) >= 0)
                manifest.host = json_object_get(part);
        if (json_get_array(o, "tmpfs", &part) >= 0)
                manifest.tmpfs = json_object_get(part);
        ck_assert_int_eq(host_state_new(&manifest, NULL, &state), 0);
        return state;
}

#define NETWORK "\"network\":{\"capturedUSec\":1,\"links\":\"\",\"addresses\":\"\",\"nexthops\":\"\"," \
                "\"routes\":\"\",\"neighbours\":\"\",\"fdb\":\"\",\"interfaces\":[]}"
#define ALL "{\"host\":{" NETWORK ",\"settings\":{\"/proc/sys/vm/swappiness\":\"1\"},\"firewall\":[{}]," \
            "\"interrupts\":[{}],\"modules\":[{}],\"omitted\":[\"veth0\"]}," \
            "\"tmpfs\":[{\"path\":\"/run/a\",\"options\":\"\",\"token\":16}]}"

static const char *const hostile[] = {
        "{\"host\":{\"network\":{}}}",
        "{\"host\":{\"network\":{\"capturedUSec\":1,\"links\":\"zz\"}}}",
        "{\"tmpfs\":[{\"path\":\"a\",\"options\":\"\",\"token\":16}]}",
        "{\"tmpfs\":[{\"path\":\"/a\",\"options\":\"\",\"token\":1}]}",
        "{\"tmpfs\":[7]}",
};

static void begin(const char *text) {
        _cleanup_(host_state_unrefp) HostState *state = state_of(text);

        state->is_first_process = true;
        state->clock.rate_hz_milli = 1;
        for (size_t i = 0; i < state->n_tmpfs; i++)
                ck_assert_int_ge(state->tmpfs[i].fd = dup(archive_fd), 0);
        ck_assert_int_eq(host_restore_start(&manager, state, "id"), 0);
}

static size_t count(char letter) {
        size_t n = 0;

        for (size_t i = 0; i < n_calls; i++)
                n += calls[i] == letter;
        return n;
}

/* Runs the event loop until `is_so`. */
static void wait_until(bool (*is_so)(void)) {
        uint64_t deadline = now_usec(CLOCK_MONOTONIC) + PATIENCE_USEC;

        while (!is_so()) {
                ck_assert_uint_lt(now_usec(CLOCK_MONOTONIC), deadline);
                ck_assert_int_ge(sd_event_run(manager.event, 100000), 0);
        }
}

static bool is_ready(void) {
        return n_ready > 0 && host_restore_is_ready(manager.host);
}

static bool has_unpacked(void) {
        return count('t') > 0;
}

static bool is_over(void) {
        return !manager.host;
}

/* Of the letters in `which` alone. */
static void assert_order(const char *which, const char *expected) {
        char found[ELEMENTSOF(calls)] = "";

        for (size_t i = 0, n = 0; i < n_calls; i++)
                if (calls[i] && strchr(which, calls[i]))
                        found[n++] = calls[i];
        ck_assert_str_eq(found, expected);
}

static const char *outcome(void) {
        json_object *host;
        const char *text = "none";

        if (json_get_object(manager.report, "host", &host) >= 0)
                (void) json_get_string(host, "outcome", &text);
        return text;
}

static off_t archive_size(void) {
        struct stat st;

        ck_assert_int_eq(fstat(archive_fd, &st), 0);
        return st.st_size;
}

static void on_over(void *userdata) {
        n_over++;
}

START_TEST(in_order) {
        begin(ALL);
        ck_assert(!host_restore_is_ready(manager.host));
        wait_until(is_ready);
        assert_order("snf", "snfs");
        assert_order("cm", "cm");
        ck_assert_uint_eq(n_ready, 1);
        wait_until(has_unpacked);

        /* The later passes, two of them, without the wait between. */
        host_restore_after_update(manager.host);
        ck_assert_ptr_nonnull(boot_over);
        host_restore_hurry(manager.host, on_over, NULL);
        wait_until(is_over);
        assert_order("SNFIT", "SNFI");
        ck_assert_uint_eq(n_over, 1);
        ck_assert_str_eq(outcome(), "restored");
        ck_assert_uint_eq(n_ready, 1);
        ck_assert_str_eq(dropped, "tmpfs-16 host ");
        ck_assert(!manager.keeps_tmpfs);
        ck_assert_int_eq(archive_size(), 0); /* a successor sees that it is unpacked */
}
END_TEST

/* Guests wait for the clock, too, and for the settings that come with modules, but not for contents of file systems. */
START_TEST(guests_wait) {
        is_clock_held = true;
        begin(ALL);
        while (count('f') == 0)
                ck_assert_int_ge(sd_event_run(manager.event, 100000), 0);
        ck_assert_int_ge(sd_event_run(manager.event, 50000), 0);
        ck_assert(!host_restore_is_ready(manager.host));
        ck_assert_uint_eq(n_ready, 0);
        assert_order("ms", "s");
        is_clock_held = false;
        wait_until(is_ready);
        assert_order("ms", "sms");
}
END_TEST

START_TEST(nothing_carried) {
        begin("{}");
        wait_until(is_ready);
        ck_assert_uint_eq(n_missing, 0);
        assert_order("snfmt", "");
        host_restore_hurry(manager.host, on_over, NULL);
        wait_until(is_over);
        ck_assert_str_eq(outcome(), "restored");
}
END_TEST

START_TEST(problems_are_partial) {
        has_problem = true;
        begin(ALL);
        wait_until(is_ready);
        host_restore_hurry(manager.host, on_over, NULL);
        wait_until(is_over);
        ck_assert_str_eq(outcome(), "partial");
}
END_TEST

/* What a pass before found and a later one does not is no problem any more. */
START_TEST(problems_pass) {
        has_problem = true;
        begin(ALL);
        wait_until(is_ready);
        has_problem = false;
        host_restore_hurry(manager.host, on_over, NULL);
        wait_until(is_over);
        ck_assert_str_eq(outcome(), "restored");
}
END_TEST

START_TEST(contents_wait_for_their_mount) {
        _cleanup_json_ json_object *losses = NULL;

        is_tmpfs_absent = true;
        begin(ALL);
        wait_until(has_unpacked);
        wait_until(is_ready);
        host_restore_hurry(manager.host, on_over, NULL);
        wait_until(is_over);
        assert_order("tT", "tT");
        ck_assert_str_eq(outcome(), "partial");

        /* They stay where they are, and the next update is told. */
        ck_assert_str_eq(dropped, "");
        ck_assert_int_eq(archive_size(), 4096);
        ck_assert(manager.keeps_tmpfs);
        losses = json_object_new_array();
        ck_assert_int_eq(host_add_losses(&manager, losses), 0);
        ck_assert_uint_eq(json_object_array_length(losses), 1);
}
END_TEST

/* No pass mends what the manifest does not say. */
START_TEST(damage_lasts) {
        begin("{\"host\":{},\"tmpfs\":[7,{\"path\":\"/run/a\",\"options\":\"\",\"token\":16}]}");
        wait_until(is_ready);
        wait_until(has_unpacked);
        host_restore_hurry(manager.host, on_over, NULL);
        wait_until(is_over);
        ck_assert_str_eq(outcome(), "partial");
}
END_TEST

static bool has_looked_again(void) {
        return count('n') == 2;
}

static bool has_looked_later(void) {
        return count('N') == 2;
}

static bool has_settled_once(void) {
        return count('T') == 1;
}

/* Interfaces that come: as it was, until the services had their turn. */
START_TEST(interfaces_come) {
        n_missing = 1;
        is_tmpfs_absent = true;
        begin(ALL);
        wait_until(is_ready);
        wait_until(has_unpacked);
        interface_changed(interface_userdata);
        wait_until(has_looked_again);
        host_restore_after_update(manager.host);
        boot_over(boot_userdata);
        wait_until(has_settled_once);
        interface_changed(interface_userdata);
        wait_until(has_looked_later);
        assert_order("nN", "nnNN");
}
END_TEST

START_TEST(report_of_another_update) {
        begin(ALL);
        ck_assert_int_eq(json_add_string(manager.report, "id", "another"), 0);
        wait_until(is_ready);
        host_restore_hurry(manager.host, on_over, NULL);
        wait_until(is_over);
        ck_assert_str_eq(outcome(), "none");
}
END_TEST

/* Which a thread may change while somebody looks at the report. */
START_TEST(report_shares_nothing) {
        _cleanup_(host_state_unrefp) HostState *state = state_of(hostile[0]);
        _cleanup_json_ json_object *report = host_state_report(state, "restoring");
        json_object *parts, *problems;

        ck_assert_int_eq(json_get_array(report, "parts", &parts), 0);
        ck_assert_int_eq(json_get_array(json_object_array_get_idx(parts, 0), "problems", &problems), 0);
        ck_assert_ptr_ne(problems, state->results[HOST_NETWORK].problems);
        ck_assert_uint_eq(json_object_array_length(problems), 1);
}
END_TEST

START_TEST(boot_comes_to_an_end) {
        begin(ALL);
        wait_until(is_ready);
        wait_until(has_unpacked);
        host_restore_after_update(manager.host);
        host_restore_after_update(manager.host); /* once is enough */
        boot_over(boot_userdata);
        while (count('I') == 0)
                ck_assert_int_ge(sd_event_run(manager.event, 100000), 0);
        assert_order("SNFIT", "SNFI");
        ck_assert(!is_over()); /* a while later once more */
        host_restore_hurry(manager.host, on_over, NULL);
        wait_until(is_over);
}
END_TEST

START_TEST(hostile_manifests) {
        _cleanup_(host_state_unrefp) HostState *state = state_of(hostile[_i]);

        ck_assert(host_state_has_problems(state));
        ck_assert_ptr_null(state->network);
        ck_assert_uint_eq(state->n_tmpfs, 0);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("host-restore");
        TCase *cases = tcase_create("host-restore");
        SRunner *runner;
        int failed;

        tcase_add_checked_fixture(cases, setup, teardown);
        tcase_add_test(cases, in_order);
        tcase_add_test(cases, guests_wait);
        tcase_add_test(cases, nothing_carried);
        tcase_add_test(cases, problems_are_partial);
        tcase_add_test(cases, problems_pass);
        tcase_add_test(cases, contents_wait_for_their_mount);
        tcase_add_test(cases, damage_lasts);
        tcase_add_test(cases, interfaces_come);
        tcase_add_test(cases, report_of_another_update);
        tcase_add_test(cases, report_shares_nothing);
        tcase_add_test(cases, boot_comes_to_an_end);
        tcase_add_loop_test(cases, hostile_manifests, 0, (int) ELEMENTSOF(hostile));
        suite_add_tcase(suite, cases);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
