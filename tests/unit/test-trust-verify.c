/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The daemon's side, and the job on the other: played against each other in one process, and against answers that no
 * job would give. */

#include <fcntl.h>
#include <unistd.h>

#include "basic/io.h"
#include "basic/json.h"
#include "inspect/inspect.h"
#include "inspect/job.h"
#include "temporary-root.h"
#include "trust-fixture.h"
#include "trust/trust.h"

int __wrap_inspect_run(const char *job, json_object *request, const int *fds, size_t n_fds, uint64_t timeout_usec,
                json_object **ret);

#define ANCHOR "/etc/liveupdate/trust.d/site.pem"
#define OFFSET 4096U

static const char *canned_answer; /* NULL: the job's */
static int canned_error;

/* The job has its file as fd 3, which may be somebody's here. */
static int job_run(json_object *request, int fd, json_object *answer) {
        void *gathered = NULL;
        int saved, r;

        r = verify_job.gather(request, &gathered);
        if (r < 0)
                return r;
        if (fd == JOB_FD_FIRST)
                return verify_job.run(request, gathered, answer);
        saved = fcntl(JOB_FD_FIRST, F_DUPFD_CLOEXEC, JOB_FD_FIRST + 1);
        if (dup2(fd, JOB_FD_FIRST) < 0)
                abort();
        r = verify_job.run(request, gathered, answer);
        if (saved >= 0 ? dup2(saved, JOB_FD_FIRST) < 0 : close(JOB_FD_FIRST) < 0)
                abort();
        fd_close(saved);
        return r;
}

int __wrap_inspect_run(const char *job, json_object *request, const int *fds, size_t n_fds, uint64_t timeout_usec,
                json_object **ret) {
        _cleanup_json_ json_object *answer = NULL;
        int r = canned_error;

        ck_assert_str_eq(job, "verify");
        ck_assert_uint_eq(n_fds, 1);
        ck_assert_uint_gt(timeout_usec, 0);
        if (r == 0 && canned_answer)
                r = json_parse_object(canned_answer, strlen(canned_answer), &answer);
        else if (r == 0) {
                answer = json_object_new_object();
                r = job_run(request, fds[0], answer);
        }
        if (r >= 0)
                *ret = TAKE_PTR(answer);
        json_object_put(request);
        return r;
}

static const char hex[] = "1122334455000000000000000000000000000000000000000000000000000000";

static int file_with(const Bytes *table) {
        int fd;

        ck_assert_int_eq(memfd_new_with("test", NULL, OFFSET + table->size, &fd), 0);
        ck_assert_int_eq(pwrite(fd, table->data, table->size, OFFSET), (ssize_t) table->size);
        return fd;
}

static void anchor_write(const Party *party) {
        _cleanup_fd_ int fd = root_open(ANCHOR);
        Bytes pem = certificate_pem(party);

        ck_assert_int_eq(write(fd, pem.data, pem.size), (ssize_t) pem.size);
}

START_TEST(whole_way) {
        TEMPORARY_ROOT();
        Party ca = authority("CA"), leaf = signer("Leaf", &ca);
        Bytes table = signed_by(&leaf);
        _cleanup_fd_ int fd = file_with(&table);
        _cleanup_(signature_freep) Signature *unknown = NULL, *verified = NULL, *broken = NULL, *absent = NULL;

        ck_assert_int_eq(trust_verify(root, fd, OFFSET, table.size, hex, "sbat,1,x\n", &unknown), 0);
        ck_assert_int_eq(unknown->state, SIGNATURE_UNKNOWN);
        ck_assert_str_eq(unknown->signer, "CN = Leaf");
        anchor_write(&ca);
        ck_assert_int_eq(trust_verify(root, fd, OFFSET, table.size, hex, NULL, &verified), 0);
        ck_assert_int_eq(verified->state, SIGNATURE_VERIFIED);
        ck_assert_str_eq(verified->detail, "trusted by " ANCHOR);
        ck_assert_int_eq(trust_verify(root, fd, OFFSET, table.size, hex, "sbat", &broken), 0);
        ck_assert_int_eq(broken->state, SIGNATURE_BROKEN);
        ck_assert_int_eq(trust_verify(root, fd, 0, 0, "", NULL, &absent), 0);
        ck_assert_int_eq(absent->state, SIGNATURE_ABSENT);
        ck_assert_ptr_null(absent->signer);
}
END_TEST

START_TEST(known_by_its_digest) {
        TEMPORARY_ROOT();
        _cleanup_(signature_freep) Signature *of_digest = NULL, *without = NULL;
        Bytes list = {}, variable = {};
        _cleanup_fd_ int fd = root_open("/sys/firmware/efi/efivars/db-d719b2cb-3d3a-4596-a3bc-dad00e67656f");

        put_list(&list, GUID_SHA256, image_digest, sizeof(image_digest));
        put(&variable, "\x27\0\0\0", 4);
        put(&variable, list.data, list.size);
        ck_assert_int_eq(write(fd, variable.data, variable.size), (ssize_t) variable.size);
        ck_assert_int_eq(trust_verify(root, fd, 0, 0, hex, NULL, &of_digest), 0);
        ck_assert_int_eq(of_digest->state, SIGNATURE_VERIFIED);
        ck_assert_int_eq(trust_verify(root, fd, 0, 0, "", NULL, &without), 0);
        ck_assert_int_eq(without->state, SIGNATURE_ABSENT);
}
END_TEST

START_TEST(orders_that_make_no_sense) {
        TEMPORARY_ROOT();
        Bytes table = { .size = 64 };
        _cleanup_fd_ int fd = file_with(&table);
        _cleanup_(signature_freep) Signature *signature = NULL, *large = NULL, *components = NULL;
        char sbat[16384], no_hex[sizeof(hex)];

        ck_assert_int_eq(trust_verify(root, fd, OFFSET, 64, "", NULL, &signature), -EBADMSG);
        ck_assert_int_eq(trust_verify(root, fd, OFFSET, 64, "11", NULL, &signature), -EBADMSG);
        strcpy(no_hex, hex);
        no_hex[63] = 'g';
        ck_assert_int_eq(trust_verify(root, fd, OFFSET, 64, no_hex, NULL, &signature), -EBADMSG);
        ck_assert_int_eq(trust_verify(root, fd, OFFSET, 65, hex, NULL, &signature), -ENODATA);
        ck_assert_int_eq(trust_verify(root, fd, UINT64_MAX, 64, hex, NULL, &signature), -EBADMSG);
        ck_assert_ptr_null(signature);

        ck_assert_int_eq(trust_verify(root, fd, OFFSET, (1U << 20) + 1, hex, NULL, &large), 0);
        ck_assert_int_eq(large->state, SIGNATURE_BROKEN);
        ck_assert_str_eq(large->detail, "its signatures are too large");
        memset(sbat, 'a', sizeof(sbat));
        sbat[sizeof(sbat) - 1] = 0;
        ck_assert_int_eq(trust_verify(root, fd, OFFSET, 64, hex, sbat, &components), 0);
        ck_assert_int_eq(components->state, SIGNATURE_BROKEN);
}
END_TEST

START_TEST(answers_are_not_believed) {
        static const char *const bad[] = {
                "{}",
                "{\"state\":1}",
                "{\"state\":\"trusted\"}",
                "{\"state\":\"unchecked\"}",
                "{\"state\":\"absent\"}",
                "{\"state\":\"verified\",\"signer\":\"\"}",
                "{\"state\":\"verified\",\"signer\":5}",
                "{\"state\":\"verified\",\"signer\":\"a\\nb\"}",
                "{\"state\":\"verified\",\"detail\":\"\\u001b[31m\"}",
                "{\"state\":\"verified\",\"detail\":\"\\u00e9\"}",
        };
        _cleanup_(signature_freep) Signature *signature = NULL, *good = NULL;
        char text[8192] = "{\"state\":\"broken\",\"detail\":\"";

        for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
                canned_answer = bad[i];
                ck_assert_int_eq(trust_verify("", 0, OFFSET, 64, hex, NULL, &signature), -EBADMSG);
                ck_assert_ptr_null(signature);
        }
        memset(text + strlen(text), 'x', 5000);
        strcat(text, "\"}");
        canned_answer = text;
        ck_assert_int_eq(trust_verify("", 0, OFFSET, 64, hex, NULL, &signature), -EBADMSG);
        canned_answer = "{\"state\":\"unknown\"}";
        ck_assert_int_eq(trust_verify("", 0, 0, 0, hex, NULL, &signature), -EBADMSG);
        canned_answer = "{\"state\":\"revoked\",\"signer\":\"CN = x\",\"detail\":\"d\"}";
        ck_assert_int_eq(trust_verify("", 0, 0, 0, hex, NULL, &good), 0);
        ck_assert_int_eq(good->state, SIGNATURE_REVOKED);
        ck_assert_str_eq(good->signer, "CN = x");
        ck_assert_str_eq(good->detail, "d");
        canned_answer = NULL;
        canned_error = -ECHILD;
        ck_assert_int_eq(trust_verify("", 0, 0, 0, hex, NULL, &signature), -ECHILD);
}
END_TEST

UNIT_MAIN("trust-verify", whole_way, known_by_its_digest, orders_that_make_no_sense, answers_are_not_believed)
