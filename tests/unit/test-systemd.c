/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <systemd/sd-bus.h>

#include "basic/systemd.h"
#include "client/systemd.h"
#include "temporary-root.h"

#define LONG_USEC (10ULL * 1000 * 1000)
#define JOB "/org/freedesktop/systemd1/job/1"

static void tell_removed(sd_bus *bus, const char *path, const char *result) {
        if (sd_bus_emit_signal(bus, SYSTEMD_PATH, SYSTEMD_MANAGER, "JobRemoved", "uoss", UINT32_C(1), path, "x.socket",
                            result) < 0)
                _exit(4);
}

/* Answers one call as systemd would, and compares it. The job ends with `result`, after somebody else's; NULL: nothing
 * is heard of it. */
static void serve(int listener, const char *member, const char *unit, bool refuse, const char *result) {
        sd_bus *bus = NULL;
        sd_bus_message *m = NULL;
        const char *given, *mode;
        sd_id128_t id = {};
        int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

        if (fd < 0 || sd_id128_randomize(&id) < 0 || sd_bus_new(&bus) < 0 || sd_bus_set_fd(bus, fd, fd) < 0 ||
                        sd_bus_set_server(bus, true, id) < 0 || sd_bus_start(bus) < 0)
                _exit(1);
        while (!m || !sd_bus_message_is_method_call(m, "org.freedesktop.systemd1.Manager", member)) {
                m = sd_bus_message_unref(m);
                if (sd_bus_process(bus, &m) < 0 || (!m && sd_bus_wait(bus, 10 * 1000 * 1000) <= 0))
                        _exit(2);
        }
        if (sd_bus_message_read(m, "ss", &given, &mode) < 0 || strcmp(given, unit) != 0 || strcmp(mode, "replace") != 0)
                _exit(3);
        if (refuse)
                sd_bus_reply_method_errorf(m, "org.freedesktop.systemd1.UnitMasked", "Unit %s is masked.", unit);
        else
                sd_bus_reply_method_return(m, "o", JOB);
        if (result) {
                tell_removed(bus, "/org/freedesktop/systemd1/job/2", "done");
                tell_removed(bus, JOB, result);
        }
        sd_bus_message_unref(m);
        sd_bus_flush_close_unref(bus);
        _exit(0);
}

static int listen_at(const char *path) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        int fd = root_open(path);

        fd_close(fd);
        ck_assert_int_eq(unlink(root_path(path)), 0);
        strcpy(address.sun_path, root_path(path));
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        ck_assert_int_eq(bind(fd, (const struct sockaddr *) &address, sizeof(address)), 0);
        ck_assert_int_eq(listen(fd, 1), 0);
        return fd;
}

static void stop_listening(int listener) {
        fd_close(listener);
        ck_assert_int_eq(unlink(root_path("/run/systemd/private")), 0);
}

static void check(UnitAction action, const char *member, const char *unit, bool refuse) {
        TEMPORARY_ROOT();
        _cleanup_free_ char *why = NULL;
        int listener = listen_at("/run/systemd/private"), status, r;
        pid_t pid = fork();

        if (pid == 0)
                serve(listener, member, unit, refuse, NULL);
        r = systemd_queue(root, action, unit, &why);
        ck_assert_int_eq(waitpid(pid, &status, 0), pid);
        ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %x", (unsigned) status);
        if (refuse) {
                ck_assert_int_lt(r, 0);
                ck_assert_str_eq(why, "Unit liveupdate-commit.timer is masked.");
        } else {
                ck_assert_int_eq(r, 0);
                ck_assert_ptr_null(why);
        }
        fd_close(listener);
}

START_TEST(starts) {
        check(UNIT_START, "StartUnit", "liveupdate-commit.service", false);
}
END_TEST

START_TEST(stops) {
        check(UNIT_STOP, "StopUnit", "liveupdate-commit.timer", false);
}
END_TEST

START_TEST(says_why_not) {
        check(UNIT_START, "StartUnit", "liveupdate-commit.timer", true);
}
END_TEST

static int start_unit(bool refuse, const char *result, uint64_t timeout_usec) {
        int listener = listen_at("/run/systemd/private"), r;
        pid_t pid = fork();

        if (pid == 0)
                serve(listener, "StartUnit", "x.socket", refuse, result);
        r = systemd_start_unit(root, "x.socket", timeout_usec);
        ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
        stop_listening(listener);
        return r;
}

START_TEST(waits_until_it_is_up) {
        TEMPORARY_ROOT();

        ck_assert_int_eq(start_unit(false, "done", LONG_USEC), 0);
        ck_assert_int_eq(start_unit(false, "failed", LONG_USEC), -EIO);
        ck_assert_int_lt(start_unit(true, NULL, LONG_USEC), 0);
}
END_TEST

/* The peer ends, or hears nothing any more. */
START_TEST(does_not_wait_for_ever) {
        TEMPORARY_ROOT();
        int listener = listen_at("/run/systemd/private");

        ck_assert_int_eq(systemd_start_unit(root, "x.socket", 50000), -ETIMEDOUT);
        fd_close(listener);
        ck_assert_int_eq(systemd_start_unit(root, "x.socket", LONG_USEC), -ECONNREFUSED);
        ck_assert_int_eq(unlink(root_path("/run/systemd/private")), 0);
        ck_assert_int_lt(start_unit(false, NULL, LONG_USEC), 0);
}
END_TEST

START_TEST(there_is_no_systemd) {
        TEMPORARY_ROOT();
        _cleanup_free_ char *why = NULL;

        ck_assert_int_eq(setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent/bus", true), 0);
        ck_assert_int_eq(systemd_queue(root, UNIT_START, "x.service", &why), -ENOENT);
        ck_assert_ptr_null(why);
        ck_assert_int_eq(systemd_start_unit(root, "x.socket", LONG_USEC), -ENOENT);
}
END_TEST

UNIT_MAIN("systemd", starts, stops, says_why_not, waits_until_it_is_up, does_not_wait_for_ever, there_is_no_systemd)
