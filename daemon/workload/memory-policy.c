/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "basic/io.h"
#include "basic/json.h"
#include "workload/memory-policy.h"

/* fs/proc/task_mmu.c:show_numa_map() has the policy written into a buffer of 64 bytes. */
#define POLICY_TEXT_MAX 62U
#define STATUS_BYTES_MAX (64U * 1024)
#define NODES_MAX 1024U /* include/linux/numa.h: MAX_NUMNODES, with the most that NODES_SHIFT can be */

/* include/uapi/linux/mempolicy.h, of which Debian 12 has not all; mm/mempolicy.c:policy_modes */
enum {
        MODE_DEFAULT,
        MODE_PREFERRED,
        MODE_BIND,
        MODE_INTERLEAVE,
        MODE_LOCAL,
        MODE_PREFERRED_MANY,
        MODE_WEIGHTED_INTERLEAVE,
};

#define FLAG_STATIC_NODES (1U << 15)
#define FLAG_RELATIVE_NODES (1U << 14)
#define FLAG_NUMA_BALANCING (1U << 13)

static const struct {
        const char *shown, *name;
} modes[] = {
        [MODE_DEFAULT] = { "default", "MPOL_DEFAULT" },
        [MODE_PREFERRED] = { "prefer", "MPOL_PREFERRED" },
        [MODE_BIND] = { "bind", "MPOL_BIND" },
        [MODE_INTERLEAVE] = { "interleave", "MPOL_INTERLEAVE" },
        [MODE_LOCAL] = { "local", "MPOL_LOCAL" },
        [MODE_PREFERRED_MANY] = { "prefer (many)", "MPOL_PREFERRED_MANY" },
        [MODE_WEIGHTED_INTERLEAVE] = { "weighted interleave", "MPOL_WEIGHTED_INTERLEAVE" },
};

static const struct {
        unsigned flag;
        const char *shown, *name;
} flags[] = {
        { FLAG_STATIC_NODES, "static", "MPOL_F_STATIC_NODES" },
        { FLAG_RELATIVE_NODES, "relative", "MPOL_F_RELATIVE_NODES" },
        { FLAG_NUMA_BALANCING, "balancing", "MPOL_F_NUMA_BALANCING" },
};

static bool take_text(const char **p, const char *end, const char *text) {
        size_t length = strlen(text);

        if ((size_t) (end - *p) < length || memcmp(*p, text, length) != 0)
                return false;
        *p += length;
        return true;
}

static bool is_delimiter(const char *p, const char *end, const char *delimiters) {
        return p == end || (*p && strchr(delimiters, *p));
}

/* The longest that fits, since "prefer" begins two of them. */
static bool take_mode(const char **p, const char *end, int *ret) {
        for (int mode = ELEMENTSOF(modes) - 1; mode >= 0; mode--) {
                const char *after = *p;

                if (take_text(&after, end, modes[mode].shown) && is_delimiter(after, end, "=: \n")) {
                        *p = after;
                        *ret = mode;
                        return true;
                }
        }
        return false;
}

static bool take_flags(const char **p, const char *end, unsigned *ret) {
        unsigned all = 0;

        for (const char *before = "="; take_text(p, end, before); before = "|") {
                unsigned flag = 0;

                for (size_t i = 0; i < ELEMENTSOF(flags) && !flag; i++)
                        if (take_text(p, end, flags[i].shown))
                                flag = flags[i].flag;
                if (!flag || all & flag)
                        return false;
                all |= flag;
        }
        *ret = all;
        return true;
}

static bool is_plausible(const MemoryPolicy *policy) {
        bool may_have_nodes = policy->mode != MODE_DEFAULT && policy->mode != MODE_LOCAL;
        unsigned both = FLAG_STATIC_NODES | FLAG_RELATIVE_NODES;

        return may_have_nodes != index_set_is_empty(&policy->nodes) && (policy->flags & both) != both;
}

int memory_policy_parse(const char *line, size_t size, MemoryPolicy *ret) {
        const char *end = memchr(line, '\n', size), *p = memchr(line, ' ', size), *begin;
        MemoryPolicy policy = {};

        if (!p || !end || p > end)
                return -EBADMSG;
        begin = ++p;
        if (!take_mode(&p, end, &policy.mode) || !take_flags(&p, end, &policy.flags) ||
                        !is_delimiter(p, end, ": "))
                return -EBADMSG;
        if (p < end && *p == ':') {
                const char *nodes = ++p;

                while (p < end && *p != ' ')
                        p++;
                if (p - begin > (ptrdiff_t) POLICY_TEXT_MAX)
                        return -ENODATA;
                if (index_set_parse(nodes, (size_t) (p - nodes), &policy.nodes) < 0)
                        return -EBADMSG;
        }
        if (!is_plausible(&policy))
                return -EBADMSG;
        *ret = policy;
        return 0;
}

/* What is shown are the nodes in effect, where MPOL_F_RELATIVE_NODES is set by their rank among those allowed
 * (mm/mempolicy.c:mpol_relative_nodemask()). */
static int make_relative(int process_fd, MemoryPolicy *policy) {
        _cleanup_free_ char *status = NULL;
        IndexSet allowed = {}, ranks = {};
        const char *line;
        size_t rank = 0;
        int r;

        r = read_file_at(process_fd, "status", STATUS_BYTES_MAX, &status, NULL);
        if (r < 0)
                return r;
        line = strstr(status, "\nMems_allowed_list:\t");
        if (!line)
                return 0;
        line += strlen("\nMems_allowed_list:\t");
        r = index_set_parse(line, strcspn(line, "\n"), &allowed);
        if (r < 0)
                return r;
        for (size_t node = 0; node < INDEX_SET_MAX; node++) {
                if (index_set_has(&policy->nodes, node))
                        index_set_add(&ranks, rank);
                rank += index_set_has(&allowed, node);
        }
        policy->nodes = ranks;
        return 0;
}

/* The first line is of what is mapped lowest, the program, which has no policy of its own: the process's is shown. Only
 * as much is read, since the kernel walks through all of the guest's memory to fill the lines behind it. */
int memory_policy_read(int process_fd, MemoryPolicy *ret) {
        _cleanup_fd_ int fd = openat(process_fd, "numa_maps", O_RDONLY | O_CLOEXEC);
        MemoryPolicy policy = {};
        char line[128];
        ssize_t n;
        int r;

        if (fd < 0 && errno != ENOENT)
                return -errno;
        n = fd < 0 ? 0 : read(fd, line, sizeof(line) - 1);
        if (n < 0)
                return -errno;
        if (n > 0) {
                if (!memchr(line, '\n', (size_t) n)) /* a long path */
                        line[n++] = '\n';
                r = memory_policy_parse(line, (size_t) n, &policy);
                if (r < 0)
                        return r;
        }
        if (policy.flags & FLAG_RELATIVE_NODES) {
                r = make_relative(process_fd, &policy);
                if (r < 0)
                        return r;
        }
        *ret = policy;
        return 0;
}

static int flags_to_json(unsigned set, json_object *o) {
        json_object *list = json_object_new_array();
        int r = json_add(o, "flags", list);

        for (size_t i = 0; i < ELEMENTSOF(flags) && r >= 0; i++)
                if (set & flags[i].flag)
                        r = json_append_text(list, "%s", flags[i].name);
        return r;
}

int memory_policy_to_json(const MemoryPolicy *policy, json_object **ret) {
        _cleanup_json_ json_object *o = json_object_new_object();
        _cleanup_free_ char *nodes = index_set_to_string(&policy->nodes);

        if (!o || !nodes || json_add_string(o, "mode", modes[policy->mode].name) < 0 ||
                        flags_to_json(policy->flags, o) < 0 || json_add_string(o, "nodes", nodes) < 0)
                return -ENOMEM;
        *ret = TAKE_PTR(o);
        return 0;
}

static int flags_from_json(json_object *list, unsigned *ret) {
        size_t n = json_object_array_length(list);
        unsigned all = 0;

        if (n > ELEMENTSOF(flags))
                return -EBADMSG;
        for (size_t i = 0; i < n; i++) {
                json_object *item = json_object_array_get_idx(list, i);
                unsigned flag = 0;

                if (!json_object_is_type(item, json_type_string))
                        return -EBADMSG;
                for (size_t k = 0; k < ELEMENTSOF(flags); k++)
                        if (strcmp(json_object_get_string(item), flags[k].name) == 0)
                                flag = flags[k].flag;
                if (!flag)
                        return -EBADMSG;
                all |= flag;
        }
        *ret = all;
        return 0;
}

int memory_policy_from_json(json_object *o, MemoryPolicy *ret) {
        MemoryPolicy policy = { .mode = -1 };
        const char *mode, *nodes;
        json_object *list;

        if (json_get_string(o, "mode", &mode) < 0 || json_get_array(o, "flags", &list) < 0 ||
                        json_get_string(o, "nodes", &nodes) < 0)
                return -EBADMSG;
        for (size_t i = 0; i < ELEMENTSOF(modes); i++)
                if (strcmp(mode, modes[i].name) == 0)
                        policy.mode = (int) i;
        if (policy.mode < 0 || flags_from_json(list, &policy.flags) < 0 ||
                        index_set_parse(nodes, strlen(nodes), &policy.nodes) < 0 || !is_plausible(&policy))
                return -EBADMSG;
        *ret = policy;
        return 0;
}

int memory_policy_set(const MemoryPolicy *policy, IndexSet *ret_gone) {
        IndexSet nodes = policy->nodes, present = {};
        int r;

        *ret_gone = (IndexSet) {};
        /* Relative ones are ranks, of which the kernel makes what it has. */
        if (!(policy->flags & FLAG_RELATIVE_NODES) && !index_set_is_empty(&nodes)) {
                r = index_set_read("/sys/devices/system/node/has_memory", &present);
                if (r < 0)
                        return r;
                index_set_intersect(&nodes, &present);
                for (size_t i = 0; i < INDEX_SET_MAX; i++)
                        if (index_set_has(&policy->nodes, i) && !index_set_has(&nodes, i))
                                index_set_add(ret_gone, i);
                if (index_set_is_empty(&nodes))
                        return -ENXIO;
        }
        /* One bit less than it is told is looked at: mm/mempolicy.c:get_nodes(). */
        if (syscall(SYS_set_mempolicy, policy->mode | (int) policy->flags,
                            index_set_is_empty(&nodes) ? NULL : nodes.words, NODES_MAX + 1UL) < 0)
                return -errno;
        return 0;
}
