/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "basic/cleanup.h"
#include "drain/drain-internal.h"
#include "drain/policy.h"

static const char *const policies[_POLICY_MAX] = {
        [POLICY_KEEP] = "keep",
        [POLICY_QUIET] = "quiet",
        [POLICY_UNBIND] = "unbind",
        [POLICY_MASTER_OFF] = "master-off",
        [POLICY_RESET] = "reset",
        [POLICY_PRESERVE] = "preserve",
};

const char *policy_to_string(DevicePolicy policy) {
        return policies[policy];
}

int policy_from_string(const char *name) {
        for (int policy = 0; policy < _POLICY_MAX; policy++)
                if (strcmp(policies[policy], name) == 0)
                        return policy;
        return -EINVAL;
}

static size_t hex_span(const char *text) {
        return strspn(text, "0123456789abcdef");
}

/* "02", "0108", "010802" */
static bool is_class(const char *text) {
        size_t n = strlen(text);

        return hex_span(text) == n && (n == 2 || n == 4 || n == 6);
}

/* A domain has four digits, or more where there is no ACPI segment for it (Intel's VMD: "10000:e1:00.0"). */
bool is_function_address(const char *text) {
        size_t n = hex_span(text);

        return n >= 4 && n <= 8 && text[n] == ':' && hex_span(text + n + 1) == 2 && text[n + 3] == ':' &&
                        hex_span(text + n + 4) == 2 && text[n + 6] == '.' && text[n + 7] >= '0' && text[n + 7] <= '7' &&
                        text[n + 8] == 0;
}

/* It is a directory of sysfs. */
bool is_driver_name(const char *text) {
        size_t n = strlen(text);

        for (size_t i = 0; i < n; i++)
                if (!isgraph((unsigned char) text[i]) || text[i] == '/' || text[i] == '=')
                        return false;
        return n > 0 && n < 64 && strcmp(text, ".") != 0 && strcmp(text, "..") != 0;
}

static const struct {
        const char *prefix;
        bool (*is_valid)(const char *what);
} matches[] = {
        [MATCH_CLASS] = { "class:", is_class },
        [MATCH_DRIVER] = { "driver:", is_driver_name },
        [MATCH_ADDRESS] = { "address:", is_function_address },
};

/* Hexadecimal digits are lower case in sysfs, and in what is compared here. */
static void copy_what(char *to, const char *from, size_t size, bool is_hex) {
        for (size_t i = 0; i < size; i++)
                to[i] = is_hex ? (char) tolower((unsigned char) from[i]) : from[i];
        to[size] = 0;
}

int policy_rule_parse(const char *text, PolicyRule *ret) {
        const char *equals = strrchr(text, '=');

        for (PolicyMatch match = 0; equals && match < ELEMENTSOF(matches); match++) {
                size_t prefix = strlen(matches[match].prefix);
                PolicyRule rule = { .match = match };
                int policy = policy_from_string(equals + 1);

                if (strncmp(text, matches[match].prefix, prefix) != 0)
                        continue;
                if (policy < 0 || equals < text + prefix || (size_t) (equals - text) - prefix >= sizeof(rule.what))
                        return -EINVAL;
                copy_what(rule.what, text + prefix, (size_t) (equals - text) - prefix, match != MATCH_DRIVER);
                rule.policy = (DevicePolicy) policy;
                if (!matches[match].is_valid(rule.what))
                        return -EINVAL;
                *ret = rule;
                return 0;
        }
        return -EINVAL;
}

int policy_rule_format(const PolicyRule *rule, char *ret, size_t size) {
        int n = snprintf(ret, size, "%s%s=%s", matches[rule->match].prefix, rule->what, policies[rule->policy]);

        return n < 0 || (size_t) n >= size ? -ENOSPC : 0;
}

/* How exactly it says this device, 0: not at all. */
static unsigned rule_weight(const PolicyRule *rule, const Device *device) {
        char class_code[sizeof("123456")];

        switch (rule->match) {
        case MATCH_ADDRESS:
                return strcmp(rule->what, device->address) == 0 ? 8 : 0;
        case MATCH_DRIVER:
                return device->driver && strcmp(rule->what, device->driver) == 0 ? 7 : 0;
        case MATCH_CLASS:
                snprintf(class_code, sizeof(class_code), "%06x", device->class_code & 0xffffffU);
                return device->bus == BUS_PCI && strncmp(rule->what, class_code, strlen(rule->what)) == 0
                                ? (unsigned) strlen(rule->what)
                                : 0;
        }
        return 0;
}

const PolicyRule *policy_find_rule(const Device *device, const PolicyRule *rules, size_t n_rules) {
        const PolicyRule *found = NULL;
        unsigned best = 1;

        for (size_t i = 0; i < n_rules; i++) {
                unsigned weight = rule_weight(&rules[i], device);

                if (weight < best)
                        continue;
                best = weight;
                found = &rules[i];
        }
        return found;
}
