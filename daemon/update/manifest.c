/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/io.h"
#include "basic/json.h"
#include "basic/log.h"
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
        json_object_put(manifest->host);
        json_object_put(manifest->tmpfs);
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

static json_object *tail_to_json(const Manifest *manifest, bool is_whole) {
        _cleanup_json_ json_object *o = json_object_new_object();

        if (!o || (is_whole && json_add_u64(o, "version", MANIFEST_VERSION) < 0) ||
                        json_add_string(o, "id", manifest->id) < 0 ||
                        json_add_string(o, "fromRelease", manifest->from_release) < 0 ||
                        json_add_string(o, "toRelease", manifest->to_release) < 0 ||
                        json_add_string(o, "fromBootId", manifest->from_boot_id) < 0 ||
                        json_add_string(o, "checksumSkip", checksum_skip_to_string(manifest->checksum_skip)) < 0 ||
                        json_add_string(o, "checksumSkipEvidence", manifest->checksum_skip_evidence) < 0 ||
                        json_add(o, "timeline", timeline_to_json(&manifest->timeline)) < 0 ||
                        json_add(o, "workloads", strings_to_json(manifest->workloads)) < 0 ||
                        (manifest->trace.is_on && json_add(o, "trace", trace_to_json(&manifest->trace)) < 0) ||
                        (manifest->devices && json_add(o, "devices", json_object_get(manifest->devices)) < 0) ||
                        (manifest->tmpfs && json_add(o, "tmpfs", json_object_get(manifest->tmpfs)) < 0) ||
                        (manifest->clock.rate_hz_milli > 0 &&
                                        json_add(o, "clock", wall_clock_to_json(&manifest->clock)) < 0))
                return NULL;
        return TAKE_PTR(o);
}

static int write_all(int fd, const char *text, size_t size, size_t offset) {
        for (size_t n = 0; n < size;) {
                ssize_t k = pwrite(fd, text + n, size - n, (off_t) (offset + n));

                if (k < 0 && errno != EINTR)
                        return -errno;
                if (k == 0)
                        return -EIO;
                n += k < 0 ? 0 : (size_t) k;
        }
        return 0;
}

static int head_to_text(const Manifest *manifest, char **ret) {
        const char *host = NULL;
        int n;

        if (manifest->host) {
                host = json_object_to_json_string_ext(manifest->host, JSON_C_TO_STRING_PLAIN);
                if (!host)
                        return -ENOMEM;
        }
        n = asprintf(ret, "{\"version\":%i%s%s", MANIFEST_VERSION, host ? ",\"host\":" : "", host ?: "");
        return n < 0 ? -ENOMEM : 0;
}

int manifest_create(const Manifest *manifest, int *ret_fd, size_t *ret_tail) {
        _cleanup_free_ char *text = NULL;
        _cleanup_fd_ int fd = -EBADF;
        size_t size;
        int r;

        r = head_to_text(manifest, &text);
        if (r < 0)
                return r;
        size = strlen(text);
        if (size > MANIFEST_BYTES_MAX - MANIFEST_TAIL_BYTES)
                return -E2BIG;
        r = memfd_new_with("liveupdate-manifest", NULL, size + MANIFEST_TAIL_BYTES, &fd);
        if (r >= 0)
                r = write_all(fd, text, size, 0);
        if (r < 0)
                return r;
        *ret_fd = TAKE_FD(fd);
        *ret_tail = size;
        return 0;
}

/* Versions that carried nothing of the host wrote at most that much. */
static int check_is_whole(const Manifest *manifest, int fd) {
        struct stat st;

        if (fstat(fd, &st) < 0)
                return -errno;
        return manifest->host || st.st_size > (off_t) MANIFEST_TAIL_BYTES ? -EOPNOTSUPP : 0;
}

int manifest_write(const Manifest *manifest, int fd, size_t tail) {
        _cleanup_json_ json_object *o = tail_to_json(manifest, tail == 0);
        _cleanup_free_ char *padded = malloc(MANIFEST_TAIL_BYTES);
        const char *text;
        size_t size;
        int r = tail == 0 ? check_is_whole(manifest, fd) : 0;

        if (r < 0)
                return r;
        if (!o || !padded)
                return -ENOMEM;
        text = json_object_to_json_string_length(o, JSON_C_TO_STRING_PLAIN, &size);
        if (!text)
                return -ENOMEM;
        if (size > MANIFEST_TAIL_BYTES)
                return -E2BIG;
        memset(padded, ' ', MANIFEST_TAIL_BYTES);
        memcpy(padded, text, size);
        if (tail > 0)
                padded[0] = ','; /* in place of the brace that opens it: it goes on where the head ends */
        return write_all(fd, padded, MANIFEST_TAIL_BYTES, tail);
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

/* A flaw in one of these is no reason to lose the rest. */
static bool is_there(const char *key, int found) {
        if (found < 0 && found != -ENOENT)
                log_error("The manifest is damaged: what it says of \"%s\" is passed over.", key);
        return found >= 0;
}

static int manifest_from_json(json_object *o, Manifest *manifest) {
        json_object *timeline, *workloads, *devices, *trace, *clock, *host, *tmpfs;
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
        if (is_there("devices", json_get_array(o, "devices", &devices)))
                manifest->devices = json_object_get(devices);
        if (is_there("clock", json_get_object(o, "clock", &clock)))
                (void) wall_clock_from_json(clock, &manifest->clock);
        if (is_there("host", json_get_object(o, "host", &host)))
                manifest->host = json_object_get(host);
        if (is_there("tmpfs", json_get_array(o, "tmpfs", &tmpfs)))
                manifest->tmpfs = json_object_get(tmpfs);
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

static size_t find_tail(const char *text, size_t size) {
        size_t tail = size > MANIFEST_TAIL_BYTES ? size - MANIFEST_TAIL_BYTES : 0;

        return text[tail] == ',' ? tail : 0;
}

int manifest_read(int fd, Manifest *ret, size_t *ret_tail) {
        _cleanup_free_ char *text = NULL;
        size_t size;
        int r;

        r = read_fd(fd, MANIFEST_BYTES_MAX, &text, &size);
        if (r >= 0)
                r = manifest_parse(text, size, ret);
        if (r >= 0 && ret_tail)
                *ret_tail = find_tail(text, size);
        return r;
}
