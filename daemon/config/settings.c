/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <syslog.h>

#include "config/near.h"
#include "config/paths.h"
#include "config/rules.h"
#include "config/settings.h"
#include "config/span.h"

#define MSEC UINT64_C(1000)
#define SEC (1000 * MSEC)
#define MINUTE (60 * SEC)
#define DAY (24 * 60 * MINUTE)

static const Choice checksum_skip_policies[] = {
        { "require", CHECKSUM_SKIP_REQUIRE },
        { "prefer", CHECKSUM_SKIP_PREFER },
        { "off", CHECKSUM_SKIP_OFF },
        { NULL },
};

static const Choice verify_policies[] = {
        { "require", VERIFY_REQUIRE },
        { "prefer", VERIFY_PREFER },
        { "off", VERIFY_OFF },
        { NULL },
};

static const Choice measure_policies[] = {
        { "no", MEASURE_NO },
        { "prefer", MEASURE_PREFER },
        { "require", MEASURE_REQUIRE },
        { NULL },
};

static const Choice unsafe_devices[] = {
        { "refuse", UNSAFE_DEVICES_REFUSE },
        { "warn", UNSAFE_DEVICES_WARN },
        { NULL },
};

static const Choice reconcile_networks[] = {
        { "workloads", RECONCILE_WORKLOADS },
        { "all", RECONCILE_ALL },
        { "off", RECONCILE_OFF },
        { NULL },
};

static const Choice auto_commits[] = {
        { "no", AUTO_COMMIT_NO },
        { "window", AUTO_COMMIT_WINDOW },
        { "now", AUTO_COMMIT_NOW },
        { NULL },
};

static const Choice log_levels[] = {
        { "err", LOG_ERR },
        { "warning", LOG_WARNING },
        { "notice", LOG_NOTICE },
        { "info", LOG_INFO },
        { "debug", LOG_DEBUG },
        { NULL },
};

/* As parse_boolean() of systemd has them; the first two are the canonical ones. */
static const Choice booleans[] = {
        { "yes", true },
        { "no", false },
        { "y", true },
        { "n", false },
        { "true", true },
        { "false", false },
        { "t", true },
        { "f", false },
        { "on", true },
        { "off", false },
        { "1", true },
        { "0", false },
        { NULL },
};

#define SPAN(s, k, d, member, least, most, infinite) \
        { \
                .section = s, .key = k, .default_value = d, .kind = SETTING_SPAN, \
                .offset = offsetof(Config, member), .min_usec = least, .max_usec = most, \
                .can_be_infinite = infinite \
        }
#define BOOLEAN(s, k, d, member) \
        { \
                .section = s, .key = k, .default_value = d, .kind = SETTING_BOOLEAN, \
                .offset = offsetof(Config, member) \
        }
#define CHOICE(s, k, d, member, names) \
        { \
                .section = s, .key = k, .default_value = d, .kind = SETTING_CHOICE, \
                .offset = offsetof(Config, member), .choices = names \
        }
#define RULES(s, k) \
        { \
                .section = s, .key = k, .default_value = "", .kind = SETTING_RULES \
        }
#define PATHS(s, k) \
        { \
                .section = s, .key = k, .default_value = "", .kind = SETTING_PATHS \
        }

const Setting settings[N_SETTINGS] = {
        SPAN("Update", "MaxBlackoutSec", "10s", max_blackout_usec, 100 * MSEC, 10 * MINUTE, false),
        SPAN("Update", "RestoreTimeoutSec", "90s", restore_timeout_usec, SEC, DAY, true),
        SPAN("Update", "QuiesceTimeoutSec", "120s", quiesce_timeout_usec, SEC, DAY, true),
        BOOLEAN("Update", "StopServices", "yes", stop_services),
        CHOICE("Update", "ChecksumSkip", "prefer", checksum_skip, checksum_skip_policies),
        CHOICE("Update", "VerifyImage", "prefer", verify_image, verify_policies),
        CHOICE("Update", "MeasureImage", "no", measure_image, measure_policies),
        RULES("Drain", "DevicePolicy"),
        SPAN("Drain", "DrainTimeoutSec", "2s", drain_timeout_usec, 10 * MSEC, 10 * MINUTE, false),
        CHOICE("Drain", "UnsafeDevices", "refuse", unsafe_devices, unsafe_devices),
        CHOICE("Host", "ReconcileNetwork", "workloads", reconcile_network, reconcile_networks),
        PATHS("Host", "PreserveTmpfs"),
        BOOLEAN("Automation", "AutoStage", "no", auto_stage),
        CHOICE("Automation", "AutoCommit", "no", auto_commit, auto_commits),
        CHOICE("Log", "LogLevel", "info", log_level, log_levels),
};

static const char *choice_name(const Choice *choice, int value) {
        while (choice->name && choice->value != value)
                choice++;
        return choice->name;
}

const char *auto_commit_to_string(AutoCommit auto_commit) {
        return choice_name(auto_commits, (int) auto_commit);
}

const char *checksum_skip_policy_to_string(ChecksumSkipPolicy policy) {
        return choice_name(checksum_skip_policies, (int) policy);
}

const char *verify_policy_to_string(VerifyPolicy policy) {
        return choice_name(verify_policies, (int) policy);
}

const char *measure_policy_to_string(MeasurePolicy policy) {
        return choice_name(measure_policies, (int) policy);
}

const char *section_find(const char *name) {
        for (size_t i = 0; i < N_SETTINGS; i++)
                if (strcmp(settings[i].section, name) == 0)
                        return settings[i].section;
        return NULL;
}

const Setting *setting_find(const char *section, const char *key) {
        for (size_t i = 0; i < N_SETTINGS; i++)
                if (strcmp(settings[i].section, section) == 0 && strcmp(settings[i].key, key) == 0)
                        return &settings[i];
        return NULL;
}

const char *section_guess(const char *name) {
        for (size_t i = 0; i < N_SETTINGS; i++)
                if (is_near_miss(name, settings[i].section))
                        return settings[i].section;
        return NULL;
}

/* No two keys are so much alike that one misspelling could mean both, but one of the same section is
 * likelier. */
const Setting *setting_guess(const char *section, const char *key) {
        const Setting *guess = NULL;

        for (size_t i = 0; i < N_SETTINGS; i++)
                if (is_near_miss(key, settings[i].key) &&
                                (!guess || strcmp(settings[i].section, section) == 0))
                        guess = &settings[i];
        return guess;
}

static bool choice_parse(const Choice *choice, int (*compare)(const char *, const char *), const char *value,
                int *ret) {
        for (; choice->name; choice++)
                if (compare(choice->name, value) == 0) {
                        *ret = choice->value;
                        return true;
                }
        return false;
}

static bool span_is_allowed(const Setting *setting, uint64_t usec) {
        if (usec == SPAN_INFINITY)
                return setting->can_be_infinite;
        return usec >= setting->min_usec && usec <= setting->max_usec;
}

bool setting_is_list(const Setting *setting) {
        return setting->kind == SETTING_RULES || setting->kind == SETTING_PATHS;
}

unsigned setting_list_max(const Setting *setting) {
        return setting->kind == SETTING_RULES ? POLICY_RULES_MAX : PRESERVE_TMPFS_MAX;
}

int setting_parse(const Setting *setting, const char *value, Config *config) {
        void *member = (char *) config + setting->offset;
        uint64_t usec;
        int number;

        switch (setting->kind) {
        case SETTING_SPAN:
                if (span_parse(value, &usec) < 0 || !span_is_allowed(setting, usec))
                        return -EINVAL;
                *(uint64_t *) member = usec;
                return 0;
        case SETTING_BOOLEAN:
                if (!choice_parse(booleans, strcasecmp, value, &number))
                        return -EINVAL;
                *(bool *) member = number;
                return 0;
        case SETTING_CHOICE:
                return choice_parse(setting->choices, strcmp, value, member) ? 0 : -EINVAL;
        case SETTING_RULES:
                if (*value)
                        return rules_add(config, value);
                rules_clear(config);
                return 0;
        case SETTING_PATHS:
                if (*value)
                        return paths_add(config, value);
                paths_clear(config);
                return 0;
        }
        return -EINVAL;
}

char *setting_format(const Setting *setting, const Config *config) {
        const void *member = (const char *) config + setting->offset;
        char span[SPAN_TEXT_MAX];

        switch (setting->kind) {
        case SETTING_SPAN:
                span_format(*(const uint64_t *) member, span);
                return strdup(span);
        case SETTING_BOOLEAN:
                return strdup(choice_name(booleans, *(const bool *) member));
        case SETTING_CHOICE:
                return strdup(choice_name(setting->choices, *(const int *) member));
        case SETTING_RULES:
                return rules_format(config);
        case SETTING_PATHS:
                return paths_format(config);
        }
        return NULL;
}

static void choices_describe(const Choice *choice, char ret[static SETTING_TEXT_MAX]) {
        int n = 0;

        for (; choice->name; choice++) {
                const char *separator = n == 0 ? "" : choice[1].name ? ", " : " or ";

                n += snprintf(ret + n, SETTING_TEXT_MAX - (size_t) n, "%s%s", separator, choice->name);
        }
}

void setting_describe(const Setting *setting, char ret[static SETTING_TEXT_MAX]) {
        char min[SPAN_TEXT_MAX], max[SPAN_TEXT_MAX];

        switch (setting->kind) {
        case SETTING_SPAN:
                span_format(setting->min_usec, min);
                span_format(setting->max_usec, max);
                snprintf(ret, SETTING_TEXT_MAX, "a time span from %s to %s%s, such as %s", min, max,
                                setting->can_be_infinite ? " or infinity" : "", setting->default_value);
                break;
        case SETTING_BOOLEAN:
                snprintf(ret, SETTING_TEXT_MAX, "yes or no");
                break;
        case SETTING_CHOICE:
                choices_describe(setting->choices, ret);
                break;
        case SETTING_RULES:
                rules_describe(ret);
                break;
        case SETTING_PATHS:
                paths_describe(ret);
                break;
        }
}
