/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What is told of devices: before an update, and after. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "basic/json.h"
#include "drain/drain-internal.h"

static const char *round_to_phase(int round) {
        return round < 0 ? NULL : round == DRAIN_ROUND_EARLY ? "quiesce" : "drain";
}

static const char *device_note(const DrainDevice *d) {
        if (d->policy != POLICY_PRESERVE || !d->was_begun)
                return d->note;
        return policy_not_preserved(d->device) == POLICY_RESET
                        ? "the kernel did not preserve it, so it is reset"
                        : "the kernel did not preserve it and cannot reset it, so bus mastering is cleared";
}

static int add_interfaces(json_object *o, const Device *device) {
        json_object *names;

        if (device->n_interfaces == 0)
                return 0;
        names = json_object_new_array();
        for (size_t i = 0; names && i < device->n_interfaces; i++)
                if (device->interfaces[i].is_up)
                        (void) json_append_text(names, "%s", device->interfaces[i].name);
        return json_add(o, "interfaces", names);
}

/* The caller may change them. */
static int add_problems(json_object *o, const DrainDevice *d) {
        json_object *problems = json_object_new_array();

        if (problems && d->failure)
                (void) json_append_text(problems, "%s", d->failure);
        for (size_t i = 0; problems && d->problems && i < json_object_array_length(d->problems); i++)
                (void) json_append_text(problems, "%s",
                                json_object_get_string(json_object_array_get_idx(d->problems, i)));
        if (problems && json_object_array_length(problems) == 0) {
                json_object_put(problems);
                return 0;
        }
        return json_add(o, "problems", problems);
}

static json_object *device_to_report(const DrainDevice *d) {
        _cleanup_json_ json_object *o = json_object_new_object();
        char class_code[sizeof("123456")];

        snprintf(class_code, sizeof(class_code), "%06x", d->device->class_code & 0xffffffU);
        if (!o || json_add_string(o, "address", d->device->address) < 0 ||
                        json_add_string(o, "class", class_code) < 0 ||
                        json_add_string(o, "driver", d->device->driver) < 0 ||
                        json_add_string(o, "physicalFunction", d->device->parent) < 0 ||
                        add_interfaces(o, d->device) < 0 ||
                        json_add_string(o, "policy", policy_to_string(d->policy)) < 0 ||
                        json_add_string(o, "note", device_note(d)) < 0 ||
                        json_add_string(o, "phase", round_to_phase(d->round)) < 0 ||
                        json_add_bool(o, "busMaster", d->was_bus_master) < 0 ||
                        json_add_string(o, "outcome", drain_outcome_to_string(d->outcome)) < 0 ||
                        (d->drain_usec > 0 && json_add_u64(o, "drainUSec", d->drain_usec) < 0) ||
                        add_problems(o, d) < 0)
                return NULL;
        return TAKE_PTR(o);
}

json_object *drain_to_json(const Drain *drain) {
        _cleanup_json_ json_object *list = json_object_new_array();

        for (size_t i = 0; list && i < drain->capture->n; i++) {
                json_object *o = device_to_report(&drain->capture->devices[i]);

                if (!o || json_object_array_add(list, o) < 0) {
                        json_object_put(o);
                        return NULL;
                }
        }
        return TAKE_PTR(list);
}

/* A dash is none of Varlink's letters. */
static int add_policy(json_object *o, DevicePolicy policy) {
        char text[16];

        snprintf(text, sizeof(text), "%s", policy_to_string(policy));
        for (char *p = text; (p = strchr(p, '-'));)
                *p = '_';
        return json_add_string(o, "policy", text);
}

/* As in drain_new(): a parent waits for its virtual functions. */
static int describe_round(const char *root, const Inventory *inventory, const Device *device, DevicePolicy policy,
                const DrainOptions *options, bool is_locked) {
        int round = policy_round(inventory, device, policy);

        for (size_t i = 0; device->n_virtual > 0 && round >= 0 && i < inventory->n; i++) {
                const Device *child = &inventory->devices[i];
                PolicyDecision decision;

                if (!child->parent || strcmp(child->parent, device->address) != 0)
                        continue;
                device_decide(root, inventory, child, options, is_locked, &decision);
                if (policy_round(inventory, child, decision.policy) > round)
                        round = policy_round(inventory, child, decision.policy);
        }
        return round;
}

int drain_describe_at(const char *root, const Inventory *inventory, const Device *device, const DrainOptions *options,
                json_object *o) {
        bool is_locked = drain_is_locked(root);
        PolicyDecision decision;
        int round;

        device_decide(root, inventory, device, options, is_locked, &decision);
        round = describe_round(root, inventory, device, decision.policy, options, is_locked);
        if (add_policy(o, decision.policy) < 0 || json_add_string(o, "policyOrigin", decision.origin) < 0 ||
                        json_add_string(o, "phase", round_to_phase(round)) < 0 ||
                        json_add_string(o, "note", decision.note) < 0)
                return -ENOMEM;
        return 0;
}

int drain_describe(const Inventory *inventory, const Device *device, const DrainOptions *options, json_object *o) {
        return drain_describe_at("", inventory, device, options, o);
}
