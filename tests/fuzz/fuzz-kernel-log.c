/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "timeline/kmsg.h"
#include "timeline/timeline.h"

#define TOKEN "t"
#define MARK "[    5.000000] liveupdated: " TOKEN "\n"
#define MARK_TSC UINT64_C(1000)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const char *text, size_t size) {
        _cleanup_(shutdown_log_freep) ShutdownLog *log = NULL;
        uint64_t last = MARK_TSC;

        if (shutdown_log_parse(text, size, TOKEN, MARK_TSC, UINT64_C(3000000000), &log) < 0)
                return;
        for (size_t i = 0; i < log->n_devices; i++) {
                const ShutdownDevice *d = &log->devices[i];

                if (d->start_tsc < last || d->end_tsc < d->start_tsc || d->end_tsc > log->last_line_tsc)
                        abort();
                if (!*d->device || strlen(d->driver) > 128)
                        abort();
                last = d->end_tsc;
        }
}

/* The text as it is, and once more behind a mark, or the fuzzer would spend its time on finding one. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_free_ char *text = malloc(strlen(MARK) + size);
        KmsgRecord record;

        if (!text)
                return 0;
        memcpy(text, MARK, strlen(MARK));
        if (size > 0)
                memcpy(text + strlen(MARK), data, size);
        check((const char *) data, size);
        check(text, strlen(MARK) + size);
        if (kmsg_parse((const char *) data, size, &record) >= 0)
                (void) kmsg_is_init_line(&record);
        return 0;
}
