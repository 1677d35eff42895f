/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stddef.h>
#include <stdint.h>

#include "basic/cleanup.h"
#include "update/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_(manifest_done) Manifest manifest = {};

        (void) manifest_parse((const char *) data, size, &manifest);
        return 0;
}
