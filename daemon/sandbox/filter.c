/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <seccomp.h>
#include <stddef.h>
#include <sys/mman.h>
#include <unistd.h>

#include "basic/cleanup.h"
#include "sandbox/confine.h"
#include "sandbox/filter.h"

typedef struct Rule {
        int syscall;
        unsigned n;
        struct scmp_arg_cmp arg;
} Rule;

static const Rule common_rules[] = {
        { SCMP_SYS(write),       1, SCMP_A0(SCMP_CMP_EQ, CONFINED_OUTPUT_FD)  },
        { SCMP_SYS(mmap),        1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0) },
        { SCMP_SYS(mprotect),    1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0) },
        { SCMP_SYS(munmap),      0, {}                                        },
        { SCMP_SYS(mremap),      0, {}                                        },
        { SCMP_SYS(madvise),     0, {}                                        },
        { SCMP_SYS(brk),         0, {}                                        },
        { SCMP_SYS(exit),        0, {}                                        },
        { SCMP_SYS(exit_group),  0, {}                                        },
#if HAVE_ASAN
        { SCMP_SYS(sigaltstack), 0, {} }, /* __asan_handle_no_return(), before _exit() */
#endif
};

static const Rule child_rules[] = {
        { SCMP_SYS(read),    1, SCMP_A0(SCMP_CMP_EQ, CONFINED_INPUT_FD) },
        { SCMP_SYS(pread64), 1, SCMP_A0(SCMP_CMP_EQ, CONFINED_INPUT_FD) },
        { SCMP_SYS(lseek),   1, SCMP_A0(SCMP_CMP_EQ, CONFINED_INPUT_FD) },
        { SCMP_SYS(fstat),   1, SCMP_A0(SCMP_CMP_EQ, CONFINED_INPUT_FD) },
};

static const Rule program_rules[] = {
        { SCMP_SYS(read),          0, {} },
        { SCMP_SYS(pread64),       0, {} },
        { SCMP_SYS(lseek),         0, {} },
        { SCMP_SYS(fstat),         0, {} },
        { SCMP_SYS(futex),         0, {} }, /* pthread_once() wakes whether somebody waits or not */
        { SCMP_SYS(getrandom),     0, {} },
        { SCMP_SYS(clock_gettime), 0, {} }, /* of CPU time; the rest only where the vDSO has no clock */
#if HAVE_ASAN
        { SCMP_SYS(write),         1, SCMP_A0(SCMP_CMP_EQ, STDERR_FILENO) },
#endif
};

static int rules_add(scmp_filter_ctx filter, const Rule *rules, size_t n) {
        for (size_t i = 0; i < n; i++) {
                int r = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, rules[i].syscall, rules[i].n, &rules[i].arg);

                if (r < 0)
                        return r;
        }
        return 0;
}

static int filter_load(const Rule *rules, size_t n) {
        scmp_filter_ctx filter;
        int r;

        filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
        if (!filter)
                return -ENOMEM;
        r = rules_add(filter, common_rules, ELEMENTSOF(common_rules));
        if (r >= 0)
                r = rules_add(filter, rules, n);
        if (r >= 0)
                r = seccomp_load(filter);
        seccomp_release(filter);
        return r;
}

int filter_load_child(void) {
        return filter_load(child_rules, ELEMENTSOF(child_rules));
}

int filter_load_program(int output_fd) {
        Rule rules[ELEMENTSOF(program_rules) + 1];
        size_t n = ELEMENTSOF(program_rules);

        for (size_t i = 0; i < n; i++)
                rules[i] = program_rules[i];
        if (output_fd > 0)
                rules[n++] = (Rule) { SCMP_SYS(write), 1, SCMP_A0(SCMP_CMP_EQ, (unsigned) output_fd) };
        return filter_load(rules, n);
}
