/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <ftw.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/io.h"
#include "basic/json.h"
#include "host/irqs.h"
#include "host/settings-internal.h"
#include "timeline/wall-clock.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char root[] = "/tmp/liveupdate-fuzz-XXXXXX";

static void put(const char *path, const char *text) {
        char full[256];

        snprintf(full, sizeof(full), "%s%s", root, path);
        for (char *p = full + sizeof(root); (p = strchr(p, '/')); p++) {
                *p = 0;
                (void) mkdir(full, 0755);
                *p = '/';
        }
        if (write_file_atomic(full, text, 0644) < 0)
                abort();
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw) {
        return remove(path);
}

static void remove_root(void) {
        (void) nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void make_root(void) {
        static bool is_made;

        if (is_made)
                return;
        if (!mkdtemp(root) || atexit(remove_root) != 0)
                abort();
        put("/secret", "kept");
        put("/proc/sys/vm/swappiness", "60\n");
        put("/proc/sys/net/ipv4/ip_forward", "0\n");
        put("/proc/sys/kernel/modules_disabled", "0\n");
        put("/sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never\n");
        put("/sys/devices/system/cpu/online", "0-7\n");
        put("/sys/bus/pci/devices/0000:00:08.0/irq", "17\n");
        put("/proc/irq/17/smp_affinity_list", "0-7\n");
        is_made = true;
}

static void check_secret(void) {
        _cleanup_free_ char *path = NULL, *text = NULL;

        if (asprintf(&path, "%s/secret", root) < 0 || read_file_at(-1, path, 64, &text, NULL) < 0 ||
                        strcmp(text, "kept") != 0)
                __builtin_trap();
}

/* Of a daemon before. */
static void inherit(const uint8_t *data, size_t size) {
        _cleanup_(settings_freep) Settings *settings = NULL, *again = NULL;
        _cleanup_fd_ int fd = -EBADF, again_fd = -EBADF;

        if (memfd_new_with("settings", data, size, &fd) < 0 || settings_from_fd(fd, &settings) < 0)
                return;
        /* What was read can be kept, and read again. */
        if (settings_to_fd(settings, &again_fd) < 0 || settings_from_fd(again_fd, &again) < 0 ||
                        again->n != settings->n || again->n_bytes != settings->n_bytes)
                __builtin_trap();
}

static void restore(json_object *wanted) {
        _cleanup_(settings_freep) Settings *baseline = NULL;
        _cleanup_json_ json_object *problems = json_object_new_array();
        json_object *irqs = NULL, *clock = NULL;
        size_t n, n_missing;
        WallClock time;

        if (settings_new(&baseline) < 0)
                return;
        (void) settings_restore(root, wanted, SETTINGS_PASS_FIRST, baseline, &n, problems);
        (void) settings_restore(root, wanted, SETTINGS_PASS_LATER, baseline, &n, problems);
        if (json_get_array(wanted, "interrupts", &irqs) >= 0)
                (void) irqs_restore(root, irqs, &n, &n_missing, problems);
        if (json_get_object(wanted, "clock", &clock) >= 0 && wall_clock_from_json(clock, &time) >= 0)
                (void) wall_clock_at(&time, UINT64_MAX);
        check_secret();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_json_ json_object *wanted = NULL;

        make_root();
        inherit(data, size);
        if (json_parse_object((const char *) data, size, &wanted) >= 0)
                restore(wanted);
        return 0;
}
