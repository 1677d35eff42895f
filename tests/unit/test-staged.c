/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "basic/finding.h"
#include "basic/json.h"
#include "unit.h"
#include "update/staged.h"

static StagedKernel *example(void) {
        StagedKernel *staged = staged_kernel_new();
        json_object *name = json_object_new_string("/boot/one.addon.efi");

        staged->origin = strdup("/boot/vmlinuz-9");
        staged->release = strdup("9.0");
        staged->os_release = strdup("Rig 9");
        staged->profile = strdup("debug");
        staged->sha256 = strdup("aa");
        staged->kind = IMAGE_UKI;
        staged->signature = SIGNATURE_VERIFIED;
        staged->signer = strdup("CN=we");
        staged->signature_detail = strdup("by db");
        staged->command_line = strdup("quiet kho=on");
        staged->command_line_added = strdup("kho=on");
        staged->command_line_origin = COMMAND_LINE_OF_ENTRY;
        staged->kernel_bytes = 1;
        staged->initrd_bytes = 2;
        staged->staged_usec = 3;
        staged->checksum_usec = 5;
        staged->load = (KexecLoadResult) {
                .checksum_skip = CHECKSUM_SKIP_PROVEN,
                .evidence = "seen",
                .load_usec = 4,
                .calls_left = 2147483646,
        };
        staged->is_automatic = true;
        ck_assert_int_eq(json_object_array_add(staged->addons, name), 0);
        ck_assert_int_eq(findings_say(staged->findings, "luo-abi", "fail", "Do.", "It is %i.", 1), 0);
        return staged;
}

START_TEST(comes_back) {
        _cleanup_(staged_kernel_freep) StagedKernel *before = example(), *after = NULL;
        _cleanup_json_ json_object *o = staged_kernel_to_record(before), *again = NULL;

        ck_assert_int_eq(staged_kernel_from_record(o, &after), 0);
        again = staged_kernel_to_record(after);
        ck_assert_str_eq(json_object_to_json_string(again), json_object_to_json_string(o));
        ck_assert_uint_eq(after->load.calls_left, 2147483646);
        ck_assert_str_eq(findings_first(after->findings, "fail"), "It is 1.");
}
END_TEST

START_TEST(comes_back_with_the_least) {
        _cleanup_(staged_kernel_freep) StagedKernel *before = staged_kernel_new(), *after = NULL;
        _cleanup_json_ json_object *o = NULL;

        before->origin = strdup("/x");
        before->command_line = strdup("");
        before->load.calls_left = KEXEC_CALLS_UNKNOWN;
        o = staged_kernel_to_record(before);
        ck_assert_int_eq(staged_kernel_from_record(o, &after), 0);
        ck_assert_ptr_null(after->release);
        ck_assert_uint_eq(after->checksum_usec, 0);
        ck_assert_uint_eq(after->load.calls_left, KEXEC_CALLS_UNKNOWN);
}
END_TEST

START_TEST(tells_everybody_no_more_than_the_interface_says) {
        _cleanup_(staged_kernel_freep) StagedKernel *staged = example();
        _cleanup_json_ json_object *o = staged_kernel_to_json(staged);

        ck_assert(!json_object_object_get(o, "findings"));
        ck_assert(!json_object_object_get(o, "measurements"));
        ck_assert(!json_object_object_get(o, "kexecCallsLeft"));
}
END_TEST

static const char *const needed[] = { "origin", "kind", "commandLine", "commandLineOrigin", "kernelBytes", "initrdBytes",
        "checksumSkip", "checksumSkipEvidence", "loadUSec", "stagedUSec", "automatic", "signature", "addons", "initrds",
        "findings", "measurements" };

START_TEST(record_is_damaged) {
        _cleanup_(staged_kernel_freep) StagedKernel *before = example(), *after = NULL;
        _cleanup_json_ json_object *o = staged_kernel_to_record(before);

        json_object_object_del(o, needed[_i]);
        ck_assert_int_eq(staged_kernel_from_record(o, &after), -EBADMSG);
        ck_assert_int_eq(json_add(o, needed[_i], json_object_new_double(0.5)), 0);
        ck_assert_int_eq(staged_kernel_from_record(o, &after), -EBADMSG);
        ck_assert_ptr_null(after);
}
END_TEST

START_TEST(findings_are_told_apart) {
        _cleanup_json_ json_object *findings = json_object_new_array();

        ck_assert(findings_passed(findings));
        ck_assert_ptr_null(findings_first(findings, "fail"));
        ck_assert_int_eq(findings_say(findings, "a", "ok", NULL, "A."), 0);
        ck_assert_int_eq(findings_say(findings, "b", "warn", NULL, "B."), 0);
        ck_assert(findings_passed(findings));
        ck_assert_int_eq(findings_say(findings, "c", "fail", NULL, "C."), 0);
        ck_assert_int_eq(findings_say(findings, "d", "fail", NULL, "D."), 0);
        ck_assert(!findings_passed(findings));
        ck_assert_str_eq(findings_first(findings, "fail"), "C.");
        findings_drop(findings, "ok");
        ck_assert_uint_eq(json_object_array_length(findings), 3);
        findings_drop(findings, "fail");
        ck_assert_uint_eq(json_object_array_length(findings), 1);
}
END_TEST

START_TEST(kernel_releases) {
        static const char *const bad[] = { "", "a/b", "a b", "7.3\n",
                "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" };

        ck_assert(kernel_release_is_valid("7.3.4-rig-a+x~y"));
        ck_assert(kernel_release_is_valid("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"));
        for (size_t i = 0; i < ELEMENTSOF(bad); i++)
                ck_assert_msg(!kernel_release_is_valid(bad[i]), "'%s'", bad[i]);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("staged");
        TCase *tcase = tcase_create("staged");

        tcase_add_test(tcase, comes_back);
        tcase_add_test(tcase, comes_back_with_the_least);
        tcase_add_test(tcase, tells_everybody_no_more_than_the_interface_says);
        tcase_add_loop_test(tcase, record_is_damaged, 0, (int) ELEMENTSOF(needed));
        tcase_add_test(tcase, findings_are_told_apart);
        tcase_add_test(tcase, kernel_releases);
        suite_add_tcase(suite, tcase);
        return unit_run(suite);
}
