/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Work on hostile contents that takes a library (decompression, digests, signatures), done by a program of its own,
 * liveupdate-inspect, which gives up every right before it looks at them. The daemon neither links those libraries nor
 * runs them with its privileges.
 *
 * All of it blocks, and is for a thread that may wait. Negative errno: -ENOENT the program is not installed,
 * -ETIMEDOUT, -ECHILD it was killed (by its own filter, a limit), -EPROTO it failed, or its answer makes no sense, and
 * what it says itself, among that -EBADMSG: the contents are broken. */

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "basic/cleanup.h"

/* Bytes to be read one after another. */
typedef struct InspectSpan {
        int fd;          /* borrowed; -EBADF: zeros */
        uint64_t offset, bytes;
} InspectSpan;

#define INSPECT_SPANS_MAX 64U
#define INSPECT_SHA256_HEX_BYTES 65U /* with the NUL */

/* SHA-256 over the spans. */
int inspect_digest(const InspectSpan *spans, size_t n_spans, char ret_hex[static INSPECT_SHA256_HEX_BYTES]);

/* How long purgatory's checksum over the spans takes: SHA-256 by plain instructions, as arch/x86/purgatory has it. */
int inspect_checksum_cost(const InspectSpan *spans, size_t n_spans, uint64_t *ret_usec);

/* What a kernel's decompressed image tells. */
typedef struct KernelContents {
        char *compression;      /* "gzip", "zstd", "xz", "lzma", "lz4", "bzip2", "none" */
        char *banner;           /* "Linux version 7.3.4-… (…) …", one line; NULL: not found */
        char **abi;             /* strings that are an ABI's version as a whole, such as kho-v4, luo-v5, memfd-v2 */
        size_t n_abi;
        bool has_liveupdate;    /* LUO is compiled in */
        bool has_checksum_skip; /* kernel/kexec_file.c: "disabling checksum verification in purgatory" */
} KernelContents;

/* Begins at once, and goes on beside the caller, who must wait for it (or free it, which kills it). It is killed with
 * the thread that has started it, too. */
typedef struct Inspection Inspection;

/* The payload of a bzImage (ImageBoot.payload), at `payload_offset` of `fd`, its last four bytes the size of what comes
 * out unless it is gzip. 0 or a negative errno; `fd` may be closed afterwards. */
int inspect_kernel_start(int fd, uint64_t payload_offset, uint64_t payload_bytes, Inspection **ret);
/* -EOPNOTSUPP: compressed in a way that is not known here (lzo). -EBADMSG: broken, *ret_detail says how. */
int inspect_kernel_wait(Inspection *inspection, KernelContents **ret, char **ret_detail);
Inspection *inspection_free(Inspection *inspection);
DEFINE_CLEANUP(Inspection *, inspection_free)
KernelContents *kernel_contents_free(KernelContents *contents);
DEFINE_CLEANUP(KernelContents *, kernel_contents_free)

/* Decompresses the payload of a zboot into `out_fd`, at most `max` bytes (more: -EFBIG). */
int inspect_unpack(int fd, uint64_t offset, uint64_t bytes, const char *compression, int out_fd, uint64_t max);

/* For other concerns that have a job in the program (inspect/job.h): runs `job` with its request (consumed, at most
 * 64 KiB as text) and fds (at most 65), which it has as 3, 4, …; its answer is an object, the caller's, and NULL where
 * there is none. A job that failed may answer, too: with "detail". */
int inspect_run(const char *job, json_object *request, const int *fds, size_t n_fds, uint64_t timeout_usec,
                json_object **ret);
