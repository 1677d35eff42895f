/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "drain/drain-internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_(capture_unrefp) Capture *capture = NULL, *again = NULL;
        _cleanup_free_ char *text = NULL;

        if (capture_from_text(&drain_setup_host, (const char *) data, size, &capture) < 0)
                return 0;
        /* What was read can be written, and read again. */
        if (capture_to_text(capture, &text) < 0 || capture_from_text(&drain_setup_host, text, strlen(text), &again) < 0)
                __builtin_trap();
        return 0;
}
