/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The placement of a workload through an update: told by its description, put back while QEMU loads. QEMU's part, the
 * kernel's and that of liveupdate-privileged are played, the processes are real. */

#include <semaphore.h>

#include "basic/clock.h"
#include "placement-process.h"
#include "privileged/privileged.h"
#include "workload-fixture.h"
#include "workload/workload-internal.h"

#define COMPLETED "{\"event\":\"MIGRATION\",\"data\":{\"status\":\"completed\"}}\n"
#define RUNNING "\"return\":{\"status\":\"running\",\"running\":true,\"singlestep\":false}"

/* What liveupdate-privileged is asked for, on its thread. */
static struct {
        int error;
        bool is_slow;
        sem_t go_on, is_done;
        _Atomic unsigned n_calls;
        char placement[2048];
} privileged;

int __wrap_privileged_place(int pid_fd, json_object *placement, json_object *problems, char **ret_why);

int __wrap_privileged_place(int pid_fd, json_object *placement, json_object *problems, char **ret_why) {
        snprintf(privileged.placement, sizeof(privileged.placement), "%s",
                        json_object_to_json_string_ext(placement, JSON_C_TO_STRING_PLAIN));
        privileged.n_calls++;
        if (privileged.is_slow)
                (void) sem_wait(&privileged.go_on);
        if (privileged.error < 0)
                *ret_why = strdup("There is no liveupdate-privileged.");
        else
                (void) json_append_text(problems, "Thread 1 ended before it had its processors.");
        (void) sem_post(&privileged.is_done);
        return privileged.error;
}

static void privileged_begin(int error, bool is_slow) {
        privileged.error = error;
        privileged.is_slow = is_slow;
        privileged.n_calls = 0;
        ck_assert_int_eq(sem_init(&privileged.go_on, 0, 0), 0);
        ck_assert_int_eq(sem_init(&privileged.is_done, 0, 0), 0);
}

static Workload *register_process(Host *h, const PlacedProcess *process) {
        WorkloadRegistration registration = {
                .name = "vm", .kind = "qemu", .uid = getuid(), .pid = process->pid,
                .pid_fd = fcntl(process->pid_fd, F_DUPFD_CLOEXEC, 3), .ram_fd = -EBADF, .qmp_fd = -EBADF,
                .ram_bytes = RAM_BYTES,
        };
        Workload *w = NULL;
        int ends[2];

        ck_assert_int_eq(memfd_new_with("ram", NULL, RAM_BYTES, &registration.ram_fd), 0);
        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
        fd_close(h->f.fd);
        h->f.fd = ends[0];
        registration.qmp_fd = ends[1];
        ck_assert_int_eq(registry_register(h->registry, &registration, &w), 0);
        workload_registration_done(&registration);
        fake_say(&h->f, GREETING);
        fake_expect(&h->f, "qmp_capabilities", NOTHING);
        fake_expect(&h->f, "query-migrate", NOTHING);
        manager_settle(&h->m);
        return w;
}

static void tell_threads(Host *h, const PlacedProcess *process) {
        char text[256];

        snprintf(text, sizeof(text), "\"return\":[{\"cpu-index\":0,\"thread-id\":%i},"
                        "{\"cpu-index\":1,\"thread-id\":%i}]", (int) process->tids[0], (int) process->tids[1]);
        fake_expect(&h->f, "query-cpus-fast", text);
        snprintf(text, sizeof(text), "\"return\":[{\"id\":\"io0\",\"thread-id\":%i}]", (int) process->tids[2]);
        fake_expect(&h->f, "query-iothreads", text);
}

static void prepare(Host *h, Workload *w, const PlacedProcess *process) {
        ck_assert_int_eq(workload_create_session(w, -EBADF), 0);
        workload_prepare(w, on_done, h);
        tell_threads(h, process);
        fake_expect(&h->f, "query-status", RUNNING);
        fake_expect(&h->f, "migrate-set-capabilities", NOTHING);
        fake_expect(&h->f, "migrate-set-parameters", NOTHING);
        fake_expect(&h->f, "getfd", NOTHING);
        host_wait_for(h, &h->n_done, 1);
        ck_assert_int_eq(h->error, 0);
}

static void save(Host *h, Workload *w) {
        workload_pause(w, on_done, h);
        fake_expect(&h->f, "stop", NOTHING);
        host_wait_for(h, &h->n_done, 2);
        workload_save(w, on_done, h);
        fake_expect(&h->f, "migrate", NOTHING);
        fake_say(&h->f, COMPLETED);
        host_wait_for(h, &h->n_done, 3);
        ck_assert_int_eq(h->error, 0);
}

/* The old side ends, and the new one has what was preserved. */
static void jump(Host *h, PlacedProcess *old) {
        Workload *w = NULL;

        placed_process_end(old);
        host_wait_for(h, &h->n_gone, 1);
        h->n_done = h->n_ready = 0;
        ck_assert_int_eq(registry_add_preserved(h->registry, "vm", eventfd(0, EFD_CLOEXEC), &w), 0);
        manager_settle(&h->m);
}

static void begin_load(Host *h, Workload *w, const PlacedProcess *asked) {
        workload_load(w, on_done, h);
        if (asked)
                tell_threads(h, asked);
        fake_expect(&h->f, "migrate-set-capabilities", NOTHING);
        fake_expect(&h->f, "getfd", NOTHING);
        fake_expect(&h->f, "migrate-incoming", NOTHING);
        fake_say(&h->f, COMPLETED);
}

static void end_load(Host *h, Workload *w) {
        host_wait_for(h, &h->n_done, 1);
        ck_assert_int_eq(h->error, 0);
        ck_assert_int_eq(workload_state(w), WORKLOAD_LOADED);
        workload_resume(w, on_done, h);
        fake_expect(&h->f, "cont", NOTHING);
        host_wait_for(h, &h->n_done, 2);
        ck_assert_int_eq(h->error, 0);
        ck_assert_int_eq(workload_state(w), WORKLOAD_RUNNING);
}

/* A guest whose first vCPU was of another nice value, and whose iothread got one after prepare. */
static void old_side(Host *h) {
        PLACED_PROCESS(old);
        Workload *w = register_process(h, &old);

        ck_assert_int_eq(setpriority(PRIO_PROCESS, (id_t) old.tids[0], 7), 0);
        prepare(h, w, &old);
        ck_assert_int_eq(setpriority(PRIO_PROCESS, (id_t) old.tids[2], 9), 0);
        save(h, w);
        jump(h, &old);
}

START_TEST(what_was_set_by_hand_is_put_back) {
        PLACED_PROCESS(new);
        _cleanup_free_ char *expected = NULL;
        Workload *w;
        HOST(h);

        privileged_begin(0, false);
        old_side(&h);
        w = register_process(&h, &new);
        begin_load(&h, w, &new);
        end_load(&h, w);
        ck_assert_uint_eq(privileged.n_calls, 1);
        ck_assert_int_gt(asprintf(&expected, "{\"threads\":[{\"nice\":7,\"thread\":%i},{\"nice\":9,\"thread\":%i}]}",
                                         (int) new.tids[0], (int) new.tids[2]), 0);
        ck_assert_str_eq(privileged.placement, expected);
}
END_TEST

START_TEST(what_its_unit_gave_it_is_left) {
        PLACED_PROCESS(new);
        Workload *w;
        HOST(h);

        privileged_begin(0, false);
        old_side(&h);
        ck_assert_int_eq(setpriority(PRIO_PROCESS, (id_t) new.tids[0], 7), 0);
        ck_assert_int_eq(setpriority(PRIO_PROCESS, (id_t) new.tids[2], 9), 0);
        w = register_process(&h, &new);
        begin_load(&h, w, &new);
        end_load(&h, w);
        ck_assert_uint_eq(privileged.n_calls, 0);
}
END_TEST

START_TEST(one_like_any_other_costs_nothing) {
        PLACED_PROCESS(old);
        PLACED_PROCESS(new);
        Workload *w;
        HOST(h);

        privileged_begin(0, false);
        w = register_process(&h, &old);
        prepare(&h, w, &old);
        save(&h, w);
        jump(&h, &old);
        w = register_process(&h, &new);
        begin_load(&h, w, NULL); /* and QEMU is asked for nothing */
        end_load(&h, w);
        ck_assert_uint_eq(privileged.n_calls, 0);
}
END_TEST

START_TEST(without_the_program_the_guest_goes_on) {
        PLACED_PROCESS(new);
        Workload *w;
        HOST(h);

        privileged_begin(-ENOENT, false);
        old_side(&h);
        w = register_process(&h, &new);
        begin_load(&h, w, &new);
        end_load(&h, w);
        ck_assert_uint_eq(privileged.n_calls, 1);
}
END_TEST

START_TEST(a_guest_does_not_wait_for_long) {
        PLACED_PROCESS(new);
        uint64_t begin_usec, usec;
        Workload *w;
        HOST(h);

        privileged_begin(0, true);
        old_side(&h);
        w = register_process(&h, &new);
        begin_load(&h, w, &new);
        begin_usec = now_usec(CLOCK_MONOTONIC);
        end_load(&h, w);
        usec = now_usec(CLOCK_MONOTONIC) - begin_usec;
        ck_assert_uint_gt(usec, 1500 * 1000);
        ck_assert_uint_lt(usec, 20 * 1000 * 1000);

        /* What comes late is heard by nobody. */
        ck_assert_int_eq(sem_post(&privileged.go_on), 0);
        ck_assert_int_eq(sem_wait(&privileged.is_done), 0);
        fake_settle(&h.f);
        ck_assert_int_eq(workload_state(w), WORKLOAD_RUNNING);
}
END_TEST

START_TEST(its_process_may_end_meanwhile) {
        PLACED_PROCESS(new);
        Workload *w;
        HOST(h);

        privileged_begin(0, true);
        old_side(&h);
        h.n_gone = 0;
        w = register_process(&h, &new);
        begin_load(&h, w, &new);
        ck_assert_uint_eq(h.n_done, 0);
        placed_process_end(&new);
        host_wait_for(&h, &h.n_gone, 1);
        ck_assert_uint_eq(h.n_done, 1);
        ck_assert_int_lt(h.error, 0);
        ck_assert_int_eq(workload_state(w), WORKLOAD_PRESERVED);
        ck_assert_int_eq(sem_post(&privileged.go_on), 0);
        ck_assert_int_eq(sem_wait(&privileged.is_done), 0);
        fake_settle(&h.f);
}
END_TEST

START_TEST(a_daemon_that_was_restarted_puts_it_back) {
        PLACED_PROCESS(new);
        Workload *w;
        HOST(h);

        privileged_begin(0, false);
        old_side(&h);
        register_process(&h, &new);
        host_restart_daemon(&h);
        w = registry_get(h.registry, "vm");
        host_answer_take_over(&h, VERSION_7_2, "paused", "completed");
        ck_assert_int_eq(workload_state(w), WORKLOAD_LOADED);
        workload_load(w, on_done, &h);
        tell_threads(&h, &new);
        end_load(&h, w);
        ck_assert_uint_eq(privileged.n_calls, 1);
}
END_TEST

START_TEST(a_qemu_that_does_not_tell_is_left_alone) {
        PLACED_PROCESS(new);
        Workload *w;
        HOST(h);

        privileged_begin(0, false);
        old_side(&h);
        w = register_process(&h, &new);
        workload_load(w, on_done, &h);
        fake_expect(&h.f, "query-cpus-fast", "\"error\":{\"class\":\"CommandNotFound\",\"desc\":\"none\"}");
        fake_expect(&h.f, "query-iothreads", "\"return\":[]");
        fake_expect(&h.f, "migrate-set-capabilities", NOTHING);
        fake_expect(&h.f, "getfd", NOTHING);
        fake_expect(&h.f, "migrate-incoming", NOTHING);
        fake_say(&h.f, COMPLETED);
        end_load(&h, w);
        ck_assert_uint_eq(privileged.n_calls, 0);
}
END_TEST

static Workload *come_over(Host *h, const char *placement) {
        char description[512];
        Workload *w = NULL;

        snprintf(description, sizeof(description), "{\"name\":\"vm\",\"kind\":\"qemu\",\"uid\":%u,\"ramBytes\":%u,"
                        "\"pausedTsc\":1,\"wasRunning\":true,\"placement\":%s}",
                        (unsigned) getuid(), RAM_BYTES, placement);
        ck_assert_int_eq(memfd_new_with("description", description, strlen(description), &luo.fds[0]), 0);
        ck_assert_int_eq(memfd_new_with("ram", NULL, RAM_BYTES, &luo.fds[1]), 0);
        ck_assert_int_eq(memfd_new_with("state", "state", 5, &luo.fds[2]), 0);
        ck_assert_int_eq(registry_add_preserved(h->registry, "vm", eventfd(0, EFD_CLOEXEC), &w), 0);
        manager_settle(&h->m);
        return w;
}

START_TEST(a_damaged_placement_keeps_no_guest_away) {
        PLACED_PROCESS(new);
        Workload *w;
        HOST(h);

        privileged_begin(0, false);
        ck_assert_int_eq(workload_state(come_over(&h, "{\"threads\":[{\"nice\":\"all\"}]}")), WORKLOAD_PRESERVED);
        w = register_process(&h, &new);
        ck_assert_ptr_null(workload_memory_policy(w));
        begin_load(&h, w, NULL);
        end_load(&h, w);
}
END_TEST

START_TEST(the_numa_policy_is_for_its_process) {
        HOST(h);
        Workload *w = come_over(&h, "{\"threads\":[],\"memoryPolicy\":{\"mode\":\"MPOL_BIND\",\"flags\":"
                        "[\"MPOL_F_STATIC_NODES\"],\"nodes\":\"0-1\"}}");
        _cleanup_json_ json_object *policy = workload_memory_policy(w);

        ck_assert_ptr_nonnull(policy);
        ck_assert_str_eq(json_object_to_json_string_ext(policy, JSON_C_TO_STRING_PLAIN),
                        "{\"mode\":\"MPOL_BIND\",\"flags\":[\"MPOL_F_STATIC_NODES\"],\"nodes\":\"0-1\"}");
}
END_TEST

static Placement *large_placement(void) {
        _cleanup_json_ json_object *o = json_object_new_object();
        json_object *list = json_object_new_array();
        Placement *placement = NULL;

        ck_assert_int_eq(json_add(o, "threads", list), 0);
        for (unsigned i = 0; i < 1024; i++) {
                char text[128];

                snprintf(text, sizeof(text), "{\"vcpus\":\"%u\",\"processors\":\"%u\"}", i, i);
                ck_assert_int_eq(json_object_array_add(list, json_tokener_parse(text)), 0);
        }
        ck_assert_int_eq(placement_from_json(o, &placement), 0);
        return placement;
}

static void assert_described(int fd, bool with_placement) {
        _cleanup_json_ json_object *o = NULL;
        _cleanup_free_ char *text = NULL;
        json_object *placement;
        size_t size;

        ck_assert_int_eq(read_fd(fd, 1 << 20, &text, &size), 0);
        ck_assert_int_eq(json_parse_object(text, size, &o), 0);
        ck_assert_int_eq(json_get_object(o, "placement", &placement), with_placement ? 0 : -ENOENT);
}

START_TEST(a_description_has_room_for_many_vcpus) {
        _cleanup_fd_ int small = -EBADF, large = -EBADF;
        HOST(h);
        Workload *w = come_over(&h, "{\"threads\":[]}");

        ck_assert_int_eq(workload_describe(w, &small), 0);
        w->placement = placement_free(w->placement);
        w->placement = large_placement();
        ck_assert_int_eq(workload_describe(w, &large), 0);
        assert_described(large, true);
        ck_assert_int_eq(workload_describe_again(w, large), 0);
        assert_described(large, true);
        ck_assert_int_eq(workload_read_description(w, large), 0);
        ck_assert_uint_eq(w->placement->n_vcpus, 1024);

        /* Where it does not fit any more, everything else is told. */
        ck_assert_int_eq(workload_describe_again(w, small), 0);
        assert_described(small, false);
        ck_assert_int_eq(workload_read_description(w, small), 0);
        ck_assert_ptr_null(w->placement);
}
END_TEST

UNIT_MAIN("placement-qemu", what_was_set_by_hand_is_put_back, what_its_unit_gave_it_is_left,
        one_like_any_other_costs_nothing, without_the_program_the_guest_goes_on, a_guest_does_not_wait_for_long,
        its_process_may_end_meanwhile, a_daemon_that_was_restarted_puts_it_back,
        a_qemu_that_does_not_tell_is_left_alone, a_damaged_placement_keeps_no_guest_away,
        the_numa_policy_is_for_its_process, a_description_has_room_for_many_vcpus)
