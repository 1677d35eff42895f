/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* How the threads of a process run, read and compared with real ones, and told as JSON. */

#include <errno.h>
#include <string.h>

#include "basic/json.h"
#include "placement-process.h"
#include "privileged/placement.h"

#define BEST_EFFORT_3 (2 << 13 | 3)

static void threads_of(const PlacedProcess *process, QemuThreads *ret) {
        _cleanup_json_ json_object *vcpus = NULL, *iothreads = NULL;
        char text[256];

        snprintf(text, sizeof(text), "[{\"cpu-index\":1,\"thread-id\":%i},{\"cpu-index\":0,\"thread-id\":%i}]",
                        (int) process->tids[1], (int) process->tids[0]);
        vcpus = json_tokener_parse(text);
        snprintf(text, sizeof(text), "[{\"id\":\"io0\",\"thread-id\":%i}]", (int) process->tids[2]);
        iothreads = json_tokener_parse(text);
        ck_assert_int_eq(qemu_threads_add_vcpus(ret, vcpus), 0);
        ck_assert_int_eq(qemu_threads_add_iothreads(ret, iothreads), 0);
        qemu_threads_sort(ret);
}

static Placement *capture(const PlacedProcess *process) {
        _cleanup_(qemu_threads_done) QemuThreads threads = {};
        Placement *placement = NULL;

        threads_of(process, &threads);
        ck_assert_int_eq(placement_capture(process->pid, process->pid_fd, &threads, &placement), 0);
        return placement;
}

/* NULL: nothing is to be done. */
static json_object *compare(const Placement *wanted, const PlacedProcess *process) {
        _cleanup_(qemu_threads_done) QemuThreads threads = {};
        _cleanup_json_ json_object *problems = json_object_new_array();
        json_object *difference = NULL;

        threads_of(process, &threads);
        ck_assert_int_eq(placement_compare(wanted, process->pid, process->pid_fd, &threads, problems, &difference), 0);
        ck_assert_uint_eq(json_object_array_length(problems), 0);
        return difference;
}

static Placement *through_json(const Placement *placement) {
        _cleanup_json_ json_object *o = NULL, *again = NULL;
        Placement *ret = NULL;

        ck_assert_int_eq(placement_to_json(placement, &o), 0);
        ck_assert_int_eq(placement_from_json(o, &ret), 0);
        ck_assert_int_eq(placement_to_json(ret, &again), 0);
        ck_assert_str_eq(json_object_to_json_string(again), json_object_to_json_string(o));
        return ret;
}

static json_object *difference_of(json_object *o, pid_t tid) {
        json_object *list;

        ck_assert_int_eq(json_get_array(o, "threads", &list), 0);
        for (size_t i = 0; i < json_object_array_length(list); i++) {
                json_object *thread = json_object_array_get_idx(list, i);
                uint64_t n;

                ck_assert_int_eq(json_get_u64(thread, "thread", &n), 0);
                if ((pid_t) n == tid)
                        return thread;
        }
        return NULL;
}

static void assert_difference(json_object *o, pid_t tid, const char *text) {
        _cleanup_json_ json_object *expected = json_tokener_parse(text);

        ck_assert_ptr_nonnull(expected);
        ck_assert_int_eq(json_add_u64(expected, "thread", (uint64_t) tid), 0);
        ck_assert_str_eq(json_object_to_json_string(difference_of(o, tid)), json_object_to_json_string(expected));
}

/* By the program that does so. */
static void apply(json_object *difference, const PlacedProcess *process) {
        _cleanup_json_ json_object *problems = json_object_new_array();
        _cleanup_free_ char *why = NULL;
        json_object *list, *o = json_object_object_get(difference, "oomScoreAdjust");
        int adjust = json_object_get_int(o);

        ck_assert_int_eq(json_get_array(difference, "threads", &list), 0);
        ck_assert_int_eq(placement_apply(process->pid_fd, list, o ? &adjust : NULL, problems, &why), 0);
        ck_assert_str_eq(json_object_to_json_string(problems), "[ ]");
}

START_TEST(a_set_is_read_and_written) {
        static const char *const good[] = { "", "0", "0-3", "0-3,8", "63-64,127-129,8191" };
        static const char *const bad[] = { ",", "0,", ",0", "-", "1-", "3-1", "8192", "0-8192", "99999999999999999999",
                "1 ", " 1", "0x1", "1,,2", "1-2-3" };

        for (size_t i = 0; i < ELEMENTSOF(good); i++) {
                _cleanup_free_ char *text = NULL;
                IndexSet set;

                ck_assert_int_eq(index_set_parse(good[i], strlen(good[i]), &set), 0);
                text = index_set_to_string(&set);
                ck_assert_str_eq(text, good[i]);
        }
        for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
                IndexSet set;

                ck_assert_msg(index_set_parse(bad[i], strlen(bad[i]), &set) == -EBADMSG, "'%s' was read", bad[i]);
        }
}
END_TEST

START_TEST(a_placement_is_carried_to_another_process) {
        PLACED_PROCESS(old);
        PLACED_PROCESS(new);
        _cleanup_(placement_freep) Placement *captured = NULL, *wanted = NULL;
        _cleanup_json_ json_object *difference = NULL;
        json_object *list;
        int adjust;

        if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
                return;
        set_oom_score_adjust(old.pid, 321);
        pin(old.tids[0], 1);
        schedule(old.tids[1], SCHED_BATCH, 0);
        ck_assert_int_eq(setpriority(PRIO_PROCESS, (id_t) old.tids[1], 5), 0);
        set_io_priority(old.tids[2], BEST_EFFORT_3);

        captured = capture(&old);
        wanted = through_json(captured);
        ck_assert_ptr_null(compare(wanted, &old));

        difference = compare(wanted, &new);
        ck_assert_ptr_nonnull(difference);
        ck_assert_int_eq(json_get_array(difference, "threads", &list), 0);
        ck_assert_uint_eq(json_object_array_length(list), 3);
        assert_difference(difference, new.tids[0], "{\"processors\":\"1\"}");
        assert_difference(difference, new.tids[1], "{\"policy\":\"SCHED_BATCH\",\"priority\":0,\"nice\":5}");
        assert_difference(difference, new.tids[2], "{\"ioPriority\":16387}");
        adjust = json_object_get_int(json_object_object_get(difference, "oomScoreAdjust"));
        ck_assert_int_eq(adjust, 321);

        apply(difference, &new);
        ck_assert_ptr_null(compare(wanted, &new));
}
END_TEST

START_TEST(real_time_is_carried_with_what_is_below) {
        PLACED_PROCESS(old);
        PLACED_PROCESS(new);
        _cleanup_(placement_freep) Placement *captured = NULL, *wanted = NULL;
        _cleanup_json_ json_object *there = NULL, *back = NULL;

        if (sched_setscheduler(old.tids[0], SCHED_FIFO, &(struct sched_param) { .sched_priority = 7 }) < 0)
                return; /* not for us */
        ck_assert_int_eq(setpriority(PRIO_PROCESS, (id_t) old.tids[0], 3), 0);
        captured = capture(&old);
        wanted = through_json(captured);
        there = compare(wanted, &new);
        assert_difference(there, new.tids[0], "{\"policy\":\"SCHED_FIFO\",\"priority\":7,\"nice\":3}");
        apply(there, &new);
        ck_assert_ptr_null(compare(wanted, &new));

        /* And away from it. */
        schedule(old.tids[0], SCHED_OTHER, 0);
        placement_free(TAKE_PTR(wanted));
        wanted = capture(&old);
        back = compare(wanted, &new);
        assert_difference(back, new.tids[0], "{\"policy\":\"SCHED_OTHER\",\"priority\":0,\"nice\":3}");
        apply(back, &new);
        ck_assert_ptr_null(compare(wanted, &new));
}
END_TEST

START_TEST(what_the_unit_gave_is_taken_back) {
        PLACED_PROCESS(old);
        PLACED_PROCESS(new);
        _cleanup_(placement_freep) Placement *wanted = NULL;
        _cleanup_json_ json_object *difference = NULL;
        _cleanup_free_ char *all = NULL, *expected = NULL;
        IndexSet online;

        wanted = capture(&old);
        ck_assert_uint_eq(wanted->n_groups, 1);
        ck_assert(wanted->groups[0].is_on_all);
        if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
                return;
        pin(new.tids[1], 0);
        difference = compare(wanted, &new);
        ck_assert_int_eq(index_set_read("/sys/devices/system/cpu/online", &online), 0);
        all = index_set_to_string(&online);
        ck_assert_int_gt(asprintf(&expected, "{\"processors\":\"%s\"}", all), 0);
        assert_difference(difference, new.tids[1], expected);
        ck_assert_ptr_null(difference_of(difference, new.pid));
}
END_TEST

/* Those that are neither are as the process's first. */
START_TEST(other_threads_follow_the_first) {
        PLACED_PROCESS(old);
        PLACED_PROCESS(new);
        _cleanup_(placement_freep) Placement *wanted = NULL;
        _cleanup_(qemu_threads_done) QemuThreads nothing = {};
        _cleanup_json_ json_object *difference = NULL, *problems = json_object_new_array();

        ck_assert_int_eq(setpriority(PRIO_PROCESS, (id_t) old.pid, 3), 0);
        wanted = capture(&old);
        ck_assert_int_eq(placement_compare(wanted, new.pid, new.pid_fd, &nothing, problems, &difference), 0);
        assert_difference(difference, new.pid, "{\"nice\":3}");
        assert_difference(difference, new.tids[0], "{\"nice\":3}");
        assert_difference(difference, new.tids[2], "{\"nice\":3}");
}
END_TEST

START_TEST(processors_that_are_gone_are_no_difference) {
        PLACED_PROCESS(process);
        _cleanup_(placement_freep) Placement *wanted = capture(&process);
        IndexSet online;

        ck_assert_int_eq(index_set_read("/sys/devices/system/cpu/online", &online), 0);
        wanted->groups[0].is_on_all = false;
        wanted->groups[0].processors = online;
        index_set_add(&wanted->groups[0].processors, 8000);
        ck_assert_ptr_null(compare(wanted, &process));
}
END_TEST

START_TEST(others_threads_are_not_looked_at) {
        PLACED_PROCESS(process);
        _cleanup_(qemu_threads_done) QemuThreads threads = {};
        _cleanup_(placement_freep) Placement *placement = NULL;
        _cleanup_json_ json_object *lie = NULL;
        char text[64];

        snprintf(text, sizeof(text), "[{\"cpu-index\":7,\"thread-id\":%i}]", (int) getpid());
        lie = json_tokener_parse(text);
        ck_assert_int_eq(qemu_threads_add_vcpus(&threads, lie), 0);
        ck_assert_int_eq(placement_capture(process.pid, process.pid_fd, &threads, &placement), 0);
        ck_assert_ptr_null(placement_find(placement, &threads.threads[0]));
        ck_assert_ptr_nonnull(placement_find(placement, NULL));
}
END_TEST

START_TEST(a_process_that_ended_is_told) {
        PLACED_PROCESS(process);
        _cleanup_(placement_freep) Placement *wanted = capture(&process), *again = NULL;
        _cleanup_(qemu_threads_done) QemuThreads threads = {};
        _cleanup_json_ json_object *problems = json_object_new_array(), *difference = NULL;
        pid_t pid = process.pid;

        placed_process_end(&process);
        ck_assert_int_eq(placement_capture(pid, process.pid_fd, &threads, &again), -ESRCH);
        ck_assert_int_eq(placement_compare(wanted, pid, process.pid_fd, &threads, problems, &difference), -ESRCH);
        /* Its number may be another's by now. */
        ck_assert_int_eq(placement_capture(getpid(), process.pid_fd, &threads, &again), -ESRCH);
}
END_TEST

START_TEST(a_class_that_cannot_be_set_is_told) {
        PLACED_PROCESS(process);
        _cleanup_(placement_freep) Placement *wanted = capture(&process);
        _cleanup_(qemu_threads_done) QemuThreads threads = {};
        _cleanup_json_ json_object *problems = json_object_new_array(), *difference = NULL;

        wanted->groups[0].policy = 6;
        ck_assert_int_eq(placement_compare(wanted, process.pid, process.pid_fd, &threads, problems, &difference), 0);
        ck_assert_ptr_null(difference);
        ck_assert_uint_eq(json_object_array_length(problems), 1 + PLACED_THREADS);
        ck_assert_ptr_nonnull(strstr(json_object_to_json_string(problems), "SCHED_DEADLINE"));
}
END_TEST

START_TEST(many_vcpus_have_room) {
        _cleanup_(placement_freep) Placement *placement = NULL, *again = NULL;
        _cleanup_json_ json_object *o = json_object_new_object(), *told = NULL;
        json_object *list = json_object_new_array();
        size_t size;

        ck_assert_int_eq(json_add(o, "threads", list), 0);
        for (unsigned i = 0; i < 1024; i++) {
                char text[128];

                snprintf(text, sizeof(text), "{\"vcpus\":\"%u\",\"processors\":\"%u\",\"policy\":\"SCHED_FIFO\","
                                "\"priority\":1}", i, i);
                ck_assert_int_eq(json_object_array_add(list, json_tokener_parse(text)), 0);
        }
        ck_assert_int_eq(placement_from_json(o, &placement), 0);
        ck_assert_uint_eq(placement->n_groups, 1024);
        again = through_json(placement);
        ck_assert_int_eq(placement_to_json(again, &told), 0);
        (void) json_object_to_json_string_length(told, JSON_C_TO_STRING_PLAIN, &size);
        ck_assert_uint_lt(size, 128 * 1024);
}
END_TEST

#define BOTH_FLAGS \
        "{\"threads\":[],\"memoryPolicy\":{\"mode\":\"MPOL_BIND\",\"nodes\":\"0\",\"flags\":[\"MPOL_F_STATIC_NODES\"," \
        "\"MPOL_F_RELATIVE_NODES\"]}}"

static const char *const damaged[] = {
        "{}",
        "{\"threads\":{}}",
        "{\"threads\":[1]}",
        "{\"threads\":[{\"processors\":\"\"}]}",
        "{\"threads\":[{\"processors\":\"0-\"}]}",
        "{\"threads\":[{\"processors\":[0]}]}",
        "{\"threads\":[{\"policy\":\"SCHED_NONE\"}]}",
        "{\"threads\":[{\"policy\":1}]}",
        "{\"threads\":[{\"priority\":100}]}",
        "{\"threads\":[{\"priority\":-1}]}",
        "{\"threads\":[{\"nice\":20}]}",
        "{\"threads\":[{\"nice\":-21}]}",
        "{\"threads\":[{\"nice\":\"5\"}]}",
        "{\"threads\":[{\"ioPriority\":65536}]}",
        "{\"threads\":[{\"process\":1}]}",
        "{\"threads\":[{\"vcpus\":\"4096\"}]}",
        "{\"threads\":[{\"vcpus\":3}]}",
        "{\"threads\":[{\"iothreads\":[1]}]}",
        "{\"threads\":[{\"iothreads\":\"io0\"}]}",
        "{\"threads\":[],\"oomScoreAdjust\":1001}",
        "{\"threads\":[],\"oomScoreAdjust\":-1001}",
        "{\"threads\":[],\"memoryPolicy\":1}",
        "{\"threads\":[],\"memoryPolicy\":{}}",
        "{\"threads\":[],\"memoryPolicy\":{\"mode\":\"MPOL_BIND\",\"flags\":[],\"nodes\":\"\"}}",
        "{\"threads\":[],\"memoryPolicy\":{\"mode\":\"MPOL_LOCAL\",\"flags\":[],\"nodes\":\"0\"}}",
        "{\"threads\":[],\"memoryPolicy\":{\"mode\":\"MPOL_BIND\",\"flags\":[1],\"nodes\":\"0\"}}",
        BOTH_FLAGS,
};

START_TEST(a_damaged_one_is_refused) {
        for (size_t i = 0; i < ELEMENTSOF(damaged); i++) {
                _cleanup_json_ json_object *o = json_tokener_parse(damaged[i]);
                _cleanup_(placement_freep) Placement *placement = NULL;

                ck_assert_ptr_nonnull(o);
                ck_assert_msg(placement_from_json(o, &placement) < 0, "%s was read", damaged[i]);
                ck_assert_ptr_null(placement);
        }
}
END_TEST

START_TEST(too_many_groups_are_refused) {
        _cleanup_json_ json_object *o = json_object_new_object();
        _cleanup_(placement_freep) Placement *placement = NULL;
        json_object *list = json_object_new_array();

        ck_assert_int_eq(json_add(o, "threads", list), 0);
        for (unsigned i = 0; i < PLACED_GROUPS_MAX; i++)
                ck_assert_int_eq(json_object_array_add(list, json_object_new_object()), 0);
        ck_assert_int_eq(placement_from_json(o, &placement), 0);
        placement = placement_free(placement);
        ck_assert_int_eq(json_object_array_add(list, json_object_new_object()), 0);
        ck_assert_int_eq(placement_from_json(o, &placement), -E2BIG);
}
END_TEST

START_TEST(answers_of_qemu_are_checked) {
        static const char *const bad[] = { "{}", "[1]", "[{}]", "[{\"cpu-index\":0}]", "[{\"thread-id\":1}]",
                "[{\"cpu-index\":4096,\"thread-id\":1}]", "[{\"cpu-index\":-1,\"thread-id\":1}]",
                "[{\"cpu-index\":0,\"thread-id\":0}]", "[{\"cpu-index\":0,\"thread-id\":-5}]",
                "[{\"cpu-index\":0,\"thread-id\":4294967296}]", "[{\"id\":1,\"thread-id\":1}]" };

        for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
                _cleanup_(qemu_threads_done) QemuThreads threads = {};
                _cleanup_json_ json_object *o = json_tokener_parse(bad[i]);

                ck_assert_ptr_nonnull(o);
                ck_assert_int_eq(qemu_threads_add_vcpus(&threads, o), -EBADMSG);
                ck_assert_int_eq(qemu_threads_add_iothreads(&threads, o), -EBADMSG);
        }
}
END_TEST

UNIT_MAIN("placement", a_set_is_read_and_written, a_placement_is_carried_to_another_process,
        real_time_is_carried_with_what_is_below, what_the_unit_gave_is_taken_back, other_threads_follow_the_first,
        processors_that_are_gone_are_no_difference, others_threads_are_not_looked_at, a_process_that_ended_is_told,
        a_class_that_cannot_be_set_is_told, many_vcpus_have_room, a_damaged_one_is_refused,
        too_many_groups_are_refused, answers_of_qemu_are_checked)
