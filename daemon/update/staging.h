/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* How an image becomes a staged kernel: looked at, copied, verified, loaded, and what there is to find in it found.
 * All of it blocks, for seconds if the image is large, and is for a thread. */

#include "config/config.h"
#include "update/running-kernel.h"
#include "update/staged.h"

typedef struct StageFile {
        char *path; /* for people; NULL: only the fd is known */
        int fd;
} StageFile;

typedef struct StageOrder {
        StageFile image;
        StageFile *addons, *initrds;
        size_t n_addons, n_initrds;
        char *profile;      /* NULL: the default one */
        char *command_line; /* NULL: the image's own, else the running kernel's */
        char *release;      /* NULL: what the image says; else what counts where it says nothing */
        bool from_entry, reuses_command_line;
        bool is_forced;     /* the kernel is left to refuse what is known not to work */
        bool is_automatic;
        bool is_check;      /* not to be loaded */
        VerifyPolicy verify;
        MeasurePolicy measure;
} StageOrder;

StageOrder *stage_order_free(StageOrder *order);
DEFINE_CLEANUP(StageOrder *, stage_order_free)
const char *stage_order_origin(const StageOrder *order);

/* Why it was not staged: one of the errors of io.liveupdate, with its parameters. */
typedef struct StageProblem {
        const char *error;  /* "ImageRefused", "KernelRefused", "CheckFailed" */
        const char *reason; /* of ImageRefused: a stable identifier */
        char *message;
        const char *remedy;
} StageProblem;

typedef struct Staging Staging;

/* Takes the order, on failure too. What is known of the running kernel is copied. */
int staging_new(StageOrder *order, const RunningKernel *running, Staging **ret);
Staging *staging_ref(Staging *staging);
Staging *staging_unref(Staging *staging);
DEFINE_CLEANUP(Staging *, staging_unref)

/* 0, or 1 with a problem, or a negative errno. What was loaded before stays loaded unless this succeeds. */
int staging_run(Staging *staging);

const StageOrder *staging_order(const Staging *staging);
const RunningKernel *staging_running(const Staging *staging);

const StageProblem *staging_problem(const Staging *staging);
/* Those that came up, in any case; borrowed. */
json_object *staging_findings(const Staging *staging);
/* What the load came to, also if it failed; borrowed. */
const KexecLoadResult *staging_load(const Staging *staging);
/* The caller's. */
StagedKernel *staging_take(Staging *staging);

/* The file's digest, over what was staged, which takes a while and hurries nobody: blocks, too. 0 or a negative errno. */
int staging_digest(Staging *staging);
char *staging_take_digest(Staging *staging); /* the caller's */
