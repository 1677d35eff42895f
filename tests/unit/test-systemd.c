/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <systemd/sd-bus.h>

#include "client/systemd.h"
#include "temporary-root.h"

/* Answers one call as systemd would, and compares it. */
static void serve(int listener, const char *member, const char *unit, bool refuse) {
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
                sd_bus_reply_method_return(m, "o", "/org/freedesktop/systemd1/job/1");
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

static void check(UnitAction action, const char *member, const char *unit, bool refuse) {
        TEMPORARY_ROOT();
        _cleanup_free_ char *why = NULL;
        int listener = listen_at("/run/systemd/private"), status, r;
        pid_t pid = fork();

        if (pid == 0)
                serve(listener, member, unit, refuse);
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

START_TEST(there_is_no_systemd) {
        TEMPORARY_ROOT();
        _cleanup_free_ char *why = NULL;

        ck_assert_int_eq(setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent/bus", true), 0);
        ck_assert_int_eq(systemd_queue(root, UNIT_START, "x.service", &why), -ENOENT);
        ck_assert_ptr_null(why);
}
END_TEST

UNIT_MAIN("systemd", starts, stops, says_why_not, there_is_no_systemd)
