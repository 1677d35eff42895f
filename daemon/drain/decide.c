/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Which policy a device has: the rule's or ours, and what is done instead where that would not do. */

#include <stdio.h>
#include <string.h>

#include "basic/cleanup.h"
#include "drain/drain-internal.h"
#include "drain/policy.h"

#define POLICY_BIT(policy) (1U << (policy))
#define MASTER_OFF_BITS (POLICY_BIT(POLICY_QUIET) | POLICY_BIT(POLICY_MASTER_OFF))
#define LOSSY_BITS (POLICY_BIT(POLICY_UNBIND) | POLICY_BIT(POLICY_RESET))
#define ALL_BITS (~POLICY_BIT(POLICY_KEEP))

/* Drivers whose shutdown is registers alone (e1000e_shutdown(), __igb_shutdown(), …). Others talk to their device
 * through memory then, and wait where it does not answer: nvme_delete_io_queues() for a minute. VFIO's have none. */
static const char *const register_drivers[] = { "e1000", "e1000e", "igb", "igbvf", "igc" };

/* Of these classes `quiet` where the driver is one of those; else `unbind` where nothing is lost and nobody waits.
 * Everything else is left to the kernel. Measured by tests/bench/run drain, emulated, the drain and what is left of the
 * kernel's shutdown of it in ms, medians:
 *           keep  quiet  unbind  master-off  reset
 *   e1000e    20     97     153           8    165
 *   igb      390    507     600          11    725
 *   nvme      81      -     255           -    367
 * Of those only master-off is faster than keep, and cannot be undone under an interface that is up. But what nobody needs
 * is drained while guests run: the phase `shutdown` takes 0.31 times as long with quiet as with keep, 0.09 with unbind. */
static const struct {
        uint32_t class_code, mask;
} drained_classes[] = {
        { 0x020000, 0xff0000 }, /* network */
        { 0x010800, 0xffff00 }, /* NVMe */
};

static bool is_display(const Device *device) {
        return device->class_code >> 16 == 0x03;
}

/* vfio-pci and its variants: mlx5_vfio_pci, nvgrace-gpu-vfio-pci */
bool device_is_vfio(const Device *device) {
        return device->driver && strstr(device->driver, "vfio");
}

static bool is_held_by_vfio(const Device *device, const PolicyFacts *facts) {
        return device_vfio_user(device);
}

static bool is_virtio(const Device *device, const PolicyFacts *facts) {
        return device->driver && strcmp(device->driver, "virtio-pci") == 0;
}

static bool is_elsewhere(const Device *device, const PolicyFacts *facts) {
        return device->bus != BUS_PCI;
}

static bool is_bridge(const Device *device, const PolicyFacts *facts) {
        return device->is_bridge;
}

static bool has_root(const Device *device, const PolicyFacts *facts) {
        return device->has_root;
}

static bool has_swap(const Device *device, const PolicyFacts *facts) {
        return device->has_swap;
}

static bool has_virtual_functions(const Device *device, const PolicyFacts *facts) {
        return device->n_virtual > 0;
}

static bool has_uppers(const Device *device, const PolicyFacts *facts) {
        for (size_t i = 0; i < device->n_interfaces; i++)
                if (device->interfaces[i].uppers && device->interfaces[i].uppers[0])
                        return true;
        return false;
}

static bool has_interfaces_up(const Device *device, const PolicyFacts *facts) {
        for (size_t i = 0; i < device->n_interfaces; i++)
                if (device->interfaces[i].is_up)
                        return true;
        return false;
}

static bool has_network_disk(const Device *device, const PolicyFacts *facts) {
        return device->has_network_disk;
}

/* Its interfaces would neither be captured nor restored. */
static bool has_interfaces_elsewhere(const Device *device, const PolicyFacts *facts) {
        return device->class_code >> 16 == 0x02 && device->driver && !device_is_vfio(device) &&
                        device->n_interfaces == 0 && !facts->is_newcomer;
}

static bool has_mounts(const Device *device, const PolicyFacts *facts) {
        return device->mounts && device->mounts[0];
}

/* What is open does not come back with the driver. */
static bool has_open_files(const Device *device, const PolicyFacts *facts) {
        for (size_t i = 0; i < device->n_users; i++)
                if (device->users[i].use == USE_BLOCK || device->users[i].use == USE_CHARACTER)
                        return true;
        return false;
}

static bool has_driver_and_no_reset(const Device *device, const PolicyFacts *facts) {
        return !device->can_reset && device->driver && !device_is_vfio(device);
}

static bool has_no_reset(const Device *device, const PolicyFacts *facts) {
        return !device->can_reset;
}

static bool has_no_driver(const Device *device, const PolicyFacts *facts) {
        return !device->driver;
}

static bool needs_bus_mastering(const Device *device, const PolicyFacts *facts) {
        if (!device->driver || device_is_vfio(device))
                return false;
        for (size_t i = 0; i < ELEMENTSOF(register_drivers); i++)
                if (strcmp(device->driver, register_drivers[i]) == 0)
                        return false;
        return true;
}

/* The disks of one that came since the inventory are not known; it can have some unless it is a NIC of the list. */
static bool has_claimed_disks(const Device *device, const PolicyFacts *facts) {
        return facts->is_claimed && ((device->blocks && device->blocks[0]) || needs_bus_mastering(device, facts));
}

static bool has_open_files_and_no_quiet(const Device *device, const PolicyFacts *facts) {
        return has_open_files(device, facts) && needs_bus_mastering(device, facts);
}

static bool is_locked(const Device *device, const PolicyFacts *facts) {
        return facts->is_locked;
}

/* In this order, each on what those before it left. LOSSY_BITS unbind the driver. */
static const struct {
        bool (*applies)(const Device *device, const PolicyFacts *facts);
        unsigned policies;
        DevicePolicy instead;
        const char *note;
} replacements[] = {
        { is_elsewhere, ALL_BITS, POLICY_KEEP, "only PCI functions can be drained" },
        { is_bridge, ALL_BITS, POLICY_KEEP, "bridges are never touched" },
        { has_root, ALL_BITS, POLICY_KEEP, "it carries the root file system" },
        { has_swap, ALL_BITS, POLICY_KEEP, "it carries swap space" },
        /* They are written to until `seal` freezes them. */
        { has_mounts, ALL_BITS, POLICY_KEEP, "file systems on it are mounted" },
        { has_network_disk, ALL_BITS, POLICY_KEEP, "a mounted file system is reached through it" },
        { has_interfaces_elsewhere, ALL_BITS, POLICY_KEEP,
                        "it shows no interface here: it may be in another network namespace" },
        { is_held_by_vfio, POLICY_BIT(POLICY_UNBIND), POLICY_RESET,
                        "its driver waits for the process that holds it through VFIO" },
        { has_virtual_functions, LOSSY_BITS, POLICY_QUIET, "its virtual functions would be lost" },
        { has_uppers, LOSSY_BITS, POLICY_QUIET, "the interfaces that sit on its own would be lost" },
        { has_claimed_disks, LOSSY_BITS, POLICY_KEEP, "its disks are part of others" },
        { has_open_files_and_no_quiet, LOSSY_BITS, POLICY_KEEP, "a workload has it open" },
        { has_open_files, LOSSY_BITS, POLICY_QUIET, "a workload has it open" },
        { has_driver_and_no_reset, POLICY_BIT(POLICY_RESET), POLICY_UNBIND, "the kernel cannot reset it alone" },
        { has_no_reset, POLICY_BIT(POLICY_RESET), POLICY_MASTER_OFF, "the kernel cannot reset it alone" },
        { has_no_driver, POLICY_BIT(POLICY_QUIET) | POLICY_BIT(POLICY_UNBIND), POLICY_MASTER_OFF,
                        "no driver is bound to it" },
        /* e1000e for one receives nothing any more when the bit is cleared and set again under it. */
        { has_interfaces_up, POLICY_BIT(POLICY_MASTER_OFF), POLICY_QUIET, "its interfaces are up" },
        /* Without bus mastering QEMU drops DRIVER_OK: hw/virtio/virtio-pci.c:virtio_write_config(). */
        { is_virtio, MASTER_OFF_BITS, POLICY_KEEP, "only a reset by its driver would bring it back" },
        { needs_bus_mastering, MASTER_OFF_BITS, POLICY_KEEP,
                        "its driver needs bus mastering when the kernel shuts it down" },
        { is_locked, POLICY_BIT(POLICY_MASTER_OFF), POLICY_KEEP,
                        "the kernel is locked down: configuration space can only be read" },
};

/* It would not be replaced. */
static bool can_be_unbound(const Device *device, const PolicyFacts *facts) {
        for (size_t i = 0; i < ELEMENTSOF(replacements); i++)
                if (replacements[i].policies & POLICY_BIT(POLICY_UNBIND) && replacements[i].applies(device, facts))
                        return false;
        return true;
}

/* Unbound, what is up would lose settings that an undo does not put back: tc, XDP, hooks of nftables. */
static bool would_be_missed(const Device *device, const PolicyFacts *facts) {
        return facts->is_needed || has_interfaces_up(device, facts) || !can_be_unbound(device, facts);
}

static DevicePolicy default_of_class(const Device *device, const PolicyFacts *facts) {
        for (size_t i = 0; i < ELEMENTSOF(drained_classes); i++) {
                if ((device->class_code & drained_classes[i].mask) != drained_classes[i].class_code)
                        continue;
                if (!needs_bus_mastering(device, facts))
                        return POLICY_QUIET;
                return would_be_missed(device, facts) ? POLICY_KEEP : POLICY_UNBIND;
        }
        return POLICY_KEEP;
}

static DevicePolicy default_policy(const Device *device, const PolicyFacts *facts) {
        if (is_elsewhere(device, facts) || device->is_bridge)
                return POLICY_KEEP;
        if (is_held_by_vfio(device, facts))
                return POLICY_PRESERVE;
        if (device_is_vfio(device))
                return POLICY_MASTER_OFF;
        /* Firmware can have left a console on a display without a driver. */
        if (is_display(device) || is_virtio(device, facts))
                return POLICY_KEEP;
        return device->driver ? default_of_class(device, facts) : POLICY_MASTER_OFF;
}

static void replace(PolicyDecision *decision, DevicePolicy instead, const char *note) {
        decision->policy = instead;
        decision->note = note;
}

void policy_decide(const Device *device, const PolicyRule *rules, size_t n_rules, const PolicyFacts *facts,
                PolicyDecision *ret) {
        const PolicyRule *rule = policy_find_rule(device, rules, n_rules);

        *ret = (PolicyDecision) { .policy = rule ? rule->policy : default_policy(device, facts), .origin = "default" };
        if (rule)
                (void) policy_rule_format(rule, ret->origin, sizeof(ret->origin));
        if (ret->policy == POLICY_PRESERVE && !is_held_by_vfio(device, facts))
                replace(ret, default_policy(device, facts), "no process holds it through VFIO");
        for (size_t i = 0; i < ELEMENTSOF(replacements); i++)
                if (replacements[i].policies & POLICY_BIT(ret->policy) && replacements[i].applies(device, facts))
                        replace(ret, replacements[i].instead, replacements[i].note);
}

/* Who holds it through VFIO and is no workload can serve those all the same: SPDK, OVS with DPDK. */
int policy_round(const Inventory *inventory, const Device *device, DevicePolicy policy) {
        if (policy == POLICY_KEEP)
                return -1;
        return device_is_needed(inventory, device) || device_vfio_user(device) ? DRAIN_ROUND_LATE : DRAIN_ROUND_EARLY;
}

void device_decide(const char *root, const Inventory *inventory, const Device *device, const DrainOptions *options,
                bool is_locked_down, PolicyDecision *ret) {
        PolicyFacts facts = {
                .is_locked = is_locked_down,
                .is_needed = device_is_needed(inventory, device),
                .is_claimed = device_is_claimed(root, device),
        };

        policy_decide(device, options->rules, options->n_rules, &facts, ret);
}
