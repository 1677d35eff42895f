/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "basic/cleanup.h"
#include "basic/finding.h"
#include "basic/io.h"
#include "kexec/checksum.h"
#include "kexec/fit.h"
#include "kexec/host-internal.h"
#include "kexec/host.h"

#define CALLS_FEW 2          /* to stage anew is one, to unstage is one */
#define CALLS_MANY (1 << 30) /* watch.c sets INT_MAX */

typedef struct Host {
        int root_fd;
        json_object *findings;
} Host;

static int say(const Host *host, const char *id, const char *state, const char *evidence, const char *text,
                const char *remedy) {
        return findings_add(host->findings, finding_new(id, state, text, evidence, remedy));
}

/* `path` is relative to the root; *ret is left alone on failure. */
static int number_read(const Host *host, const char *path, long long *ret) {
        _cleanup_free_ char *text = NULL;
        long long number;
        char *end;
        int r;

        r = read_file_at(host->root_fd, path, 64, &text, NULL);
        if (r < 0)
                return r;
        errno = 0;
        number = strtoll(text, &end, 10);
        if (errno != 0 || end == text || (*end != '\n' && *end))
                return -EBADMSG;
        *ret = number;
        return 0;
}

/* kernel/kexec_core.c:kexec_load_permitted() is asked for a load and for an unload, but not for the jump. */
static int find_permitted(const Host *host) {
        static const char id[] = "kexec-permitted", reboot[] = "Boot this host anew, nothing else takes that back.";
        long long disabled = 0, left = -1, loaded = 0;
        char evidence[128], text[128];

        if (number_read(host, "sys/kernel/kexec_loaded", &loaded) < 0)
                return say(host, id, "fail", "/sys/kernel/kexec_loaded cannot be read",
                                "The running kernel has no kexec.", "Boot a kernel with CONFIG_KEXEC_FILE=y.");
        (void) number_read(host, "proc/sys/kernel/kexec_load_disabled", &disabled);
        (void) number_read(host, "proc/sys/kernel/kexec_load_limit_reboot", &left);

        snprintf(evidence, sizeof(evidence), "kernel.kexec_load_disabled=%lli, kernel.kexec_load_limit_reboot=%lli",
                        disabled, left);
        if ((disabled || left == 0) && loaded)
                return say(host, id, "warn", evidence,
                                "What is loaded can be started, but this host allows no more kernels to be loaded.",
                                reboot);
        if (disabled)
                return say(host, id, "fail", evidence, "This host does not allow kernels to be loaded.", reboot);
        if (left == 0)
                return say(host, id, "fail", evidence, "This host has allowed as many loads as it would.", reboot);
        if (left < 0 || left >= CALLS_MANY)
                return say(host, id, "ok", evidence, "Kernels may be loaded, without a limit.", NULL);
        snprintf(text, sizeof(text), "This host allows %lli more calls of kexec; to load is one, and so is to unload.",
                        left);
        return left <= CALLS_FEW ? say(host, id, "warn", evidence, text, "Stage the right kernel now, or boot anew.")
                                 : say(host, id, "ok", evidence, text, NULL);
}

static int find_crash_kernel(const Host *host) {
        static const char id[] = "crash-kernel";
        long long loaded, size = 0;
        char evidence[128];

        if (number_read(host, "sys/kernel/kexec_crash_loaded", &loaded) < 0)
                return say(host, id, "ok", "/sys/kernel/kexec_crash_loaded cannot be read",
                                "The running kernel does without crash kernels.", NULL);
        (void) number_read(host, "sys/kernel/kexec_crash_size", &size);
        snprintf(evidence, sizeof(evidence), "/sys/kernel/kexec_crash_loaded: %lli, kexec_crash_size: %lli MiB",
                        loaded, size >> 20);
        return say(host, id, "ok", evidence,
                        loaded ? "A crash kernel is loaded and left alone; the next kernel has none until its own is "
                                 "loaded there."
                               : "No crash kernel is loaded.",
                        NULL);
}

static uint64_t meminfo_kib(const char *meminfo, const char *key) {
        const char *p = strstr(meminfo, key);

        return p ? strtoull(p + strlen(key), NULL, 10) : 0;
}

/* Without KHO the kernel tries CMA memory first, and skips the checksum if all segments are there:
 * kernel/kexec_file.c:kexec_alloc_contig(), kexec_only_cma_segments(). */
static int find_cma(const Host *host, const char *root) {
        static const char id[] = "cma", remedy[] = "Boot with kho=on liveupdate=on.";
        _cleanup_free_ char *meminfo = NULL;
        char evidence[128], text[192];
        uint64_t total, available;
        const char *kho;
        int r;

        r = kexec_kho_is_on(root);
        if (r == -ENOMEM)
                return r;
        if (r > 0)
                return say(host, id, "ok", "KHO is on",
                                "The next kernel goes into KHO's scratch areas; CMA memory does not matter.", NULL);
        kho = r == 0 ? "KHO is off" : "KHO may be off";

        r = read_file_at(host->root_fd, "proc/meminfo", 65536, &meminfo, NULL);
        if (r == -ENOMEM)
                return r;
        total = r < 0 ? 0 : meminfo_kib(meminfo, "CmaTotal:");
        available = r < 0 ? 0 : meminfo_kib(meminfo, "CmaFree:");
        snprintf(evidence, sizeof(evidence), "/proc/meminfo: CmaTotal %" PRIu64 " KiB, CmaFree %" PRIu64 " KiB", total,
                        available);
        if (total == 0)
                snprintf(text, sizeof(text),
                                "%s, and there is no CMA memory: then the checksum over the next kernel is computed.",
                                kho);
        else
                snprintf(text, sizeof(text),
                                "%s: then the checksum over the next kernel is computed unless all of it finds room in "
                                "CMA memory.",
                                kho);
        return say(host, id, "warn", evidence, text, remedy);
}

static ChecksumSkip checksum_skip_below(const char *root) {
        _cleanup_free_ char *proc = NULL, *debug = NULL;

        if (asprintf(&proc, "%s%s", root, checksum_controls[0]) < 0)
                proc = NULL;
        if (asprintf(&debug, "%s%s", root, checksum_controls[1]) < 0)
                debug = NULL;
        return checksum_skip_listed((const char *const[]) { proc, proc ? debug : NULL, NULL });
}

/* It is the running kernel that puts the checksum into what it loads, and its purgatory that looks at it. */
static int find_checksum_skip(const Host *host, const char *root, bool policy_requires) {
        static const char id[] = "checksum-skip", listed[] = "Dynamic debug lists \"" CHECKSUM_MESSAGE "\"";
        const char *state = policy_requires ? "fail" : "warn";

        switch (checksum_skip_below(root)) {
        case CHECKSUM_SKIP_PROVEN:
                return say(host, id, "ok", listed, "The running kernel can skip the checksum over the next one.", NULL);
        case CHECKSUM_SKIP_ABSENT:
                return say(host, id, state, "Dynamic debug does not list \"" CHECKSUM_MESSAGE "\"",
                                "The running kernel cannot skip the checksum over the next one: it is computed at the "
                                "load, and again within the blackout.",
                                "Boot a kernel that has the checksum skip, or set ChecksumSkip=prefer.");
        default:
                return say(host, id, state, "Dynamic debug's list cannot be read, or has nothing of the kernel proper",
                                "Whether the running kernel can skip the checksum over the next one cannot be told.",
                                "Boot a kernel with CONFIG_DYNAMIC_DEBUG=y, or set ChecksumSkip=prefer.");
        }
}

int kexec_host_findings(const char *root, bool policy_requires, json_object *findings) {
        _cleanup_fd_ int root_fd = open(*root ? root : "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
        const Host host = { root_fd, findings };
        int r;

        r = find_permitted(&host);
        if (r >= 0)
                r = host_find_lockdown(root, findings);
        if (r >= 0)
                r = host_find_ima(root, findings);
        if (r >= 0)
                r = find_crash_kernel(&host);
        if (r >= 0)
                r = find_cma(&host, root);
        if (r >= 0)
                r = find_checksum_skip(&host, root, policy_requires);
        return r;
}
