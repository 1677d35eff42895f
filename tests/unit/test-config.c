/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <string.h>

#include "config-fixture.h"

START_TEST(good_values) {
        static const struct {
                const char *section, *key, *value, *shown;
        } cases[] = {
                { "Update", "MaxBlackoutSec", "100ms", "100ms" },
                { "Update", "MaxBlackoutSec", "10min", "10min" },
                { "Update", "MaxBlackoutSec", "2.5", "2s 500ms" },
                { "Update", "RestoreTimeoutSec", "1", "1s" },
                { "Update", "RestoreTimeoutSec", "1day", "1d" },
                { "Update", "RestoreTimeoutSec", "infinity", "infinity" },
                { "Update", "QuiesceTimeoutSec", "1min 30", "1min 30s" },
                { "Update", "QuiesceTimeoutSec", "infinity", "infinity" },
                { "Update", "StopServices", "off", "no" },
                { "Update", "StopServices", "No", "no" },
                { "Update", "StopServices", "0", "no" },
                { "Update", "StopServices", "f", "no" },
                { "Update", "StopServices", "n", "no" },
                { "Update", "StopServices", "false", "no" },
                { "Update", "ChecksumSkip", "require", "require" },
                { "Update", "ChecksumSkip", "prefer", "prefer" },
                { "Update", "ChecksumSkip", "off", "off" },
                { "Update", "VerifyImage", "require", "require" },
                { "Update", "VerifyImage", "prefer", "prefer" },
                { "Update", "VerifyImage", "off", "off" },
                { "Update", "MeasureImage", "no", "no" },
                { "Update", "MeasureImage", "prefer", "prefer" },
                { "Update", "MeasureImage", "require", "require" },
                { "Drain", "DevicePolicy", "driver:nvme=unbind", "driver:nvme=unbind" },
                { "Drain", "DevicePolicy", "class:02=quiet\t class:0108=keep  class:010802=reset",
                                "class:02=quiet class:0108=keep class:010802=reset" },
                { "Drain", "DevicePolicy", "address:0000:00:04.0=master-off driver:vfio-pci=preserve",
                                "address:0000:00:04.0=master-off driver:vfio-pci=preserve" },
                { "Drain", "DrainTimeoutSec", "10ms", "10ms" },
                { "Drain", "DrainTimeoutSec", "10min", "10min" },
                { "Drain", "UnsafeDevices", "refuse", "refuse" },
                { "Drain", "UnsafeDevices", "warn", "warn" },
                { "Host", "ReconcileNetwork", "workloads", "workloads" },
                { "Host", "ReconcileNetwork", "all", "all" },
                { "Host", "ReconcileNetwork", "off", "off" },
                { "Host", "PreserveTmpfs", "/run/a", "/run/a" },
                { "Host", "PreserveTmpfs", "/run/a  /srv/..b/c.\t/run/a", "/run/a /srv/..b/c." },
                { "Automation", "AutoStage", "yes", "yes" },
                { "Automation", "AutoStage", "TRUE", "yes" },
                { "Automation", "AutoStage", "on", "yes" },
                { "Automation", "AutoStage", "1", "yes" },
                { "Automation", "AutoStage", "y", "yes" },
                { "Automation", "AutoStage", "t", "yes" },
                { "Automation", "AutoCommit", "no", "no" },
                { "Automation", "AutoCommit", "window", "window" },
                { "Automation", "AutoCommit", "now", "now" },
                { "Log", "LogLevel", "err", "err" },
                { "Log", "LogLevel", "warning", "warning" },
                { "Log", "LogLevel", "notice", "notice" },
                { "Log", "LogLevel", "info", "info" },
                { "Log", "LogLevel", "debug", "debug" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(config_freep) Config *config = NULL;
                char text[128], expected[128];

                snprintf(text, sizeof(text), "[%s]\n%s=%s\n", cases[i].section, cases[i].key,
                                cases[i].value);
                config = from_text(text);
                snprintf(expected, sizeof(expected), "%s @ f:2", cases[i].shown);
                ck_assert_str_eq(shown(config, cases[i].key), expected);
                ck_assert_uint_eq(config->n_problems, 0);
        }
}
END_TEST

/* The struct holds what the text says. */
START_TEST(values_in_c) {
        _cleanup_(config_freep) Config *config = from_text(
                        "[Update]\nMaxBlackoutSec=3\nRestoreTimeoutSec=4\nQuiesceTimeoutSec=infinity\n"
                        "StopServices=no\nChecksumSkip=off\nVerifyImage=require\nMeasureImage=prefer\n"
                        "[Drain]\nDevicePolicy=driver:nvme=unbind class:02=keep\nDrainTimeoutSec=50ms\n"
                        "UnsafeDevices=warn\n[Host]\nReconcileNetwork=all\nPreserveTmpfs=/run/a /run/b\n[Automation]\nAutoStage=yes\nAutoCommit=window\n[Log]\nLogLevel=warning\n");

        ck_assert_uint_eq(config->max_blackout_usec, 3000000);
        ck_assert_uint_eq(config->restore_timeout_usec, 4000000);
        ck_assert_uint_eq(config->quiesce_timeout_usec, UINT64_MAX);
        ck_assert(!config->stop_services);
        ck_assert_int_eq(config->checksum_skip, CHECKSUM_SKIP_OFF);
        ck_assert_int_eq(config->verify_image, VERIFY_REQUIRE);
        ck_assert_int_eq(config->measure_image, MEASURE_PREFER);
        ck_assert_uint_eq(config->n_device_rules, 2);
        ck_assert_int_eq(config->device_rules[0].match, MATCH_DRIVER);
        ck_assert_str_eq(config->device_rules[0].what, "nvme");
        ck_assert_int_eq(config->device_rules[0].policy, POLICY_UNBIND);
        ck_assert_int_eq(config->device_rules[1].match, MATCH_CLASS);
        ck_assert_str_eq(config->device_rules[1].what, "02");
        ck_assert_int_eq(config->device_rules[1].policy, POLICY_KEEP);
        ck_assert_int_eq(config->reconcile_network, RECONCILE_ALL);
        ck_assert_uint_eq(config->n_preserve_tmpfs, 2);
        ck_assert_str_eq(config->preserve_tmpfs[1], "/run/b");
        ck_assert_ptr_null(config->preserve_tmpfs[2]);
        ck_assert_uint_eq(config->drain_timeout_usec, 50000);
        ck_assert_int_eq(config->unsafe_devices, UNSAFE_DEVICES_WARN);
        ck_assert(config->auto_stage);
        ck_assert_int_eq(config->auto_commit, AUTO_COMMIT_WINDOW);
        ck_assert_int_eq(config->log_level, LOG_WARNING);
        ck_assert_str_eq(auto_commit_to_string(config->auto_commit), "window");
        ck_assert_str_eq(checksum_skip_policy_to_string(config->checksum_skip), "off");
        ck_assert_str_eq(verify_policy_to_string(config->verify_image), "require");
        ck_assert_str_eq(measure_policy_to_string(config->measure_image), "prefer");
        ck_assert_ptr_null(auto_commit_to_string(_AUTO_COMMIT_MAX));
}
END_TEST

START_TEST(bad_values) {
        static const char blackout[] = "a time span from 100ms to 10min, such as 10s";
        static const char restore[] = "a time span from 1s to 1d or infinity, such as 90s";
        static const char quiesce[] = "a time span from 1s to 1d or infinity, such as 120s";
        static const char drain[] = "a time span from 10ms to 10min, such as 2s";
        static const char path[] = "an absolute path without . or .., such as /run/example, but not /run itself";
        static const char rule[] = "class:CODE=POLICY, driver:NAME=POLICY or address:ADDRESS=POLICY, where POLICY is "
                                   "keep, quiet, unbind, master-off, reset or preserve";
        static const struct {
                const char *section, *key, *value, *needed;
        } cases[] = {
                { "Update", "MaxBlackoutSec", "99ms", blackout },
                { "Update", "MaxBlackoutSec", "0", blackout },
                { "Update", "MaxBlackoutSec", "10min 1us", blackout },
                { "Update", "MaxBlackoutSec", "infinity", blackout },
                { "Update", "MaxBlackoutSec", "-1s", blackout },
                { "Update", "MaxBlackoutSec", "10 parsecs", blackout },
                { "Update", "MaxBlackoutSec", "18446744073709551617", blackout },
                { "Update", "MaxBlackoutSec", "5s # five", blackout },
                { "Update", "MaxBlackoutSec", "\"5s\"", blackout },
                { "Update", "RestoreTimeoutSec", "999ms", restore },
                { "Update", "RestoreTimeoutSec", "1d 1us", restore },
                { "Update", "RestoreTimeoutSec", "forever", restore },
                { "Update", "RestoreTimeoutSec", "infinity 1s", restore },
                { "Update", "QuiesceTimeoutSec", "0.5", quiesce },
                { "Update", "QuiesceTimeoutSec", "2days", quiesce },
                { "Update", "QuiesceTimeoutSec", "no", quiesce },
                { "Update", "StopServices", "maybe", "yes or no" },
                { "Update", "StopServices", "2", "yes or no" },
                { "Update", "ChecksumSkip", "yes", "require, prefer or off" },
                { "Update", "ChecksumSkip", "Off", "require, prefer or off" },
                { "Update", "VerifyImage", "yes", "require, prefer or off" },
                { "Update", "VerifyImage", "no", "require, prefer or off" },
                { "Update", "MeasureImage", "yes", "no, prefer or require" },
                { "Update", "MeasureImage", "off", "no, prefer or require" },
                { "Drain", "DevicePolicy", "quiet", rule },
                { "Drain", "DevicePolicy", "driver:nvme", rule },
                { "Drain", "DevicePolicy", "driver:nvme=", rule },
                { "Drain", "DevicePolicy", "driver:=quiet", rule },
                { "Drain", "DevicePolicy", "driver:nvme=loud", rule },
                { "Drain", "DevicePolicy", "driver:nvme=master_off", rule },
                { "Drain", "DevicePolicy", "class:2=quiet", rule },
                { "Drain", "DevicePolicy", "class:network=quiet", rule },
                { "Drain", "DevicePolicy", "address:eth0=quiet", rule },
                { "Drain", "DevicePolicy", "vendor:8086=quiet", rule },
                { "Drain", "DrainTimeoutSec", "9ms", drain },
                { "Drain", "DrainTimeoutSec", "11min", drain },
                { "Drain", "DrainTimeoutSec", "infinity", drain },
                { "Drain", "UnsafeDevices", "ignore", "refuse or warn" },
                { "Drain", "UnsafeDevices", "no", "refuse or warn" },
                { "Host", "ReconcileNetwork", "yes", "workloads, all or off" },
                { "Host", "PreserveTmpfs", "run/a", path },
                { "Host", "PreserveTmpfs", "/", path },
                { "Host", "PreserveTmpfs", "/run", path },
                { "Host", "PreserveTmpfs", "/run/", path },
                { "Host", "PreserveTmpfs", "/run//a", path },
                { "Host", "PreserveTmpfs", "/run/./a", path },
                { "Host", "PreserveTmpfs", "/run/..", path },
                { "Automation", "AutoStage", "window", "yes or no" },
                { "Automation", "AutoCommit", "yes", "no, window or now" },
                { "Log", "LogLevel", "verbose", "err, warning, notice, info or debug" },
                { "Log", "LogLevel", "7", "err, warning, notice, info or debug" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(config_freep) Config *config = NULL;
                char text[128], expected[512];

                snprintf(text, sizeof(text), "# one\n[%s]\n\n%s=%s\n", cases[i].section, cases[i].key,
                                cases[i].value);
                config = from_text(text);
                snprintf(expected, sizeof(expected),
                                "f:4: bad value '%s' for %s= in section [%s], passed over; it must be %s",
                                cases[i].value, cases[i].key, cases[i].section, cases[i].needed);
                assert_problem(config, 0, expected);
                ck_assert_uint_eq(config->n_problems, 1);
                assert_defaults(config);
                ck_assert_ptr_nonnull(strstr(shown(config, cases[i].key), "@ default"));
        }
}
END_TEST

START_TEST(a_bad_value_keeps_the_one_before) {
        _cleanup_(config_freep) Config *config = NULL;

        config = from_text("[Update]\nMaxBlackoutSec=3\nMaxBlackoutSec=3h\nStopServices=no\nStopServices=\n"
                           "RestoreTimeoutSec=1\nRestoreTimeoutSec=2\n");
        ck_assert_str_eq(shown(config, "MaxBlackoutSec"), "3s @ f:2");
        ck_assert_str_eq(shown(config, "StopServices"), "yes @ f:5"); /* the line that reset it */
        ck_assert_str_eq(shown(config, "RestoreTimeoutSec"), "2s @ f:7");
        ck_assert_uint_eq(config->n_problems, 1);
}
END_TEST

START_TEST(rules_add_up) {
        static const char again[] = "[Drain]\nDevicePolicy= \n";
        _cleanup_(config_freep) Config *config = NULL, *cleared = NULL;

        config = from_text("[Drain]\nDevicePolicy=class:02=keep\nDevicePolicy=driver:nvme=quiet \\\n class:02=unbind\n");
        ck_assert_str_eq(shown(config, "DevicePolicy"), "class:02=keep driver:nvme=quiet class:02=unbind @ f:3");
        ck_assert_uint_eq(config->n_problems, 0);

        cleared = from_text("[Drain]\nDevicePolicy=class:02=keep\nDevicePolicy=\nDevicePolicy=class:03=quiet\n"
                            "[Drain]\nDevicePolicy=class:04=quiet\n");
        ck_assert_str_eq(shown(cleared, "DevicePolicy"), "class:03=quiet class:04=quiet @ f:6");
        ck_assert_int_eq(config_apply(cleared, "g", again, strlen(again)), 0);
        ck_assert_str_eq(shown(cleared, "DevicePolicy"), " @ g:2");
        ck_assert_uint_eq(cleared->n_device_rules, 0);
}
END_TEST

START_TEST(a_bad_rule_spares_the_others) {
        _cleanup_(config_freep) Config *config = NULL;

        config = from_text("[Drain]\nDevicePolicy=class:02=keep\n"
                           "DevicePolicy=driver:e1000e=unbind quite\x1b driver:nvme=quiet class=3\nDevicePolicy=x y\n");
        ck_assert_str_eq(shown(config, "DevicePolicy"),
                        "class:02=keep driver:e1000e=unbind driver:nvme=quiet @ f:3"); /* the last that gave one */
        ck_assert_uint_eq(config->n_problems, 4);
        ck_assert_ptr_nonnull(strstr(config_problem(config, 0), "f:3: bad value 'quite\\x1b' for DevicePolicy="));
        ck_assert_ptr_nonnull(strstr(config_problem(config, 1), "f:3: bad value 'class=3' for DevicePolicy="));
        ck_assert_ptr_nonnull(strstr(config_problem(config, 2), "f:4: bad value 'x' for DevicePolicy="));
        ck_assert_ptr_nonnull(strstr(config_problem(config, 3), "f:4: bad value 'y' for DevicePolicy="));
}
END_TEST

START_TEST(too_many_rules) {
        static const char again[] = "[Drain]\nDevicePolicy=\nDevicePolicy=class:04=keep\n";
        static char text[2 * POLICY_RULES_MAX * sizeof("class:02=keep ")];
        _cleanup_(config_freep) Config *config = NULL;
        char *p = stpcpy(text, "[Drain]\n");

        for (unsigned i = 0; i < POLICY_RULES_MAX + 2; i++)
                p = stpcpy(p, i % 128 == 0 ? "\nDevicePolicy=class:02=keep" : " class:03=keep");
        strcpy(p, "\nUnsafeDevices=warn\n");
        config = from_text(text);
        ck_assert_uint_eq(config->n_device_rules, POLICY_RULES_MAX);
        ck_assert_str_eq(config->device_rules[POLICY_RULES_MAX - 1].what, "03");
        ck_assert_uint_eq(config->n_problems, 1);
        assert_problem(config, 0,
                        "f:5: DevicePolicy= in section [Drain] has more than 256 words, the rest is passed over");
        ck_assert_int_eq(config->unsafe_devices, UNSAFE_DEVICES_WARN);

        ck_assert_int_eq(config_apply(config, "g", again, strlen(again)), 0);
        ck_assert_str_eq(shown(config, "DevicePolicy"), "class:04=keep @ g:3");
}
END_TEST

UNIT_MAIN("config", good_values, values_in_c, bad_values, a_bad_value_keeps_the_one_before, rules_add_up,
                a_bad_rule_spares_the_others, too_many_rules)
