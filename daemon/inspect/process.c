/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>

#include "basic/io.h"
#include "basic/json.h"
#include "inspect/inspect.h"
#include "inspect/job.h"
#include "inspect/process.h"
#include "sandbox/child.h"

#define PROGRAM LIVEUPDATE_LIBEXECDIR "/liveupdate-inspect"
#define FDS_MAX (INSPECT_SPANS_MAX + 1)
#define ERRNO_MAX 4095

/* Above all numbers that fds get in the child, so that none is overwritten before it is copied. */
#define FD_ASIDE_MIN 128

typedef struct Placed {
        int fds[2 + 1 + FDS_MAX]; /* the fds for 0, 1, (2 stays), 3, …, or -EBADF */
} Placed;

struct InspectProcess {
        pid_t pid;
        int answer_fd;
        uint64_t deadline_usec;
};

static void placed_done(Placed *placed) {
        for (size_t i = 0; i < ELEMENTSOF(placed->fds); i++)
                fd_close(placed->fds[i]);
}

static int place(Placed *placed, size_t number, int fd) {
        placed->fds[number] = fcntl(fd, F_DUPFD_CLOEXEC, FD_ASIDE_MIN);
        return placed->fds[number] < 0 ? -errno : 0;
}

/* A file, because a pipe could keep us waiting. */
static int place_request(Placed *placed, json_object *request) {
        _cleanup_fd_ int fd = -EBADF;
        const char *text;
        size_t size;
        int r;

        if (json_add_u64(request, "parent", (uint64_t) getpid()) < 0)
                return -ENOMEM;
        text = json_object_to_json_string_length(request, JSON_C_TO_STRING_PLAIN, &size);
        if (!text)
                return -ENOMEM;
        if (size > JOB_REQUEST_BYTES_MAX)
                return -E2BIG;
        r = memfd_new_with("inspect-request", text, size, &fd);
        return r < 0 ? r : place(placed, STDIN_FILENO, fd);
}

static int place_answer(Placed *placed, int *ret_read_end) {
        _cleanup_fd_ int read_end = -EBADF, write_end = -EBADF;
        int pipe_fds[2], r;

        if (pipe2(pipe_fds, O_CLOEXEC) < 0)
                return -errno;
        read_end = pipe_fds[0];
        write_end = pipe_fds[1];
        r = place(placed, STDOUT_FILENO, write_end);
        if (r >= 0)
                *ret_read_end = TAKE_FD(read_end);
        return r;
}

static int fill_actions(posix_spawn_file_actions_t *actions, const Placed *placed) {
        int last = STDERR_FILENO;

        for (size_t i = 0; i < ELEMENTSOF(placed->fds); i++) {
                if (placed->fds[i] < 0)
                        continue;
                if (posix_spawn_file_actions_adddup2(actions, placed->fds[i], (int) i) != 0)
                        return -ENOMEM;
                last = (int) i > last ? (int) i : last;
        }
        return -posix_spawn_file_actions_addclosefrom_np(actions, last + 1);
}

static int spawn(const char *job, const Placed *placed, pid_t *ret) {
        posix_spawn_file_actions_t actions;
        int r;

        r = -posix_spawn_file_actions_init(&actions);
        if (r < 0)
                return r;
        r = fill_actions(&actions, placed);
        if (r >= 0)
                r = child_spawn(secure_getenv("LIVEUPDATE_INSPECT") ?: PROGRAM, job, NULL, &actions, ret);
        (void) posix_spawn_file_actions_destroy(&actions);
        return r;
}

int inspect_process_start(const char *job, json_object *request, const int *fds, size_t n_fds, uint64_t timeout_usec,
                InspectProcess **ret) {
        _cleanup_(inspect_process_freep) InspectProcess *process = calloc(1, sizeof(*process));
        _cleanup_json_ json_object *consumed = request;
        _cleanup_(placed_done) Placed placed;
        int r;

        for (size_t i = 0; i < ELEMENTSOF(placed.fds); i++)
                placed.fds[i] = -EBADF;
        if (!process)
                return -ENOMEM;
        process->answer_fd = -EBADF;
        process->deadline_usec = deadline_after(timeout_usec);
        if (n_fds > FDS_MAX)
                return -E2BIG;

        r = place_request(&placed, consumed);
        if (r >= 0)
                r = place_answer(&placed, &process->answer_fd);
        for (size_t i = 0; r >= 0 && i < n_fds; i++)
                r = place(&placed, JOB_FD_FIRST + i, fds[i]);
        if (r >= 0)
                r = spawn(job, &placed, &process->pid);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(process);
        return 0;
}

static int answer_parse(const char *text, size_t size, json_object **ret) {
        _cleanup_json_ json_object *answer = NULL;
        uint64_t error = 0;
        int r;

        if (json_parse_object(text, size, &answer) < 0)
                return -EPROTO;
        r = json_get_u64(answer, "error", &error);
        if ((r < 0 && r != -ENOENT) || error > ERRNO_MAX)
                return -EPROTO;
        *ret = TAKE_PTR(answer);
        return -(int) error;
}

int inspect_process_wait(InspectProcess *process, json_object **ret) {
        _cleanup_free_ char *text = malloc(JOB_ANSWER_BYTES_MAX + 1);
        size_t size = 0;
        int status, r;

        *ret = NULL;
        if (!text)
                return -ENOMEM;
        r = child_read(process->answer_fd, text, JOB_ANSWER_BYTES_MAX, process->deadline_usec, &size);
        if (r == -EFBIG)
                return -EPROTO;
        if (r < 0)
                return r;
        r = child_wait(&process->pid, process->deadline_usec, &status);
        if (r < 0)
                return r;
        return status == EXIT_SUCCESS ? answer_parse(text, size, ret) : -EPROTO;
}

InspectProcess *inspect_process_free(InspectProcess *process) {
        if (!process)
                return NULL;
        child_killp(&process->pid);
        fd_close(process->answer_fd);
        free(process);
        return NULL;
}
