/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A registry under a service manager, and one workload whose process is idle and whose QMP end the test plays. */

#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "luo-fake.h"
#include "qmp-fake.h"
#include "store-fixture.h"
#include "workload/workload.h"

#define RAM_BYTES (1U << 20)
#define NEGOTIATED "\"error\":{\"class\":\"CommandNotFound\",\"desc\":\"negotiated\"}"
#define VERSION_7_2 "\"return\":{\"qemu\":{\"major\":7,\"minor\":2,\"micro\":22}}"
#define VERSION_11_1 "\"return\":{\"qemu\":{\"major\":11,\"minor\":1,\"micro\":2}}"
#define NOTHING "\"return\":{}"

typedef struct Host {
        Fake f;
        Manager m;
        Registry *registry;
        pid_t pid;
        int ram_fd;
        unsigned n_ready, n_gone, n_done;
        WorkloadState ready_state;
        int error;
} Host;

static inline void on_ready(Workload *w, void *userdata) {
        Host *h = userdata;

        h->n_ready++;
        h->ready_state = workload_state(w);
}

static inline void on_gone(Workload *w, void *userdata) {
        Host *h = userdata;

        h->n_gone++;
}

static inline void on_done(Workload *w, int error, const char *why, void *userdata) {
        Host *h = userdata;

        h->n_done++;
        h->error = error;
        ck_assert((error < 0) == (why != NULL));
}

static inline void host_start_daemon(Host *h) {
        ck_assert_int_eq(registry_new(h->f.event,
                                         &(RegistryListener) { .ready = on_ready, .gone = on_gone, .userdata = h },
                                         &h->registry), 0);
}

static inline void host_new(Host *h) {
        *h = (Host) { .f = fake_new(), .m = manager_new(), .ram_fd = -EBADF };
        h->f.fd = -EBADF;
        luo = (Luo) {};
        host_start_daemon(h);
}

static inline void host_kill(Host *h) {
        if (h->pid <= 0)
                return;
        (void) kill(h->pid, SIGKILL);
        (void) waitpid(h->pid, NULL, 0);
        h->pid = 0;
}

static inline void host_done(Host *h) {
        registry_free(h->registry);
        host_kill(h);
        fd_close(h->ram_fd);
        manager_done(&h->m);
        fake_done(&h->f);
}
#define HOST(h) \
        _cleanup_(host_done) Host h; \
        host_new(&h)

/* The daemon dies, whatever it was about to do, and another one begins. */
static inline void host_restart_daemon(Host *h) {
        Inheritance *inheritance;

        manager_settle(&h->m);
        h->registry = registry_free(h->registry);
        ck_assert_uint_eq(manager_settle(&h->m), 0); /* nothing is dropped by dying */
        inheritance = manager_bequeath(&h->m);
        host_start_daemon(h);
        ck_assert_int_eq(registry_inherit(h->registry, inheritance), 0);
        inheritance_free(inheritance);
        manager_settle(&h->m);
}

static inline int pidfd_of(pid_t pid) {
        return (int) syscall(SYS_pidfd_open, pid, 0);
}

static inline pid_t idle_process(void) {
        pid_t pid = fork();

        if (pid != 0)
                return pid;
        (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;)
                pause();
}

/* Starts the process of "vm" and registers it. */
static inline int host_register(Host *h, Workload **ret) {
        _cleanup_(workload_registration_done) WorkloadRegistration registration = {
                .name = "vm", .kind = "qemu", .uid = getuid(), .ram_bytes = RAM_BYTES,
                .pid_fd = -EBADF, .ram_fd = -EBADF, .qmp_fd = -EBADF,
        };
        int ends[2];

        h->pid = idle_process();
        registration.pid = h->pid;
        registration.pid_fd = pidfd_of(h->pid);
        ck_assert_int_ge(registration.pid_fd, 0);
        fd_close(h->ram_fd);
        ck_assert_int_eq(memfd_new_with("ram", NULL, RAM_BYTES, &h->ram_fd), 0);
        registration.ram_fd = fcntl(h->ram_fd, F_DUPFD_CLOEXEC, 3);
        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
        fd_close(h->f.fd);
        h->f.fd = ends[0];
        registration.qmp_fd = ends[1];
        return registry_register(h->registry, &registration, ret);
}

/* Registers "vm" and lets it greet as QEMU 7.2. */
static inline Workload *host_begin(Host *h) {
        Workload *w = NULL;

        ck_assert_int_eq(host_register(h, &w), 0);
        fake_say(&h->f, GREETING);
        fake_expect(&h->f, "qmp_capabilities", NOTHING);
        fake_expect(&h->f, "query-migrate", NOTHING);
        manager_settle(&h->m);
        return w;
}

/* QEMU's answers to a daemon that takes over. */
static inline void host_answer_take_over(Host *h, const char *version, const char *run_state, const char *migration) {
        char text[128];

        fake_expect(&h->f, "qmp_capabilities", NEGOTIATED);
        fake_expect(&h->f, "query-version", version);
        snprintf(text, sizeof(text), "\"return\":{\"status\":\"%s\",\"running\":%s,\"singlestep\":false}", run_state,
                        strcmp(run_state, "running") == 0 ? "true" : "false");
        fake_expect(&h->f, "query-status", text);
        if (migration) {
                snprintf(text, sizeof(text), "\"return\":{\"status\":\"%s\"}", migration);
                fake_expect(&h->f, "query-migrate", text);
        } else
                fake_expect(&h->f, "query-migrate", NOTHING);
        manager_settle(&h->m);
}

static inline void host_wait_for(Host *h, const unsigned *counter, unsigned value) {
        while (*counter < value) {
                ck_assert_int_ge(sd_event_run(h->f.event, UINT64_MAX), 0);
                manager_settle(&h->m);
        }
}

/* The next command, which may be sent in a while only. */
static inline void host_expect_later(Host *h, const char *name, const char *member) {
        _cleanup_json_ json_object *command = NULL;
        const char *execute;

        while (!(command = fake_hear(&h->f, NULL)))
                ck_assert_int_ge(sd_event_run(h->f.event, UINT64_MAX), 0);
        ck_assert_int_eq(json_get_string(command, "execute", &execute), 0);
        ck_assert_str_eq(execute, name);
        fake_answer(&h->f, command, member);
        manager_settle(&h->m);
}

static inline void host_assert_silent(Host *h) {
        ck_assert_ptr_null(fake_hear(&h->f, NULL));
}

/* Exactly these are kept: names without the workload's, NULL-terminated. */
static inline void host_assert_kept(Host *h, const char *const *prefixes) {
        size_t n = 0;

        for (; prefixes[n]; n++) {
                char name[64];

                snprintf(name, sizeof(name), "%s/vm", prefixes[n]);
                ck_assert_msg(manager_find(&h->m, name) >= 0, "%s is not kept", name);
        }
        ck_assert_uint_eq(manager_count(&h->m), n);
}
#define KEPT(...) (const char *const[]) { __VA_ARGS__, NULL }
