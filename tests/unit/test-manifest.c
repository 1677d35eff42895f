/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "basic/io.h"
#include "basic/json.h"
#include "unit.h"
#include "update/manifest.h"

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
        size_t tail;

        ck_assert_int_eq(manifest_create(&before, &fd, &tail), 0);
        ck_assert_int_eq(manifest_write(&before, fd, tail), 0);
        ck_assert_int_eq(manifest_read(fd, &after, NULL), 0);
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
        ck_assert_int_eq(manifest_write(&before, fd, tail), 0);
        manifest_done(&after);
        ck_assert_int_eq(manifest_read(fd, &after, &tail), 0);
        ck_assert_ptr_null(after.workloads[1]);
}
END_TEST

/* As the versions before wrote it, which carried nothing of the host: it is still theirs when it is written again. */
START_TEST(whole_one_is_written_again) {
        static const char older[] = "{\"version\":1,\"id\":\"1\",\"timeline\":{\"tscHz\":2000000000,\"phases\":{}},"
                                    "\"workloads\":[]}";
        _cleanup_(manifest_done) Manifest before = example(), after = {};
        _cleanup_free_ char *text = calloc(1, MANIFEST_TAIL_BYTES + 1), *found = NULL;
        _cleanup_fd_ int fd = -EBADF;
        size_t tail = 7, size;

        memset(text, ' ', MANIFEST_TAIL_BYTES);
        memcpy(text, older, sizeof(older) - 1);
        ck_assert_int_eq(memfd_new_with("manifest", text, MANIFEST_TAIL_BYTES, &fd), 0);
        ck_assert_int_eq(manifest_read(fd, &after, &tail), 0);
        ck_assert_uint_eq(tail, 0);
        ck_assert_int_eq(manifest_write(&before, fd, tail), 0);
        manifest_done(&after);
        ck_assert_int_eq(manifest_read(fd, &after, &tail), 0);
        ck_assert_str_eq(after.id, before.id);
        ck_assert_uint_eq(tail, 0);
        ck_assert_int_eq(read_fd(fd, MANIFEST_BYTES_MAX, &found, &size), 0);
        ck_assert_uint_eq(size, MANIFEST_TAIL_BYTES);

        /* One with a host in it would lose it. */
        before.host = json_object_new_object();
        ck_assert_int_eq(manifest_write(&before, fd, 0), -EOPNOTSUPP);
}
END_TEST

START_TEST(manifest_too_large_is_told) {
        _cleanup_(manifest_done) Manifest manifest = example();
        _cleanup_fd_ int fd = -EBADF;
        size_t tail;

        ck_assert_int_eq(manifest_create(&manifest, &fd, &tail), 0);
        free(manifest.checksum_skip_evidence);
        manifest.checksum_skip_evidence = malloc(MANIFEST_TAIL_BYTES);
        memset(manifest.checksum_skip_evidence, 'x', MANIFEST_TAIL_BYTES - 1);
        manifest.checksum_skip_evidence[MANIFEST_TAIL_BYTES - 1] = 0;
        ck_assert_int_eq(manifest_write(&manifest, fd, tail), -E2BIG);
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
        size_t tail;

        before.trace = (TraceState) { .is_on = true, .initcall_debug = true, .console_level = 4 };
        ck_assert_int_eq(manifest_create(&before, &fd, &tail), 0);
        ck_assert_int_eq(manifest_write(&before, fd, tail), 0);
        ck_assert_int_eq(manifest_read(fd, &after, NULL), 0);
        ck_assert(after.trace.is_on && after.trace.initcall_debug);
        ck_assert_int_eq(after.trace.console_level, 4);
}
END_TEST

/* The host's state */

/* Outside of a test, too: --print. */
static void must(int r) {
        if (r < 0)
                abort();
}

static json_object *example_host(void) {
        json_object *host = json_object_new_object(), *settings = json_object_new_object();

        must(json_add_string(settings, "/proc/sys/vm/swappiness", "10"));
        must(json_add(host, "settings", settings));
        must(json_add(host, "omitted", json_object_new_array()));
        return host;
}

static void add_host(Manifest *manifest) {
        json_object *tmpfs = json_object_new_object();

        manifest->host = example_host();
        manifest->tmpfs = json_object_new_array();
        must(json_add_string(tmpfs, "path", "/run/a"));
        must(json_add_string(tmpfs, "options", "mode=700"));
        must(json_add_u64(tmpfs, "token", MANIFEST_TOKEN_TMPFS));
        json_object_array_add(manifest->tmpfs, tmpfs);
        manifest->clock = (WallClock) {
                .tsc = 5000000000, .realtime_nsec = 1795000000000000000, .monotonic_nsec = 77000000000,
                .rate_hz_milli = 2000000001234, .tai_offset = 37,
        };
}

START_TEST(brings_the_host) {
        _cleanup_(manifest_done) Manifest before = example(), after = {};
        _cleanup_fd_ int fd = -EBADF;
        size_t tail, tail_again;

        add_host(&before);
        ck_assert_int_eq(manifest_create(&before, &fd, &tail), 0);
        /* What is in the memfd is what counts: the host's state is not written again. */
        json_object_put(before.host);
        before.host = NULL;
        ck_assert_int_eq(manifest_write(&before, fd, tail), 0);
        ck_assert_int_eq(manifest_read(fd, &after, &tail_again), 0);
        ck_assert_uint_eq(tail_again, tail);
        ck_assert_str_eq(json_object_to_json_string_ext(after.host, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE),
                        "{\"settings\":{\"/proc/sys/vm/swappiness\":\"10\"},\"omitted\":[]}");
        ck_assert_uint_eq(json_object_array_length(after.tmpfs), 1);
        ck_assert_uint_eq(after.clock.tsc, 5000000000);
        ck_assert_uint_eq(after.clock.realtime_nsec, 1795000000000000000);
        ck_assert_uint_eq(after.clock.rate_hz_milli, 2000000001234);
        ck_assert_int_eq(after.clock.tai_offset, 37);

        /* A successor writes on. */
        after.timeline.start_tsc[PHASE_PAUSE] = 3000;
        ck_assert_int_eq(manifest_write(&after, fd, tail_again), 0);
        manifest_done(&before);
        ck_assert_int_eq(manifest_read(fd, &before, NULL), 0);
        ck_assert_ptr_nonnull(before.host);
        ck_assert_uint_eq(before.timeline.start_tsc[PHASE_PAUSE], 3000);
}
END_TEST

START_TEST(too_large_a_host_is_told) {
        _cleanup_(manifest_done) Manifest manifest = example();
        _cleanup_free_ char *text = malloc(MANIFEST_BYTES_MAX);
        size_t tail;
        int fd = -EBADF;

        memset(text, 'x', MANIFEST_BYTES_MAX - 1);
        text[MANIFEST_BYTES_MAX - 1] = 0;
        manifest.host = json_object_new_object();
        ck_assert_int_eq(json_add_string(manifest.host, "network", text), 0);
        ck_assert_int_eq(manifest_create(&manifest, &fd, &tail), -E2BIG);
        ck_assert_int_eq(fd, -EBADF);
}
END_TEST

/* Damage of a whole one */

static int read_damaged(const char *text, size_t size) {
        _cleanup_(manifest_done) Manifest manifest = {};
        _cleanup_fd_ int fd = -EBADF;

        ck_assert_int_eq(memfd_new_with("manifest", text, size, &fd), 0);
        return manifest_read(fd, &manifest, NULL);
}

START_TEST(damage_is_told) {
        _cleanup_(manifest_done) Manifest manifest = example();
        _cleanup_free_ char *text = NULL;
        _cleanup_fd_ int fd = -EBADF;
        size_t tail, size, length;

        add_host(&manifest);
        ck_assert_int_eq(manifest_create(&manifest, &fd, &tail), 0);
        ck_assert_int_eq(manifest_write(&manifest, fd, tail), 0);
        ck_assert_int_eq(read_fd(fd, MANIFEST_BYTES_MAX, &text, &size), 0);
        for (length = size; text[length - 1] == ' '; length--)
                ;
        for (size_t n = 0; n < length; n++) {
                char saved = text[n];

                ck_assert_int_eq(read_damaged(text, n), -EBADMSG);
                text[n] = 0;
                ck_assert_int_eq(read_damaged(text, length), -EBADMSG);
                text[n] = saved;
        }
        ck_assert_int_eq(read_damaged(text, length), 0);
}
END_TEST

START_TEST(oversize_is_told) {
        _cleanup_(manifest_done) Manifest manifest = {};
        _cleanup_fd_ int fd = -EBADF;

        ck_assert_int_eq(memfd_new_with("manifest", NULL, MANIFEST_BYTES_MAX + 1, &fd), 0);
        ck_assert_int_eq(manifest_read(fd, &manifest, NULL), -EFBIG);
}
END_TEST

START_TEST(nesting_is_told) {
        _cleanup_(manifest_done) Manifest manifest = {};
        _cleanup_free_ char *text = malloc(1 << 20);

        memset(text, '[', 1 << 20);
        memcpy(text, "{\"host\":", 8);
        ck_assert_int_eq(manifest_parse(text, 1 << 20, &manifest), -EBADMSG);
}
END_TEST

/* Of each version and what was added to it: what was written once is read for ever. */
static const struct {
        const char *file;
        bool has_host;
} golden[] = {
        { "manifest-1.json",      false },
        { "manifest-1-host.json", true  },
};

START_TEST(older_ones_are_read) {
        _cleanup_(manifest_done) Manifest manifest = {};
        _cleanup_free_ char *path = NULL, *text = NULL;
        size_t size;

        ck_assert_int_gt(asprintf(&path, "%s/tests/unit/golden/%s", getenv("SOURCE_ROOT") ?: ".", golden[_i].file), 0);
        ck_assert_int_eq(read_file_at(AT_FDCWD, path, MANIFEST_BYTES_MAX, &text, &size), 0);
        ck_assert_int_eq(manifest_parse(text, size, &manifest), 0);
        ck_assert_str_eq(manifest.id, "8c9b1e5ad3c04f55b7d00f6d5a1e2c11");
        ck_assert_str_eq(manifest.from_release, "7.3.4-a");
        ck_assert_str_eq(manifest.to_release, "7.3.4-b");
        ck_assert_str_eq(manifest.workloads[1], "vm-2.test");
        ck_assert_int_eq(manifest.checksum_skip, CHECKSUM_SKIP_PROVEN);
        ck_assert_uint_eq(manifest.timeline.tsc_hz, 2000000000);
        ck_assert_uint_eq(manifest.timeline.start_tsc[PHASE_SEAL], 43000000000);
        ck_assert(manifest.trace.is_on);
        ck_assert_uint_eq(json_object_array_length(manifest.devices), 1);
        ck_assert_int_eq(manifest.host != NULL, golden[_i].has_host);
        ck_assert_int_eq(manifest.clock.rate_hz_milli > 0, golden[_i].has_host);
        ck_assert_int_eq(manifest.tmpfs != NULL, golden[_i].has_host);
}
END_TEST

/* For test-manifest-schema.py: what is written now. */
static int print_example(void) {
        _cleanup_(manifest_done) Manifest manifest = example();
        _cleanup_free_ char *text = NULL;
        _cleanup_fd_ int fd = -EBADF;
        size_t tail, size;

        add_host(&manifest);
        manifest.trace = (TraceState) { .is_on = true, .console_level = 4 };
        if (manifest_create(&manifest, &fd, &tail) < 0 || manifest_write(&manifest, fd, tail) < 0 ||
                        read_fd(fd, MANIFEST_BYTES_MAX, &text, &size) < 0)
                return EXIT_FAILURE;
        puts(text);
        return EXIT_SUCCESS;
}

static int run(void) {
        Suite *suite = suite_create("manifest");
        TCase *cases = tcase_create("manifest");
        SRunner *runner;
        int failed;

        tcase_add_test(cases, manifest_comes_back);
        tcase_add_test(cases, whole_one_is_written_again);
        tcase_add_test(cases, manifest_too_large_is_told);
        tcase_add_loop_test(cases, manifest_from_hostile_text, 0, (int) ELEMENTSOF(hostile));
        tcase_add_test(cases, manifest_brings_the_trace);
        tcase_add_test(cases, brings_the_host);
        tcase_add_test(cases, too_large_a_host_is_told);
        tcase_add_test(cases, damage_is_told);
        tcase_add_test(cases, oversize_is_told);
        tcase_add_test(cases, nesting_is_told);
        tcase_add_loop_test(cases, older_ones_are_read, 0, (int) ELEMENTSOF(golden));
        suite_add_tcase(suite, cases);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(int argc, char **argv) {
        return argc > 1 && strcmp(argv[1], "--print") == 0 ? print_example() : run();
}
