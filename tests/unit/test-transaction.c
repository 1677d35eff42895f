/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#include "client/transaction.h"
#include "temporary-root.h"

#define SECOND 1000000ULL
#define FRONTEND "/var/lib/dpkg/lock-frontend"
#define PACMAN "/var/lib/pacman/db.lck"
#define RPM "/var/lib/rpm/.rpm.lock"

static double now(void) {
        struct timespec ts;

        clock_gettime(CLOCK_MONOTONIC, &ts);
        return (double) ts.tv_sec + (double) ts.tv_nsec / 1e9;
}

static void pause_msec(long msec) {
        nanosleep(&(struct timespec) { 0, msec * 1000000 }, NULL);
}

static void lock(int fd, short type) {
        struct flock l = { .l_type = type, .l_whence = SEEK_SET };

        if (fcntl(fd, F_SETLK, &l) < 0)
                abort();
}

/* A child that has come to where it writes a byte; it then does the rest after some time. */
static pid_t child(int *ret_ready) {
        int ends[2];
        pid_t pid;

        ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
        pid = fork();
        ck_assert_int_ge(pid, 0);
        fd_close(ends[pid ? 1 : 0]);
        *ret_ready = ends[pid ? 0 : 1];
        return pid;
}

static void tell(int ready) {
        if (write(ready, "x", 1) != 1)
                abort();
}

static void await(int ready) {
        char c;

        ck_assert_int_eq(read(ready, &c, 1), 1);
        fd_close(ready);
}

static void reap(pid_t pid) {
        int status;

        ck_assert_int_eq(waitpid(pid, &status, 0), pid);
        ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void expect(uint64_t timeout_usec, int result, const char *path) {
        const char *held = "";

        ck_assert_int_eq(transaction_wait(root, timeout_usec, &held), result);
        if (path)
                ck_assert_str_eq(held, path);
}

START_TEST(none_is_held) {
        TEMPORARY_ROOT();
        double start = now();

        expect(SECOND, 0, NULL);
        fd_close(root_open(FRONTEND));
        fd_close(root_open("/var/lib/dpkg/lock"));
        fd_close(root_open(RPM));
        expect(SECOND, 0, NULL);
        ck_assert_double_lt(now() - start, 0.9);
}
END_TEST

/* Of a process that ends with it. */
START_TEST(waits_for_the_holder_to_end) {
        TEMPORARY_ROOT();
        double start = now();
        int ready;
        pid_t pid;

        fd_close(root_open(FRONTEND));
        pid = child(&ready);
        if (pid == 0) {
                lock(root_open(FRONTEND), F_WRLCK);
                tell(ready);
                pause_msec(300);
                _exit(0);
        }
        await(ready);
        expect(20 * SECOND, 0, NULL);
        ck_assert_double_ge(now() - start, 0.3);
        ck_assert_double_lt(now() - start, 10);
        reap(pid);
}
END_TEST

/* Of one that lives on, as the daemons of package managers do. */
START_TEST(waits_for_the_lock_to_be_dropped) {
        TEMPORARY_ROOT();
        double start = now();
        int ready;
        pid_t pid;

        pid = child(&ready);
        if (pid == 0) {
                int fd = root_open(RPM);

                lock(fd, F_WRLCK);
                tell(ready);
                pause_msec(300);
                fd_close(fd);
                pause();
        }
        await(ready);
        expect(20 * SECOND, 0, NULL);
        ck_assert_double_ge(now() - start, 0.3);
        ck_assert_double_lt(now() - start, 10);
        ck_assert_int_eq(kill(pid, SIGKILL), 0);
        ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}
END_TEST

START_TEST(waits_for_one_after_another) {
        TEMPORARY_ROOT();
        double start = now();
        int ready;
        pid_t pid;

        fd_close(root_open(PACMAN));
        pid = child(&ready);
        if (pid == 0) {
                int fd = root_open(RPM);

                tell(ready);
                pause_msec(300);
                lock(fd, F_WRLCK);
                if (unlink(root_path(PACMAN)) < 0)
                        abort();
                pause_msec(300);
                lock(root_open(FRONTEND), F_WRLCK);
                fd_close(fd);
                pause_msec(300);
                _exit(0);
        }
        await(ready);
        expect(20 * SECOND, 0, NULL);
        ck_assert_double_ge(now() - start, 0.9);
        ck_assert_double_lt(now() - start, 10);
        reap(pid);
}
END_TEST

START_TEST(waits_for_a_lock_file_to_go) {
        TEMPORARY_ROOT();
        double start = now();
        int ready;
        pid_t pid;

        fd_close(root_open(PACMAN));
        pid = child(&ready);
        if (pid == 0) {
                tell(ready);
                pause_msec(300);
                if (unlink(root_path(PACMAN)) < 0)
                        abort();
                pause();
        }
        await(ready);
        expect(20 * SECOND, 0, NULL);
        ck_assert_double_ge(now() - start, 0.3);
        ck_assert_double_lt(now() - start, 10);
        ck_assert_int_eq(access(root_path(PACMAN), F_OK), -1);
        ck_assert_int_eq(kill(pid, SIGKILL), 0);
        ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}
END_TEST

/* And it is told which one it is, and nobody's lock is touched. */
START_TEST(gives_up) {
        TEMPORARY_ROOT();
        double start = now();
        int ready, fd;
        pid_t pid;

        fd_close(root_open(PACMAN));
        expect(SECOND / 10, -ETIMEDOUT, PACMAN);
        ck_assert_int_eq(unlink(root_path(PACMAN)), 0);

        fd = root_open(FRONTEND);
        pid = child(&ready);
        if (pid == 0) {
                lock(root_open(FRONTEND), F_WRLCK);
                tell(ready);
                pause();
        }
        await(ready);
        expect(SECOND / 10, -ETIMEDOUT, FRONTEND);
        ck_assert_double_ge(now() - start, 0.2);
        ck_assert_double_lt(now() - start, 10);
        ck_assert_int_eq(kill(pid, SIGKILL), 0);
        ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
        lock(fd, F_WRLCK);
        fd_close(fd);
}
END_TEST

/* Who only reads rpm's database changes nothing. */
START_TEST(passes_readers_by) {
        TEMPORARY_ROOT();
        int ready;
        pid_t pid;

        pid = child(&ready);
        if (pid == 0) {
                lock(root_open(RPM), F_RDLCK);
                tell(ready);
                pause();
        }
        await(ready);
        expect(SECOND, 0, NULL);
        ck_assert_int_eq(kill(pid, SIGKILL), 0);
        ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}
END_TEST

UNIT_MAIN("transaction", none_is_held, waits_for_the_holder_to_end, waits_for_the_lock_to_be_dropped,
        waits_for_one_after_another, waits_for_a_lock_file_to_go, gives_up, passes_readers_by)
