/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdatomic.h>

#include "basic/finding.h"
#include "image/parts.h"
#include "inspect/inspect.h"
#include "update/staging.h"

struct Staging {
        atomic_uint n_refs;
        StageOrder *order;
        RunningKernel running;
        StagedKernel *staged; /* being filled; its findings are those that came up */
        StageProblem problem;

        Image *image, **addon_images;
        ImageFile file, *addon_files;
        Parts *parts;
        Image *unpacked; /* the kernel inside of a zboot */
        Inspection *inspection;
        KernelContents *contents; /* NULL: not known */
        char *digest;
};

/* What boots: of the image, or of what is inside. */
const Image *staging_kernel(const Staging *staging);

/* A finding of the image or the load. 0 or -ENOMEM. */
#define staging_say(staging, id, state, remedy, ...) \
        findings_say((staging)->staged->findings, id, state, remedy, __VA_ARGS__)

/* Notes why it is refused; answers 1, or -ENOMEM. `reason` is NULL but for ImageRefused. */
int staging_refuse(Staging *staging, const char *error, const char *reason, const char *remedy, const char *format, ...)
                __attribute__((format(printf, 5, 6)));

/* staging-image.c */
int staging_look(Staging *staging);
int staging_inspect(Staging *staging); /* begins it */
int staging_copy(Staging *staging);
int staging_unpack(Staging *staging);

/* staging-verify.c: whether image and addons may be staged, by VerifyImage=. */
int staging_verify(Staging *staging);

/* staging-command-line.c */
int staging_command_line(Staging *staging);
bool staging_brings_command_line(const Staging *staging); /* the image or one of its addons */

/* staging-findings.c */
int staging_find_of_image(Staging *staging);
int staging_find_room(Staging *staging); /* before the load */
int staging_find_of_contents(Staging *staging);
int staging_find_of_load(Staging *staging);

/* staging-measure.c: what is to be measured before the jump. */
int staging_measure(Staging *staging);
