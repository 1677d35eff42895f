/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "idl.h"
#include "ipc/service.h"
#include "varlink-fixture.h"

/* In a directory of its own. Static, overwritten by the next one. */
static const char *temporary_path(const char *name) {
        char dir[] = "/tmp/test-varlink-XXXXXX";
        static char path[64];

        ck_assert_ptr_nonnull(mkdtemp(dir));
        ck_assert_int_lt(snprintf(path, sizeof(path), "%s/%s", dir, name), (int) sizeof(path));
        return path;
}

static void temporary_remove(const char *path) {
        char *dir = strdup(path);

        (void) unlink(path);
        *strrchr(dir, '/') = 0;
        ck_assert_int_eq(rmdir(dir), 0);
        free(dir);
}

static int receive(Fixture *f, VarlinkClient *client, VarlinkReply *reply) {
        pump(f);
        varlink_reply_done(reply);
        return varlink_client_receive(client, reply);
}

static const char *member(VarlinkReply *reply, const char *key) {
        const char *value = "(none)";

        (void) json_get_string(reply->parameters, key, &value);
        return value;
}

START_TEST(listens_and_serves) {
        const char *path = temporary_path("socket");
        _cleanup_(fixture_done) Fixture f;
        _cleanup_(varlink_client_freep) VarlinkClient *client = NULL, *second = NULL;
        _cleanup_(varlink_reply_done) VarlinkReply reply = {};
        json_object *to = json_object_new_object();
        struct stat st;

        fixture_init(&f);
        ck_assert_int_eq(varlink_server_set_priority(f.server, SD_EVENT_PRIORITY_IDLE), 0);
        ck_assert_int_eq(varlink_server_listen(f.server, path, 0666), 0);
        ck_assert_int_eq(lstat(path, &st), 0);
        ck_assert(S_ISSOCK(st.st_mode));
        ck_assert_uint_eq(st.st_mode & 07777, 0666);

        ck_assert_int_eq(varlink_client_connect(path, &client), 0);
        ck_assert_int_eq(varlink_client_connect(path, &second), 0);
        ck_assert_int_eq(json_add_u64(to, "to", 1), 0);
        ck_assert_int_eq(varlink_client_send(client, IFACE ".Count", to, true, NULL, 0), 0);
        for (unsigned i = 0; i < 2; i++) {
                ck_assert_int_eq(receive(&f, client, &reply), 0);
                ck_assert_ptr_null(reply.error);
                ck_assert(reply.continues == (i == 0));
        }
        ck_assert_int_eq(varlink_server_set_priority(f.server, SD_EVENT_PRIORITY_NORMAL), 0);
        ck_assert_int_eq(varlink_client_send(second, IFACE ".Fail", NULL, false, NULL, 0), 0);
        ck_assert_int_eq(receive(&f, second, &reply), 0);
        ck_assert_str_eq(reply.error, VARLINK_ERROR_INTERNAL);
        ck_assert_str_eq(member(&reply, "errnoName"), "ENOSPC");

        f.server = varlink_server_free(f.server);
        ck_assert_int_eq(varlink_client_receive(client, &reply), -ECONNRESET);
        ck_assert_int_eq(varlink_client_send(client, IFACE ".Echo", NULL, false, NULL, 0), -ECONNRESET);
        ck_assert_int_eq(lstat(path, &st), -1);
        client = varlink_client_free(client);
        ck_assert_int_eq(varlink_client_connect(path, &client), -ENOENT);
        temporary_remove(path);
}
END_TEST

START_TEST(replaces_only_a_stale_socket) {
        const char *path = temporary_path("socket");
        _cleanup_(fixture_done) Fixture f, other;
        _cleanup_(varlink_client_freep) VarlinkClient *client = NULL;
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        _cleanup_fd_ int fd = -EBADF;
        char long_path[128];
        struct stat st;

        fixture_init(&f);
        fixture_init(&other);
        fd = creat(path, 0600);
        ck_assert_int_eq(varlink_server_listen(f.server, path, 0600), -EEXIST);
        fd = fd_close(fd);
        ck_assert_int_eq(unlink(path), 0);

        strcpy(address.sun_path, path);
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        ck_assert_int_eq(bind(fd, (struct sockaddr *) &address, sizeof(address)), 0);
        fd = fd_close(fd);
        ck_assert_int_eq(varlink_client_connect(path, &client), -ECONNREFUSED);
        ck_assert_int_eq(varlink_server_listen(f.server, path, 0600), 0);
        ck_assert_int_eq(varlink_server_listen(other.server, path, 0600), -EADDRINUSE);
        pump(&f);
        ck_assert_uint_eq(count_connections(&f), 0);

        /* Who took the place in the meantime keeps it. */
        ck_assert_int_eq(unlink(path), 0);
        ck_assert_int_eq(varlink_server_listen(other.server, path, 0600), 0);
        f.server = varlink_server_free(f.server);
        ck_assert_int_eq(lstat(path, &st), 0);

        memset(long_path, '/', sizeof(long_path));
        long_path[sizeof(long_path) - 1] = 0;
        ck_assert_int_eq(varlink_server_listen(other.server, long_path, 0600), -ENAMETOOLONG);
        ck_assert_int_eq(varlink_client_connect(long_path, &client), -ENAMETOOLONG);
        ck_assert_int_eq(varlink_server_listen(other.server, "relative", 0600), -EINVAL);
        ck_assert_int_eq(varlink_server_listen(other.server, "/nonexistent/socket", 0600), -ENOENT);
        other.server = varlink_server_free(other.server);
        temporary_remove(path);
}
END_TEST

START_TEST(takes_an_activated_socket) {
        const char *path = temporary_path("activated");
        _cleanup_(fixture_done) Fixture f;
        _cleanup_(varlink_client_freep) VarlinkClient *client = NULL;
        _cleanup_(varlink_reply_done) VarlinkReply reply = {};
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        struct stat st;
        int fd, pair[2];

        fixture_init(&f);
        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
        ck_assert_int_eq(varlink_server_take_listen_fd(f.server, pair[0]), -EINVAL);
        fd_close(pair[0]);
        fd_close(pair[1]);
        ck_assert_int_eq(varlink_server_take_listen_fd(f.server, -EBADF), -EBADF);

        strcpy(address.sun_path, path);
        fd = socket(AF_UNIX, SOCK_STREAM, 0);
        ck_assert_int_eq(bind(fd, (struct sockaddr *) &address, sizeof(address)), 0);
        ck_assert_int_eq(listen(fd, 1), 0);
        ck_assert_int_eq(varlink_server_take_listen_fd(f.server, fd), 0);
        ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
        ck_assert_int_eq(varlink_client_connect(path, &client), 0);
        ck_assert_int_eq(varlink_client_send(client, IFACE ".Echo", NULL, false, NULL, 0), 0);
        ck_assert_int_eq(receive(&f, client, &reply), 0);

        f.server = varlink_server_free(f.server);
        ck_assert_int_eq(lstat(path, &st), 0); /* systemd's */
        temporary_remove(path);
}
END_TEST

START_TEST(rests_while_out_of_fds) {
        const char *path = temporary_path("socket");
        _cleanup_(fixture_done) Fixture f;
        _cleanup_(varlink_client_freep) VarlinkClient *client = NULL, *second = NULL;
        struct rlimit limit, few;
        int fds[256];
        bool is_strict;
        size_t n = 0;

        fixture_init(&f);
        ck_assert_int_eq(varlink_server_listen(f.server, path, 0600), 0);
        ck_assert_int_eq(varlink_client_connect(path, &client), 0);
        ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
        few = (struct rlimit) { ELEMENTSOF(fds), limit.rlim_max };
        ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
        while (n < ELEMENTSOF(fds) && (fds[n] = dup(0)) >= 0)
                n++;
        ck_assert_int_eq(errno, EMFILE);
        /* valgrind keeps the limit itself: it lets accept() succeed, closes the socket and says EMFILE. */
        is_strict = !getenv("LD_PRELOAD") || !strstr(getenv("LD_PRELOAD"), "valgrind");
        pump(&f); /* comes to rest */
        ck_assert_uint_eq(count_connections(&f), 0);
        while (n > 0)
                fd_close(fds[--n]);
        ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
        ck_assert_int_eq(varlink_client_connect(path, &second), 0);
        ck_assert(wait_for_connections(&f, is_strict ? 2 : 1));
        f.server = varlink_server_free(f.server);
        temporary_remove(path);
}
END_TEST

START_TEST(describes_itself) {
        _cleanup_(fixture_done) Fixture f;
        _cleanup_(varlink_client_freep) VarlinkClient *client = NULL;
        _cleanup_(varlink_reply_done) VarlinkReply reply = {};
        static const char *const names[] = { "org.varlink.service", IFACE, "io.example.None" };
        json_object *interfaces = NULL;

        fixture_init(&f);
        client = new_client(&f);
        ck_assert_int_eq(
                        varlink_client_send(client, "org.varlink.service.GetInfo", NULL, false, NULL, 0), 0);
        ck_assert_int_eq(receive(&f, client, &reply), 0);
        ck_assert_str_eq(member(&reply, "vendor"), "liveupdated");
        ck_assert_str_eq(member(&reply, "product"), "test");
        ck_assert_str_eq(member(&reply, "version"), "1");
        ck_assert_str_ne(member(&reply, "url"), "(none)");
        ck_assert_int_eq(json_get_array(reply.parameters, "interfaces", &interfaces), 0);
        ck_assert_str_eq(json_object_to_json_string_ext(interfaces, JSON_C_TO_STRING_PLAIN),
                        "[\"org.varlink.service\",\"" IFACE "\"]");

        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                json_object *o = json_object_new_object();

                ck_assert_int_eq(json_add_string(o, "interface", names[i]), 0);
                ck_assert_int_eq(varlink_client_send(client, "org.varlink.service.GetInterfaceDescription",
                                                 o, false, NULL, 0),
                                0);
                ck_assert_int_eq(receive(&f, client, &reply), 0);
                ck_assert_str_eq(reply.error ?: "none", i < 2 ? "none" : SERVICE_ERROR("InterfaceNotFound"));
                if (i < 2)
                        ck_assert_ptr_nonnull(strstr(member(&reply, "description"), names[i]));
                else
                        ck_assert_str_eq(member(&reply, "interface"), names[i]);
        }

        ck_assert_int_eq(varlink_client_send(client, "org.varlink.service.GetInterfaceDescription", NULL,
                                         false, NULL, 0),
                        0);
        ck_assert_int_eq(receive(&f, client, &reply), 0);
        ck_assert_str_eq(reply.error, SERVICE_ERROR("InvalidParameter"));
        ck_assert_str_eq(member(&reply, "parameter"), "interface");
}
END_TEST

START_TEST(descriptions_agree_with_the_code) {
        static const char *const errors[] = { "InterfaceNotFound", "MethodNotFound", "MethodNotImplemented",
                "InvalidParameter", "PermissionDenied", "ExpectedMore" };
        static const VarlinkInterface mute = { .name = "io.example.Mute" };
        _cleanup_(fixture_done) Fixture f;

        idl_assert_agrees(&service_interface);
        idl_assert_agrees(&test_interface);
        for (size_t i = 0; i < ELEMENTSOF(errors); i++)
                ck_assert(idl_has_symbol(service_interface.description, "error", errors[i]));

        fixture_init(&f);
        ck_assert_int_eq(varlink_server_add_interface(f.server, &test_interface, NULL), -EEXIST);
        ck_assert_int_eq(varlink_server_add_interface(f.server, &mute, NULL), -EINVAL);
}
END_TEST

START_TEST(client_judges_the_server) {
        static const char *const bad[] = { "", "[]", "{\"error\":1}", "{\"continues\":1}",
                "{\"parameters\":[]}" };
        _cleanup_(varlink_client_freep) VarlinkClient *client = NULL;
        _cleanup_(varlink_reply_done) VarlinkReply reply = {};
        int pair[2];

        for (size_t i = 0; i <= ELEMENTSOF(bad); i++) {
                ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
                ck_assert_int_eq(varlink_client_take_fd(pair[0], &client), 0);
                raw_send(pair[1], i < ELEMENTSOF(bad) ? bad[i] : "{\"error\":\"a.b.C\"}");
                fd_close(pair[1]);
                ck_assert_int_eq(varlink_client_receive(client, &reply), i < ELEMENTSOF(bad) ? -EBADMSG : 0);
                if (i == ELEMENTSOF(bad)) {
                        ck_assert_str_eq(reply.error, "a.b.C");
                        ck_assert_ptr_nonnull(reply.parameters);
                        ck_assert_int_eq(varlink_client_receive(client, &reply), -ECONNRESET);
                }
                client = varlink_client_free(client);
        }
        ck_assert_int_eq(varlink_client_take_fd(-EBADF, &client), -EBADF);
}
END_TEST

UNIT_MAIN("varlink-client", listens_and_serves, replaces_only_a_stale_socket, takes_an_activated_socket,
                rests_while_out_of_fds, describes_itself, descriptions_agree_with_the_code,
                client_judges_the_server)
