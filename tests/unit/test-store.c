/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <sys/stat.h>
#include <sys/wait.h>
#include <systemd/sd-daemon.h>

#include "basic/io.h"
#include "store-fixture.h"

static int memory(const char *text) {
        int fd = -EBADF;

        ck_assert_int_eq(memfd_new_with("test", text, strlen(text), &fd), 0);
        return fd;
}

static bool is_same_file(int a, int b) {
        struct stat sa, sb;

        return fstat(a, &sa) == 0 && fstat(b, &sb) == 0 && sa.st_ino == sb.st_ino && sa.st_dev == sb.st_dev;
}

static int listening_socket(void) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        ck_assert_int_eq(bind(fd, (struct sockaddr *) &address, sizeof(sa_family_t)), 0);
        ck_assert_int_eq(listen(fd, 1), 0);
        return fd;
}

START_TEST(keeps_and_drops_by_name) {
        _cleanup_(manager_done) Manager m = manager_new();
        _cleanup_fd_ int a = memory("a"), b = memory("b");

        ck_assert_int_eq(store_keep("ram/a", a), 0);
        ck_assert_int_eq(store_keep("ram/b", b), 0);
        ck_assert(is_same_file(manager_find(&m, "ram/a"), a));
        ck_assert(is_same_file(manager_find(&m, "ram/b"), b));
        ck_assert_uint_eq(manager_count(&m), 2);
        store_drop("ram/a");
        ck_assert_int_lt(manager_find(&m, "ram/a"), 0);
        ck_assert(is_same_file(manager_find(&m, "ram/b"), b));
        ck_assert_ptr_nonnull(getenv("NOTIFY_SOCKET"));
}
END_TEST

START_TEST(does_nothing_without_a_manager) {
        _cleanup_fd_ int a = memory("a");

        ck_assert_int_eq(unsetenv("NOTIFY_SOCKET"), 0);
        ck_assert_int_eq(store_keep("ram/a", a), 0);
        store_drop("ram/a");
}
END_TEST

START_TEST(tells_when_the_manager_is_gone) {
        Manager m = manager_new();
        _cleanup_fd_ int a = memory("a");

        m.fd = fd_close(m.fd);
        ck_assert_int_eq(store_keep("ram/a", a), -ECONNREFUSED);
        store_drop("ram/a");
        manager_done(&m);
}
END_TEST

START_TEST(refuses_names_the_manager_would) {
        _cleanup_(manager_done) Manager m = manager_new();
        _cleanup_fd_ int a = memory("a");
        char name[257];

        memset(name, 'x', 256);
        name[256] = 0;
        ck_assert_int_eq(store_keep(name, a), -EINVAL);
        ck_assert_int_eq(store_keep("", a), -EINVAL);
        ck_assert_int_eq(store_keep("a:b", a), -EINVAL);
        ck_assert_int_eq(store_keep("a\nFDSTOREREMOVE=1", a), -EINVAL);
        ck_assert_int_eq(store_keep("\xc3\xa4", a), -EINVAL);
        store_drop("a:b");
        ck_assert_uint_eq(manager_settle(&m), 0);
        name[255] = 0;
        ck_assert_int_eq(store_keep(name, a), 0);
        ck_assert_int_ge(manager_find(&m, name), 0);
}
END_TEST

START_TEST(inheritance_is_taken_by_name) {
        _cleanup_(inheritance_freep) Inheritance *inheritance = NULL;
        _cleanup_fd_ int a = memory("a"), older = memory("older"), newer = memory("newer"), found = -EBADF;

        ck_assert_int_eq(inheritance_new(&inheritance), 0);
        ck_assert_ptr_null(inheritance_find(inheritance, ""));
        ck_assert_int_eq(inheritance_take(inheritance, "ram/a"), -ENOENT);
        ck_assert_int_eq(inheritance_add(inheritance, "qmp/vm", dup(newer)), 0);
        ck_assert_int_eq(inheritance_add(inheritance, "ram/a", dup(a)), 0);
        ck_assert_int_eq(inheritance_add(inheritance, "qmp/vm", dup(older)), 0);

        ck_assert_str_eq(inheritance_find(inheritance, "ram/"), "ram/a");
        ck_assert_ptr_null(inheritance_find(inheritance, "ram/a1"));
        ck_assert_int_eq(inheritance_take(inheritance, "ram/"), -ENOENT);
        found = inheritance_take(inheritance, "ram/a");
        ck_assert(is_same_file(found, a));
        ck_assert_ptr_null(inheritance_find(inheritance, "ram/"));
        ck_assert_int_eq(inheritance_take(inheritance, "ram/a"), -ENOENT);

        fd_close(found);
        found = inheritance_take(inheritance, "qmp/vm");
        ck_assert(is_same_file(found, newer));
        fd_close(found);
        ck_assert_str_eq(inheritance_find(inheritance, "qmp/"), "qmp/vm");
        found = inheritance_take(inheritance, "qmp/vm");
        ck_assert(is_same_file(found, older));
}
END_TEST

START_TEST(listening_sockets_are_told_apart) {
        _cleanup_(manager_done) Manager m = manager_new();
        Inheritance *inheritance;
        _cleanup_fd_ int first = -EBADF, other = memory("other");
        int ends[2];

        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
        ck_assert_int_eq(inheritance_new(&inheritance), 0);
        ck_assert_int_eq(inheritance_add(inheritance, "qmp/vm", ends[0]), 0);
        ck_assert_int_eq(inheritance_add(inheritance, "liveupdated.socket", listening_socket()), 0);
        ck_assert_int_eq(inheritance_add(inheritance, "liveupdated.socket", listening_socket()), 0);
        first = inheritance_take_listening(inheritance);
        ck_assert_int_ge(first, 0);
        ck_assert_int_gt(sd_is_socket(first, AF_UNIX, SOCK_STREAM, 1), 0);

        /* The other one is the socket unit's, the connection is ours to drop. */
        ck_assert_int_eq(store_keep("qmp/vm", ends[1]), 0);
        ck_assert_int_eq(store_keep("liveupdated.socket", other), 0);
        inheritance_free(inheritance);
        ck_assert_int_lt(manager_find(&m, "qmp/vm"), 0);
        ck_assert_int_ge(manager_find(&m, "liveupdated.socket"), 0);
        ck_assert_int_eq(fcntl(ends[0], F_GETFD), -1);
        fd_close(ends[1]);
}
END_TEST

START_TEST(what_nobody_takes_is_dropped) {
        _cleanup_(manager_done) Manager m = manager_new();
        _cleanup_fd_ int a = memory("a"), b = memory("b"), newer = memory("newer"), c = memory("c"), taken = -EBADF;
        Inheritance *inheritance;

        ck_assert_int_eq(store_keep("ram/a", a), 0);
        ck_assert_int_eq(store_keep("ram/b", b), 0);
        ck_assert_int_eq(store_keep("ram/b", newer), 0);
        ck_assert_int_eq(store_keep("ram/c", c), 0);
        inheritance = manager_bequeath(&m);
        taken = inheritance_take(inheritance, "ram/b");
        ck_assert(is_same_file(taken, newer));
        inheritance_free(inheritance);

        /* A second one of a name that is in use cannot be dropped alone. */
        ck_assert_uint_eq(manager_count(&m), 2);
        ck_assert_int_ge(manager_find(&m, "ram/b"), 0);
}
END_TEST

/* The part of the process that inherits, as it is started by the test below. */
static int heir(void) {
        _cleanup_(inheritance_freep) Inheritance *inheritance = NULL;
        _cleanup_fd_ int ram = -EBADF, listening = -EBADF;
        char text[8] = "";

        if (inheritance_new(&inheritance) < 0 || getenv("LISTEN_FDS") || getenv("LISTEN_FDNAMES"))
                return 2;
        listening = inheritance_take_listening(inheritance);
        if (listening != 3)
                return 3;
        ram = inheritance_take(inheritance, "ram/vm.1");
        if (ram != 4 || pread(ram, text, sizeof(text), 0) != 4 || strcmp(text, "this") != 0)
                return 4;
        if (fcntl(ram, F_GETFD) != FD_CLOEXEC || fcntl(5, F_GETFD) != FD_CLOEXEC)
                return 5;
        if (!inheritance_find(inheritance, "qmp/") || inheritance_take(inheritance, "qmp/none") != -ENOENT)
                return 6;
        inheritance = inheritance_free(inheritance);
        return fcntl(5, F_GETFD) == -1 && fcntl(4, F_GETFD) >= 0 ? 0 : 7;
}

static __attribute__((constructor)) void become_heir(void) {
        if (getenv("TEST_STORE_HEIR"))
                _exit(heir());
}

static void start_heir(int listening, int ram, int other) {
        char pid[16];

        /* Out of the way first. */
        listening = fcntl(listening, F_DUPFD, 100);
        ram = fcntl(ram, F_DUPFD, 100);
        other = fcntl(other, F_DUPFD, 100);
        if (dup2(listening, 3) < 0 || dup2(ram, 4) < 0 || dup2(other, 5) < 0)
                _exit(125);
        snprintf(pid, sizeof(pid), "%i", (int) getpid());
        setenv("LISTEN_PID", pid, 1);
        setenv("LISTEN_FDS", "3", 1);
        setenv("LISTEN_FDNAMES", "liveupdated.socket:ram/vm.1:qmp/vm.1", 1);
        setenv("TEST_STORE_HEIR", "1", 1);
        execl("/proc/self/exe", "test-store", NULL);
        _exit(126);
}

START_TEST(a_new_process_inherits) {
        _cleanup_(manager_done) Manager m = manager_new();
        _cleanup_fd_ int listening = listening_socket(), ram = memory("this"), other = memory("other");
        int status = 0;
        pid_t pid;

        ck_assert_int_eq(store_keep("qmp/vm.1", other), 0);
        pid = fork();
        if (pid == 0)
                start_heir(listening, ram, other);
        ck_assert_int_eq(waitpid(pid, &status, 0), pid);
        ck_assert(WIFEXITED(status));
        ck_assert_int_eq(WEXITSTATUS(status), 0);
        ck_assert_int_lt(manager_find(&m, "qmp/vm.1"), 0); /* it was not taken */
}
END_TEST

UNIT_MAIN("store", keeps_and_drops_by_name, does_nothing_without_a_manager, tells_when_the_manager_is_gone,
                refuses_names_the_manager_would, inheritance_is_taken_by_name, listening_sockets_are_told_apart,
                what_nobody_takes_is_dropped, a_new_process_inherits)
