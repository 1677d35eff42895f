/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What purgatory's checksum will take, measured by doing the same: SHA-256 over every byte of every segment, what a
 * segment is filled up with included (arch/x86/purgatory/purgatory.c:verify_sha256_digest()), with plain instructions.
 * libcrypto would be faster even with its vectors masked (OPENSSL_ia32cap=), by a third: its assembler is written by
 * hand. */

#include <errno.h>
#include <time.h>

#include "basic/json.h"
#include "inspect/job.h"
#include "inspect/plain-sha256.h"
#include "inspect/spans.h"

#define NSEC_PER_SEC UINT64_C(1000000000)
#define WARM_UP_NSEC (50 * UINT64_C(1000000)) /* the processor has been idle, purgatory's has not */
#define BLOCK_BYTES 64U

typedef struct Cost {
        PlainSha256 sha;
        uint64_t nsec;
} Cost;

/* CPU time, for nothing else runs when purgatory does. */
static uint64_t cpu_nsec(void) {
        struct timespec now;

        (void) clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
        return (uint64_t) now.tv_sec * NSEC_PER_SEC + (uint64_t) now.tv_nsec;
}

/* Without the time to read. A last block that is not full counts as a whole one: `data` has room for it. */
static int hash(const uint8_t *data, size_t size, void *userdata) {
        Cost *cost = userdata;
        uint64_t begin = cpu_nsec();

        plain_sha256_blocks(&cost->sha, data, (size + BLOCK_BYTES - 1) / BLOCK_BYTES);
        cost->nsec += cpu_nsec() - begin;
        return 0;
}

static int checksum_cost_run(json_object *request, void *gathered, json_object *answer) {
        static const uint8_t zeros[64 * BLOCK_BYTES];
        Cost cost = {};
        int r;

        plain_sha256_init(&cost.sha);
        while (cost.nsec < WARM_UP_NSEC)
                (void) hash(zeros, sizeof(zeros), &cost);
        cost.nsec = 0;
        r = spans_read(request, hash, &cost);
        return r < 0 ? r : json_add_u64(answer, "usec", cost.nsec / 1000);
}

const Job checksum_cost_job = {
        .name = "checksum-cost",
        .run = checksum_cost_run,
        .memory_bytes = 64 << 20,
};
