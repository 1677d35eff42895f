/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "basic/cleanup.h"
#include "sandbox/confine.h"

#define MEMORY_BYTES_MAX (256ULL << 20)

/* AddressSanitizer reserves terabytes of address space, which RLIMIT_AS counts, and has a system call of its own. */
#ifdef __SANITIZE_ADDRESS__
#define HAVE_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAVE_ASAN 1
#endif
#endif
#ifndef HAVE_ASAN
#define HAVE_ASAN 0
#endif

static int confine_fds(int input_fd, int output_fd) {
        int in, out;

        /* Out of the way first: either may sit where the other has to go. */
        in = fcntl(input_fd, F_DUPFD, 2);
        out = fcntl(output_fd, F_DUPFD, 2);
        if (in < 0 || out < 0)
                return -errno;
        if (dup2(in, CONFINED_INPUT_FD) < 0 || dup2(out, CONFINED_OUTPUT_FD) < 0)
                return -errno;
        return close_range(2, ~0U, 0) < 0 ? -errno : 0;
}

/* The daemon's handlers and its mask (it takes signals from a signalfd) mean nothing here. */
static int confine_signals(pid_t parent) {
        sigset_t none;

        for (int i = 1; i < _NSIG; i++)
                (void) signal(i, SIG_DFL);
        sigemptyset(&none);
        if (sigprocmask(SIG_SETMASK, &none, NULL) < 0)
                return -errno;
        if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
                return -errno;
        return getppid() == parent ? 0 : -ESRCH;
}

static int confine_privileges(void) {
        struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
        struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {};

        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
                return -errno;

        /* Needs CAP_SETPCAP. Without it the bounding set stays, and means nothing for who cannot exec. */
        for (unsigned long cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
                if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0 && errno != EPERM)
                        return -errno;
        if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
                return -errno;
        return syscall(SYS_capset, &header, none) < 0 ? -errno : 0;
}

static int confine_resources(uint64_t cpu_sec) {
        const struct {
                __rlimit_resource_t resource;
                rlim_t value;
        } limits[] = {
                { RLIMIT_CORE,   0       },
                { RLIMIT_NOFILE, 0       },
                { RLIMIT_NPROC,  0       },
                { RLIMIT_FSIZE,  0       }, /* pipes do not count */
                { RLIMIT_CPU,    cpu_sec },
                { RLIMIT_AS,     HAVE_ASAN ? RLIM_INFINITY : MEMORY_BYTES_MAX },
        };

        for (size_t i = 0; i < ELEMENTSOF(limits); i++) {
                struct rlimit limit = { limits[i].value, limits[i].value };
                struct rlimit have;

                if (getrlimit(limits[i].resource, &have) < 0)
                        return -errno;
                if (limit.rlim_cur >= have.rlim_max)
                        limit = (struct rlimit) { have.rlim_max, have.rlim_max };
                if (setrlimit(limits[i].resource, &limit) < 0)
                        return -errno;
        }
        return 0;
}

static int filter_fill(scmp_filter_ctx filter) {
        const struct {
                int syscall;
                unsigned n;
                struct scmp_arg_cmp arg;
        } allowed[] = {
                { SCMP_SYS(read),       1, SCMP_A0(SCMP_CMP_EQ, CONFINED_INPUT_FD) },
                { SCMP_SYS(pread64),    1, SCMP_A0(SCMP_CMP_EQ, CONFINED_INPUT_FD) },
                { SCMP_SYS(lseek),      1, SCMP_A0(SCMP_CMP_EQ, CONFINED_INPUT_FD) },
                { SCMP_SYS(fstat),      1, SCMP_A0(SCMP_CMP_EQ, CONFINED_INPUT_FD) },
                { SCMP_SYS(write),      1, SCMP_A0(SCMP_CMP_EQ, CONFINED_OUTPUT_FD) },
                { SCMP_SYS(mmap),       1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0) },
                { SCMP_SYS(mprotect),   1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0) },
                { SCMP_SYS(munmap),     0, {} },
                { SCMP_SYS(mremap),     0, {} },
                { SCMP_SYS(madvise),    0, {} },
                { SCMP_SYS(brk),        0, {} },
                { SCMP_SYS(exit),       0, {} },
                { SCMP_SYS(exit_group), 0, {} },
#if HAVE_ASAN
                { SCMP_SYS(sigaltstack), 0, {} }, /* __asan_handle_no_return(), before _exit() */
#endif
        };

        for (size_t i = 0; i < ELEMENTSOF(allowed); i++) {
                int r = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, allowed[i].syscall, allowed[i].n,
                                &allowed[i].arg);

                if (r < 0)
                        return r;
        }
        return seccomp_load(filter);
}

static int confine_syscalls(void) {
        scmp_filter_ctx filter;
        int r;

        filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
        if (!filter)
                return -ENOMEM;
        r = filter_fill(filter);
        seccomp_release(filter);
        return r;
}

int confine(int input_fd, int output_fd, pid_t parent, uint64_t cpu_sec) {
        int r;

        r = confine_fds(input_fd, output_fd);
        if (r < 0)
                return r;
        r = confine_signals(parent);
        if (r < 0)
                return r;
        r = confine_privileges();
        if (r < 0)
                return r;
        r = confine_resources(cpu_sec);
        if (r < 0)
                return r;
        return confine_syscalls();
}
