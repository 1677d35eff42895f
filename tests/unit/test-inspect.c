/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The program as the daemon runs it, and what becomes of one that fails, hangs or lies. */

#include <pthread.h>
#include <signal.h>

#include "basic/json.h"
#include "inspect-fixture.h"
#include "inspect/plain-sha256.h"

#define SECOND UINT64_C(1000000)

#define SHA256_OF_ABC "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define SHA256_OF_NOTHING "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define SHA256_OF_64_ZEROS "f5a5fd42d16a20302798ef6ed309979b43003d2320d9f0e8ea9831a92759fb4b"
#define SHA256_OF_3_MIB_OF_A_AND_B "5968e565869d881bee45cd729dd7d4cd161824f588c27e56af139e28cd8138b0"

static int run(const char *job, const char *text, json_object **ret) {
        json_object *request = NULL;

        ck_assert_int_eq(json_parse_object(text, strlen(text), &request), 0);
        return inspect_run(job, request, NULL, 0, 20 * SECOND, ret);
}

static int run_played(const char *body, uint64_t timeout_usec) {
        TEMPORARY_ROOT();
        _cleanup_json_ json_object *answer = NULL;
        size_t n_fds = count_fds();
        int r;

        play(body);
        r = inspect_run("digest", json_object_new_object(), NULL, 0, timeout_usec, &answer);
        ck_assert(r >= 0 || !answer);
        assert_nothing_left(n_fds);
        return r;
}

START_TEST(digests) {
        _cleanup_fd_ int fd = file_of("xabcx", 5);
        const InspectSpan abc = { fd, 1, 3 }, a = { fd, 1, 1 }, bc = { fd, 2, 2 }, zeros = { -EBADF, 0, 64 };
        char hex[INSPECT_SHA256_HEX_BYTES];
        size_t n_fds = count_fds();

        ck_assert_int_eq(inspect_digest(&abc, 1, hex), 0);
        ck_assert_str_eq(hex, SHA256_OF_ABC);
        ck_assert_int_eq(inspect_digest((InspectSpan[]) { a, { fd, 5, 0 }, bc }, 3, hex), 0);
        ck_assert_str_eq(hex, SHA256_OF_ABC);
        ck_assert_int_eq(inspect_digest(&zeros, 1, hex), 0);
        ck_assert_str_eq(hex, SHA256_OF_64_ZEROS);
        ck_assert_int_eq(inspect_digest(NULL, 0, hex), 0);
        ck_assert_str_eq(hex, SHA256_OF_NOTHING);
        assert_nothing_left(n_fds);
}
END_TEST

/* More than the pieces that are read at once, from as many fds as there can be. */
START_TEST(digests_many_spans) {
        size_t half = 3 << 19, each = half / (INSPECT_SPANS_MAX / 2);
        _cleanup_free_ char *data = malloc(2 * half);
        char hex[INSPECT_SHA256_HEX_BYTES];
        InspectSpan spans[INSPECT_SPANS_MAX + 1];
        int fds[INSPECT_SPANS_MAX];

        memset(data, 'a', half);
        memset(data + half, 'b', half);
        for (size_t i = 0; i < INSPECT_SPANS_MAX; i++) {
                fds[i] = file_of(data, 2 * half);
                spans[i] = (InspectSpan) { fds[i], i * each, each };
        }
        ck_assert_int_eq(inspect_digest(&(InspectSpan) { fds[0], 0, 2 * half }, 1, hex), 0);
        ck_assert_str_eq(hex, SHA256_OF_3_MIB_OF_A_AND_B);
        ck_assert_int_eq(inspect_digest(spans, INSPECT_SPANS_MAX, hex), 0);
        ck_assert_str_eq(hex, SHA256_OF_3_MIB_OF_A_AND_B);
        ck_assert_int_eq(inspect_digest(spans, INSPECT_SPANS_MAX + 1, hex), -E2BIG);
        for (size_t i = 0; i < INSPECT_SPANS_MAX; i++)
                fd_close(fds[i]);
}
END_TEST

START_TEST(refuses_spans_past_the_end) {
        _cleanup_fd_ int fd = file_of("abc", 3);
        char hex[INSPECT_SHA256_HEX_BYTES];

        ck_assert_int_eq(inspect_digest(&(InspectSpan) { fd, 0, 4 }, 1, hex), -EBADMSG);
        ck_assert_int_eq(inspect_digest(&(InspectSpan) { fd, 4, 1 }, 1, hex), -EBADMSG);
        ck_assert_int_eq(inspect_digest(&(InspectSpan) { fd, INT64_MAX, 1 }, 1, hex), -EINVAL);
        ck_assert_int_eq(inspect_digest(&(InspectSpan) { 1000, 0, 1 }, 1, hex), -EBADF);
}
END_TEST

/* What is timed has to be what purgatory does. */
START_TEST(computes_what_it_times) {
        uint8_t blocks[2 * 64] = { [64] = 0x80, [2 * 64 - 2] = 2 }; /* 64 zeros, and the padding behind 512 bits */
        char hex[INSPECT_SHA256_HEX_BYTES];
        PlainSha256 sha;

        plain_sha256_init(&sha);
        plain_sha256_blocks(&sha, blocks, 2);
        for (size_t i = 0; i < ELEMENTSOF(sha.state); i++)
                snprintf(hex + 8 * i, 9, "%08x", sha.state[i]);
        ck_assert_str_eq(hex, SHA256_OF_64_ZEROS);
}
END_TEST

START_TEST(measures_the_cost_of_a_checksum) {
        _cleanup_free_ char *data = calloc(1, 4 << 20);
        _cleanup_fd_ int fd = file_of(data, 4 << 20);
        uint64_t one = 0, four = 0, zeros = 0, nothing = 1;

        ck_assert_int_eq(inspect_checksum_cost(&(InspectSpan) { fd, 0, 1 << 20 }, 1, &one), 0);
        ck_assert_int_eq(inspect_checksum_cost(&(InspectSpan) { fd, 0, 4 << 20 }, 1, &four), 0);
        ck_assert_int_eq(inspect_checksum_cost(&(InspectSpan) { -EBADF, 0, 4 << 20 }, 1, &zeros), 0);
        ck_assert_int_eq(inspect_checksum_cost(NULL, 0, &nothing), 0);
        ck_assert_uint_eq(nothing, 0);
        /* No processor does a byte in less than a nanosecond without its vectors. */
        ck_assert_uint_gt(one, 1000);
        ck_assert_uint_gt(four, 2 * one);
        ck_assert_uint_gt(zeros, 2 * one);
}
END_TEST

START_TEST(says_what_the_program_says) {
        _cleanup_json_ json_object *answer = NULL;

        ck_assert_int_eq(run("digest", "{}", &answer), -EINVAL);
        ck_assert_ptr_nonnull(answer);
        answer = (json_object_put(answer), NULL);
        ck_assert_int_eq(run("digest", "{\"spans\":[{\"bytes\":1,\"fd\":2,\"offset\":0}]}", &answer), -EINVAL);
        answer = (json_object_put(answer), NULL);
        ck_assert_int_eq(run("digest", "{\"spans\":[{\"bytes\":-1}]}", &answer), -EINVAL);
        answer = (json_object_put(answer), NULL);
        ck_assert_int_eq(run("digest", "{\"spans\":[null]}", &answer), -EINVAL);
}
END_TEST

START_TEST(notices_a_missing_program) {
        char hex[INSPECT_SHA256_HEX_BYTES];
        size_t n_fds = count_fds();

        ck_assert_int_eq(setenv("LIVEUPDATE_INSPECT", "/nowhere/liveupdate-inspect", 1), 0);
        ck_assert_int_eq(inspect_digest(NULL, 0, hex), -ENOENT);
        assert_nothing_left(n_fds);
}
END_TEST

START_TEST(notices_an_unknown_job) {
        _cleanup_json_ json_object *answer = NULL;

        ck_assert_int_eq(run("cook", "{}", &answer), -EPROTO);
        ck_assert_ptr_null(answer);
}
END_TEST

START_TEST(refuses_a_request_that_is_too_large) {
        _cleanup_free_ char *text = malloc(70000);
        json_object *request = json_object_new_object(), *answer;
        size_t n_fds = count_fds();

        memset(text, 'x', 69999);
        text[69999] = 0;
        ck_assert_int_eq(json_add_string(request, "text", text), 0);
        ck_assert_int_eq(inspect_run("digest", request, NULL, 0, SECOND, &answer), -E2BIG);
        assert_nothing_left(n_fds);
}
END_TEST

START_TEST(notices_what_goes_wrong) {
        ck_assert_int_eq(run_played("kill -9 $$", 20 * SECOND), -ECHILD);
        ck_assert_int_eq(run_played("kill -SEGV $$", 20 * SECOND), -ECHILD);
        ck_assert_int_eq(run_played("exec sleep 50", SECOND / 10), -ETIMEDOUT);
        ck_assert_int_eq(run_played("exec sleep 50 >&-", SECOND / 10), -ETIMEDOUT);
        ck_assert_int_eq(run_played("echo '{}'; exec sleep 50", SECOND / 10), -ETIMEDOUT);
        ck_assert_int_eq(run_played("echo '{}'; exit 1", 20 * SECOND), -EPROTO);
        ck_assert_int_eq(run_played("exit 0", 20 * SECOND), -EPROTO);
        ck_assert_int_eq(run_played("echo '[]'", 20 * SECOND), -EPROTO);
        ck_assert_int_eq(run_played("echo '{\"sha256\":'", 20 * SECOND), -EPROTO);
        ck_assert_int_eq(run_played("echo '{\"error\":\"EPERM\"}'", 20 * SECOND), -EPROTO);
        ck_assert_int_eq(run_played("echo '{\"error\":-1}'", 20 * SECOND), -EPROTO);
        ck_assert_int_eq(run_played("echo '{\"error\":4096}'", 20 * SECOND), -EPROTO);
        ck_assert_int_eq(run_played("exec yes", 20 * SECOND), -EPROTO);
}
END_TEST

static int digest_played(const char *answer) {
        TEMPORARY_ROOT();
        char hex[INSPECT_SHA256_HEX_BYTES], body[512];

        snprintf(body, sizeof(body), "echo '%s'", answer);
        play(body);
        return inspect_digest(NULL, 0, hex);
}

START_TEST(believes_no_senseless_digest) {
        ck_assert_int_eq(digest_played("{\"sha256\":\"" SHA256_OF_ABC "\"}"), 0);
        ck_assert_int_eq(digest_played("{}"), -EPROTO);
        ck_assert_int_eq(digest_played("{\"sha256\":1}"), -EPROTO);
        ck_assert_int_eq(digest_played("{\"sha256\":\"" SHA256_OF_ABC "0\"}"), -EPROTO);
        ck_assert_int_eq(digest_played("{\"sha256\":\"A" SHA256_OF_ABC "\"}"), -EPROTO);
        ck_assert_int_eq(digest_played("{\"sha256\":\"" SHA256_OF_NOTHING "\\n\"}"), -EPROTO);
}
END_TEST

/* What the daemon's threads have blocked, ignored, open and in their environment is not for the program. */
START_TEST(hands_over_nothing_else) {
        TEMPORARY_ROOT();
        _cleanup_json_ json_object *answer = NULL;
        _cleanup_fd_ int leaked = dup(0), contents = file_of("abc", 3);
        const char *fds, *environment, *blocked, *ignored, *parent;
        sigset_t all;

        ck_assert_int_ge(leaked, 3);
        sigfillset(&all);
        ck_assert_int_eq(sigprocmask(SIG_SETMASK, &all, NULL), 0);
        ck_assert(signal(SIGPIPE, SIG_IGN) != SIG_ERR);
        play("cd /proc/$$\n"
             "set -- fd/*; fds=\"$*\"\n"
             "while read -r name value; do case $name in SigBlk:) b=$value;; SigIgn:) i=$value;; esac; done <status\n"
             "environment=$(tr '\\0' ' ' <environ)\n"
             "echo \"{'fds':'$fds','environment':'$environment','blocked':'$b','ignored':'$i','parent':'$PPID'}\" |"
             "tr \"'\" '\"'");
        ck_assert_int_eq(inspect_run("digest", json_object_new_object(), (int[]) { contents, contents }, 2, 20 * SECOND,
                                         &answer),
                        0);
        ck_assert_int_eq(json_get_string(answer, "fds", &fds), 0);
        ck_assert_int_eq(json_get_string(answer, "environment", &environment), 0);
        ck_assert_int_eq(json_get_string(answer, "blocked", &blocked), 0);
        ck_assert_int_eq(json_get_string(answer, "ignored", &ignored), 0);
        ck_assert_int_eq(json_get_string(answer, "parent", &parent), 0);
        /* The shell has the directory as 5 and the script as 10. */
        ck_assert_str_eq(fds, "fd/0 fd/1 fd/10 fd/2 fd/3 fd/4 fd/5");
        ck_assert_str_eq(environment, "");
        ck_assert_str_eq(blocked, "0000000000000000");
        /* glibc leaves its own two ignored, 32 and 33. */
        ck_assert_uint_eq(strtoull(ignored, NULL, 16) & ~(UINT64_C(3) << 31), 0);
        ck_assert_int_eq(atoi(parent), getpid());
}
END_TEST

static void *digest_often(void *userdata) {
        for (int i = 0; i < 8; i++) {
                char hex[INSPECT_SHA256_HEX_BYTES] = "";
                InspectSpan span = { *(int *) userdata, 1, 3 };

                if (inspect_digest(&span, 1, hex) != 0 || strcmp(hex, SHA256_OF_ABC) != 0)
                        return userdata;
        }
        return NULL;
}

START_TEST(works_from_several_threads) {
        _cleanup_fd_ int fd = file_of("xabcx", 5);
        pthread_t threads[4];
        void *failure;

        for (size_t i = 0; i < ELEMENTSOF(threads); i++)
                ck_assert_int_eq(pthread_create(&threads[i], NULL, digest_often, &fd), 0);
        for (size_t i = 0; i < ELEMENTSOF(threads); i++) {
                ck_assert_int_eq(pthread_join(threads[i], &failure), 0);
                ck_assert_ptr_null(failure);
        }
}
END_TEST

/* A daemon may close its standard fds, whose numbers the program wants. */
START_TEST(works_without_standard_fds) {
        _cleanup_fd_ int fd = file_of("xabcx", 5);
        InspectSpan span = { fd, 1, 3 };
        char hex[INSPECT_SHA256_HEX_BYTES];
        int r;

        close(0);
        close(1);
        r = inspect_digest(&span, 1, hex);
        ck_assert_int_eq(r, 0);
        ck_assert_str_eq(hex, SHA256_OF_ABC);
}
END_TEST

UNIT_MAIN("inspect", digests, digests_many_spans, refuses_spans_past_the_end, computes_what_it_times,
          measures_the_cost_of_a_checksum, says_what_the_program_says, notices_a_missing_program,
          notices_an_unknown_job, refuses_a_request_that_is_too_large, notices_what_goes_wrong,
          believes_no_senseless_digest, hands_over_nothing_else, works_from_several_threads, works_without_standard_fds)
