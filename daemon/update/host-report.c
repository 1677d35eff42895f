/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What came of the host's state: for the report and the journal. */

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "basic/json.h"
#include "update/host-internal.h"
#include "update/story.h"

/* Threads count references to theirs. */
static int add_copy(json_object *o, const char *key, json_object *value) {
        json_object *copy = NULL;

        return json_object_deep_copy(value, &copy, NULL) < 0 ? -ENOMEM : json_add(o, key, copy);
}

static json_object *part_to_json(const HostState *state, HostPart part) {
        const HostResult *result = &state->results[part];
        _cleanup_json_ json_object *o = json_object_new_object();

        if (!o || json_add_string(o, "name", host_part_to_string(part)) < 0 ||
                        json_add_u64(o, "changes", result->n_changes) < 0 ||
                        json_add_u64(o, "usec", result->usec) < 0 ||
                        (json_object_array_length(result->problems) > 0 &&
                                        add_copy(o, "problems", result->problems) < 0))
                return NULL;
        return TAKE_PTR(o);
}

static json_object *parts_to_json(const HostState *state) {
        _cleanup_json_ json_object *list = json_object_new_array();

        for (HostPart part = 0; list && part < _HOST_PART_MAX; part++) {
                json_object *o;

                if (!state->results[part].is_tried && json_object_array_length(state->results[part].problems) == 0)
                        continue;
                o = part_to_json(state, part);
                if (!o || json_object_array_add(list, o) < 0) {
                        json_object_put(o);
                        return NULL;
                }
        }
        return TAKE_PTR(list);
}

json_object *host_state_report(const HostState *state, const char *outcome) {
        _cleanup_json_ json_object *o = json_object_new_object();
        json_object *omitted;

        if (!o || json_add_string(o, "outcome", outcome) < 0 || json_add(o, "parts", parts_to_json(state)) < 0 ||
                        (state->results[HOST_CLOCK].is_tried &&
                                        json_add(o, "clockStepNSec",
                                                        json_object_new_int64(state->clock_step_nsec)) < 0) ||
                        (json_get_array(state->wanted, "omitted", &omitted) >= 0 &&
                                        json_object_array_length(omitted) > 0 &&
                                        add_copy(o, "omitted", omitted) < 0))
                return NULL;
        return TAKE_PTR(o);
}

bool host_state_has_problems(const HostState *state) {
        for (HostPart part = 0; part < _HOST_PART_MAX; part++)
                if (json_object_array_length(state->results[part].problems) > 0)
                        return true;
        return false;
}

void host_state_tell(const HostState *state, const char *id) {
        for (HostPart part = 0; part < _HOST_PART_MAX; part++) {
                json_object *problems = state->results[part].problems;

                for (size_t i = 0; i < json_object_array_length(problems); i++)
                        story_host_problem(id, host_part_to_string(part),
                                        json_object_get_string(json_object_array_get_idx(problems, i)));
        }
        if (!host_state_has_problems(state))
                story_host_restored(id);
}
