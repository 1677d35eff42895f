/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The next kernel, loaded by kexec_file_load and ready. */

#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>

#include "basic/cleanup.h"
#include "image/image.h"
#include "kexec/kexec.h"

typedef struct StagedKernel {
        char *origin, *release, *command_line;
        ImageKind kind;
        uint64_t kernel_bytes, initrd_bytes, staged_usec;
        KexecLoadResult load;
        bool is_automatic;
} StagedKernel;

typedef struct StageRequest {
        const char *origin;       /* for people */
        int image_fd, initrd_fd;  /* borrowed; the latter may be -EBADF, and is refused beside a UKI that brings one */
        const char *command_line; /* NULL: the image's own, else the running kernel's */
        const char *release;      /* NULL: what the image says; else what counts where it says nothing */
        bool is_automatic;
} StageRequest;

/* Why it was not staged: one of the errors of io.liveupdate, with its parameters. */
typedef struct StageProblem {
        const char *error;  /* "ImageRefused", "KernelRefused" */
        const char *reason; /* of ImageRefused: a stable identifier */
        char *message;
        const char *remedy;
} StageProblem;

void stage_problem_done(StageProblem *problem);

/* 0, or 1 with a problem, or a negative errno. What was loaded before stays loaded unless this succeeds. */
int staged_kernel_new(const StageRequest *request, StagedKernel **ret, StageProblem *ret_problem);
StagedKernel *staged_kernel_free(StagedKernel *staged); /* forgets; the kernel keeps it loaded */
DEFINE_CLEANUP(StagedKernel *, staged_kernel_free)

json_object *staged_kernel_to_json(const StagedKernel *staged);
int staged_kernel_from_json(json_object *o, StagedKernel **ret); /* -EBADMSG */

/* staged-file.c: for a restart of the daemon, in /run. -ENOENT: there is none. What fails is logged. */
void staged_kernel_save(const StagedKernel *staged);
int staged_kernel_load(StagedKernel **ret);
void staged_kernel_forget(void);

bool kernel_release_is_valid(const char *release); /* of uname -r: 1 to 64 graphic characters without a slash */

/* `base` with what the next kernel needs to read the handover: kho=on and liveupdate=on, unless the last word on
 * either is that already. Caller frees; NULL: no memory. */
char *command_line_complete(const char *base);
