/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "drain/drain-internal.h"

static int compare_addresses(const void *a, const void *b) {
        const Device *const *x = a, *const *y = b;

        return strcmp((*x)->address, (*y)->address);
}

static int compare_address(const void *key, const void *b) {
        const Device *const *y = b;

        return strcmp(key, (*y)->address);
}

static int capture_fill(Capture *capture) {
        Inventory *inventory = capture->inventory;

        capture->devices = calloc(inventory->n + 1, sizeof(*capture->devices));
        capture->by_address = calloc(inventory->n + 1, sizeof(*capture->by_address));
        capture->network_devices = calloc(inventory->n + 1, sizeof(*capture->network_devices));
        if (!capture->devices || !capture->by_address || !capture->network_devices)
                return -ENOMEM;

        for (size_t i = 0; i < inventory->n; i++) {
                const Device *device = &inventory->devices[i];

                if (device->bus != BUS_PCI)
                        continue;
                capture->by_address[capture->n_by_address++] = device;
                if (device->is_bridge)
                        continue;
                capture->devices[capture->n++] = (DrainDevice) {
                        .capture = capture,
                        .device = device,
                        .round = -1,
                        .was_bus_master = device->bus_master,
                        .config_fd = -EBADF,
                        .outcome = OUTCOME_KEPT,
                };
        }
        qsort(capture->by_address, capture->n_by_address, sizeof(*capture->by_address), compare_addresses);
        return 0;
}

int capture_new(const DrainSetup *setup, Inventory *inventory, Capture **ret) {
        _cleanup_(capture_unrefp) Capture *capture = calloc(1, sizeof(*capture));
        int r;

        if (!capture) {
                inventory_free(inventory);
                return -ENOMEM;
        }
        capture->n_refs = 1;
        capture->setup = setup;
        capture->inventory = inventory;
        r = capture_fill(capture);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(capture);
        return 0;
}

Capture *capture_ref(Capture *capture) {
        atomic_fetch_add(&capture->n_refs, 1);
        return capture;
}

static void device_done(DrainDevice *d) {
        fd_close(d->config_fd);
        free(d->driver_override);
        free(d->note);
}

Capture *capture_unref(Capture *capture) {
        if (!capture || atomic_fetch_sub(&capture->n_refs, 1) > 1)
                return NULL;
        for (size_t i = 0; i < capture->n; i++)
                device_done(&capture->devices[i]);
        free(capture->devices);
        free(capture->by_address);
        if (capture->network)
                capture->setup->free_network(capture->network);
        free(capture->network_devices);
        free(capture->network_why);
        inventory_free(capture->inventory);
        free(capture);
        return NULL;
}

static void device_link_parent(DrainDevice *d) {
        Capture *capture = d->capture;

        for (size_t i = 0; d->device->parent && i < capture->n && !d->parent; i++)
                if (strcmp(capture->devices[i].device->address, d->device->parent) == 0)
                        d->parent = &capture->devices[i];
        if (d->parent && d->parent->round >= 0 && d->parent->round < d->round)
                d->parent->round = d->round;
}

void capture_link_parents(Capture *capture) {
        for (size_t i = 0; i < capture->n; i++)
                if (capture->devices[i].round >= 0)
                        device_link_parent(&capture->devices[i]);
}

const Device *capture_find(const Capture *capture, const char *address) {
        const Device **found = bsearch(address, capture->by_address, capture->n_by_address,
                        sizeof(*capture->by_address), compare_address);

        return found ? *found : NULL;
}
