/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Whether the kernel skips the SHA-256 over the segments, as it tells itself:
 * kernel/kexec_file.c:kexec_calculate_store_digests() has a pr_debug() on that way, which dynamic debug
 * lists, and which appears in /dev/kmsg when it is switched on and the way is taken. */

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>

#include "kexec/kexec.h"

#define CHECKSUM_MESSAGE "disabling checksum verification in purgatory"

/* Where the message is in dynamic debug's list, one line of which is
 * `kernel/kexec_file.c:847 [kexec_file]kexec_calculate_store_digests =_ "disabling … purgatory\n"`. */
typedef struct ChecksumSite {
        char path[128];
        unsigned line;
        bool is_printing;
} ChecksumSite;

/* PROVEN with *ret filled, ABSENT; UNKNOWN where the list has nothing of the kernel proper, as with
 * CONFIG_DYNAMIC_DEBUG_CORE alone. */
ChecksumSkip checksum_site_parse(const char *list, ChecksumSite *ret);

/* Whether one record of /dev/kmsg is the message, and from the kernel itself. */
bool checksum_record_matches(const char *record, size_t size);

/* What the first control file that can be read says; UNKNOWN where none can. `controls` is a NULL-terminated
 * list of paths. */
ChecksumSkip checksum_skip_listed(const char *const *controls);
extern const char *const checksum_controls[];

/* Watches one load. */
typedef struct ChecksumWatch {
        ChecksumSkip site_state;
        ChecksumSite site;
        const char *control; /* borrowed from `controls` */
        int kmsg_fd;
        bool must_restore;
        int error; /* why it cannot watch: a negative errno */
} ChecksumWatch;
#define CHECKSUM_WATCH_EMPTY \
        { .kmsg_fd = -EBADF }

/* Never fails: what it could not do, the verdict will say. */
void checksum_watch_begin(ChecksumWatch *watch, const char *const *controls, const char *kmsg);
ChecksumSkip checksum_watch_verdict(ChecksumWatch *watch, char *evidence, size_t evidence_size);
/* Puts dynamic debug back as it was. */
void checksum_watch_end(ChecksumWatch *watch);
