/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "config/rules.h"

#define RULE_TEXT_MAX (sizeof(((PolicyRule *) NULL)->what) + 32) /* "address:", "=" and a policy around it */

int rules_add(Config *config, const char *text) {
        PolicyRule rule, *rules;

        if (policy_rule_parse(text, &rule) < 0)
                return -EINVAL;
        if (config->n_device_rules >= POLICY_RULES_MAX)
                return -ENOSPC;
        rules = reallocarray(config->device_rules, config->n_device_rules + 1, sizeof(*rules));
        if (!rules)
                return -ENOMEM;
        rules[config->n_device_rules++] = rule;
        config->device_rules = rules;
        return 0;
}

void rules_clear(Config *config) {
        free(config->device_rules);
        config->device_rules = NULL;
        config->n_device_rules = 0;
}

char *rules_format(const Config *config) {
        char *text = calloc(config->n_device_rules + 1, RULE_TEXT_MAX), *p = text;

        for (size_t i = 0; text && i < config->n_device_rules; i++) {
                if (i > 0)
                        *p++ = ' ';
                if (policy_rule_format(&config->device_rules[i], p, RULE_TEXT_MAX) < 0)
                        abort(); /* it does not know its own rule */
                p += strlen(p);
        }
        return text;
}

void rules_describe(char ret[static SETTING_TEXT_MAX]) {
        int n = snprintf(ret, SETTING_TEXT_MAX,
                        "class:CODE=POLICY, driver:NAME=POLICY or address:ADDRESS=POLICY, where POLICY is ");

        for (DevicePolicy policy = 0; policy < _POLICY_MAX; policy++)
                n += snprintf(ret + n, SETTING_TEXT_MAX - (size_t) n, "%s%s", policy_to_string(policy),
                                policy + 2 < _POLICY_MAX ? ", " : policy + 1 < _POLICY_MAX ? " or " : "");
}
