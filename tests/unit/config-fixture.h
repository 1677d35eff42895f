/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdio.h>
#include <string.h>
#include <syslog.h>

#include "basic/json.h"
#include "config/config-internal.h"
#include "unit.h"

/* What comes before the paths in problems and origins, and is left out when they are compared. */
static char root[64];

static inline const char *without_root(const char *text) {
        size_t size = strlen(root);

        return size > 0 && strncmp(text, root, size) == 0 ? text + size : text;
}

static inline Config *from_bytes(const char *text, size_t size) {
        Config *config = NULL;

        ck_assert_int_eq(config_new(&config), 0);
        ck_assert_int_eq(config_apply(config, "f", text, size), 0);
        return config;
}

static inline Config *from_text(const char *text) {
        return from_bytes(text, strlen(text));
}

/* What config_to_json() says of a key: "VALUE @ ORIGIN". */
static inline const char *shown(const Config *config, const char *key) {
        _cleanup_json_ json_object *all = config_to_json(config);
        static char text[512];

        ck_assert_ptr_nonnull(all);
        for (size_t i = 0; i < json_object_array_length(all); i++) {
                json_object *o = json_object_array_get_idx(all, i);
                const char *name, *value, *origin;

                ck_assert_int_eq(json_get_string(o, "key", &name), 0);
                ck_assert_int_eq(json_get_string(o, "value", &value), 0);
                ck_assert_int_eq(json_get_string(o, "origin", &origin), 0);
                snprintf(text, sizeof(text), "%s @ %s", value, without_root(origin));
                if (strcmp(name, key) == 0)
                        return text;
        }
        ck_abort_msg("no %s", key);
}

static inline void assert_problem(const Config *config, size_t i, const char *expected) {
        const char *problem = config_problem(config, i);

        ck_assert_ptr_nonnull(problem);
        ck_assert_str_eq(without_root(problem), expected);
}

static inline void assert_defaults(const Config *config) {
        ck_assert_uint_eq(config->max_blackout_usec, 10 * UINT64_C(1000000));
        ck_assert_uint_eq(config->restore_timeout_usec, 90 * UINT64_C(1000000));
        ck_assert_uint_eq(config->quiesce_timeout_usec, 120 * UINT64_C(1000000));
        ck_assert(config->stop_services);
        ck_assert_int_eq(config->checksum_skip, CHECKSUM_SKIP_PREFER);
        ck_assert_int_eq(config->verify_image, VERIFY_PREFER);
        ck_assert_int_eq(config->measure_image, MEASURE_NO);
        ck_assert_uint_eq(config->n_device_rules, 0);
        ck_assert_ptr_null(config->device_rules);
        ck_assert_uint_eq(config->drain_timeout_usec, 2 * UINT64_C(1000000));
        ck_assert_int_eq(config->unsafe_devices, UNSAFE_DEVICES_REFUSE);
        ck_assert_int_eq(config->reconcile_network, RECONCILE_WORKLOADS);
        ck_assert_uint_eq(config->n_preserve_tmpfs, 0);
        ck_assert_ptr_null(config->preserve_tmpfs);
        ck_assert(!config->auto_stage);
        ck_assert_int_eq(config->auto_commit, AUTO_COMMIT_NO);
        ck_assert_int_eq(config->log_level, LOG_INFO);
}
