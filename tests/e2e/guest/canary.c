/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Memory that nobody may write to, in a session of its own, across a change of the kernel:
 *   canary keep MIB      fills a memory file with a known pattern, preserves it and holds it
 *   canary check MIB     retrieves it under the next kernel, compares every word, then preserves it anew and holds it
 * Both go to the background once all is done, so that their exit status tells: 1 for what could not be done, 2 for a
 * canary that is not what it was. */

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../../daemon/luo/liveupdate-uapi.h"

#define SESSION "rig-canary"
#define TOKEN 1U

static void fail(const char *what) {
        fprintf(stderr, "canary: %s: %m\n", what);
        exit(1);
}

/* The word that belongs at an index: splitmix64, so that a page at a wrong place shows as well. */
static uint64_t word_at(uint64_t index) {
        uint64_t z = (index + 0x6c69766575706461U) * 0x9e3779b97f4a7c15U;

        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
        return z ^ (z >> 29);
}

/* One process at a time has the device, others for moments. */
static int open_device(void) {
        for (unsigned i = 0; i < 500; i++) {
                int fd = open("/dev/liveupdate", O_RDWR | O_CLOEXEC);

                if (fd >= 0)
                        return fd;
                if (errno != EBUSY)
                        break;
                usleep(20000);
        }
        fail("/dev/liveupdate");
        return -1;
}

static uint64_t *map(int fd, size_t size) {
        uint64_t *words = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

        if (words == MAP_FAILED)
                fail("mmap");
        return words;
}

static int make(size_t size) {
        int fd = memfd_create("canary", MFD_CLOEXEC);
        uint64_t *words;

        if (fd < 0 || ftruncate(fd, (off_t) size) < 0)
                fail("memfd");
        words = map(fd, size);
        for (size_t i = 0; i < size / sizeof(*words); i++)
                words[i] = word_at(i);
        munmap(words, size);
        return fd;
}

static int retrieve(void) {
        struct liveupdate_ioctl_retrieve_session session = { .size = sizeof(session), .name = SESSION };
        struct liveupdate_session_retrieve_fd file = { .size = sizeof(file), .token = TOKEN };
        struct liveupdate_session_finish finish = { .size = sizeof(finish) };
        int device = open_device();

        if (ioctl(device, LIVEUPDATE_IOCTL_RETRIEVE_SESSION, &session) < 0)
                fail("retrieving the session");
        close(device);
        if (ioctl(session.fd, LIVEUPDATE_SESSION_RETRIEVE_FD, &file) < 0)
                fail("retrieving the memory file");
        if (ioctl(session.fd, LIVEUPDATE_SESSION_FINISH, &finish) < 0)
                fail("finishing the session");
        close(session.fd);
        return file.fd;
}

/* The number of words that are otherwise. */
static size_t compare(int fd, size_t size) {
        uint64_t *words = map(fd, size);
        size_t n_wrong = 0;

        if (lseek(fd, 0, SEEK_END) != (off_t) size) {
                fprintf(stderr, "canary: it has another size\n");
                exit(2);
        }
        for (size_t i = 0; i < size / sizeof(*words); i++)
                if (words[i] != word_at(i) && n_wrong++ < 16)
                        fprintf(stderr, "canary: byte %zu: %016llx instead of %016llx\n", i * sizeof(*words),
                                (unsigned long long) words[i], (unsigned long long) word_at(i));
        munmap(words, size);
        return n_wrong;
}

static void preserve(int fd) {
        struct liveupdate_ioctl_create_session session = { .size = sizeof(session), .name = SESSION };
        struct liveupdate_session_preserve_fd file = { .size = sizeof(file), .fd = fd, .token = TOKEN };
        int device = open_device();

        if (ioctl(device, LIVEUPDATE_IOCTL_CREATE_SESSION, &session) < 0)
                fail("making a session");
        close(device);
        if (ioctl(session.fd, LIVEUPDATE_SESSION_PRESERVE_FD, &file) < 0)
                fail("preserving the memory file");
}

int main(int argc, char **argv) {
        size_t size = argc == 3 ? strtoull(argv[2], NULL, 10) << 20 : 0;
        size_t n_wrong = 0;
        int fd;

        if (size == 0 || (strcmp(argv[1], "keep") && strcmp(argv[1], "check"))) {
                fprintf(stderr, "usage: canary keep|check MIB\n");
                return 1;
        }
        if (!strcmp(argv[1], "keep"))
                fd = make(size);
        else {
                fd = retrieve();
                n_wrong = compare(fd, size);
        }
        printf("%zu bytes, %zu words wrong\n", size, n_wrong);
        if (n_wrong > 0)
                return 2;
        preserve(fd);
        fflush(stdout);
        if (daemon(0, 0) < 0)
                fail("daemon");
        for (;;)
                pause();
}
