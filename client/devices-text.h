/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Devices, as of io.liveupdate and of the report, in words. */

#include <json-c/json.h>
#include <stdbool.h>

/* "network", "nvme"; the digits where they are not known, the bus where there is no class. */
const char *device_class_text(json_object *device);

/* "5 translated" */
const char *device_iommu_text(json_object *device, char *buffer, size_t size);

/* "on, pending": whether it is bus master; "-" where nobody knows. */
const char *device_dma_text(json_object *device);

/* What sits on it and who has it open: "eth0 -> bond0 br0, workload web"; "-" where there is nothing. Fit for a
 * terminal. Caller frees; NULL for want of memory. */
char *device_use_text(json_object *device);

bool device_is_bridge(json_object *device);

/* No driver, and it does no DMA: there is nothing to be made quiet. */
bool device_is_idle(json_object *device);

/* Hostile text is made fit for a terminal, in place. */
void text_make_printable(char *text);
