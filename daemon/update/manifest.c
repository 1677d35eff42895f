/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "basic/io.h"
#include "basic/json.h"
#include "update/manifest.h"
#include "workload/workload.h"

#define CONSOLE_LEVEL_MAX 15U /* include/linux/printk.h: CONSOLE_LOGLEVEL_MOTORMOUTH */

static void strings_free(char **strings) {
        for (char **s = strings; s && *s; s++)
                free(*s);
        free(strings);
}

void manifest_done(Manifest *manifest) {
        free(manifest->id);
        free(manifest->from_release);
        free(manifest->to_release);
        free(manifest->from_boot_id);
        free(manifest->checksum_skip_evidence);
        strings_free(manifest->workloads);
        json_object_put(manifest->devices);
        *manifest = (Manifest) {};
}

static json_object *strings_to_json(char *const *strings) {
        _cleanup_json_ json_object *list = json_object_new_array();

        for (; list && strings && *strings; strings++) {
                json_object *s = json_object_new_string(*strings);

                if (!s || json_object_array_add(list, s) < 0) {
                        json_object_put(s);
                        return NULL;
                }
        }
        return TAKE_PTR(list);
}

static json_object *trace_to_json(const TraceState *trace) {
        _cleanup_json_ json_object *o = json_object_new_object();

        if (!o || json_add_bool(o, "initcallDebug", trace->initcall_debug) < 0 ||
                        json_add_u64(o, "consoleLevel", (uint64_t) trace->console_level) < 0)
                return NULL;
        return TAKE_PTR(o);
}

static void trace_from_json(json_object *o, TraceState *ret) {
        uint64_t level;

        if (json_get_bool(o, "initcallDebug", &ret->initcall_debug) < 0 ||
                        json_get_u64(o, "consoleLevel", &level) < 0 || level > CONSOLE_LEVEL_MAX)
                return;
        ret->console_level = (int) level;
        ret->is_on = true;
}

static json_object *manifest_to_json(const Manifest *manifest) {
        _cleanup_json_ json_object *o = json_object_new_object();

        if (!o || json_add_u64(o, "version", MANIFEST_VERSION) < 0 || json_add_string(o, "id", manifest->id) < 0 ||
                        json_add_string(o, "fromRelease", manifest->from_release) < 0 ||
                        json_add_string(o, "toRelease", manifest->to_release) < 0 ||
                        json_add_string(o, "fromBootId", manifest->from_boot_id) < 0 ||
                        json_add_string(o, "checksumSkip", checksum_skip_to_string(manifest->checksum_skip)) < 0 ||
                        json_add_string(o, "checksumSkipEvidence", manifest->checksum_skip_evidence) < 0 ||
                        json_add(o, "timeline", timeline_to_json(&manifest->timeline)) < 0 ||
                        json_add(o, "workloads", strings_to_json(manifest->workloads)) < 0 ||
                        (manifest->trace.is_on && json_add(o, "trace", trace_to_json(&manifest->trace)) < 0) ||
                        (manifest->devices && json_add(o, "devices", json_object_get(manifest->devices)) < 0))
                return NULL;
        return TAKE_PTR(o);
}

int manifest_write(const Manifest *manifest, int fd) {
        _cleanup_json_ json_object *o = manifest_to_json(manifest);
        _cleanup_free_ char *padded = malloc(MANIFEST_BYTES);
        const char *text;
        size_t size;

        if (!o || !padded)
                return -ENOMEM;
        text = json_object_to_json_string_length(o, JSON_C_TO_STRING_PLAIN, &size);
        if (!text)
                return -ENOMEM;
        if (size > MANIFEST_BYTES)
                return -E2BIG;
        memset(padded, ' ', MANIFEST_BYTES);
        memcpy(padded, text, size);

        if (pwrite(fd, padded, MANIFEST_BYTES, 0) != MANIFEST_BYTES)
                return errno > 0 ? -errno : -EIO;
        return 0;
}

static int copy_string(json_object *o, const char *key, char **ret) {
        const char *s;
        int r = json_get_string(o, key, &s);

        if (r < 0)
                return r == -ENOENT ? 0 : r;
        *ret = strdup(s);
        return *ret ? 0 : -ENOMEM;
}

static int workloads_from_json(json_object *list, char ***ret) {
        size_t n = json_object_array_length(list);
        char **names;

        if (n > WORKLOADS_MAX)
                return -EBADMSG;
        names = calloc(n + 1, sizeof(*names));
        if (!names)
                return -ENOMEM;
        *ret = names;

        for (size_t i = 0; i < n; i++) {
                json_object *s = json_object_array_get_idx(list, i);

                if (!json_object_is_type(s, json_type_string) ||
                                !workload_name_is_valid(json_object_get_string(s)))
                        return -EBADMSG;
                names[i] = strdup(json_object_get_string(s));
                if (!names[i])
                        return -ENOMEM;
        }
        return 0;
}

static int manifest_from_json(json_object *o, Manifest *manifest) {
        json_object *timeline, *workloads, *devices, *trace;
        const char *checksum_skip = "";
        uint64_t version = 0;

        if (json_get_u64(o, "version", &version) < 0 || version == 0)
                return -EBADMSG;
        if (version > MANIFEST_VERSION)
                return -EPROTONOSUPPORT;
        if (copy_string(o, "id", &manifest->id) < 0 || copy_string(o, "fromRelease", &manifest->from_release) < 0 ||
                        copy_string(o, "toRelease", &manifest->to_release) < 0 ||
                        copy_string(o, "fromBootId", &manifest->from_boot_id) < 0 ||
                        copy_string(o, "checksumSkipEvidence", &manifest->checksum_skip_evidence) < 0 ||
                        json_get_object(o, "timeline", &timeline) < 0 ||
                        timeline_from_json(timeline, &manifest->timeline) < 0 ||
                        json_get_array(o, "workloads", &workloads) < 0 ||
                        workloads_from_json(workloads, &manifest->workloads) < 0)
                return -EBADMSG;
        (void) json_get_string(o, "checksumSkip", &checksum_skip);
        manifest->checksum_skip = checksum_skip_from_string(checksum_skip);
        if (json_get_object(o, "trace", &trace) >= 0)
                trace_from_json(trace, &manifest->trace);
        if (json_get_array(o, "devices", &devices) >= 0)
                manifest->devices = json_object_get(devices);
        return manifest->id ? 0 : -EBADMSG;
}

int manifest_parse(const char *text, size_t size, Manifest *ret) {
        _cleanup_(manifest_done) Manifest manifest = {};
        _cleanup_json_ json_object *o = NULL;
        int r;

        r = json_parse_object(text, size, &o);
        if (r < 0)
                return r;
        r = manifest_from_json(o, &manifest);
        if (r < 0)
                return r;
        *ret = TAKE(manifest, ((Manifest) {}));
        return 0;
}

int manifest_read(int fd, Manifest *ret) {
        _cleanup_free_ char *text = NULL;
        size_t size;
        int r;

        r = read_fd(fd, MANIFEST_BYTES, &text, &size);
        return r < 0 ? r : manifest_parse(text, size, ret);
}
