/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "basic/cleanup.h"
#include "basic/index-set.h"
#include "host/irqs.h"

#define IRQS_MAX 65536U

typedef struct DeviceIrqs {
        char *driver;      /* NULL: none */
        unsigned *numbers; /* by which they are known to this kernel, the n-th message interrupt's at n */
        size_t n;
} DeviceIrqs;

void device_irqs_done(DeviceIrqs *irqs);
bool is_device_name(const char *name);
/* -ENODEV: there is no such device (now). */
int device_irqs_read(const char *root, const char *device, DeviceIrqs *ret);

/* Where it may go, of the processors that are online. -ENOENT: it has no handler; -EPERM: the kernel manages it. */
int irq_affinity_read(const char *root, unsigned number, const IndexSet *online, IndexSet *ret);
int irq_affinity_write(const char *root, unsigned number, const IndexSet *processors);
int processors_online(const char *root, IndexSet *ret);
