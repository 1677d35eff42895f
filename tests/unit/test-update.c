/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "basic/io.h"
#include "basic/json.h"
#include "idl.h"
#include "unit.h"
#include "update/manager.h"
#include "update/manifest.h"

START_TEST(interfaces_agree_with_their_schemas) {
        idl_assert_agrees(&liveupdate_interface);
        idl_assert_agrees(&workload_interface);
}
END_TEST

static Manifest example(void) {
        Manifest manifest = {
                .id = strdup("8c9b1e5a"),
                .from_release = strdup("7.3.4-a"),
                .to_release = strdup("7.3.4-b"),
                .from_boot_id = strdup("0123"),
                .checksum_skip = CHECKSUM_SKIP_PROVEN,
                .checksum_skip_evidence = strdup("seen"),
                .timeline = { .tsc_hz = 2000000000 },
                .workloads = calloc(3, sizeof(char *)),
                .devices = json_object_new_array(),
        };

        manifest.workloads[0] = strdup("vm1");
        manifest.workloads[1] = strdup("vm-2.test");
        manifest.timeline.start_tsc[PHASE_PREPARE] = 1000;
        manifest.timeline.start_tsc[PHASE_QUIESCE] = 2000;
        return manifest;
}

START_TEST(manifest_comes_back) {
        _cleanup_(manifest_done) Manifest before = example(), after = {};
        _cleanup_fd_ int fd = -EBADF;

        ck_assert_int_eq(memfd_new_with("manifest", NULL, MANIFEST_BYTES, &fd), 0);
        ck_assert_int_eq(manifest_write(&before, fd), 0);
        ck_assert_int_eq(manifest_read(fd, &after), 0);
        ck_assert_str_eq(after.id, before.id);
        ck_assert_str_eq(after.from_release, before.from_release);
        ck_assert_str_eq(after.to_release, before.to_release);
        ck_assert_str_eq(after.from_boot_id, before.from_boot_id);
        ck_assert_str_eq(after.checksum_skip_evidence, "seen");
        ck_assert_int_eq(after.checksum_skip, CHECKSUM_SKIP_PROVEN);
        ck_assert_uint_eq(after.timeline.start_tsc[PHASE_QUIESCE], 2000);
        ck_assert_str_eq(after.workloads[0], "vm1");
        ck_assert_str_eq(after.workloads[1], "vm-2.test");
        ck_assert_ptr_null(after.workloads[2]);
        ck_assert_ptr_nonnull(after.devices);

        /* A second, shorter one leaves nothing of the first behind. */
        free(TAKE_PTR(before.workloads[1]));
        ck_assert_int_eq(manifest_write(&before, fd), 0);
        manifest_done(&after);
        ck_assert_int_eq(manifest_read(fd, &after), 0);
        ck_assert_ptr_null(after.workloads[1]);
}
END_TEST

START_TEST(manifest_too_large_is_told) {
        _cleanup_(manifest_done) Manifest manifest = example();
        _cleanup_fd_ int fd = -EBADF;

        ck_assert_int_eq(memfd_new_with("manifest", NULL, MANIFEST_BYTES, &fd), 0);
        free(manifest.checksum_skip_evidence);
        manifest.checksum_skip_evidence = malloc(MANIFEST_BYTES);
        memset(manifest.checksum_skip_evidence, 'x', MANIFEST_BYTES - 1);
        manifest.checksum_skip_evidence[MANIFEST_BYTES - 1] = 0;
        ck_assert_int_eq(manifest_write(&manifest, fd), -E2BIG);
}
END_TEST

#define TIMELINE "\"timeline\":{\"tscHz\":1000000000,\"phases\":{\"prepare\":1}}"

static const struct {
        const char *text;
        int error;
} hostile[] = {
        { "",                                                                                 -EBADMSG         },
        { "{}",                                                                               -EBADMSG         },
        { "{\"version\":0,\"id\":\"a\"," TIMELINE ",\"workloads\":[]}",                       -EBADMSG         },
        { "{\"version\":-1,\"id\":\"a\"," TIMELINE ",\"workloads\":[]}",                      -EBADMSG         },
        { "{\"version\":2,\"id\":\"a\"," TIMELINE ",\"workloads\":[]}",                       -EPROTONOSUPPORT },
        { "{\"version\":1," TIMELINE ",\"workloads\":[]}",                                    -EBADMSG         },
        { "{\"version\":1,\"id\":\"a\",\"workloads\":[]}",                                    -EBADMSG         },
        { "{\"version\":1,\"id\":\"a\"," TIMELINE "}",                                        -EBADMSG         },
        { "{\"version\":1,\"id\":\"a\"," TIMELINE ",\"workloads\":[1]}",                      -EBADMSG         },
        { "{\"version\":1,\"id\":\"a\"," TIMELINE ",\"workloads\":[\"../x\"]}",               -EBADMSG         },
        { "{\"version\":1,\"id\":\"a\"," TIMELINE ",\"workloads\":[null]}",                   -EBADMSG         },
        { "{\"version\":1,\"id\":\"a\"," TIMELINE ",\"workloads\":[],\"fromRelease\":7}",     -EBADMSG         },
        { "{\"version\":1,\"id\":\"a\"," TIMELINE ",\"workloads\":[],\"later\":{}}",          0                },
};

START_TEST(manifest_from_hostile_text) {
        _cleanup_(manifest_done) Manifest manifest = {};

        ck_assert_int_eq(manifest_parse(hostile[_i].text, strlen(hostile[_i].text), &manifest), hostile[_i].error);
        if (hostile[_i].error < 0)
                ck_assert_ptr_null(manifest.workloads);
}
END_TEST

START_TEST(manifest_brings_the_trace) {
        _cleanup_(manifest_done) Manifest before = example(), after = {};
        _cleanup_fd_ int fd = -EBADF;

        before.trace = (TraceState) { .is_on = true, .initcall_debug = true, .console_level = 4 };
        ck_assert_int_eq(memfd_new_with("manifest", NULL, MANIFEST_BYTES, &fd), 0);
        ck_assert_int_eq(manifest_write(&before, fd), 0);
        ck_assert_int_eq(manifest_read(fd, &after), 0);
        ck_assert(after.trace.is_on && after.trace.initcall_debug);
        ck_assert_int_eq(after.trace.console_level, 4);
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
        tcase_add_test(cases, manifest_comes_back);
        tcase_add_test(cases, manifest_too_large_is_told);
        tcase_add_loop_test(cases, manifest_from_hostile_text, 0, (int) ELEMENTSOF(hostile));
        tcase_add_test(cases, manifest_brings_the_trace);
        tcase_add_test(cases, workload_names);
        suite_add_tcase(suite, cases);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
