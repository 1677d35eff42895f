/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Whether the devices are quiet, by their own word: configuration space is read again, and no memory of what was done
 * counts. Nothing is read of a device whose thread hangs, lest the event loop hang with it. */

#include <errno.h>
#include <fcntl.h>
#include <linux/pci_regs.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "drain/drain-internal.h"

#define NAMED_MAX 16U

typedef struct Verdict {
        FILE *f;
        unsigned n;
} Verdict;

static void verdict_add(Verdict *verdict, const Device *device, const char *what) {
        if (verdict->n++ < NAMED_MAX)
                fprintf(verdict->f, "%s%s (%s) %s", verdict->n > 1 ? ", " : "", device->address,
                                device->driver ?: "no driver", what);
}

/* NULL: it is quiet. */
static const char *judge(const PciState *state, bool is_locked) {
        bool is_master = state->bus_master && !is_locked;

        if (state->is_gone || (!is_master && !state->is_pending))
                return NULL;
        if (is_master && state->is_pending)
                return "has bus mastering on and transactions pending";
        return is_master ? "has bus mastering on" : "has transactions pending";
}

/* As much as decides on its policy. */
static void device_describe(const DrainDevice *d, Device *device, const unsigned char *config, char *driver) {
        device_bound_driver(d, driver);
        device->driver = *driver ? driver : NULL;
        device->class_code = (uint32_t) config[PCI_CLASS_REVISION + 1] |
                        (uint32_t) config[PCI_CLASS_REVISION + 2] << 8 |
                        (uint32_t) config[PCI_CLASS_REVISION + 3] << 16;
        device->is_bridge = device->class_code >> 16 == 0x06; /* PCI_BASE_CLASS_BRIDGE */
}

/* One that came since the inventory. Nothing is known of what sits on it, nor who needs it. */
static void verify_newcomer(const Drain *drain, const char *address, Verdict *verdict) {
        Device device = { .bus = BUS_PCI, .address = (char *) address, .iommu_group = -1 };
        const PolicyFacts facts = { .is_locked = drain->capture->is_locked, .is_needed = true, .is_claimed = true,
                .is_newcomer = true };
        const DrainDevice d = { .capture = drain->capture, .device = &device };
        char path[DRAIN_PATH_MAX], driver[DRAIN_PATH_MAX];
        _cleanup_fd_ int fd = -EBADF;
        unsigned char config[256];
        PolicyDecision decision;
        MessageInterrupts msi;
        size_t status_offset;
        bool has_status;
        PciState state;
        ssize_t n;

        device_path(&d, "config", path);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        n = fd < 0 ? -1 : pread(fd, config, sizeof(config), 0);
        if (n < 64) {
                if (n >= 0 || (errno != ENOENT && errno != ENODEV))
                        verdict_add(verdict, &device, "has a configuration space that cannot be read");
                return;
        }
        pci_state_parse(config, (size_t) n, &state, &msi, &has_status, &status_offset);
        device_describe(&d, &device, config, driver);
        policy_decide(&device, drain->rules, drain->n_rules, &facts, &decision);
        if (decision.policy != POLICY_KEEP && judge(&state, drain->capture->is_locked))
                verdict_add(verdict, &device, judge(&state, drain->capture->is_locked));
}

static void verify_newcomers(const Drain *drain, Verdict *verdict) {
        char path[DRAIN_PATH_MAX];
        _cleanup_closedir_ DIR *dir = NULL;

        snprintf(path, sizeof(path), "%s/sys/bus/pci/devices", drain->capture->setup->root);
        dir = opendir(path);
        for (struct dirent *entry; dir && (entry = readdir(dir));)
                if (entry->d_name[0] != '.' && !capture_find(drain->capture, entry->d_name))
                        verify_newcomer(drain, entry->d_name, verdict);
}

static void verify_device(const Drain *drain, DrainDevice *d, Verdict *verdict) {
        const char *wrong;
        PciState state;
        int r;

        if (d->outcome == OUTCOME_KEPT || d->outcome == OUTCOME_PRESERVED)
                return;
        if (d->running != RUNNING_NOTHING) {
                verdict_add(verdict, d->device, "is still being made quiet");
                return;
        }
        r = d->config_fd < 0 ? -ENODEV : pci_state_read(d->config_fd, d->status_offset, &state);
        if (r == -ENODEV || (r >= 0 && state.is_gone)) { /* and another one may have come in its place */
                verify_newcomer(drain, d->device->address, verdict);
                return;
        }
        wrong = r < 0 ? "has a configuration space that cannot be read" : judge(&state, drain->capture->is_locked);
        if (wrong) {
                d->outcome = OUTCOME_UNSAFE;
                verdict_add(verdict, d->device, wrong);
                if (!d->failure && asprintf(&d->failure, "it %s", wrong) < 0)
                        d->failure = NULL;
        } else if (d->outcome == OUTCOME_UNSAFE) {
                d->outcome = OUTCOME_QUIET; /* late, but not too late */
                free(TAKE_PTR(d->failure));
        }
}

int drain_verify(Drain *drain, char **ret_why) {
        char *text = NULL;
        size_t size;
        Verdict verdict = { .f = open_memstream(&text, &size) };

        *ret_why = NULL;
        if (!verdict.f)
                return -ENOMEM;
        for (size_t i = 0; i < drain->capture->n; i++)
                verify_device(drain, &drain->capture->devices[i], &verdict);
        verify_newcomers(drain, &verdict);
        if (verdict.n > NAMED_MAX)
                fprintf(verdict.f, " and %u more", verdict.n - NAMED_MAX);
        if (fclose(verdict.f) != 0) {
                free(text);
                return verdict.n > 0 ? -EBUSY : -ENOMEM;
        }
        if (verdict.n > 0)
                *ret_why = TAKE_PTR(text);
        free(text);
        return verdict.n > 0 ? -EBUSY : 0;
}
