/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdlib.h>

#include "basic/json.h"
#include "config/config-internal.h"
#include "config/paths.h"
#include "config/rules.h"
#include "config/settings.h"

int config_new(Config **ret) {
        _cleanup_(config_freep) Config *config = calloc(1, sizeof(*config));

        if (!config)
                return -ENOMEM;
        config->origins = calloc(N_SETTINGS, sizeof(*config->origins));
        if (!config->origins)
                return -ENOMEM;
        for (size_t i = 0; i < N_SETTINGS; i++)
                if (setting_parse(&settings[i], settings[i].default_value, config) < 0)
                        abort(); /* the table contradicts itself */

        *ret = TAKE_PTR(config);
        return 0;
}

int config_load(const char *root, Config **ret) {
        _cleanup_(config_freep) Config *config = NULL;
        int r;

        r = config_new(&config);
        if (r < 0)
                return r;
        r = config_read_files(config, root);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(config);
        return 0;
}

Config *config_free(Config *config) {
        if (!config)
                return NULL;
        for (size_t i = 0; config->origins && i < N_SETTINGS; i++)
                free(config->origins[i].text);
        for (size_t i = 0; i < config->n_problems; i++)
                free(config->problems[i].text);
        rules_clear(config);
        paths_clear(config);
        free(config->origins);
        free(config->problems);
        free(config);
        return NULL;
}

static int add_setting(json_object *all, const Config *config, size_t i) {
        _cleanup_free_ char *value = setting_format(&settings[i], config);
        json_object *o = json_object_new_object();
        int r;

        if (!o || !value) {
                json_object_put(o);
                return -ENOMEM;
        }
        r = json_add_string(o, "section", settings[i].section) | json_add_string(o, "key", settings[i].key) |
                        json_add_string(o, "value", value) |
                        json_add_string(o, "origin", config->origins[i].text ?: "default");
        if (r == 0 && json_object_array_add(all, o) == 0)
                return 0;
        json_object_put(o);
        return -ENOMEM;
}

json_object *config_to_json(const Config *config) {
        _cleanup_json_ json_object *all = json_object_new_array();

        for (size_t i = 0; all && i < N_SETTINGS; i++)
                if (add_setting(all, config, i) < 0)
                        return NULL;
        return TAKE_PTR(all);
}
