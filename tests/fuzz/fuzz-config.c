/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "basic/json.h"
#include "config/config-internal.h"
#include "config/settings.h"
#include "config/span.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_value(Config *config, const Setting *setting) {
        char before[SETTING_TEXT_MAX], after[SETTING_TEXT_MAX];

        setting_format(setting, config, before);
        if (!setting_parse(setting, before, config))
                abort();
        setting_format(setting, config, after);
        if (strcmp(before, after) != 0)
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
        for (size_t i = 0; i < N_SETTINGS; i++)
                check_value(config, &settings[i]);
        return 0;
}
