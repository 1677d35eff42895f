/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stddef.h>
#include <stdint.h>

#include "host/services-internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        Units units = {};

        (void) units_from_text((const char *) data, size, &units);
        units_keep_restartable(&units, "/nowhere");
        units_clear(&units);
        return 0;
}
