/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* NUMA policies: what the kernel shows of them, and what a process can give itself. */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "basic/cleanup.h"
#include "basic/json.h"
#include "unit.h"
#include "workload/memory-policy.h"

static const struct {
        const char *line, *json;
} lines[] = {
        { "55d0c0a00000 default file=/usr/bin/qemu\n", "MPOL_DEFAULT  []" },
        { "400000 default\n", "MPOL_DEFAULT  []" },
        { "00400000 bind:0-1 file=/x mapped=2\n", "MPOL_BIND 0-1 []" },
        { "00400000 prefer:3\n", "MPOL_PREFERRED 3 []" },
        { "00400000 prefer (many):0,2 file=/x\n", "MPOL_PREFERRED_MANY 0,2 []" },
        { "00400000 interleave:0-3\n", "MPOL_INTERLEAVE 0-3 []" },
        { "00400000 weighted interleave:1 heap\n", "MPOL_WEIGHTED_INTERLEAVE 1 []" },
        { "00400000 local stack\n", "MPOL_LOCAL  []" },
        { "00400000 bind=static:1\n", "MPOL_BIND 1 [\"MPOL_F_STATIC_NODES\"]" },
        { "00400000 interleave=relative:0 x\n", "MPOL_INTERLEAVE 0 [\"MPOL_F_RELATIVE_NODES\"]" },
        { "00400000 bind=static|balancing:0\n", "MPOL_BIND 0 [\"MPOL_F_STATIC_NODES\",\"MPOL_F_NUMA_BALANCING\"]" },
        { "00400000 prefer (many)=balancing:0\n", "MPOL_PREFERRED_MANY 0 [\"MPOL_F_NUMA_BALANCING\"]" },
};

START_TEST(what_the_kernel_shows_is_read) {
        for (size_t i = 0; i < ELEMENTSOF(lines); i++) {
                _cleanup_json_ json_object *o = NULL;
                const char *mode, *nodes;
                json_object *flags;
                char text[256];
                MemoryPolicy policy, again;

                ck_assert_msg(memory_policy_parse(lines[i].line, strlen(lines[i].line), &policy) == 0, "%s",
                                lines[i].line);
                ck_assert_int_eq(memory_policy_to_json(&policy, &o), 0);
                ck_assert_int_eq(json_get_string(o, "mode", &mode), 0);
                ck_assert_int_eq(json_get_string(o, "nodes", &nodes), 0);
                ck_assert_int_eq(json_get_array(o, "flags", &flags), 0);
                snprintf(text, sizeof(text), "%s %s %s", mode, nodes,
                                json_object_to_json_string_ext(flags, JSON_C_TO_STRING_PLAIN));
                ck_assert_str_eq(text, lines[i].json);

                ck_assert_int_eq(memory_policy_from_json(o, &again), 0);
                ck_assert_mem_eq(&again, &policy, sizeof(policy));
        }
}
END_TEST

START_TEST(what_it_cannot_show_is_not_taken) {
        static const char *const bad[] = { "", "\n", "400000\n", "400000 \n", "400000 default", "400000 unknown\n",
                "400000 defaults\n", "400000 bind\n", "400000 bind:\n", "400000 bind: file=/x\n", "400000 local:0\n",
                "400000 default:0\n", "400000 bind:0x1\n", "400000 bind=:0\n", "400000 bind=odd:0\n",
                "400000 bind=static|static:0\n", "400000 bind=static|relative:0\n", "400000 bind=static|:0\n",
                "400000 bind:8192\n", "400000\ndefault\n" };
        char cut[256] = "400000 bind:0";
        MemoryPolicy policy;

        for (size_t i = 0; i < ELEMENTSOF(bad); i++)
                ck_assert_msg(memory_policy_parse(bad[i], strlen(bad[i]), &policy) == -EBADMSG, "'%s'", bad[i]);

        /* The kernel's buffer is full: there may have been more. */
        for (unsigned node = 2; node < 44; node += 2)
                snprintf(cut + strlen(cut), sizeof(cut) - strlen(cut), ",%u", node);
        cut[strlen("400000 ") + 63] = 0;
        strcat(cut, " file=/x\n");
        ck_assert_int_eq(memory_policy_parse(cut, strlen(cut), &policy), -ENODATA);
}
END_TEST

static int own_policy(MemoryPolicy *ret) {
        _cleanup_fd_ int fd = open("/proc/self", O_PATH | O_DIRECTORY | O_CLOEXEC);

        return fd < 0 ? -errno : memory_policy_read(fd, ret);
}

/* In a process of its own, which is as its answer. */
static int in_child(int (*func)(void)) {
        pid_t pid = fork();
        int status;

        ck_assert_int_ge(pid, 0);
        if (pid == 0)
                _exit(func());
        ck_assert_int_eq(waitpid(pid, &status, 0), pid);
        ck_assert(WIFEXITED(status));
        return WEXITSTATUS(status);
}

static int set_and_read(const char *text, int expected, const char *expected_gone) {
        _cleanup_json_ json_object *o = json_tokener_parse(text);
        _cleanup_free_ char *lost = NULL;
        MemoryPolicy wanted, is;
        IndexSet gone;
        int r;

        if (memory_policy_from_json(o, &wanted) < 0)
                return 1;
        r = memory_policy_set(&wanted, &gone);
        if (r != expected)
                return 2;
        lost = index_set_to_string(&gone);
        if (!lost || strcmp(lost, expected_gone) != 0)
                return 3;
        if (own_policy(&is) < 0)
                return 4;
        if (r < 0)
                return is.mode == 0 ? 0 : 5;
        return is.mode != wanted.mode || is.flags != wanted.flags ? 6 :
                        index_set_includes(&wanted.nodes, &is.nodes) ? 0 : 7;
}

static int bind_to_node_0(void) {
        return set_and_read("{\"mode\":\"MPOL_BIND\",\"flags\":[],\"nodes\":\"0\"}",
                        0, "");
}

static int interleave_relative(void) {
        return set_and_read("{\"mode\":\"MPOL_INTERLEAVE\",\"flags\":[\"MPOL_F_RELATIVE_NODES\"],\"nodes\":\"0\"}",
                        0, "");
}

static int local(void) {
        return set_and_read("{\"mode\":\"MPOL_LOCAL\",\"flags\":[],\"nodes\":\"\"}", 0, "");
}

static int with_a_node_that_is_gone(void) {
        return set_and_read("{\"mode\":\"MPOL_BIND\",\"flags\":[\"MPOL_F_STATIC_NODES\"],\"nodes\":\"0,1000\"}",
                        0, "1000");
}

static int with_no_node_left(void) {
        return set_and_read("{\"mode\":\"MPOL_PREFERRED\",\"flags\":[],\"nodes\":\"1000-1001\"}", -ENXIO, "1000-1001");
}

START_TEST(a_process_gives_itself_one) {
        if (access("/proc/self/numa_maps", R_OK) < 0)
                return; /* a kernel without NUMA */
        ck_assert_int_eq(in_child(bind_to_node_0), 0);
        ck_assert_int_eq(in_child(interleave_relative), 0);
        ck_assert_int_eq(in_child(local), 0);
        ck_assert_int_eq(in_child(with_a_node_that_is_gone), 0);
        ck_assert_int_eq(in_child(with_no_node_left), 0);
}
END_TEST

UNIT_MAIN("memory-policy", what_the_kernel_shows_is_read, what_it_cannot_show_is_not_taken, a_process_gives_itself_one)
