/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The client, against the real program and against none, and the placement of threads. */

#include <sched.h>
#include <signal.h>
#include <sys/pidfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include "basic/io.h"
#include "idl.h"
#include "privileged-fixture.h"
#include "privileged/helper.h"
#include "privileged/processors.h"
#include "schemas/schemas.h"

#define VARIABLE "LIVEUPDATE_PRIVILEGED"

static int is_root_else_skipped(void) {
        if (geteuid() == 0)
                return 1;
        fputs("not root: skipped\n", stderr);
        return 0;
}

START_TEST(a_program_that_is_not_there) {
        _cleanup_json_ json_object *modules = NULL;
        _cleanup_free_ char *why = NULL;

        ck_assert_int_eq(setenv(VARIABLE, "/nowhere/liveupdate-privileged", 1), 0);
        ck_assert_int_eq(privileged_list_modules(&modules, &why), -ENOENT);
        ck_assert_ptr_nonnull(strstr(why, "/nowhere/liveupdate-privileged"));
        ck_assert_ptr_null(modules);
        assert_nothing_runs();
}
END_TEST

START_TEST(a_program_that_dies) {
        _cleanup_json_ json_object *modules = NULL;
        _cleanup_free_ char *why = NULL;
        TEMPORARY_ROOT();

        play(VARIABLE, "exit 1");
        ck_assert_int_eq(privileged_list_modules(&modules, &why), -ECONNRESET);
        ck_assert_ptr_nonnull(strstr(why, "ended before it had answered ListModules"));
        free(TAKE_PTR(why));
        play(VARIABLE, "kill -9 $$");
        ck_assert_int_eq(privileged_list_modules(&modules, &why), -ECONNRESET);
        assert_nothing_runs();
}
END_TEST

/* What comes back is judged, whoever sent it. */
START_TEST(a_program_that_answers_something_else) {
        static const struct {
                const char *answer; /* for a shell, between double quotes */
                int error;
        } cases[] = {
                { "no JSON at all", -EBADMSG },
                { "{}", -EPROTO },
                { "{\\\"parameters\\\":{\\\"modules\\\":1}}", -EPROTO },
                { "{\\\"error\\\":\\\"x.y.Z\\\",\\\"parameters\\\":{}}", -EPROTO },
                { "{\\\"error\\\":\\\"x.y.Failed\\\",\\\"parameters\\\":{\\\"errno\\\":28}}", -ENOSPC },
                { "{\\\"error\\\":\\\"x.y.Failed\\\",\\\"parameters\\\":{\\\"errno\\\":0}}", -EPROTO },
        };
        TEMPORARY_ROOT();

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_json_ json_object *modules = NULL;
                _cleanup_free_ char *why = NULL, *body = NULL;

                /* It reads first, or there would be nobody to send to. */
                ck_assert_int_gt(asprintf(&body, "dd bs=64k count=1 >/dev/null 2>&1; printf '%%b' \"%s\\0000\" >&0",
                                cases[i].answer), 0);
                play(VARIABLE, body);
                ck_assert_int_eq(privileged_list_modules(&modules, &why), cases[i].error);
                ck_assert_ptr_nonnull(why);
                ck_assert_ptr_null(modules);
        }
        assert_nothing_runs();
}
END_TEST

static const HelperKind kind = {
        .interface = "io.liveupdate.Privileged",
        .socket = "/nowhere/socket",
        .program = "/nowhere/program",
        .variable = VARIABLE,
};

START_TEST(a_program_that_never_answers) {
        _cleanup_free_ char *why = NULL;
        VarlinkReply reply;
        TEMPORARY_ROOT();
        Helper helper;

        play(VARIABLE, "exec sleep 1000");
        ck_assert_int_eq(helper_open(&kind, &helper, &why), 0);
        ck_assert_int_gt(helper.pid, 0);
        ck_assert_int_eq(helper_call(&helper, "ListModules", NULL, -EBADF, 50000, &reply, &why), -ETIMEDOUT);
        ck_assert_ptr_nonnull(strstr(why, "took too long"));
        helper_done(&helper);
        assert_nothing_runs();
}
END_TEST

/* By which it finds the journal, and nothing else of the daemon's. */
START_TEST(a_program_knows_whose_service_it_is) {
        _cleanup_free_ char *why = NULL, *script = NULL, *environment = NULL;
        TEMPORARY_ROOT();
        Helper helper;
        size_t size;

        ck_assert_int_gt(asprintf(&script, "cat /proc/$$/environ >%s", root_path("/environ")), 0);
        play(VARIABLE, script);
        setenv("SYSTEMD_EXEC_PID", "4711", true);
        ck_assert_int_eq(helper_open(&kind, &helper, &why), 0);
        helper_done(&helper);
        ck_assert_int_eq(read_file_at(AT_FDCWD, root_path("/environ"), 4096, &environment, &size), 0);
        ck_assert_uint_eq(size, sizeof("SYSTEMD_EXEC_PID=4711"));
        ck_assert_str_eq(environment, "SYSTEMD_EXEC_PID=4711");
        assert_nothing_runs();
}
END_TEST

START_TEST(a_socket_is_preferred) {
        _cleanup_fd_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        _cleanup_free_ char *why = NULL, *path = NULL;
        HelperKind listened = kind;
        TEMPORARY_ROOT();
        Helper helper;

        unsetenv(VARIABLE);
        path = strdup(root_path("/socket"));
        listened.socket = path;
        strcpy(address.sun_path, path);
        ck_assert_int_eq(bind(fd, (const struct sockaddr *) &address, sizeof(address)), 0);
        ck_assert_int_eq(helper_open(&listened, &helper, &why), -ENOENT); /* nobody listens: the program, not there */
        ck_assert_ptr_nonnull(strstr(why, "/nowhere/program"));
        ck_assert_int_eq(listen(fd, 1), 0);
        ck_assert_int_eq(helper_open(&listened, &helper, &why), 0);
        ck_assert_int_eq(helper.pid, 0);
        helper_done(&helper);
}
END_TEST

START_TEST(the_description_is_that_of_the_program) {
        static const char *const programs[][3] = {
                { VARIABLE, "io.liveupdate.Privileged", varlink_description_liveupdate_privileged },
                { "LIVEUPDATE_TMPFS", "io.liveupdate.Tmpfs", varlink_description_liveupdate_tmpfs },
        };

        for (size_t i = 0; i < ELEMENTSOF(programs); i++) {
                const HelperKind service = { "org.varlink.service", "", "", programs[i][0] };
                _cleanup_(varlink_reply_done) VarlinkReply reply = {};
                json_object *parameters = json_object_new_object();
                _cleanup_free_ char *why = NULL;
                const char *text;
                Helper helper;

                ck_assert_int_eq(helper_open(&service, &helper, &why), 0);
                ck_assert_int_eq(json_add_string(parameters, "interface", programs[i][1]), 0);
                ck_assert_int_eq(helper_call(&helper, "GetInterfaceDescription", parameters, -EBADF, 5000000, &reply,
                                &why), 0);
                ck_assert_int_eq(json_get_string(reply.parameters, "description", &text), 0);
                ck_assert_str_eq(text, programs[i][2]);
                helper_done(&helper);
        }
}
END_TEST

/* Each method of each description is there: without parameters it misses one, or works. */
START_TEST(every_method_is_implemented) {
        static const char *const programs[][3] = {
                { VARIABLE, "io.liveupdate.Privileged", varlink_description_liveupdate_privileged },
                { "LIVEUPDATE_TMPFS", "io.liveupdate.Tmpfs", varlink_description_liveupdate_tmpfs },
        };
        char method[256];

        if (!is_root_else_skipped())
                return;
        for (size_t i = 0; i < ELEMENTSOF(programs); i++)
                for (size_t n = 0; idl_symbol(programs[i][2], "method", n, method, sizeof(method)); n++) {
                        const HelperKind one = { programs[i][1], "", "", programs[i][0] };
                        _cleanup_(varlink_reply_done) VarlinkReply reply = {};
                        _cleanup_free_ char *why = NULL;
                        Helper helper;
                        int r;

                        ck_assert_int_eq(helper_open(&one, &helper, &why), 0);
                        r = helper_call(&helper, method, NULL, -EBADF, 5000000, &reply, &why);
                        helper_done(&helper);
                        if (strcmp(method, "ListModules") == 0)
                                ck_assert_int_eq(r, 0);
                        else
                                ck_assert_msg(strstr(why, "InvalidParameter"), "%s: %s", method, why);
                }
}
END_TEST

/* The socket is root's, and so are the methods. */
START_TEST(others_are_refused) {
        _cleanup_(varlink_client_freep) VarlinkClient *client = NULL;
        _cleanup_(varlink_reply_done) VarlinkReply reply = {};
        int ends[2], status;
        pid_t pid;

        if (!is_root_else_skipped())
                return;
        ck_assert_int_eq(seteuid(65534), 0); /* who makes a pair is its peer: SO_PEERCRED */
        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
        ck_assert_int_eq(seteuid(0), 0);
        pid = fork();
        if (pid == 0) {
                dup2(ends[1], STDIN_FILENO);
                execl(getenv(VARIABLE), "liveupdate-privileged", NULL);
                _exit(1);
        }
        close(ends[1]);
        ck_assert_int_eq(varlink_client_take_fd(ends[0], &client), 0);
        varlink_client_set_timeout(client, 5000000);
        ck_assert_int_eq(varlink_client_send(client, "io.liveupdate.Privileged.ListModules", NULL, false, NULL, 0), 0);
        ck_assert_int_eq(varlink_client_receive(client, &reply), 0);
        ck_assert_str_eq(reply.error, "org.varlink.service.PermissionDenied");
        client = varlink_client_free(client);
        ck_assert_int_eq(waitpid(pid, &status, 0), pid);
        ck_assert_int_eq(status, 0);
}
END_TEST

/* It shows what it is to show, so that nothing is set: the tests' machine keeps its time. */
START_TEST(the_clock_as_it_is) {
        WallClock since, clock;
        _cleanup_free_ char *why = NULL;
        int64_t step = 17;

        if (!is_root_else_skipped())
                return;
        wall_clock_take(NULL, &since);
        usleep(200000);
        wall_clock_take(&since, &clock);
        if (clock.rate_hz_milli == 0)
                return; /* no TSC to go by */
        clock.tai_offset = 0;
        ck_assert_int_eq(privileged_set_clock(&clock, &step, &why), 0);
        ck_assert_int_eq(step, 0);
        clock.rate_hz_milli = 0;
        clock.tsc = 0;
        ck_assert_int_lt(privileged_set_clock(&clock, &step, &why), 0);
        ck_assert_ptr_nonnull(why);
}
END_TEST

START_TEST(modules_of_this_machine) {
        _cleanup_json_ json_object *modules = NULL, *problems = json_object_new_array();
        _cleanup_free_ char *why = NULL;
        size_t n = 17;

        if (!is_root_else_skipped())
                return;
        ck_assert_int_eq(privileged_list_modules(&modules, &why), 0);
        if (access("/proc/modules", F_OK) < 0)
                ck_assert_uint_eq(json_object_array_length(modules), 0);
        /* They are loaded, as they are. */
        ck_assert_int_eq(privileged_load_modules(modules, &n, problems, &why), 0);
        ck_assert_uint_eq(n, 0);
        ck_assert_str_eq(text_of(problems), "[]");
}
END_TEST

START_TEST(modules_that_are_not_there_are_told) {
        _cleanup_json_ json_object *problems = json_object_new_array(), *modules = json_of(
                        "[{\"name\": \"liveupdate_no_such\", \"parameters\": {}}, {\"name\": \"../../etc\"}, 7, {}]");
        _cleanup_free_ char *why = NULL;
        size_t n = 17;

        if (!is_root_else_skipped())
                return;
        ck_assert_int_eq(privileged_load_modules(modules, &n, problems, &why), 0);
        ck_assert_uint_eq(n, 0);
        ck_assert_uint_eq(json_object_array_length(problems), 4);
        ck_assert(is_told(problems, "liveupdate_no_such", "not loaded"));
        ck_assert(is_told(problems, "malformed", "modules"));
}
END_TEST

START_TEST(processors_as_text) {
        static const char *const wrong[] = { "", ",", "1,", "x", "3-1", "1-", "-1", "1 2", "0-3;", "1--2" };
        static const char *const right[] = { "0", "0-3,8", "1,3,5-6", "8191" };
        Processors set, other, rest;
        char text[64];

        for (size_t i = 0; i < ELEMENTSOF(wrong); i++)
                ck_assert_int_eq(processors_parse(wrong[i], &set), -EBADMSG);
        for (size_t i = 0; i < ELEMENTSOF(right); i++) {
                ck_assert_int_eq(processors_parse(right[i], &set), 0);
                processors_write(&set, text, sizeof(text));
                ck_assert_str_eq(text, right[i]);
        }
        ck_assert_int_eq(processors_parse("0-18446744073709551615,99999999999999999999999", &set), 0);
        processors_write(&set, text, sizeof(text));
        ck_assert_str_eq(text, "0-8191");
        ck_assert_int_eq(processors_parse("0-3,100", &set), 0);
        ck_assert_int_eq(processors_parse("0,2", &other), 0);
        ck_assert(processors_minus(&set, &other, &rest));
        processors_write(&rest, text, sizeof(text));
        ck_assert_str_eq(text, "1,3,100");
        ck_assert(!processors_minus(&other, &set, &rest));
        processors_write(&set, text, 4);
        ck_assert_str_eq(text, "0-3");
}
END_TEST

/* Of somebody else's, as guests are. */
static pid_t victim_start(int *ret_pid_fd) {
        pid_t pid = fork();

        if (pid == 0) {
                if (setgid(65534) < 0 || setuid(65534) < 0)
                        _exit(1);
                for (;;)
                        pause();
        }
        ck_assert_int_gt(pid, 0);
        *ret_pid_fd = pidfd_open(pid, 0);
        ck_assert_int_ge(*ret_pid_fd, 0);
        return pid;
}

static void victim_end(pid_t pid) {
        ck_assert_int_eq(kill(pid, SIGKILL), 0);
        ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}

static json_object *placement_of(pid_t pid, const char *format) {
        _cleanup_free_ char *text = NULL;
        json_object *o;

        ck_assert_int_gt(asprintf(&text, "{\"threads\": [{\"thread\": %i, %s}]}", pid, format), 0);
        o = json_of(text);
        return o;
}

static void place(int pid_fd, pid_t pid, const char *what, json_object *problems) {
        _cleanup_json_ json_object *placement = placement_of(pid, what);
        _cleanup_free_ char *why = NULL;
        int r = privileged_place(pid_fd, placement, problems, &why);

        ck_assert_msg(r == 0, "%s: %s", what, why);
}

START_TEST(a_process_is_placed) {
        _cleanup_json_ json_object *problems = json_object_new_array();
        _cleanup_json_ json_object *oom = json_of("{\"threads\": [], \"oomScoreAdjust\": 77}");
        _cleanup_free_ char *why = NULL, *score = NULL;
        _cleanup_fd_ int pid_fd = -EBADF;
        struct sched_param parameters;
        char path[64];
        cpu_set_t set;
        size_t size;
        pid_t pid;

        if (!is_root_else_skipped())
                return;
        pid = victim_start(&pid_fd);
        place(pid_fd, pid, "\"processors\": \"0\", \"policy\": \"SCHED_FIFO\", \"priority\": 7, \"ioPriority\": 16385",
                        problems);
        ck_assert_str_eq(text_of(problems), "[]");
        ck_assert_int_eq(sched_getaffinity(pid, sizeof(set), &set), 0);
        ck_assert_int_eq(CPU_COUNT(&set), 1);
        ck_assert(CPU_ISSET(0, &set));
        ck_assert_int_eq(sched_getscheduler(pid), SCHED_FIFO);
        ck_assert_int_eq(sched_getparam(pid, &parameters), 0);
        ck_assert_int_eq(parameters.sched_priority, 7);
        ck_assert_int_eq(syscall(SYS_ioprio_get, 1, pid), 16385);
        place(pid_fd, pid, "\"policy\": \"SCHED_BATCH\", \"priority\": 0, \"nice\": -5", problems);
        ck_assert_str_eq(text_of(problems), "[]");
        ck_assert_int_eq(sched_getscheduler(pid), SCHED_BATCH);
        ck_assert_int_eq(getpriority(PRIO_PROCESS, (id_t) pid), -5);

        ck_assert_int_eq(privileged_place(pid_fd, oom, problems, &why), 0);
        ck_assert_str_eq(text_of(problems), "[]");
        snprintf(path, sizeof(path), "/proc/%i/oom_score_adj", pid);
        ck_assert_int_eq(read_file_at(AT_FDCWD, path, 64, &score, &size), 0);
        ck_assert_str_eq(score, "77\n");
        victim_end(pid);
}
END_TEST

START_TEST(what_cannot_be_placed_is_told) {
        _cleanup_json_ json_object *problems = json_object_new_array();
        _cleanup_fd_ int pid_fd = -EBADF;
        cpu_set_t set;
        pid_t pid;

        if (!is_root_else_skipped())
                return;
        pid = victim_start(&pid_fd);
        place(pid_fd, pid, "\"processors\": \"0,8000-8001\"", problems);
        ck_assert(is_told(problems, "8000-8001", "not there"));
        ck_assert_int_eq(sched_getaffinity(pid, sizeof(set), &set), 0);
        ck_assert_int_eq(CPU_COUNT(&set), 1);
        place(pid_fd, pid, "\"processors\": \"8000\"", problems);
        ck_assert(is_told(problems, "none of 8000", "any processor"));
        place(pid_fd, pid, "\"processors\": \"zero\"", problems);
        ck_assert(is_told(problems, "processors", "malformed"));
        place(pid_fd, pid, "\"policy\": \"SCHED_DEADLINE\"", problems);
        ck_assert(is_told(problems, "scheduling", "malformed"));
        place(pid_fd, pid, "\"ioPriority\": -1", problems);
        ck_assert(is_told(problems, "I/O priority", "malformed"));
        place(pid_fd, getpid(), "\"nice\": 3", problems);
        ck_assert(is_told(problems, "There is no thread", "process"));
        ck_assert_int_eq(getpriority(PRIO_PROCESS, 0), 0);
        ck_assert_uint_eq(json_object_array_length(problems), 6);
        victim_end(pid);
}
END_TEST

START_TEST(a_process_that_is_gone) {
        _cleanup_json_ json_object *problems = json_object_new_array(), *placement = NULL;
        _cleanup_free_ char *why = NULL;
        _cleanup_fd_ int pid_fd = -EBADF;
        pid_t pid;

        if (!is_root_else_skipped())
                return;
        pid = victim_start(&pid_fd);
        victim_end(pid);
        placement = placement_of(pid, "\"nice\": 1");
        ck_assert_int_eq(privileged_place(pid_fd, placement, problems, &why), -ESRCH);
        ck_assert_ptr_nonnull(why);
}
END_TEST

UNIT_MAIN("privileged", a_program_that_is_not_there, a_program_that_dies, a_program_that_answers_something_else,
          a_program_that_never_answers, a_program_knows_whose_service_it_is, a_socket_is_preferred,
          the_description_is_that_of_the_program,
          every_method_is_implemented, others_are_refused, the_clock_as_it_is, modules_of_this_machine,
          modules_that_are_not_there_are_told, processors_as_text,
          a_process_is_placed, what_cannot_be_placed_is_told, a_process_that_is_gone)
