/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "basic/json.h"
#include "config/config-internal.h"
#include "config/settings.h"
#include "config/span.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* As apply.c does it. */
static void set_again(Config *config, const Setting *setting, char *value) {
        const char *delimiters = setting_is_list(setting) ? " " : "";
        char *left;

        if (setting_is_list(setting) && setting_parse(setting, "", config) < 0)
                abort();
        for (char *word = strtok_r(value, delimiters, &left); word; word = strtok_r(NULL, delimiters, &left))
                if (setting_parse(setting, word, config) < 0)
                        abort();
}

static void check_value(Config *config, const Setting *setting) {
        _cleanup_free_ char *before = setting_format(setting, config), *copy = NULL, *after = NULL;

        if (!before || !(copy = strdup(before)))
                abort();
        set_again(config, setting, copy);
        after = setting_format(setting, config);
        if (!after || strcmp(before, after) != 0)
                abort();
}

static void check_rules(const Config *config) {
        if (config->n_device_rules > POLICY_RULES_MAX)
                abort();
        for (size_t i = 0; i < config->n_device_rules; i++)
                if ((unsigned) config->device_rules[i].policy >= _POLICY_MAX)
                        abort();
}

static void check_problems(const Config *config) {
        if (config->n_problems > CONFIG_PROBLEMS_MAX)
                abort();
        for (size_t i = 0; i < config->n_problems; i++)
                for (const char *p = config_problem(config, i); *p; p++)
                        if (*p < 0x20 || *p == 0x7f)
                                abort();
}

static void check_span(const uint8_t *data, size_t size) {
        _cleanup_free_ char *text = strndup((const char *) data, size);
        uint64_t usec, again;
        char formatted[SPAN_TEXT_MAX];

        if (!text || span_parse(text, &usec) < 0)
                return;
        span_format(usec, formatted);
        if (span_parse(formatted, &again) < 0 || again != usec)
                abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_(config_freep) Config *config = NULL;
        _cleanup_json_ json_object *all = NULL;

        if (size > 0)
                check_span(data, size);
        if (config_new(&config) < 0 || config_apply(config, "fuzz", (const char *) data, size) < 0)
                return 0;
        all = config_to_json(config);
        if (!all || json_object_array_length(all) != N_SETTINGS)
                abort();
        check_problems(config);
        check_rules(config);
        for (size_t i = 0; i < N_SETTINGS; i++)
                check_value(config, &settings[i]);
        return 0;
}
