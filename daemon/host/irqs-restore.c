/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "basic/json.h"
#include "host/irqs-internal.h"

/* One of the manifest's. */
typedef struct WantedIrq {
        const char *device, *driver;
        uint64_t vector;
        IndexSet processors;
} WantedIrq;

typedef struct Restoring {
        const char *root;
        IndexSet online;
        const char *device; /* NULL, or the one that `irqs` and `device_error` are of */
        DeviceIrqs irqs;
        int device_error;
        size_t n_changes, n_missing;
        json_object *problems;
} Restoring;

static int wanted_parse(json_object *o, WantedIrq *ret) {
        const char *processors;

        if (json_get_string(o, "device", &ret->device) < 0 || !is_device_name(ret->device) ||
                        json_get_string(o, "driver", &ret->driver) < 0 ||
                        json_get_u64(o, "vector", &ret->vector) < 0 ||
                        json_get_string(o, "processors", &processors) < 0 ||
                        index_set_parse(processors, strlen(processors), &ret->processors) < 0 ||
                        index_set_is_empty(&ret->processors))
                return -EBADMSG;
        return 0;
}

static int look_at_device(Restoring *restoring, const WantedIrq *wanted) {
        if (restoring->device && strcmp(restoring->device, wanted->device) == 0)
                return 0;
        device_irqs_done(&restoring->irqs);
        restoring->device = wanted->device;
        restoring->device_error = device_irqs_read(restoring->root, wanted->device, &restoring->irqs);
        return restoring->device_error == -ENOMEM ? -ENOMEM : 0;
}

static int set(Restoring *restoring, const WantedIrq *wanted, unsigned number, const IndexSet *processors) {
        int r = irq_affinity_write(restoring->root, number, processors);

        if (r >= 0)
                restoring->n_changes++;
        if (r == -EPERM || r == -EIO) /* the kernel's own by now */
                return 0;
        if (r >= 0 || r == -ENOMEM)
                return r;
        return json_append_text(restoring->problems,
                        "Interrupt %u of %s does not go to the processors that it went to: %s",
                        (unsigned) wanted->vector, wanted->device, strerror(-r));
}

static int restore_one(Restoring *restoring, const WantedIrq *wanted, unsigned number) {
        IndexSet processors = wanted->processors, now;
        int r = irq_affinity_read(restoring->root, number, &restoring->online, &now);

        if (r == -ENOENT)
                restoring->n_missing++;
        if (r < 0)
                return r == -ENOMEM ? r : 0;
        index_set_intersect(&processors, &restoring->online);
        if (!index_set_includes(&processors, &wanted->processors)) {
                bool is_nowhere = index_set_is_empty(&processors);

                r = json_append_text(restoring->problems, "Interrupt %u of %s went to processors of which %s online",
                                (unsigned) wanted->vector, wanted->device, is_nowhere ? "none is" : "not all are");
                if (r < 0 || is_nowhere)
                        return r;
        }
        if (index_set_includes(&now, &processors) && index_set_includes(&processors, &now))
                return 0;
        return set(restoring, wanted, number, &processors);
}

static int restore(Restoring *restoring, const WantedIrq *wanted) {
        int r = look_at_device(restoring, wanted);

        if (r < 0)
                return r;
        if (restoring->device_error < 0 || !restoring->irqs.driver) {
                restoring->n_missing++;
                return 0;
        }
        if (strcmp(restoring->irqs.driver, wanted->driver) != 0) /* its n-th interrupt is for something else */
                return 0;
        if (wanted->vector >= restoring->irqs.n) {
                restoring->n_missing++;
                return 0;
        }
        return restore_one(restoring, wanted, restoring->irqs.numbers[wanted->vector]);
}

int irqs_restore(const char *root, json_object *wanted, size_t *ret_n_changes, size_t *ret_n_missing,
                json_object *problems) {
        Restoring restoring = { .root = root, .problems = problems };
        WantedIrq one;
        size_t n;
        int r = 0;

        if (!json_object_is_type(wanted, json_type_array) || json_object_array_length(wanted) > IRQS_MAX)
                return -EBADMSG;
        n = json_object_array_length(wanted);
        for (size_t i = 0; r >= 0 && i < n; i++)
                r = wanted_parse(json_object_array_get_idx(wanted, i), &one);
        if (r >= 0)
                r = processors_online(root, &restoring.online);
        for (size_t i = 0; r >= 0 && i < n; i++) {
                r = wanted_parse(json_object_array_get_idx(wanted, i), &one);
                if (r >= 0)
                        r = restore(&restoring, &one);
        }
        device_irqs_done(&restoring.irqs);
        *ret_n_changes = restoring.n_changes;
        *ret_n_missing = restoring.n_missing;
        return r;
}
