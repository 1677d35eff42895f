/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#include "basic/cleanup.h"
#include "client/qemu-options.h"
#include "client/qemu-rules.h"

typedef struct QemuRule {
        const char *options[3];
        const char *implied; /* the key that the first property may leave out */
        const char *key;     /* NULL: the option itself is refused. A glob, as is value */
        const char *value;
        const char *why;
} QemuRule;

#define WHY_RAM "liveupdate-run provides the guest's RAM itself; leave it out and give the size with -m"
#define WHY_HOTPLUG \
        "only RAM that is there from the start is preserved; leave it out and give the whole size with -m"
#define WHY_VFIO \
        "QEMU cannot save a device of the host's; use an emulated or virtio device, or run the VM without " \
        "liveupdate-run"
#define WHY_VHOST_USER \
        "it lives in another process, which does not survive; use a device that QEMU provides itself"
#define WHY_SHARED "memory shared with other processes is not preserved; leave the device out"
#define WHY_SNAPSHOT \
        "the temporary overlay is lost with QEMU's process; leave it out, or make an overlay file with " \
        "qemu-img"
#define WHY_ENCRYPTED "encrypted guests cannot be saved; leave it out, or run the VM without liveupdate-run"

static const QemuRule rules[] = {
        { { "daemonize" }, NULL, NULL, NULL, "the unit has to keep track of QEMU's process; leave it out" },
        { { "preconfig" }, NULL, NULL, NULL, "a restored VM cannot be configured by hand; leave it out" },
        { { "snapshot" }, NULL, NULL, NULL, WHY_SNAPSHOT },
        { { "incoming" }, NULL, NULL, NULL, "liveupdate-run decides when a state is loaded; leave it out" },
        { { "loadvm" }, NULL, NULL, NULL,
                        "it would replace the restored state by an old one; leave it out" },
        { { "mem-path" }, NULL, NULL, NULL, WHY_RAM },
        { { "readconfig" }, NULL, NULL, NULL,
                        "what the file adds cannot be judged here; give its contents as options" },
        { { "set" }, NULL, NULL, NULL,
                        "it changes other options after they were judged; write the property where the "
                        "device is declared" },
        { { "machine", "M" }, "type", "memory-backend", "*", WHY_RAM },
        { { "machine", "M" }, "type", "memory", "*", WHY_RAM },
        { { "machine", "M" }, "type", "memory.*", "*", WHY_RAM },
        { { "machine", "M" }, "type", "memory-encryption", "*", WHY_ENCRYPTED },
        { { "machine", "M" }, "type", "confidential-guest-support", "*", WHY_ENCRYPTED },
        { { "m" }, "size", "maxmem", "*", WHY_HOTPLUG },
        { { "m" }, "size", "slots", "*", WHY_HOTPLUG },
        { { "numa" }, "type", "memdev", "*", WHY_RAM },
        { { "object" }, "qom-type", "qom-type", "memory-backend-*", WHY_RAM },
        { { "device" }, "driver", "driver", "vfio-*", WHY_VFIO },
        { { "device" }, "driver", "driver", "vhost-vdpa-*", WHY_VFIO },
        { { "device" }, "driver", "driver", "xen-pci-passthrough", WHY_VFIO },
        { { "device" }, "driver", "driver", "vhost-user-*", WHY_VHOST_USER },
        { { "device" }, "driver", "driver", "x-vfio-user-*", WHY_VHOST_USER },
        { { "device" }, "driver", "driver", "ivshmem*", WHY_SHARED },
        { { "device" }, "driver", "driver", "virtio-mem*", WHY_HOTPLUG },
        { { "device" }, "driver", "driver", "virtio-pmem*", WHY_HOTPLUG },
        { { "device" }, "driver", "driver", "pc-dimm", WHY_HOTPLUG },
        { { "device" }, "driver", "driver", "nvdimm", WHY_HOTPLUG },
        { { "netdev", "nic", "net" }, "type", "type", "vhost-user", WHY_VHOST_USER },
        { { "netdev", "nic", "net" }, "type", "type", "vhost-vdpa", WHY_VFIO },
        { { "drive" }, NULL, "snapshot", "on", WHY_SNAPSHOT },
};

typedef struct QemuCheck {
        const QemuRule *rule;
        const char *option;
        char **ret_problem;
} QemuCheck;

static bool rule_is_for(const QemuRule *rule, const char *option) {
        for (size_t i = 0; i < ELEMENTSOF(rule->options) && rule->options[i]; i++)
                if (strcmp(rule->options[i], option) == 0)
                        return true;
        return false;
}

static int check_property(const char *key, const char *value, void *userdata) {
        QemuCheck *check = userdata;
        const QemuRule *rule = check->rule;
        bool is_implied = rule->implied && strcmp(key, rule->implied) == 0;

        if (fnmatch(rule->key, key, 0) != 0 || fnmatch(rule->value, value, 0) != 0)
                return 1;
        if (asprintf(check->ret_problem, "-%s %s%s%s: %s", check->option, is_implied ? "" : key,
                            is_implied ? "" : "=", value, rule->why) < 0)
                return -ENOMEM;
        return -EOPNOTSUPP;
}

static int rule_check(const QemuRule *rule, const char *option, const char *value, char **ret_problem) {
        QemuCheck check = { rule, option, ret_problem };
        int r;

        if (!rule->key)
                return asprintf(ret_problem, "-%s: %s", option, rule->why) < 0 ? -ENOMEM : -EOPNOTSUPP;

        r = qemu_properties_walk(value ?: "", rule->implied, check_property, &check);
        if (r == -EBADMSG) {
                if (asprintf(ret_problem, "-%s %s: not valid JSON; check its quotes (double) and braces",
                                    option, value) < 0)
                        return -ENOMEM;
                return -EINVAL;
        }
        return r < 0 ? r : 0;
}

int qemu_rules_check(const char *option, const char *value, char **ret_problem) {
        for (size_t i = 0; i < ELEMENTSOF(rules); i++) {
                int r;

                if (!rule_is_for(rules + i, option))
                        continue;
                r = rule_check(rules + i, option, value, ret_problem);
                if (r < 0)
                        return r;
        }
        return 0;
}
