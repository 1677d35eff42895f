/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The next kernel, loaded by kexec_file_load and ready: what is known of it. */

#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>

#include "basic/cleanup.h"
#include "image/image.h"
#include "kexec/kexec.h"
#include "trust/trust.h"
#include "update/command-line.h"

typedef struct StagedKernel {
        char *origin, *release, *os_release, *profile; /* all but the first may be NULL */
        char *sha256;                                  /* NULL: not computed yet */
        ImageKind kind;
        SignatureState signature;
        char *signer, *signature_detail;
        char *command_line, *command_line_added; /* the latter NULL: nothing */
        CommandLineOrigin command_line_origin;
        uint64_t kernel_bytes, initrd_bytes, staged_usec;
        uint64_t checksum_usec; /* 0: skipped, or not known */
        KexecLoadResult load;
        bool is_automatic;
        json_object *addons, *initrds; /* arrays of names */
        json_object *findings;         /* of image and load */
        json_object *measurements;     /* [{"pcr", "text"}] to be extended before the jump */
} StagedKernel;

StagedKernel *staged_kernel_new(void);
StagedKernel *staged_kernel_free(StagedKernel *staged); /* forgets; the kernel keeps it loaded */
DEFINE_CLEANUP(StagedKernel *, staged_kernel_free)

/* A StagedKernel of io.liveupdate. */
json_object *staged_kernel_to_json(const StagedKernel *staged);
/* With all that a restart of the daemon must not lose. */
json_object *staged_kernel_to_record(const StagedKernel *staged);
int staged_kernel_from_record(json_object *o, StagedKernel **ret); /* -EBADMSG */

/* staged-file.c: for a restart of the daemon, in /run. -ENOENT: there is none. What fails is logged. */
void staged_kernel_save(const StagedKernel *staged);
int staged_kernel_load(StagedKernel **ret);
void staged_kernel_forget(void);

bool kernel_release_is_valid(const char *release); /* of uname -r: 1 to 64 graphic characters without a slash */
