/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What is to be carried to the next kernel. */

#include <fnmatch.h>
#include <string.h>

#include "basic/json.h"
#include "host/settings-internal.h"

#define ADVISOR "/sys/kernel/mm/ksm/advisor_mode"
#define ADVISED "/sys/kernel/mm/ksm/pages_to_scan"

/* To set one sets the others, so that these are to be set after it though they are as they always were. */
static const struct {
        const char *effect, *cause; /* a cause that ends with a slash: the file of the same name there */
} effects[] = {
        /* net/ipv4/devinet.c:inet_forward_change() */
        { "/proc/sys/net/ipv4/conf/all/accept_redirects", "/proc/sys/net/ipv4/ip_forward" },
        { "/proc/sys/net/ipv4/conf/default/forwarding", "/proc/sys/net/ipv4/ip_forward" },
        /* net/ipv6/addrconf.c:addrconf_fixup_forwarding(), addrconf_disable_ipv6() and others */
        { "/proc/sys/net/ipv6/conf/default/*", "/proc/sys/net/ipv6/conf/all/" },
        /* kernel/watchdog.c:proc_watchdog() */
        { "/proc/sys/kernel/nmi_watchdog", "/proc/sys/kernel/watchdog" },
        { "/proc/sys/kernel/soft_watchdog", "/proc/sys/kernel/watchdog" },
        /* mm/khugepaged.c:set_recommended_min_free_kbytes() */
        { "/proc/sys/vm/min_free_kbytes", "/sys/kernel/mm/transparent_hugepage/enabled" },
        /* mm/ksm.c:set_advisor_defaults() */
        { "/sys/kernel/mm/ksm/advisor_*", ADVISOR },
        { ADVISED, ADVISOR },
};

typedef struct Comparison {
        const Settings *baseline, *now;
} Comparison;

static bool is_otherwise(const Comparison *comparison, const KernelSetting *now) {
        const KernelSetting *before = settings_find(comparison->baseline, now->path);

        return !before || !setting_values_are_equal(before->value, now->value);
}

static bool is_otherwise_at(const Comparison *comparison, const char *path) {
        const KernelSetting *now = settings_find(comparison->now, path);

        return now && is_otherwise(comparison, now);
}

static bool is_caused(const Comparison *comparison, const char *path) {
        char cause[SETTING_PATH_MAX + 1];

        for (size_t i = 0; i < ELEMENTSOF(effects); i++) {
                size_t length = strlen(effects[i].cause);

                if (fnmatch(effects[i].effect, path, FNM_PATHNAME) != 0)
                        continue;
                snprintf(cause, sizeof(cause), "%s%s", effects[i].cause,
                                effects[i].cause[length - 1] == '/' ? strrchr(path, '/') + 1 : "");
                if (is_otherwise_at(comparison, cause))
                        return true;
        }
        return false;
}

/* With an advisor at work this is its answer, and cannot be set: mm/ksm.c:pages_to_scan_store(). */
static bool is_advised(const Settings *now, const char *path) {
        const KernelSetting *advisor;

        if (strcmp(path, ADVISED) != 0)
                return false;
        advisor = settings_find(now, ADVISOR);
        return advisor && strcmp(advisor->value, "none") != 0;
}

/* What was not there when the baseline was taken came with a module, and counts. */
json_object *settings_changed(const Settings *baseline, const Settings *now) {
        _cleanup_json_ json_object *changed = json_object_new_object();
        const Comparison comparison = { baseline, now };

        for (size_t i = 0; changed && i < now->n; i++) {
                const KernelSetting *setting = &now->items[i];

                if (is_advised(now, setting->path) ||
                                !(is_otherwise(&comparison, setting) || is_caused(&comparison, setting->path)))
                        continue;
                if (json_add_string(changed, setting->path, setting->value) < 0)
                        return NULL;
        }
        return TAKE_PTR(changed);
}
