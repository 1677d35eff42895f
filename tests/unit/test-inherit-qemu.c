/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The whole life of a real QEMU, through an update, with a daemon that is restarted wherever it can be. The kernel's
 * part and the service manager's are played. */

#include <sys/resource.h>

#include "client/qemu-args.h"
#include "qemu-process.h"
#include "workload-fixture.h"

#define GUEST_BYTES (64UL << 20)
#define MARK_OFFSET (32L << 20)
#define WATCH_FD 200

static const char mark[] = "the guest's own";

/* A QEMU with a monitor of the test's own beside the daemon's. */
typedef struct Guest {
        Host *h;
        pid_t pid;
        Seen watch;
} Guest;

static void guest_start(Guest *g, const char *qemu, int ram_fd, bool incoming, int *ret_qmp_fd) {
        const char *const words[] = { qemu, "-M", "q35", "-m", "64", "-nodefaults", "-display", "none", "-accel", "tcg",
                "-object", "iothread,id=io0", "-chardev", "socket,id=watch,fd=200,server=off", "-mon", "chardev=watch,mode=control", NULL };
        _cleanup_(qemu_args_freep) QemuArgs *args = NULL;
        _cleanup_(qemu_argv_freep) char **argv = NULL;
        _cleanup_free_ char *problem = NULL;
        int daemon[2], watch[2];

        ck_assert_int_eq(qemu_args_parse((char *const *) words, &args, &problem), 0);
        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, daemon), 0);
        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, watch), 0);
        ck_assert_int_eq(dup3(watch[1], WATCH_FD, O_CLOEXEC), WATCH_FD);
        fd_close(watch[1]);
        ck_assert_int_eq(qemu_args_compose(args, ram_fd, daemon[1], incoming, &argv), 0);
        g->pid = qemu_spawn(argv, (int[]) { ram_fd, daemon[1], WATCH_FD }, 3);
        ck_assert_int_gt(g->pid, 0);
        fd_close(daemon[1]);
        fd_close(WATCH_FD);
        *ret_qmp_fd = daemon[0];
        g->watch = (Seen) {};
        ck_assert_int_eq(qmp_new(g->h->f.event, watch[0], on_event, on_closed, &g->watch, &g->watch.qmp), 0);
}

static Workload *guest_register(Guest *g, int ram_fd, int qmp_fd) {
        WorkloadRegistration registration = {
                .name = "vm", .kind = "qemu", .uid = getuid(), .pid = g->pid, .pid_fd = pidfd_of(g->pid),
                .ram_fd = fcntl(ram_fd, F_DUPFD_CLOEXEC, 3), .qmp_fd = qmp_fd, .ram_bytes = GUEST_BYTES,
        };
        Workload *w = NULL;

        ck_assert_int_eq(registry_register(g->h->registry, &registration, &w), 0);
        workload_registration_done(&registration);
        manager_settle(&g->h->m);
        return w;
}

static void guest_end(Guest *g) {
        g->watch.qmp = qmp_free(g->watch.qmp);
        ck_assert_int_eq(kill(g->pid, SIGKILL), 0);
        ck_assert_int_eq(waitpid(g->pid, NULL, 0), g->pid);
}

static bool guest_is(Guest *g, const char *what) {
        unsigned n = g->watch.n_replies;

        ck_assert_int_eq(qmp_execute(g->watch.qmp, "query-status", NULL, -EBADF, TIMEOUT_USEC, on_reply, &g->watch), 0);
        host_wait_for(g->h, &g->watch.n_replies, n + 1);
        return strstr(g->watch.message, what);
}

static void do_step(Guest *g, Workload *w, void (*step)(Workload *w, WorkloadDoneFunc done, void *userdata)) {
        unsigned n = g->h->n_done;

        step(w, on_done, g->h);
        host_wait_for(g->h, &g->h->n_done, n + 1);
        ck_assert_int_eq(g->h->error, 0);
}

static void save(Guest *g, Workload *w) {
        ck_assert_int_eq(workload_create_session(w, -EBADF), 0);
        do_step(g, w, workload_prepare);
        do_step(g, w, workload_pause);
        ck_assert(guest_is(g, "\"running\": false") || guest_is(g, "\"running\":false"));
        do_step(g, w, workload_save);
}

static Workload *restart(Guest *g) {
        Workload *w;

        g->h->n_ready = 0;
        host_restart_daemon(g->h);
        w = registry_get(g->h->registry, "vm");
        ck_assert_ptr_nonnull(w);
        return w;
}

static void wait_until_heard(Guest *g, Workload *w) {
        while (workload_problem(w)) {
                ck_assert_ptr_nonnull(strstr(workload_problem(w), "has not told yet"));
                ck_assert_int_ge(sd_event_run(g->h->f.event, UINT64_MAX), 0);
        }
        manager_settle(&g->h->m);
}

static void wait_until_ready(Guest *g) {
        host_wait_for(g->h, &g->h->n_ready, 1);
}

static bool guest_runs(Guest *g) {
        return guest_is(g, "\"running\": true") || guest_is(g, "\"running\":true");
}

static pid_t thread_of(Guest *g, const char *command) {
        unsigned n = g->watch.n_replies;
        const char *found;

        ck_assert_int_eq(qmp_execute(g->watch.qmp, command, NULL, -EBADF, TIMEOUT_USEC, on_reply, &g->watch), 0);
        host_wait_for(g->h, &g->watch.n_replies, n + 1);
        found = strstr(g->watch.message, "\"thread-id\":");
        ck_assert_msg(found, "%s", g->watch.message);
        return (pid_t) atoi(found + strlen("\"thread-id\":"));
}

/* Its vCPU and its iothread are told apart from its other threads. */
static void make_nice(Guest *g) {
        ck_assert_int_eq(setpriority(PRIO_PROCESS, (id_t) thread_of(g, "query-cpus-fast"), 5), 0);
        ck_assert_int_eq(setpriority(PRIO_PROCESS, (id_t) thread_of(g, "query-iothreads"), 6), 0);
}

/* By the program, where the test was told of one. */
static void assert_nice(Guest *g) {
        if (!getenv("LIVEUPDATE_PRIVILEGED"))
                return;
        ck_assert_int_eq(getpriority(PRIO_PROCESS, (id_t) thread_of(g, "query-cpus-fast")), 5);
        ck_assert_int_eq(getpriority(PRIO_PROCESS, (id_t) thread_of(g, "query-iothreads")), 6);
        ck_assert_int_eq(getpriority(PRIO_PROCESS, (id_t) g->pid), 0);
}

static void assert_described(const char *expected) {
        _cleanup_free_ char *text = NULL;

        ck_assert_int_eq(read_fd(luo.fds[0], 8192, &text, NULL), 0);
        ck_assert_msg(strstr(text, expected), "%s", text);
}

/* Under the old kernel. What it leaves is in `luo`. */
static void old_side(Guest *g, const char *qemu, int ram_fd) {
        Workload *w;
        int qmp_fd;

        guest_start(g, qemu, ram_fd, false, &qmp_fd);
        guest_register(g, ram_fd, qmp_fd);

        /* Before it could greet, and again when it runs. */
        wait_until_heard(g, restart(g));
        w = restart(g);
        wait_until_heard(g, w);
        ck_assert(guest_runs(g));

        /* In the midst of an update. */
        save(g, w);
        w = restart(g);
        wait_until_heard(g, w);
        host_assert_kept(g->h, KEPT("process", "ram", "qmp"));
        ck_assert(guest_runs(g));

        /* Another update gets through. */
        ck_assert_int_eq((int) pwrite(ram_fd, mark, sizeof(mark), MARK_OFFSET), (int) sizeof(mark));
        make_nice(g);
        save(g, w);
        assert_described("{\"vcpus\":\"0\",\"nice\":5}");
        assert_described("{\"iothreads\":[\"io0\"],\"nice\":6}");
        guest_end(g);
}

/* Under the new kernel, whose service manager has nothing in store. */
static void new_side(Guest *g, const char *qemu) {
        Workload *w;
        int qmp_fd;

        ck_assert_int_eq(registry_add_preserved(g->h->registry, "vm", eventfd(0, EFD_CLOEXEC), &w), 0);
        w = restart(g);
        ck_assert_int_eq(workload_state(w), WORKLOAD_PRESERVED);
        guest_start(g, qemu, workload_ram_fd(w), true, &qmp_fd);
        w = guest_register(g, workload_ram_fd(w), qmp_fd);

        w = restart(g); /* before it could greet */
        wait_until_ready(g);
        ck_assert_int_eq(g->h->ready_state, WORKLOAD_RESTORING);

        workload_load(w, on_done, g->h); /* and is lost, or not, before it is sent, or while it loads */
        (void) sd_event_run(g->h->f.event, 1000);
        w = restart(g);
        wait_until_ready(g);
        do_step(g, w, workload_load);
        ck_assert_int_eq(workload_state(w), WORKLOAD_LOADED);
        assert_nice(g);

        w = restart(g);
        wait_until_ready(g);
        ck_assert_int_eq(g->h->ready_state, WORKLOAD_LOADED);
        do_step(g, w, workload_load);
        do_step(g, w, workload_resume);
        ck_assert(guest_runs(g));

        w = restart(g);
        wait_until_ready(g);
        ck_assert_int_eq(g->h->ready_state, WORKLOAD_RUNNING);
        ck_assert_int_eq(workload_finish(w), 0);
        w = restart(g);
        wait_until_heard(g, w);
        ck_assert(!workload_is_preserved(w));
        ck_assert(guest_runs(g));
        host_assert_kept(g->h, KEPT("process", "ram", "qmp"));
}

START_TEST(a_guest_survives_every_daemon) {
        const char *qemu = qemu_find();
        _cleanup_fd_ int ram_fd = -EBADF;
        char found[sizeof(mark)] = "";
        HOST(h);
        Guest g = { .h = &h };

        if (!qemu)
                return;
        ck_assert_int_eq(memfd_new_with("ram", NULL, GUEST_BYTES, &ram_fd), 0);
        old_side(&g, qemu, ram_fd);

        h.registry = registry_free(h.registry);
        manager_done(&h.m);
        h.m = manager_new();
        host_start_daemon(&h);

        new_side(&g, qemu);
        ck_assert_int_eq((int) pread(luo.fds[1], found, sizeof(found), MARK_OFFSET), (int) sizeof(found));
        ck_assert_str_eq(found, mark);
        guest_end(&g);
        host_wait_for(&h, &h.n_gone, 1);
        ck_assert_uint_eq(manager_count(&h.m), 0);
}
END_TEST

UNIT_MAIN("inherit-qemu", a_guest_survives_every_daemon)
