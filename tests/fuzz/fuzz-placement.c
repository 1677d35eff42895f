/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The first byte chooses: a placement in a description, what QEMU says of its threads, a line of the kernel's. */

#include <assert.h>
#include <string.h>

#include "basic/json.h"
#include "workload/placement.h"

/* What was read can be written, and read again as the same. */
static void read_placement(json_object *o) {
        _cleanup_(placement_freep) Placement *placement = NULL, *again = NULL;
        _cleanup_json_ json_object *first = NULL, *second = NULL;

        if (placement_from_json(o, &placement) < 0)
                return;
        assert(placement->n_groups <= PLACED_GROUPS_MAX && placement->n_iothreads <= PLACED_IOTHREADS_MAX);
        assert(placement_to_json(placement, &first) == 0);
        assert(placement_from_json(first, &again) == 0);
        assert(placement_to_json(again, &second) == 0);
        assert(strcmp(json_object_to_json_string(first), json_object_to_json_string(second)) == 0);
}

static void read_threads(json_object *o) {
        _cleanup_(qemu_threads_done) QemuThreads threads = {};
        _cleanup_(placement_freep) Placement *placement = NULL;
        json_object *vcpus = NULL, *iothreads = NULL;

        (void) json_get_array(o, "vcpus", &vcpus);
        (void) json_get_array(o, "iothreads", &iothreads);
        (void) qemu_threads_add_vcpus(&threads, vcpus);
        (void) qemu_threads_add_iothreads(&threads, iothreads);
        qemu_threads_sort(&threads);
        assert(placement_new(&placement) == 0);
        for (size_t i = 0; i < threads.n; i++) {
                assert(qemu_threads_find(&threads, threads.threads[i].tid));
                assert(!placement_find(placement, &threads.threads[i]));
        }
}

static void read_line(const char *line, size_t size) {
        _cleanup_json_ json_object *o = NULL;
        MemoryPolicy policy, again;

        if (memory_policy_parse(line, size, &policy) < 0)
                return;
        assert(memory_policy_to_json(&policy, &o) == 0);
        assert(memory_policy_from_json(o, &again) == 0);
        assert(memcmp(&policy, &again, sizeof(policy)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        const char *text = (const char *) data + 1;
        _cleanup_json_ json_object *o = NULL;

        if (size < 1)
                return 0;
        if (data[0] == 'n')
                read_line(text, size - 1);
        else if (json_parse_object(text, size - 1, &o) >= 0)
                (data[0] == 'q' ? read_threads : read_placement)(o);
        return 0;
}
