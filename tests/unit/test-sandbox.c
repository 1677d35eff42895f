/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "basic/cleanup.h"
#include "basic/io.h"
#include "sandbox/filter.h"
#include "sandbox/sandbox.h"
#include "unit.h"

#define SECOND 1000000ULL

static int input_new(void) {
        int fd = -EBADF;

        ck_assert_int_eq(memfd_new_with("input", "0123456789", 10, &fd), 0);
        return fd;
}

static int run_limited(SandboxFunc func, void *userdata, size_t output_max, uint64_t timeout_usec, int *ret_status,
                char **ret_output, size_t *ret_size) {
        _cleanup_fd_ int fd = input_new();

        return sandbox_run(func, fd, userdata, output_max, timeout_usec, ret_status, ret_output, ret_size);
}

static int run(SandboxFunc func, void *userdata) {
        _cleanup_free_ char *output = NULL;
        size_t size;
        int status;

        return run_limited(func, userdata, 16, 20 * SECOND, &status, &output, &size);
}

static size_t count_fds(void) {
        _cleanup_closedir_ DIR *directory = opendir("/proc/self/fd");
        size_t n = 0;

        while (readdir(directory))
                n++;
        return n;
}

/* Nothing may be left of a child, whatever became of it. */
static void assert_nothing_left(size_t n_fds) {
        ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
        ck_assert_int_eq(errno, ECHILD);
        ck_assert_uint_eq(count_fds(), n_fds);
}

static int echo(int input_fd, int output_fd, void *userdata) {
        char data[10];

        if (pread(input_fd, data, sizeof(data), 0) != (ssize_t) sizeof(data) || lseek(input_fd, 0, SEEK_END) != 10)
                return 1;
        data[0] = *(const char *) userdata;
        return write_full(output_fd, data, sizeof(data)) < 0 ? 2 : 42;
}

START_TEST(answers) {
        size_t size = 0, n_fds = count_fds();
        _cleanup_free_ char *output = NULL;
        char userdata = 'u';
        int status = -1;

        ck_assert_int_eq(run_limited(echo, &userdata, 10, 20 * SECOND, &status, &output, &size), 0);
        ck_assert_int_eq(status, 42);
        ck_assert_uint_eq(size, 10);
        ck_assert_str_eq(output, "u123456789");
        assert_nothing_left(n_fds);
}
END_TEST

/* The pipe lands on the very numbers the child wants its fds to have. */
START_TEST(answers_without_standard_fds) {
        _cleanup_free_ char *output = NULL;
        char userdata = 'u';
        size_t size = 0;
        int status = -1;

        close(0);
        close(1);
        ck_assert_int_eq(run_limited(echo, &userdata, 10, 20 * SECOND, &status, &output, &size), 0);
        ck_assert_int_eq(status, 42);
        ck_assert_str_eq(output, "u123456789");
}
END_TEST

static int do_nothing(int input_fd, int output_fd, void *userdata) {
        return input_fd == output_fd || userdata;
}

START_TEST(answers_with_nothing) {
        _cleanup_free_ char *output = NULL;
        size_t size = 1;
        int status = -1;

        ck_assert_int_eq(run_limited(do_nothing, NULL, 0, 20 * SECOND, &status, &output, &size), 0);
        ck_assert_int_eq(status, 0);
        ck_assert_uint_eq(size, 0);
}
END_TEST

typedef enum Crime {
        OPEN, OPEN_BY_FD, STAT, SOCKET, FORK, EXEC, KILL, PTRACE, WRITE_STDERR, WRITE_INPUT, READ_OUTPUT, MAP_CODE,
        DUP, CLOSE, PRCTL, SECCOMP, IOCTL, SLEEP, _CRIME_MAX,
} Crime;

static int commit_crime(int input_fd, int output_fd, void *userdata) {
        char byte = 0;

        switch (*(const Crime *) userdata) {
        case OPEN: return open("/", O_RDONLY | O_CLOEXEC);
        case OPEN_BY_FD: return openat(input_fd, "x", O_RDONLY | O_CLOEXEC);
        case STAT: return access("/", F_OK);
        case SOCKET: return socket(AF_UNIX, SOCK_STREAM, 0);
        case FORK: return (int) syscall(SYS_fork);
        case EXEC: return (int) syscall(SYS_execve, "/bin/true", NULL, NULL);
        case KILL: return (int) syscall(SYS_kill, 1, 0);
        case PTRACE: return (int) syscall(SYS_ptrace, 0, 0, 0, 0);
        case WRITE_STDERR: return (int) syscall(SYS_write, 2, &byte, 1);
        case WRITE_INPUT: return (int) syscall(SYS_write, input_fd, &byte, 1);
        case READ_OUTPUT: return (int) syscall(SYS_read, output_fd, &byte, 1);
        case MAP_CODE: return !mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        case DUP: return dup(input_fd);
        case CLOSE: return close(output_fd);
        case PRCTL: return prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
        case SECCOMP: return (int) syscall(SYS_seccomp, 1, 0, NULL);
        case IOCTL: return (int) syscall(SYS_ioctl, input_fd, 0, NULL);
        case SLEEP: return (int) syscall(SYS_nanosleep, NULL, NULL);
        case _CRIME_MAX: break;
        }
        return 0;
}

START_TEST(kills_for_forbidden_syscalls) {
        size_t n_fds = count_fds();

        for (Crime crime = OPEN; crime < _CRIME_MAX; crime++)
                ck_assert_msg(run(commit_crime, &crime) == -ECHILD, "crime %u", crime);
        assert_nothing_left(n_fds);
}
END_TEST

static int use_heap(int input_fd, int output_fd, void *userdata) {
        char *volatile p = malloc(1 << 20);

        if (!p || input_fd == output_fd || userdata)
                return 1;
        memset(p, 1, 1 << 20);
        free(p);
        return 0;
}

START_TEST(allows_heap) {
        ck_assert_int_eq(run(use_heap, NULL), 0);
}
END_TEST

static int spin(int input_fd, int output_fd, void *userdata) {
        (void) input_fd, (void) output_fd;
        for (;;)
                *(volatile int *) userdata = 1;
        return 0;
}

START_TEST(ends_at_timeout) {
        size_t n_fds = count_fds();
        _cleanup_free_ char *output = NULL;
        int status, userdata;
        size_t size;

        ck_assert_int_eq(run_limited(spin, &userdata, 16, SECOND / 10, &status, &output, &size), -ETIMEDOUT);
        ck_assert_ptr_null(output);
        assert_nothing_left(n_fds);
}
END_TEST

static int babble(int input_fd, int output_fd, void *userdata) {
        (void) input_fd, (void) userdata;
        while (write_full(output_fd, "bla", 3) == 0)
                ;
        return 0;
}

START_TEST(ends_at_too_much_output) {
        size_t n_fds = count_fds();
        char userdata = 'u';
        _cleanup_free_ char *output = NULL;
        int status;
        size_t size;

        ck_assert_int_eq(run(babble, NULL), -EFBIG);
        ck_assert_int_eq(run_limited(echo, &userdata, 9, 20 * SECOND, &status, &output, &size), -EFBIG);
        assert_nothing_left(n_fds);
}
END_TEST

static int crash(int input_fd, int output_fd, void *userdata) {
        (void) input_fd, (void) output_fd, (void) userdata;
        __builtin_trap();
}

START_TEST(survives_crash) {
        size_t n_fds = count_fds();

        ck_assert_int_eq(run(crash, NULL), -ECHILD);
        assert_nothing_left(n_fds);
}
END_TEST

static int grow(int input_fd, int output_fd, void *userdata) {
        (void) input_fd, (void) output_fd, (void) userdata;
        for (int i = 0; i < 64; i++)
                if (mmap(NULL, 16 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED)
                        return 0;
        return 1;
}

START_TEST(limits_memory) {
        _cleanup_free_ char *output = NULL;
        int status = -1;
        size_t size;

        ck_assert_int_eq(run_limited(grow, NULL, 16, 20 * SECOND, &status, &output, &size), 0);
        ck_assert_int_eq(status, HAVE_ASAN ? 1 : 0);
}
END_TEST

START_TEST(refuses_bad_input) {
        size_t n_fds = count_fds(), size;
        char *output = NULL;
        int status;

        ck_assert_int_eq(sandbox_run(do_nothing, -EBADF, NULL, 16, SECOND, &status, &output, &size), -EPROTO);
        assert_nothing_left(n_fds);
}
END_TEST

UNIT_MAIN("sandbox", answers, answers_without_standard_fds, answers_with_nothing, kills_for_forbidden_syscalls,
          allows_heap, ends_at_timeout, ends_at_too_much_output, survives_crash, limits_memory, refuses_bad_input)
