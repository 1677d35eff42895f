/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* liveupdate-inspect: reads what is wanted, opens what that takes, gives up all rights, and only then looks at contents
 * that may be hostile. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "basic/io.h"
#include "basic/json.h"
#include "inspect/job.h"
#include "sandbox/confine.h"

#define CPU_SEC_MAX 600 /* whoever asks is less patient, as a rule */

static const Job *const jobs[] = {
        &checksum_cost_job,
        &digest_job,
        &kernel_job,
        &unpack_job,
        &verify_job,
};

static const Job *job_find(const char *name) {
        for (size_t i = 0; i < ELEMENTSOF(jobs); i++)
                if (strcmp(jobs[i]->name, name) == 0)
                        return jobs[i];
        return NULL;
}

static int request_read(json_object **ret) {
        _cleanup_free_ char *text = malloc(JOB_REQUEST_BYTES_MAX + 1);
        size_t size = 0;

        if (!text)
                return -ENOMEM;
        while (size <= JOB_REQUEST_BYTES_MAX) {
                ssize_t n = read(STDIN_FILENO, text + size, JOB_REQUEST_BYTES_MAX + 1 - size);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                if (n == 0)
                        return json_parse_object(text, size, ret);
                size += (size_t) n;
        }
        return -E2BIG;
}

static int answer_write(json_object *answer) {
        size_t size;
        const char *text = json_object_to_json_string_length(answer, JSON_C_TO_STRING_PLAIN, &size);

        return text ? write_full(STDOUT_FILENO, text, size) : -ENOMEM;
}

static int job_do(const Job *job, json_object *request, json_object *answer) {
        const ConfineLimits limits = {
                .memory_bytes = job->memory_bytes,
                .cpu_sec = CPU_SEC_MAX,
                .output_fd = job->output_fd,
                .output_bytes = job->output_bytes,
        };
        void *gathered = NULL;
        uint64_t parent;
        int r;

        if (json_get_u64(request, "parent", &parent) < 0)
                return -EINVAL;
        tzset(); /* which gmtime_r() does, and opens /etc/localtime */
        r = job->gather ? job->gather(request, &gathered) : 0;
        if (r < 0)
                return r;
        r = confine_program((pid_t) parent, &limits);
        if (r < 0)
                _exit(EXIT_FAILURE); /* as it is now it may neither work nor answer */
        return job->run(request, gathered, answer);
}

static int run(const Job *job) {
        /* The first member makes json-c seed its hash, for which it may open a file. */
        json_object *request = NULL, *answer = json_object_new_object();
        int r;

        if (!answer || json_add_string(answer, "job", job->name) < 0)
                return -ENOMEM;
        r = request_read(&request);
        if (r >= 0)
                r = job_do(job, request, answer);
        if (r < 0 && json_add_u64(answer, "error", (uint64_t) -r) < 0)
                return -ENOMEM;
        return answer_write(answer);
}

int main(int argc, char **argv) {
        const Job *job = argc == 2 ? job_find(argv[1]) : NULL;

        if (!job) {
                fputs("liveupdate-inspect is a part of liveupdated, which runs it.\n", stderr);
                return EXIT_FAILURE;
        }
        /* Not exit(): what libraries have registered for the end is more than the filter lets through. */
        _exit(run(job) < 0 ? EXIT_FAILURE : EXIT_SUCCESS);
}
