/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "basic/json.h"
#include "client/ctl.h"
#include "client/devices-text.h"

/* PCI Code and ID Assignment Specification; the longer prefix first. */
static const struct {
        const char *prefix, *name;
} classes[] = {
        { "0101", "ide"         },
        { "0104", "raid"        },
        { "0106", "sata"        },
        { "0107", "sas"         },
        { "0108", "nvme"        },
        { "0207", "infiniband"  },
        { "0403", "audio"       },
        { "0c03", "usb"         },
        { "0c04", "fibre"       },
        { "00",   "legacy"      },
        { "01",   "storage"     },
        { "02",   "network"     },
        { "03",   "display"     },
        { "04",   "multimedia"  },
        { "05",   "memory"      },
        { "06",   "bridge"      },
        { "07",   "serial"      },
        { "08",   "system"      },
        { "09",   "input"       },
        { "0a",   "docking"     },
        { "0b",   "processor"   },
        { "0c",   "serial-bus"  },
        { "0d",   "wireless"    },
        { "0e",   "i2o"         },
        { "0f",   "satellite"   },
        { "10",   "crypto"      },
        { "11",   "signal"      },
        { "12",   "accelerator" },
        { "13",   "instrument"  },
        { "40",   "coprocessor" },
        { "ff",   "other"       },
};

const char *device_class_text(json_object *device) {
        const char *class = NULL;

        if (json_get_string(device, "class", &class) < 0) {
                const char *bus = ctl_string(device, "bus");

                return strcmp(bus, "virtio_mmio") == 0 ? "virtio-mmio" : bus;
        }
        for (size_t i = 0; i < ELEMENTSOF(classes); i++)
                if (strncmp(class, classes[i].prefix, strlen(classes[i].prefix)) == 0)
                        return classes[i].name;
        return class;
}

const char *device_iommu_text(json_object *device, char *buffer, size_t size) {
        const char *iommu = ctl_string(device, "iommu");
        uint64_t group;

        if (strcmp(iommu, "none") == 0)
                return "-";
        if (json_get_u64(device, "iommuGroup", &group) < 0)
                return iommu;
        snprintf(buffer, size, "%" PRIu64 " %s", group, iommu);
        return buffer;
}

const char *device_dma_text(json_object *device) {
        bool is_pending = ctl_bool(device, "transactionsPending"), is_on;

        if (json_get_bool(device, "busMaster", &is_on) < 0)
                return "-";
        if (is_pending)
                return is_on ? "on, pending" : "off, pending";
        return is_on ? "on" : "off";
}

static void begin(FILE *f) {
        if (ftell(f) > 0)
                fputs(", ", f);
}

static void write_list(FILE *f, json_object *o, const char *key, const char *before) {
        json_object *list;

        if (json_get_array(o, key, &list) < 0)
                return;
        for (size_t i = 0; i < json_object_array_length(list); i++)
                fprintf(f, "%s%s", i > 0 ? " " : before,
                                json_object_get_string(json_object_array_get_idx(list, i)) ?: "-");
}

static void write_interfaces(FILE *f, json_object *device) {
        json_object *list;

        if (json_get_array(device, "interfaces", &list) < 0)
                return;
        for (size_t i = 0; i < json_object_array_length(list); i++) {
                json_object *interface = json_object_array_get_idx(list, i);

                begin(f);
                fprintf(f, "%s%s", ctl_string(interface, "name"), ctl_bool(interface, "up") ? "" : " (down)");
                write_list(f, interface, "uppers", " -> ");
        }
}

static void write_disks(FILE *f, json_object *device) {
        json_object *list;

        if (json_get_array(device, "disks", &list) >= 0 && json_object_array_length(list) > 0) {
                begin(f);
                write_list(f, device, "disks", "");
                write_list(f, device, "mounts", " -> ");
        }
        if (ctl_bool(device, "root")) {
                begin(f);
                fputs("root", f);
        }
        if (ctl_bool(device, "swap")) {
                begin(f);
                fputs("swap", f);
        }
}

static bool is_vfio(json_object *user) {
        return strcmp(ctl_string(user, "use"), "vfio") == 0;
}

/* One workload may have several processes. */
static bool is_told_already(json_object *users, size_t n, const char *workload, bool by_vfio) {
        for (size_t i = 0; i < n; i++) {
                json_object *user = json_object_array_get_idx(users, i);

                if (strcmp(ctl_string(user, "workload"), workload) == 0 && is_vfio(user) == by_vfio)
                        return true;
        }
        return false;
}

static void write_users(FILE *f, json_object *device) {
        json_object *list;

        if (json_get_array(device, "users", &list) < 0)
                return;
        for (size_t i = 0; i < json_object_array_length(list); i++) {
                json_object *user = json_object_array_get_idx(list, i);
                const char *workload = NULL;

                if (json_get_string(user, "workload", &workload) >= 0 &&
                                is_told_already(list, i, workload, is_vfio(user)))
                        continue;
                begin(f);
                if (workload)
                        fprintf(f, "workload %s", workload);
                else
                        fprintf(f, "process %" PRIu64 " (%s)", ctl_u64(user, "pid"), ctl_string(user, "comm"));
                if (is_vfio(user))
                        fputs(" by VFIO", f);
        }
}

static void write_virtual_functions(FILE *f, json_object *device) {
        uint64_t n = ctl_u64(device, "virtualFunctions");

        if (n == 0)
                return;
        begin(f);
        fprintf(f, "%" PRIu64 " virtual function%s", n, n == 1 ? "" : "s");
}

char *device_use_text(json_object *device) {
        char *text = NULL;
        size_t size = 0;
        FILE *f = open_memstream(&text, &size);

        if (!f)
                return NULL;
        write_interfaces(f, device);
        write_disks(f, device);
        write_users(f, device);
        write_virtual_functions(f, device);
        if (ftell(f) == 0)
                fputs("-", f);
        if (fclose(f) != 0) {
                free(text);
                return NULL;
        }
        text_make_printable(text);
        return text;
}

bool device_is_bridge(json_object *device) {
        return strncmp(ctl_string(device, "class"), "06", 2) == 0;
}

bool device_is_idle(json_object *device) {
        const char *driver = NULL;

        return json_get_string(device, "driver", &driver) < 0 && !ctl_bool(device, "busMaster") &&
               !ctl_bool(device, "transactionsPending");
}

void text_make_printable(char *text) {
        for (; *text; text++)
                if ((unsigned char) *text < 0x20 || *text == 0x7f)
                        *text = '?';
}
