/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "basic/cleanup.h"
#include "basic/io.h"
#include "luo/device.h"
#include "luo/facts.h"
#include "luo/luo.h"

typedef struct Words {
        const char *identifier, *message, *remedy;
} Words;

static const Words words[] = {
        [LUO_SUPPORTED] = {
                "supported", "the kernel supports live update", NULL,
        },
        [LUO_KERNEL_WITHOUT_KHO] = {
                "kernel-without-kho", "the running kernel is built without Kexec Handover",
                "boot a kernel built with CONFIG_KEXEC_HANDOVER=y and CONFIG_LIVEUPDATE=y (Linux 6.19 or later)",
        },
        [LUO_KERNEL_WITHOUT_LUO] = {
                "kernel-without-luo", "the running kernel is built without the Live Update Orchestrator",
                "boot a kernel built with CONFIG_LIVEUPDATE=y (Linux 6.19 or later)",
        },
        [LUO_KHO_OFF] = {
                "kho-off", "Kexec Handover is off", "boot with kho=on liveupdate=on",
        },
        [LUO_LIVEUPDATE_OFF] = {
                "liveupdate-off", "the Live Update Orchestrator is off", "boot with liveupdate=on",
        },
        [LUO_DISABLED_BY_KERNEL] = {
                "disabled-by-kernel", "the kernel was told kho=on liveupdate=on, but gave it up while booting",
                "look for lines of \"KHO\" and \"luo\" in the kernel's log (journalctl -k -b); "
                "too little memory for the scratch area (kho_scratch=) is the usual reason",
        },
        [LUO_NO_DEVICE_NODE] = {
                "no-device-node", "the kernel supports live update, but " LUO_DEVICE " does not lead to it",
                "make the node: mount devtmpfs on /dev, or use the numbers in /sys/class/misc/liveupdate/dev; "
                "in a container or a unit with PrivateDevices=, let the device in",
        },
        [LUO_DEVICE_BUSY] = {
                "device-busy", "another process has " LUO_DEVICE " open, which one at a time may",
                "wait for that process, or stop it",
        },
        [LUO_DEVICE_DENIED] = {
                "device-denied", "no permission to open " LUO_DEVICE,
                "run as root; in a unit, add DeviceAllow=" LUO_DEVICE " rw",
        },
        [LUO_HANDOVER_UNREADABLE] = {
                "handover-unreadable", "the kernel could not read what the previous one handed over",
                "save what the kernel's log says (journalctl -k -b), then reboot: what was preserved is lost",
        },
        [LUO_DEVICE_FAILED] = {
                "device-failed", LUO_DEVICE " cannot be opened",
                "see the kernel's log (journalctl -k -b)",
        },
};

static LuoSupport support_without_device(const LuoFacts *facts) {
        if (facts->has_misc_device)
                return LUO_NO_DEVICE_NODE;
        if (facts->has_kho == FACT_NO)
                return LUO_KERNEL_WITHOUT_KHO;
        if (facts->has_luo == FACT_NO)
                return LUO_KERNEL_WITHOUT_LUO;
        /* kexec_handover.c: off unless told, but for CONFIG_KEXEC_HANDOVER_ENABLE_DEFAULT. Where that is not
         * known, to say kho=on is right in either case. */
        if (facts->kho == FACT_NO || (facts->kho == FACT_UNKNOWN && facts->kho_is_default != FACT_YES))
                return LUO_KHO_OFF;
        /* luo_core.c: off unless told, no default to change it. */
        if (facts->liveupdate != FACT_YES)
                return LUO_LIVEUPDATE_OFF;
        return LUO_DISABLED_BY_KERNEL;
}

LuoSupport luo_support_decide(const LuoFacts *facts) {
        switch (facts->open_error) {
        case 0:
                return LUO_SUPPORTED;
        case -EBUSY:
                return LUO_DEVICE_BUSY;
        case -EACCES:
        case -EPERM:
                return LUO_DEVICE_DENIED;
        case -EIO:
                return LUO_HANDOVER_UNREADABLE;
        case -ENOENT:
                return support_without_device(facts);
        default:
                return LUO_DEVICE_FAILED;
        }
}

LuoSupport luo_support(void) {
        _cleanup_fd_ int fd = luo_device_try_open(LUO_DEVICE);
        LuoFacts facts;

        luo_facts_gather(fd < 0 ? fd : 0, &facts);
        return luo_support_decide(&facts);
}

static const Words *words_of(LuoSupport support) {
        return &words[(size_t) support < ELEMENTSOF(words) ? support : LUO_DEVICE_FAILED];
}

const char *luo_support_to_string(LuoSupport support) {
        return words_of(support)->identifier;
}

const char *luo_support_message(LuoSupport support) {
        return words_of(support)->message;
}

const char *luo_support_remedy(LuoSupport support) {
        return words_of(support)->remedy;
}

static char *evidence_of_parameter(const char *name) {
        _cleanup_free_ char *command_line = NULL;
        char *text;
        int r;

        if (read_file_at(AT_FDCWD, "/proc/cmdline", 64 * 1024, &command_line, NULL) < 0)
                return NULL;
        if (command_line_bool(command_line, name) == FACT_UNKNOWN)
                r = asprintf(&text, "the running command line has no %s=", name);
        else
                r = asprintf(&text, "the running command line has %s=off", name);
        return r < 0 ? NULL : text;
}

char *luo_support_evidence(LuoSupport support) {
        char comm[16], *text;
        int pid;

        switch (support) {
        case LUO_KHO_OFF:
                return evidence_of_parameter("kho");
        case LUO_LIVEUPDATE_OFF:
                return evidence_of_parameter("liveupdate");
        case LUO_DEVICE_BUSY:
                pid = luo_device_holder(comm);
                return pid > 0 && asprintf(&text, "held by %s (PID %i)", comm, pid) >= 0 ? text : NULL;
        default:
                return NULL;
        }
}
