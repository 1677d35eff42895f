/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What liveupdate-privileged and liveupdate-tmpfs parse by themselves. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "privileged/modules.h"
#include "privileged/processors.h"
#include "privileged/tmpfs-unpack.h"
#include "privileged/tmpfs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int on_module(const char *name, bool is_held, void *userdata) {
        if (!module_name_is_valid(name))
                __builtin_trap();
        return 0;
}

static void fuzz_processors(const char *text) {
        Processors first, second;
        char written[65536];

        if (processors_parse(text, &first) < 0)
                return;
        processors_write(&first, written, sizeof(written));
        /* Nothing but processors above the last: nothing to write. */
        if (written[0] && (processors_parse(written, &second) < 0 || memcmp(&first, &second, sizeof(first)) != 0))
                __builtin_trap();
}

static void fuzz_options(const char *text) {
        char data[TMPFS_OPTIONS_BYTES_MAX], again[TMPFS_OPTIONS_BYTES_MAX];
        unsigned long flags;

        tmpfs_parse_options(text, &flags, data);
        tmpfs_parse_options(data, &flags, again);
        if (strcmp(data, again) != 0 || flags != 0)
                __builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_free_ char *text = strndup((const char *) data + (size > 0), size - (size > 0));

        if (size == 0 || !text)
                return 0;
        switch (data[0] % 4) {
        case 0:
                (void) modules_parse_loaded(text, on_module, NULL);
                break;
        case 1:
                fuzz_processors(text);
                break;
        case 2:
                fuzz_options(text);
                break;
        default:
                (void) unpacking_is_path(text);
        }
        return 0;
}
