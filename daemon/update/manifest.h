/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the old side tells the new one: a JSON document (schemas/manifest.schema.json) in a memfd of its own LUO
 * session. On either side it also tells a restarted daemon what its predecessor was about.
 *
 * A memfd cannot grow when it is preserved, and all but the host's state changes up to the last moment of the old side.
 * So that state, which can have megabytes, comes first, is written once while guests run, and is left alone
 * afterwards. */

#include <json-c/json.h>
#include <stddef.h>

#include "kexec/kexec.h"
#include "timeline/timeline.h"
#include "timeline/wall-clock.h"

#define MANIFEST_SESSION "liveupdated"
#define MANIFEST_VERSION 1 /* a reader of another one would misunderstand it; members are added without a new one */
#define MANIFEST_BYTES_MAX (64U << 20)    /* a network of some 200,000 routes */
#define MANIFEST_TAIL_BYTES (1024U * 1024) /* all but the host: WORKLOADS_MAX names, 2,000 devices */

/* What has which token in the session. */
enum {
        MANIFEST_TOKEN = 0,
        MANIFEST_TOKEN_SEED = 1,   /* host/entropy.h */
        MANIFEST_TOKEN_TMPFS = 16, /* and up, as host.tmpfs of the manifest says */
};

typedef struct Manifest {
        char *id;               /* of this update; also the mark in the kernel's log */
        char *from_release, *to_release, *from_boot_id;
        ChecksumSkip checksum_skip;
        char *checksum_skip_evidence;
        Timeline timeline;
        char **workloads;       /* names, NULL-terminated; each has its own session */
        TraceState trace;       /* of the old kernel, so that a restarted daemon can turn it off */
        json_object *devices;   /* drain.h:drain_to_json() */
        WallClock clock;        /* when the manifest was written; rate_hz_milli 0: there is none */
        json_object *host;      /* what is to be put back (host-capture.c); NULL: nothing */
        json_object *tmpfs;     /* [{"path", "options", "token", "files", "bytes"}], or NULL */
} Manifest;

void manifest_done(Manifest *manifest);

/* A memfd with manifest->host in it, and room for the rest. *ret_tail is where that begins. -E2BIG: more than
 * MANIFEST_BYTES_MAX. */
int manifest_create(const Manifest *manifest, int *ret_fd, size_t *ret_tail);
/* The rest, at `tail`, padded with blanks; all of it where that is 0. -E2BIG if it does not fit, -EOPNOTSUPP if it
 * would write over what another version wrote. */
int manifest_write(const Manifest *manifest, int fd, size_t tail);

/* From hostile bytes. Unknown members are ignored. -EPROTONOSUPPORT: a newer version; -EBADMSG: no manifest. */
int manifest_parse(const char *text, size_t size, Manifest *ret);
/* `ret_tail` may be NULL. 0: it is of a version that wrote all at once. */
int manifest_read(int fd, Manifest *ret, size_t *ret_tail);
