/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the old side tells the new one: a JSON document in a memfd of its own LUO session. On either side it also tells
 * a restarted daemon what its predecessor was about. */

#include <json-c/json.h>
#include <stddef.h>

#include "kexec/kexec.h"
#include "timeline/timeline.h"

#define MANIFEST_SESSION "liveupdated"
#define MANIFEST_TOKEN 0
#define MANIFEST_VERSION 1
#define MANIFEST_BYTES (1024U * 1024) /* preserved before its text is known: WORKLOADS_MAX names, 2,000 devices */

typedef struct Manifest {
        char *id;               /* of this update; also the mark in the kernel's log */
        char *from_release, *to_release, *from_boot_id;
        ChecksumSkip checksum_skip;
        char *checksum_skip_evidence;
        Timeline timeline;
        char **workloads;       /* names, NULL-terminated; each has its own session */
        TraceState trace;       /* of the old kernel, so that a restarted daemon can turn it off */
        json_object *devices;   /* drain.h:drain_to_json() */
} Manifest;

void manifest_done(Manifest *manifest);

/* Into a memfd of MANIFEST_BYTES, padded with blanks. -E2BIG if it does not fit. */
int manifest_write(const Manifest *manifest, int fd);

/* From hostile bytes. Unknown members are ignored. -EPROTONOSUPPORT: a newer version; -EBADMSG: no manifest. */
int manifest_parse(const char *text, size_t size, Manifest *ret);
int manifest_read(int fd, Manifest *ret);
