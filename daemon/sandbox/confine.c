/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "basic/cleanup.h"
#include "sandbox/confine.h"
#include "sandbox/filter.h"

#define CHILD_MEMORY_BYTES_MAX (256ULL << 20)

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

static int confine_resources(const ConfineLimits *wanted) {
        const struct {
                __rlimit_resource_t resource;
                rlim_t value;
        } limits[] = {
                { RLIMIT_CORE,   0                                                 },
                { RLIMIT_NOFILE, 0                                                 },
                { RLIMIT_NPROC,  0                                                 },
                { RLIMIT_FSIZE,  wanted->output_bytes                             }, /* pipes do not count */
                { RLIMIT_CPU,    wanted->cpu_sec                                   },
                { RLIMIT_AS,     HAVE_ASAN ? RLIM_INFINITY : wanted->memory_bytes },
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

int confine(int input_fd, int output_fd, pid_t parent, uint64_t cpu_sec) {
        const ConfineLimits limits = { .memory_bytes = CHILD_MEMORY_BYTES_MAX, .cpu_sec = cpu_sec };
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
        r = confine_resources(&limits);
        return r < 0 ? r : filter_load_child();
}

int confine_program(pid_t parent, const ConfineLimits *limits) {
        int r;

        r = confine_signals(parent);
        if (r < 0)
                return r;
        r = confine_privileges();
        if (r < 0)
                return r;
        r = confine_resources(limits);
        return r < 0 ? r : filter_load_program(limits->output_fd);
}
