/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The host's PCI functions that can do DMA. */

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>

#include "basic/cleanup.h"

typedef struct Device {
        char *address;     /* "0000:00:02.0" */
        char *driver;      /* NULL: none bound */
        bool is_bridge;    /* class 06 */
        bool bus_master;   /* PCI_COMMAND_MASTER, as configuration space says */
} Device;

typedef struct Inventory {
        Device *devices;
        size_t n;
} Inventory;

/* Reads /sys/bus/pci; a machine without PCI has an empty one. */
int inventory_read(Inventory **ret);
Inventory *inventory_free(Inventory *inventory);
DEFINE_CLEANUP(Inventory *, inventory_free)

/* [{"address", "driver", "policy", "busMaster"}], bridges left out. The one policy so far is "keep": the kernel's own
 * shutdown of the device is trusted (drivers/pci/pci-driver.c:pci_device_shutdown() clears bus mastering in kexec). */
json_object *inventory_to_json(const Inventory *inventory);
