/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Against a played systemd-pcrextend, on a thread of its own. */

#include <pthread.h>
#include <sys/un.h>
#include <unistd.h>

#include "temporary-root.h"
#include "trust/measure.h"
#include "varlink-fixture.h"

#define SEC UINT64_C(1000000)

static int listen_at(const char *path) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        ck_assert_int_lt(snprintf(address.sun_path, sizeof(address.sun_path), "%s", path),
                        (int) sizeof(address.sun_path));
        ck_assert_int_eq(bind(fd, (struct sockaddr *) &address, sizeof(address)), 0);
        ck_assert_int_eq(listen(fd, 1), 0);
        return fd;
}

/* What the service does with the one who connects. */
typedef struct Service {
        const char *answer; /* NULL: none */
        useconds_t pause;   /* before each byte of it, endlessly the first one */
        bool hangs_up;
        int listen_fd, stop[2];
        char request[512];
        pthread_t thread;
} Service;

static void *service_run(void *data) {
        Service *service = data;
        int fd = accept(service->listen_fd, NULL, NULL);
        char c;

        if (recv(fd, service->request, sizeof(service->request) - 1, 0) > 0 && service->answer) {
                if (service->pause == 0)
                        (void) send(fd, service->answer, strlen(service->answer) + 1, MSG_NOSIGNAL);
                for (unsigned i = 0; service->pause > 0 && i < 1000 && send(fd, " ", 1, MSG_NOSIGNAL) == 1; i++)
                        usleep(service->pause);
        }
        if (!service->hangs_up)
                (void) read(service->stop[0], &c, 1);
        fd_close(fd);
        return NULL;
}

static void service_start(Service *service) {
        fd_close(root_open(MEASURE_SOCKET));
        ck_assert_int_eq(unlink(root_path(MEASURE_SOCKET)), 0);
        service->listen_fd = listen_at(root_path(MEASURE_SOCKET));
        ck_assert_int_eq(pipe(service->stop), 0);
        ck_assert_int_eq(pthread_create(&service->thread, NULL, service_run, service), 0);
}

static void service_stop(Service *service) {
        fd_close(service->stop[1]);
        pthread_join(service->thread, NULL);
        fd_close(service->stop[0]);
        fd_close(service->listen_fd);
        ck_assert_int_eq(unlink(root_path(MEASURE_SOCKET)), 0);
}

static int extend(Service *service, uint64_t timeout_usec, char **ret_error) {
        int r;

        service_start(service);
        r = measure_extend(root_path(MEASURE_SOCKET), MEASURE_PCR_KERNEL_IMAGE, "liveupdate:\"x\"", timeout_usec,
                        ret_error);
        service_stop(service);
        return r;
}

static uint64_t now_usec(void) {
        struct timespec now;

        ck_assert_int_eq(clock_gettime(CLOCK_MONOTONIC, &now), 0);
        return (uint64_t) now.tv_sec * SEC + (uint64_t) now.tv_nsec / 1000;
}

START_TEST(success) {
        TEMPORARY_ROOT();
        Service service = { .answer = "{\"parameters\":{}}" };
        _cleanup_json_ json_object *request = NULL;
        json_object *parameters;
        const char *text, *method;
        uint64_t pcr;

        ck_assert_int_eq(extend(&service, 10 * SEC, NULL), 0);
        ck_assert_int_eq(json_parse_object(service.request, strlen(service.request), &request), 0);
        ck_assert_int_eq(json_get_string(request, "method", &method), 0);
        ck_assert_str_eq(method, "io.systemd.PCRExtend.Extend");
        ck_assert_int_eq(json_get_object(request, "parameters", &parameters), 0);
        ck_assert_int_eq(json_object_object_length(parameters), 2);
        ck_assert_int_eq(json_get_u64(parameters, "pcr", &pcr), 0);
        ck_assert_uint_eq(pcr, 11);
        ck_assert_int_eq(json_get_string(parameters, "text", &text), 0);
        ck_assert_str_eq(text, "liveupdate:\"x\"");
}
END_TEST

START_TEST(refusal) {
        static const struct {
                const char *answer, *word;
        } cases[] = {
                { "{\"error\":\"io.systemd.System\",\"parameters\":{\"origin\":\"linux\",\"errno\":19,"
                  "\"errnoName\":\"ENODEV\"}}", "io.systemd.System: ENODEV" },
                { "{\"error\":\"org.varlink.service.MethodNotFound\"}", "org.varlink.service.MethodNotFound" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                TEMPORARY_ROOT();
                Service service = { .answer = cases[i].answer }, again = service;
                _cleanup_free_ char *error = NULL;

                ck_assert_int_eq(extend(&service, 10 * SEC, &error), -EREMOTEIO);
                ck_assert_str_eq(error, cases[i].word);
                ck_assert_int_eq(extend(&again, 10 * SEC, NULL), -EREMOTEIO);
        }
}
END_TEST

START_TEST(silence) {
        TEMPORARY_ROOT();
        Service silent = {}, trickling = { .answer = "", .pause = 20 * 1000 };
        uint64_t before = now_usec(), took;

        ck_assert_int_eq(extend(&silent, SEC / 5, NULL), -ETIMEDOUT);
        ck_assert_uint_ge(now_usec() - before, SEC / 5);

        /* Something comes all the time, but never an answer. */
        before = now_usec();
        service_start(&trickling);
        ck_assert_int_eq(measure_extend(root_path(MEASURE_SOCKET), 12, "x", SEC / 2, NULL), -ETIMEDOUT);
        took = now_usec() - before;
        ck_assert_uint_ge(took, SEC / 2);
        ck_assert_uint_lt(took, 10 * SEC);
        service_stop(&trickling);
}
END_TEST

START_TEST(hangs_up_or_babbles) {
        TEMPORARY_ROOT();
        Service gone = { .hangs_up = true }, babbling = { .answer = "hello" };

        ck_assert_int_eq(extend(&gone, 10 * SEC, NULL), -ECONNRESET);
        ck_assert_int_eq(extend(&babbling, 10 * SEC, NULL), -EBADMSG);
}
END_TEST

START_TEST(nobody_there) {
        TEMPORARY_ROOT();
        char *error = NULL;

        ck_assert_int_eq(measure_extend(root_path("/socket"), 11, "x", SEC, &error), -ENOENT);
        fd_close(listen_at(root_path("/socket")));
        ck_assert_int_eq(measure_extend(root_path("/socket"), 11, "x", SEC, &error), -ECONNREFUSED);
        ck_assert_ptr_null(error);
}
END_TEST

static void tpm_write(const char *version) {
        _cleanup_fd_ int fd = root_open("/sys/class/tpm/tpm0/tpm_version_major");

        ck_assert_int_eq(ftruncate(fd, 0), 0);
        ck_assert_int_eq(write(fd, version, strlen(version)), (ssize_t) strlen(version));
}

START_TEST(possible_or_not) {
        TEMPORARY_ROOT();
        const char *why = NULL;

        ck_assert(!measure_is_possible(root, &why));
        ck_assert_ptr_nonnull(strstr(why, "no TPM2"));
        tpm_write("1\n");
        ck_assert(!measure_is_possible(root, &why));
        ck_assert_ptr_nonnull(strstr(why, "no TPM2"));
        tpm_write("2\n");
        ck_assert(!measure_is_possible(root, &why));
        ck_assert_ptr_nonnull(strstr(why, "systemd-pcrextend.socket"));
        fd_close(root_open(MEASURE_SOCKET));
        ck_assert(!measure_is_possible(root, &why));
        ck_assert_int_eq(unlink(root_path(MEASURE_SOCKET)), 0);
        fd_close(listen_at(root_path(MEASURE_SOCKET)));
        ck_assert(measure_is_possible(root, &why));
}
END_TEST

UNIT_MAIN("measure", success, refusal, silence, hangs_up_or_babbles, nobody_there, possible_or_not)
