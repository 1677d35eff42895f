/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a program that has confined itself can still do. */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "basic/cleanup.h"
#include "basic/io.h"
#include "sandbox/confine.h"
#include "sandbox/filter.h"
#include "unit.h"

/* Out of the way of what the test itself has open. */
enum { IN = 20, OUT = 21, OTHER = 22 };

static const ConfineLimits limits = {
        .memory_bytes = 64 << 20,
        .cpu_sec = 10,
        .output_fd = OUT,
        .output_bytes = 10,
};

static void place(int number, const char *text) {
        int fd = -EBADF;

        ck_assert_int_eq(memfd_new_with("file", text, strlen(text), &fd), 0);
        if (fd == number)
                return;
        ck_assert_int_eq(dup2(fd, number), number);
        close(fd);
}

/* Its wait status. */
static int run(int (*func)(int), int argument) {
        pid_t parent = getpid(), pid;
        int status = -1;

        place(IN, "0123456789");
        place(OUT, "");
        place(OTHER, "");
        pid = fork();
        ck_assert_int_ge(pid, 0);
        if (pid == 0) {
                if (confine_program(parent, &limits) < 0)
                        _exit(100);
                _exit(func(argument));
        }
        ck_assert_int_eq(waitpid(pid, &status, 0), pid);
        return status;
}

static int work(int argument) {
        char *volatile memory = malloc(1 << 20);
        struct timespec now;
        char data[10];

        if (!memory || read(IN, data, 3) != 3 || lseek(IN, 0, SEEK_CUR) != 3 || pread(IN, data, 10, 0) != 10)
                return 1;
        memset(memory, 1, 1 << 20);
        free(memory);
        if (getrandom(data + 5, 1, 0) != 1 || clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now) < 0)
                return 2;
        return write(OUT, data, 5) == 5 ? argument : 3;
}

START_TEST(lets_it_work) {
        char data[6] = "";

        ck_assert_int_eq(run(work, 42), 42 << 8);
        ck_assert_int_eq(pread(OUT, data, sizeof(data), 0), 5);
        ck_assert_str_eq(data, "01234");
}
END_TEST

enum {
        OPEN, OPEN_BY_FD, STAT, STAT_BY_FD, SOCKET, FORK, CLONE, EXEC, KILL, PTRACE, WRITE_INPUT, WRITE_OTHER, PWRITE,
        SENDFILE, TRUNCATE, MAP_CODE, PROTECT_CODE, MEMFD, DUP, FCNTL, CLOSE, PRCTL, SECCOMP, IOCTL, SLEEP, LIMIT,
        SETUID, KEYCTL, BPF, MOUNT, REBOOT, _CRIME_MAX,
};

static int commit_crime(int crime) {
        char byte = 0;

        switch (crime) {
        case OPEN: return open("/", O_RDONLY | O_CLOEXEC);
        case OPEN_BY_FD: return openat(IN, "x", O_RDONLY | O_CLOEXEC);
        case STAT: return access("/", F_OK);
        case STAT_BY_FD: return (int) syscall(SYS_newfstatat, IN, "", NULL, AT_EMPTY_PATH);
        case SOCKET: return socket(AF_UNIX, SOCK_STREAM, 0);
        case FORK: return (int) syscall(SYS_fork);
        case CLONE: return (int) syscall(SYS_clone3, NULL, 0);
        case EXEC: return (int) syscall(SYS_execve, "/bin/true", NULL, NULL);
        case KILL: return (int) syscall(SYS_kill, 1, 0);
        case PTRACE: return (int) syscall(SYS_ptrace, PTRACE_TRACEME, 0, 0, 0);
        case WRITE_INPUT: return (int) syscall(SYS_write, IN, &byte, 1);
        case WRITE_OTHER: return (int) syscall(SYS_write, OTHER, &byte, 1);
        case PWRITE: return (int) syscall(SYS_pwrite64, OUT, &byte, 1, 0);
        case SENDFILE: return (int) sendfile(OUT, IN, NULL, 1);
        case TRUNCATE: return ftruncate(OUT, 0);
        case MAP_CODE: return !mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        case PROTECT_CODE: return mprotect((void *) ((uintptr_t) &byte & ~4095UL), 4096, PROT_READ | PROT_EXEC);
        case MEMFD: return memfd_create("x", MFD_CLOEXEC);
        case DUP: return dup(IN);
        case FCNTL: return fcntl(IN, F_SETFL, 0);
        case CLOSE: return close(OTHER);
        case PRCTL: return prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
        case SECCOMP: return (int) syscall(SYS_seccomp, 1, 0, NULL);
        case IOCTL: return (int) syscall(SYS_ioctl, IN, 0, NULL);
        case SLEEP: return (int) syscall(SYS_nanosleep, NULL, NULL);
        case LIMIT: return setrlimit(RLIMIT_FSIZE, &(struct rlimit) { 0, 0 });
        case SETUID: return (int) syscall(SYS_setuid, 0);
        case KEYCTL: return (int) syscall(SYS_keyctl, 0, 0, 0, 0, 0);
        case BPF: return (int) syscall(SYS_bpf, 0, NULL, 0);
        case MOUNT: return (int) syscall(SYS_fsopen, "proc", 0);
        case REBOOT: return (int) syscall(SYS_reboot, 0, 0, 0, NULL);
        }
        return 0;
}

START_TEST(kills_it_for_anything_else) {
        for (int crime = OPEN; crime < _CRIME_MAX; crime++) {
                int status = run(commit_crime, crime);

                ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS, "crime %i: status %i", crime, status);
        }
}
END_TEST

static int write_much(int argument) {
        for (;;)
                if (write(OUT, "0123", 4) <= 0)
                        return argument;
}

START_TEST(limits_its_output) {
        int status = run(write_much, 1);

        ck_assert(WIFSIGNALED(status));
        ck_assert_int_eq(WTERMSIG(status), SIGXFSZ);
        ck_assert_int_eq(lseek(OUT, 0, SEEK_END), limits.output_bytes);
}
END_TEST

static int map_much(int argument) {
        void *memory = mmap(NULL, limits.memory_bytes, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        return memory == MAP_FAILED ? argument : 0;
}

START_TEST(limits_its_memory) {
        ck_assert_int_eq(run(map_much, 42), HAVE_ASAN ? 0 : 42 << 8);
}
END_TEST

static int spin(int argument) {
        for (volatile int *p = &argument; *p >= 0;)
                *p = 0;
        return 0;
}

/* Its end is seen by that of the pipe. */
START_TEST(does_not_outlive_its_parent) {
        int pipe_fds[2], status;
        char byte;
        pid_t pid;

        ck_assert_int_eq(pipe2(pipe_fds, O_CLOEXEC), 0);
        pid = fork();
        if (pid == 0) {
                pid_t parent = getpid();

                close(pipe_fds[0]);
                if (fork() == 0) {
                        if (confine_program(parent, &limits) < 0)
                                _exit(1);
                        _exit(spin(0));
                }
                _exit(0);
        }
        ck_assert_int_eq(waitpid(pid, &status, 0), pid);
        close(pipe_fds[1]);
        ck_assert_int_eq(read(pipe_fds[0], &byte, 1), 0);
}
END_TEST

START_TEST(does_not_begin_without_its_parent) {
        pid_t pid = fork();
        int status;

        if (pid == 0)
                _exit(confine_program(1, &limits) == -ESRCH ? 42 : 1);
        ck_assert_int_eq(waitpid(pid, &status, 0), pid);
        ck_assert_int_eq(status, 42 << 8);
}
END_TEST

UNIT_MAIN("confine", lets_it_work, kills_it_for_anything_else, limits_its_output, limits_its_memory,
          does_not_outlive_its_parent, does_not_begin_without_its_parent)
