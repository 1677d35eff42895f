/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What systemd-stub would have measured, as texts to be measured before the jump: trust/measure.h. */

#include <errno.h>
#include <stdio.h>

#include "basic/json.h"
#include "trust/measure.h"
#include "update/digests.h"
#include "update/staging-internal.h"

static int add_text(Staging *staging, unsigned pcr, const char *text) {
        _cleanup_json_ json_object *o = json_object_new_object();

        if (!o || json_add_u64(o, "pcr", pcr) < 0 || json_add_string(o, "text", text) < 0 ||
                        json_object_array_add(staging->staged->measurements, o) < 0)
                return -ENOMEM;
        (void) TAKE_PTR(o);
        return 0;
}

static int add(Staging *staging, unsigned pcr, const char *what, const char *hex) {
        char text[INSPECT_SHA256_HEX_BYTES + 64];

        snprintf(text, sizeof(text), "liveupdate:%s:sha256=%s", what, hex);
        return add_text(staging, pcr, text);
}

static int add_sections(Staging *staging) {
        int r = 0;

        for (size_t i = 0; i < _IMAGE_SECTION_MAX && r >= 0; i++) {
                char hex[INSPECT_SHA256_HEX_BYTES];

                if (staging->image->sections[i].bytes == 0 || i == IMAGE_SECTION_PCRSIG)
                        continue;
                r = digest_section(staging->parts, &staging->file, (ImageSection) i, hex);
                if (r >= 0)
                        r = add(staging, MEASURE_PCR_KERNEL_IMAGE, image_section_name((ImageSection) i), hex);
        }
        return r;
}

static int add_addons(Staging *staging) {
        int r = 0;

        for (size_t i = 0; i < staging->order->n_addons && r >= 0; i++) {
                char hex[INSPECT_SHA256_HEX_BYTES];

                r = digest_file(staging->parts, &staging->addon_files[i], hex);
                if (r >= 0)
                        r = add(staging, MEASURE_PCR_KERNEL_CONFIG, "addon", hex);
        }
        return r;
}

static int add_initrds(Staging *staging) {
        const Parts *parts = staging->parts;
        int r = 0;

        for (size_t i = 0; i < parts->n_copies && r >= 0; i++) {
                const PartCopy *copy = &parts->copies[i];
                char hex[INSPECT_SHA256_HEX_BYTES];

                for (size_t j = 0; j < staging->order->n_initrds && r >= 0; j++) {
                        if (copy->file_fd != staging->order->initrds[j].fd)
                                continue;
                        r = inspect_digest(&(InspectSpan) { copy->fd, copy->offset, copy->bytes }, 1, hex);
                        if (r >= 0)
                                r = add(staging, MEASURE_PCR_KERNEL_CONFIG, "initrd", hex);
                }
        }
        return r;
}

/* As it is, since it is short and of use in the event log. */
static int add_command_line(Staging *staging) {
        _cleanup_free_ char *text = NULL;

        if (asprintf(&text, "liveupdate:cmdline:%s", staging->staged->command_line) < 0) {
                text = NULL;
                return -ENOMEM;
        }
        return add_text(staging, MEASURE_PCR_KERNEL_CONFIG, text);
}

int staging_measure(Staging *staging) {
        int r;

        if (staging->order->measure == MEASURE_NO)
                return 0;
        r = add_sections(staging);
        if (r >= 0)
                r = add_addons(staging);
        if (r >= 0)
                r = add_initrds(staging);
        if (r >= 0)
                r = add_command_line(staging);
        return r;
}
