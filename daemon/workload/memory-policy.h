/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The NUMA policy of a process. Only the process itself can set it; who becomes another program takes it along. */

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>

#include "basic/index-set.h"

typedef struct MemoryPolicy {
        int mode;       /* MPOL_DEFAULT: there is none */
        unsigned flags; /* MPOL_F_* */
        IndexSet nodes;
} MemoryPolicy;

/* The policy in one line of /proc/PID/numa_maps: 0, -EBADMSG, or -ENODATA where the kernel has cut it off. */
int memory_policy_parse(const char *line, size_t size, MemoryPolicy *ret);
/* Of the process whose directory in /proc that is. Without NUMA every kernel has the default. -ENODATA, -EBADMSG as
 * above; -errno. */
int memory_policy_read(int process_fd, MemoryPolicy *ret);

/* {"mode", "flags", "nodes"}, as Register of io.liveupdate.Workload answers it. */
int memory_policy_to_json(const MemoryPolicy *policy, json_object **ret);
int memory_policy_from_json(json_object *o, MemoryPolicy *ret); /* -EBADMSG */

/* On the calling thread, with those of its nodes that have memory. Negative errno; -ENXIO: none of them has. *ret_gone
 * has the others. */
int memory_policy_set(const MemoryPolicy *policy, IndexSet *ret_gone);
