/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* All of a staging but the load itself, for which it takes a kernel of our own: the scenarios stage-* have that. */

#include <errno.h>
#include <stdio.h>

#include "basic/finding.h"
#include "basic/json.h"
#include "image-build.h"
#include "unit.h"
#include "update/staging.h"

typedef struct Example {
        Blob image, addon;
        StageOrder *order;
        Staging *staging;
} Example;

static void example_init(Example *example) {
        example->order = calloc(1, sizeof(StageOrder));
        example->order->is_check = true;
        example->order->verify = VERIFY_PREFER;
        example->order->image = (StageFile) { strdup("/boot/image.efi"), -EBADF };
        blob_uki(&example->image);
}

static void add_addon(Example *example, const char *name, const char *content) {
        StageOrder *order = example->order;

        blob_pe(&example->addon, (const BlobSection[]) { { name, content, strlen(content) }, { ".cmdline", "added", 5 } },
                2);
        order->addons = calloc(1, sizeof(*order->addons));
        order->addons[order->n_addons++] = (StageFile) { strdup("/boot/one.addon.efi"), blob_fd(&example->addon) };
}

static void add_initrd(Example *example, const char *content) {
        StageOrder *order = example->order;
        int fd = -EBADF;

        ck_assert_int_eq(memfd_new_with("initrd", content, strlen(content), &fd), 0);
        order->initrds = calloc(1, sizeof(*order->initrds));
        order->initrds[order->n_initrds++] = (StageFile) { strdup("/boot/initrd"), fd };
}

static int example_run(Example *example) {
        example->order->image.fd = blob_fd(&example->image);
        ck_assert_int_eq(staging_new(TAKE_PTR(example->order), &(RunningKernel) { .is_known = true }, &example->staging),
                         0);
        return staging_run(example->staging);
}

static void example_done(Example *example) {
        staging_unref(example->staging);
        stage_order_free(example->order);
}

#define EXAMPLE(e)                                     \
        _cleanup_(example_done) Example e = {};        \
        example_init(&e)

static void assert_refused(Example *example, const char *reason) {
        int r = example_run(example);

        ck_assert_int_eq(r, 1);
        ck_assert_str_eq(staging_problem(example->staging)->error, "ImageRefused");
        ck_assert_str_eq(staging_problem(example->staging)->reason, reason);
        ck_assert(*staging_problem(example->staging)->message);
        ck_assert(*staging_problem(example->staging)->remedy);
}

static const char *state_of(json_object *findings, const char *id) {
        for (size_t i = 0; i < json_object_array_length(findings); i++) {
                json_object *finding = json_object_array_get_idx(findings, i);
                const char *has = "", *state = NULL;

                (void) json_get_string(finding, "id", &has);
                if (strcmp(has, id) == 0 && json_get_string(finding, "state", &state) >= 0)
                        return state;
        }
        return "none";
}

START_TEST(describes_what_it_found) {
        EXAMPLE(example);
        _cleanup_(staged_kernel_freep) StagedKernel *staged = NULL;

        ck_assert_int_eq(example_run(&example), 0);
        staged = staging_take(example.staging);
        ck_assert_str_eq(staged->origin, "/boot/image.efi");
        ck_assert_str_eq(staged->release, "7.3.4-test");
        ck_assert_str_eq(staged->os_release, "Test \"OS\" 1");
        ck_assert_ptr_null(staged->profile);
        ck_assert_int_eq(staged->signature, SIGNATURE_ABSENT);
        ck_assert_int_eq(staged->command_line_origin, COMMAND_LINE_OF_IMAGE);
        ck_assert_ptr_nonnull(strstr(staged->command_line, "root=/dev/vda quiet kho=on liveupdate=on"));
        ck_assert_ptr_nonnull(strstr(staged->command_line_added, "kho=on liveupdate=on"));
        ck_assert_uint_ge(staged->initrd_bytes, 1500);
        ck_assert_str_eq(state_of(staged->findings, "image"), "ok");
        ck_assert_str_eq(state_of(staged->findings, "signature"), "warn");
        ck_assert_str_eq(state_of(staged->findings, "command-line"), "ok");
        /* Its payload is compressed in no way that is known. */
        ck_assert_str_eq(state_of(staged->findings, "kernel-contents"), "warn");
        ck_assert_uint_eq(staged->staged_usec, 0);
}
END_TEST

START_TEST(digest_comes_afterwards) {
        EXAMPLE(example);
        _cleanup_free_ char *hex = NULL;

        ck_assert_int_eq(example_run(&example), 0);
        ck_assert_int_eq(staging_digest(example.staging), 0);
        hex = staging_take_digest(example.staging);
        ck_assert_uint_eq(strlen(hex), 64);
}
END_TEST

START_TEST(command_lines_by_origin) {
        EXAMPLE(given);
        EXAMPLE(entry);
        EXAMPLE(running);
        EXAMPLE(with_addon);
        _cleanup_(staged_kernel_freep) StagedKernel *a = NULL, *b = NULL, *c = NULL, *d = NULL;

        given.order->command_line = strdup("");
        ck_assert_int_eq(example_run(&given), 0);
        a = staging_take(given.staging);
        ck_assert_int_eq(a->command_line_origin, COMMAND_LINE_GIVEN);
        ck_assert_str_eq(a->command_line, a->command_line_added);

        entry.order->command_line = strdup("entry liveupdate=on kho=on ramoops.x=1 "
                        "systemd.wants=liveupdate-privileged.socket");
        entry.order->from_entry = true;
        ck_assert_int_eq(example_run(&entry), 0);
        b = staging_take(entry.staging);
        ck_assert_int_eq(b->command_line_origin, COMMAND_LINE_OF_ENTRY);
        ck_assert_ptr_null(b->command_line_added);

        running.order->reuses_command_line = true;
        ck_assert_int_eq(example_run(&running), 0);
        c = staging_take(running.staging);
        ck_assert_int_eq(c->command_line_origin, COMMAND_LINE_OF_RUNNING);

        add_addon(&with_addon, ".uname", "7.3.4-other\n");
        ck_assert_int_eq(example_run(&with_addon), 0);
        d = staging_take(with_addon.staging);
        ck_assert_ptr_nonnull(strstr(d->command_line, "root=/dev/vda quiet added kho=on"));
        ck_assert_uint_eq(json_object_array_length(d->addons), 1);
}
END_TEST

START_TEST(refuses_what_cannot_be) {
        EXAMPLE(long_line);
        EXAMPLE(other_addon);
        EXAMPLE(no_addon);
        EXAMPLE(addon_alone);
        EXAMPLE(empty_initrd);
        EXAMPLE(profile);

        long_line.order->command_line = calloc(1, 2018);
        memset(long_line.order->command_line, 'a', 2017);
        assert_refused(&long_line, "cmdline-too-long");
        add_addon(&other_addon, ".uname", "9.9\n");
        assert_refused(&other_addon, "addon-uname");
        add_addon(&no_addon, ".linux", "x");
        blob_bzimage(&no_addon.addon);
        fd_close(no_addon.order->addons[0].fd);
        no_addon.order->addons[0].fd = blob_fd(&no_addon.addon);
        assert_refused(&no_addon, "not-addon");
        blob_pe(&addon_alone.image, (const BlobSection[]) { { ".cmdline", "x", 1 } }, 1);
        assert_refused(&addon_alone, "addon");
        add_initrd(&empty_initrd, "");
        assert_refused(&empty_initrd, "initrd-not-regular");
        profile.order->profile = strdup("nowhere");
        assert_refused(&profile, "profile");
}
END_TEST

START_TEST(require_takes_nothing_that_is_not_signed) {
        EXAMPLE(plain);
        EXAMPLE(off);

        plain.order->verify = VERIFY_REQUIRE;
        assert_refused(&plain, "signature-absent");
        off.order->verify = VERIFY_OFF;
        ck_assert_int_eq(example_run(&off), 0);
        ck_assert_str_eq(state_of(staging_findings(off.staging), "signature"), "warn");
}
END_TEST

START_TEST(measures_each_section) {
        EXAMPLE(example);
        _cleanup_(staged_kernel_freep) StagedKernel *staged = NULL;
        const char *text = NULL;

        example.order->measure = MEASURE_PREFER;
        add_initrd(&example, "further");
        ck_assert_int_eq(example_run(&example), 0);
        staged = staging_take(example.staging);
        /* .linux, .osrel, .cmdline, .initrd, .uname; the further initrd; the command line */
        ck_assert_uint_eq(json_object_array_length(staged->measurements), 7);
        ck_assert_int_eq(json_get_string(json_object_array_get_idx(staged->measurements, 0), "text", &text), 0);
        ck_assert(strncmp(text, "liveupdate:.linux:sha256=", 25) == 0);
        ck_assert_uint_eq(strlen(text), 25 + 64);
        ck_assert_int_eq(json_get_string(json_object_array_get_idx(staged->measurements, 6), "text", &text), 0);
        ck_assert(strncmp(text, "liveupdate:cmdline:root=/dev/vda", 32) == 0);
}
END_TEST

START_TEST(refuses_another_machine) {
        EXAMPLE(example);

        blob_put(&example.image, BLOB_PE_HEADER + 4, 0xaa64, 2);
        assert_refused(&example, "wrong-machine");
}
END_TEST

UNIT_MAIN("staging", describes_what_it_found, digest_comes_afterwards, command_lines_by_origin, refuses_what_cannot_be,
          require_takes_nothing_that_is_not_signed, measures_each_section, refuses_another_machine)
