/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stddef.h>
#include <stdint.h>

#include "basic/cleanup.h"
#include "update/host-internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_(manifest_done) Manifest manifest = {};
        _cleanup_(host_state_unrefp) HostState *state = NULL;

        if (manifest_parse((const char *) data, size, &manifest) >= 0)
                (void) host_state_new(&manifest, NULL, &state);
        return 0;
}
