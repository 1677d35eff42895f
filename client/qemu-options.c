/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "basic/cleanup.h"
#include "basic/json.h"
#include "client/qemu-options.h"

/* qemu-options.hx, all of QEMU 7.2, 10.0 and 11.1: those with HAS_ARG, and those without. */
static const char *const options_with_value[] = { "D", "L", "M", "accel", "acpitable", "action", "add-fd",
        "append", "audio", "audiodev", "bios", "blockdev", "boot", "cdrom", "chardev", "chroot", "compat",
        "cpu", "d", "debugcon", "device", "dfilter", "display", "drive", "dtb", "dump-vmstate", "echr",
        "fda", "fdb", "fsdev", "fw_cfg", "g", "gdb", "global", "hda", "hdb", "hdc", "hdd", "icount",
        "incoming", "initrd", "iscsi", "k", "kernel", "loadvm", "m", "machine", "mem-path", "mon", "monitor",
        "msg", "mtdblock", "name", "net", "netdev", "nic", "numa", "object", "option-rom", "overcommit",
        "parallel", "pflash", "pidfile", "plugin", "prom-env", "qmp", "qmp-pretty", "readconfig", "rotate",
        "rtc", "run-with", "runas", "sandbox", "sd", "seed", "semihosting-config", "serial", "set", "shim",
        "smbios", "smp", "spice", "tpmdev", "trace", "usbdevice", "uuid", "vga", "virtfs", "vnc",
        "watchdog-action", "xen-domid" };
static const char *const options_without_value[] = { "?", "S", "async-teardown", "audio-help", "daemonize",
        "enable-kvm", "enable-sync-profile", "full-screen", "h", "help", "jitdump", "mem-prealloc",
        "no-acpi", "no-fd-bootchk", "no-hpet", "no-reboot", "no-shutdown", "no-user-config", "nodefaults",
        "nodefconfig", "nographic", "old-param", "only-migratable", "perfmap", "portrait", "preconfig", "s",
        "semihosting", "singlestep", "snapshot", "usb", "version", "win2k-hack", "xen-attach",
        "xen-domid-restrict" };

bool qemu_option_takes_value(const char *option, const char *next) {
        for (size_t i = 0; i < ELEMENTSOF(options_with_value); i++)
                if (strcmp(option, options_with_value[i]) == 0)
                        return next;
        for (size_t i = 0; i < ELEMENTSOF(options_without_value); i++)
                if (strcmp(option, options_without_value[i]) == 0)
                        return false;
        return next && next[0] != '-';
}

/* Cuts one element off and undoubles its commas, in place. */
static char *cut_element(char **text) {
        char *begin = *text, *from = begin, *to = begin;

        for (; *from; *to++ = *from++)
                if (*from == ',') {
                        if (from[1] != ',')
                                break;
                        from++;
                }
        *text = *from ? from + 1 : NULL;
        *to = 0;
        return begin;
}

static int walk_text(const char *text, const char *implied, QemuPropertyFunc func, void *userdata) {
        _cleanup_free_ char *copy = strdup(text);
        char *rest = copy;

        if (!copy)
                return -ENOMEM;
        while (rest) {
                char *key = cut_element(&rest), *value = strchr(key, '=');
                int r;

                if (value) {
                        *value = 0;
                        r = func(key, value + 1, userdata);
                } else if (implied)
                        r = func(implied, key, userdata);
                else
                        r = func(key, "on", userdata);
                if (r != 1)
                        return r;
                implied = NULL;
        }
        return 1;
}

int qemu_properties_walk(const char *text, const char *implied, QemuPropertyFunc func, void *userdata) {
        _cleanup_json_ json_object *o = NULL;
        int r;

        if (text[0] != '{')
                return walk_text(text, implied, func, userdata);

        r = json_parse_object(text, strlen(text), &o);
        if (r < 0)
                return r;
        json_object_object_foreach (o, key, value) {
                r = func(key, json_object_get_string(value) ?: "", userdata);
                if (r != 1)
                        return r;
        }
        return 1;
}
