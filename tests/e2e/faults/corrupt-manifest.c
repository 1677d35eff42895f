/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Loaded into the daemon by LD_PRELOAD: spoils the manifest at the last moment, between seal and the jump, so that the
 * next kernel's daemon finds what no sound daemon would have left. How, one word says in /run/rig/corrupt-manifest, or
 * else in $CORRUPT_MANIFEST; without either nothing is done. What cannot be spoilt as told fails reboot() with EBADR:
 * the update is rolled back, and no scenario passes for having changed nothing. */

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/reboot.h>

#include "basic/cleanup.h"

#define ORDER "/run/rig/corrupt-manifest"
#define MEMFD "/memfd:liveupdate-manifest"
#define VERSION "{\"version\":1,"

/* Nothing of it is a manifest. */
static bool make_garbage(char *text, size_t size) {
        uint64_t state = 0x9e3779b97f4a7c15;

        for (size_t i = 0; i < size; i++) {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                text[i] = (char) state;
        }
        return true;
}

/* The second half of what is told was never written. */
static bool make_truncated(char *text, size_t size) {
        size_t end = size;

        while (end > 0 && strchr(" \n", text[end - 1])) /* NUL among them */
                end--;
        memset(text + end / 2, 0, size - end / 2);
        return end > 1;
}

/* One string that does not end within it. */
static bool make_oversize(char *text, size_t size) {
        static const char begin[] = VERSION "\"host\":\"";

        memset(text, 'a', size);
        memcpy(text, begin, strlen(begin));
        return true;
}

/* Sound JSON, but for how deep it is. */
static bool make_nested(char *text, size_t size) {
        static const char begin[] = VERSION "\"host\":";
        size_t depth = (size - strlen(begin) - 1) / 2;
        char *p = text;

        memset(text, ' ', size);
        p = mempcpy(p, begin, strlen(begin));
        p = (char *) memset(p, '[', depth) + depth;
        p = (char *) memset(p, ']', depth) + depth;
        *p = '}';
        return true;
}

/* One of a daemon that is to come. */
static bool make_future(char *text, size_t size) {
        if (memcmp(text, VERSION, strlen(VERSION)) != 0)
                return false;
        text[strlen(VERSION) - 2] = '2';
        return true;
}

static const struct {
        const char *name;
        bool (*make)(char *text, size_t size);
} ways[] = {
        { "garbage",   make_garbage   },
        { "truncated", make_truncated },
        { "oversize",  make_oversize  },
        { "nested",    make_nested    },
        { "future",    make_future    },
};

static bool read_order(char *ret, size_t size) {
        _cleanup_fclose_ FILE *f = fopen(ORDER, "re");
        const char *order = getenv("CORRUPT_MANIFEST");

        if (f) {
                if (!fgets(ret, (int) size, f))
                        ret[0] = 0;
                ret[strcspn(ret, "\n")] = 0;
                return true;
        }
        return order && snprintf(ret, size, "%s", order) > 0;
}

/* The manifest among our fds, or negative. */
static int find_manifest(void) {
        for (int fd = 3; fd < 1 << 16; fd++) {
                char path[64], target[sizeof(MEMFD)] = "";

                snprintf(path, sizeof(path), "/proc/self/fd/%i", fd);
                if (readlink(path, target, sizeof(target) - 1) > 0 && strcmp(target, MEMFD) == 0)
                        return fd;
        }
        return -EBADF;
}

static bool spoil(const char *order) {
        int fd = find_manifest();
        struct stat st;
        char *text;

        if (fd < 0 || fstat(fd, &st) < 0 || st.st_size < 4096)
                return false;
        text = mmap(NULL, (size_t) st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (text == MAP_FAILED)
                return false;
        for (size_t i = 0; i < ELEMENTSOF(ways); i++)
                if (strcmp(ways[i].name, order) == 0)
                        return ways[i].make(text, (size_t) st.st_size);
        return false;
}

__attribute__((visibility("default"))) int reboot(int how) {
        char order[32] = "";

        if (how == RB_KEXEC && read_order(order, sizeof(order)) && !spoil(order)) {
                fprintf(stderr, "corrupt-manifest: cannot make it '%s'\n", order);
                errno = EBADR;
                return -1;
        }
        return (int) syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, how, NULL);
}
