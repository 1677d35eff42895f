/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the kernel shows of a handover and of what it lets pass: KHO's trees, its scratch areas, IMA's policy. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "basic/cleanup.h"
#include "kexec/host-internal.h"
#include "luo/abi-internal.h"
#include "luo/fdt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_tree(const char *blob, size_t size) {
        static const char *const names[] = { "compatible", "preserved-memory-map", "" };
        LuoAbiName name = {};

        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                const char *value;
                size_t bytes;

                if (fdt_root_property(blob, size, names[i], &value, &bytes) < 0)
                        continue;
                if (value < blob || bytes > size || (size_t) (value - blob) > size - bytes)
                        abort();
        }
        if (abi_name_from_tree(blob, size, "kho", name) && !abi_name_is_of(name, "kho"))
                abort();
        if (abi_name_from_tree(blob, size, "luo", name) && !abi_name_is_of(name, "luo"))
                abort();
}

/* Two texts with a NUL between them. */
static void check_areas(const char *starts, const char *sizes) {
        static const KexecParts parts = {
                .init_bytes = 64 << 20, .alignment = 2 << 20, .preferred_address = 16 << 20, .initrd_bytes = 32 << 20,
        };
        _cleanup_free_ KexecArea *areas = NULL;
        KexecFit fit;
        size_t n;

        if (scratch_areas_parse(starts, sizes, &areas, &n) < 0)
                return;
        for (size_t i = 0; i < n; i++)
                if (areas[i].start + areas[i].bytes < areas[i].start)
                        abort();
        kexec_fit(areas, n, &parts, &fit);
        if (!fit.fits && fit.largest_bytes >= fit.needed_bytes)
                abort();
}

static void check_policy(const char *text, size_t size) {
        ImaPolicy policy;

        ima_policy_parse(text, &policy);
        for (ImaHook hook = 0; hook < _IMA_HOOK_MAX; hook++) {
                const ImaRule *rule = &policy.appraise[hook];

                if (rule->text && (rule->text < text || rule->text + rule->length > text + size))
                        abort();
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_free_ char *blob = malloc(size + 1), *text = malloc(size + 2);
        char *exact;

        if (!blob || !text)
                return 0;
        if (size > 0)
                memcpy(blob + 1, data, size);
        exact = blob + 1; /* at an odd address, and not a byte more */
        check_tree(exact, size);

        if (size > 0)
                memcpy(text, data, size);
        text[size] = text[size + 1] = 0;
        check_areas(text, text + strlen(text) + 1);
        check_policy(text, size);
        return 0;
}
