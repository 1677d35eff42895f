/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "basic/json.h"
#include "client/ctl.h"
#include "client/staged-text.h"

int signature_text(json_object *staged, char **ret) {
        const char *signer = NULL, *detail = NULL;
        json_object *signature = NULL;
        int n;

        (void) json_get_object(staged, "signature", &signature);
        (void) json_get_string(signature, "signer", &signer);
        (void) json_get_string(signature, "detail", &detail);
        n = asprintf(ret, "%s%s%s%s%s", ctl_string(signature, "state"), signer ? ", by " : "", signer ?: "",
                        detail ? ": " : "", detail ?: "");
        return n < 0 ? -ENOMEM : 0;
}

int list_text(json_object *o, const char *key, char **ret) {
        json_object *list = NULL;
        size_t size = 0;
        FILE *f;

        *ret = NULL;
        f = open_memstream(ret, &size);
        if (!f)
                return -ENOMEM;
        if (json_get_array(o, key, &list) >= 0)
                for (size_t i = 0; i < json_object_array_length(list); i++) {
                        const char *s = json_object_get_string(json_object_array_get_idx(list, i));

                        fprintf(f, "%s%s", i > 0 ? ", " : "", s ?: "-");
                }
        if (fclose(f) == 0)
                return 0;
        free(*ret);
        *ret = NULL;
        return -ENOMEM;
}

const char *command_line_origin_text(json_object *staged) {
        static const struct {
                const char *origin, *text;
        } origins[] = {
                { "image",   "the image"             },
                { "entry",   "the boot loader entry" },
                { "running", "the running kernel"    },
                { "given",   "the user"              },
        };
        const char *origin = ctl_string(staged, "commandLineOrigin");

        for (size_t i = 0; i < ELEMENTSOF(origins); i++)
                if (strcmp(origin, origins[i].origin) == 0)
                        return origins[i].text;
        return origin;
}

const char *time_text(uint64_t usec, char *buffer, size_t size) {
        time_t t = (time_t) (usec / 1000000);
        struct tm tm;

        if (!localtime_r(&t, &tm) || strftime(buffer, size, "%Y-%m-%d %H:%M:%S %Z", &tm) == 0)
                return "-";
        return buffer;
}

const char *age_text(uint64_t usec, uint64_t now_usec, char *buffer, size_t size) {
        static const struct {
                uint64_t seconds;
                const char *name;
        } units[] = { { 86400, "d" }, { 3600, "h" }, { 60, "min" }, { 1, "s" } };
        uint64_t seconds = now_usec > usec ? (now_usec - usec) / 1000000 : 0;

        for (size_t i = 0; i < ELEMENTSOF(units); i++)
                if (seconds >= units[i].seconds) {
                        snprintf(buffer, size, "%" PRIu64 " %s ago", seconds / units[i].seconds, units[i].name);
                        return buffer;
                }
        return "just now";
}

const char *checksum_text(json_object *staged, char *buffer, size_t size) {
        uint64_t usec;

        if (json_get_u64(staged, "checksumUSec", &usec) < 0)
                return "";
        snprintf(buffer, size, "the jump spends %" PRIu64 " ms on the checksum", usec / 1000);
        return buffer;
}

const char *size_text(uint64_t bytes, char *buffer, size_t size) {
        snprintf(buffer, size, "%.1f MiB", (double) bytes / (1U << 20));
        return buffer;
}
