/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The inside of liveupdate-inspect: `liveupdate-inspect JOB`, the request on standard input, one object as answer on
 * standard output, fds of the request as 3, 4, … */

#include <json-c/json.h>
#include <stdint.h>

#include "basic/cleanup.h"

#define JOB_FD_FIRST 3
#define JOB_REQUEST_BYTES_MAX (64U << 10)
#define JOB_ANSWER_BYTES_MAX (64U << 10)

/* A request has, beside what the job wants, "parent", the daemon's process ID; an answer "job" and, of a job that
 * failed, "error", a positive errno. */

typedef struct Job {
        const char *name;
        /* While the process still has its rights: opens and reads what is not among its fds (trust anchors, firmware
         * variables), without looking into it. May be NULL. */
        int (*gather)(json_object *request, void **ret_gathered);
        /* After it has given them up: no files can be opened any more. Fills `answer`. 0 or a negative errno, with
         * "detail" in the answer where a word helps. */
        int (*run)(json_object *request, void *gathered, json_object *answer);
        uint64_t memory_bytes; /* that it may take, the libraries' included */
        int output_fd;         /* that it writes to; 0: none */
        uint64_t output_bytes; /* how far at most */
} Job;

/* Why `answer` is none: adds "detail". Answers `error`. */
int job_refuse(json_object *answer, int error, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* For gather() of jobs that use libcrypto, which else looks for its configuration when it is first used. 0 or a
 * negative errno. */
int job_prepare_crypto(void);

extern const Job digest_job, checksum_cost_job, kernel_job, unpack_job; /* inspect/ */
extern const Job verify_job;                                            /* trust/ */
