/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* PID 1 of the guests that are to survive a live update, and the witness that they did.
 *
 * It fills most of its RAM with a pattern of page number and pass, verifies every page of the last pass and rewrites
 * it for the next one, over and over, while a thread ticks on the console. Its disk gets the same treatment on a
 * small scale. What was lost, repeated or changed in the blackout shows in the numbers.
 *
 * Kernel command line: ram_bytes= (the guest's nominal RAM), pattern= (percent of it, 77), duty= (percent of one
 * processor for the verification, 50), ping= (see guest.h). */

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "guest.h"

#define PAGE 4096u
#define WORDS (PAGE / sizeof(uint64_t))
#define CHUNK_PAGES 256u
#define TICK_NSEC (NSEC / 10)
#define DISK_BLOCKS 64u
#define DISK_STEP 4u /* blocks a second */

static atomic_ullong pass_number, verified_bytes, pattern_errors, disk_sequence, disk_errors;
static atomic_bool has_disk;

int64_t now(clockid_t clock) {
        struct timespec t;

        clock_gettime(clock, &t);
        return t.tv_sec * NSEC + t.tv_nsec;
}

/* One write(2) a line. */
void say(const char *format, ...) {
        char line[512];
        va_list args;
        int n;

        va_start(args, format);
        n = vsnprintf(line, sizeof(line) - 1, format, args);
        va_end(args);
        if (n > (int) sizeof(line) - 2)
                n = sizeof(line) - 2;
        line[n++] = '\n';
        if (write(STDOUT_FILENO, line, n) < 0)
                sleep(1);
}

/* PID 1 must not end, or the kernel's panic would hide the reason. */
__attribute__((noreturn)) static void refuse(const char *why) {
        for (;;) {
                say("guest ERROR: %s", why);
                sleep(5);
        }
}

static void read_file(const char *path, char *ret, size_t size) {
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        ssize_t n = fd < 0 ? 0 : read(fd, ret, size - 1);

        ret[n > 0 ? n : 0] = 0;
        ret[strcspn(ret, "\n")] = 0;
        if (fd >= 0)
                close(fd);
}

/* NULL: not there. */
static char *parameter_text(const char *name) {
        static char line[4096];
        char *save = NULL;
        size_t n = strlen(name);

        read_file("/proc/cmdline", line, sizeof(line));
        for (char *word = strtok_r(line, " ", &save); word; word = strtok_r(NULL, " ", &save))
                if (strncmp(word, name, n) == 0 && word[n] == '=')
                        return word + n + 1;
        return NULL;
}

static unsigned long long parameter(const char *name, unsigned long long otherwise) {
        const char *text = parameter_text(name);

        return text ? strtoull(text, NULL, 0) : otherwise;
}

static unsigned long long available_bytes(void) {
        char line[256];
        unsigned long long kib = 0;
        FILE *f = fopen("/proc/meminfo", "re");

        while (f && fgets(line, sizeof(line), f))
                if (sscanf(line, "MemAvailable: %llu", &kib) == 1)
                        break;
        if (f)
                fclose(f);
        return kib * 1024;
}

/* splitmix64 */
static uint64_t mix(uint64_t x) {
        x += 0x9e3779b97f4a7c15;
        x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
        x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
        return x ^ (x >> 31);
}

static uint64_t seed(uint64_t page, uint64_t pass) {
        return mix(page ^ (pass << 40));
}

static void page_fill(uint64_t *page, uint64_t value) {
        for (size_t i = 0; i < WORDS; i++, value += 0x9e3779b97f4a7c15)
                page[i] = value;
}

static bool page_matches(const uint64_t *page, uint64_t value) {
        uint64_t difference = 0;

        for (size_t i = 0; i < WORDS; i++, value += 0x9e3779b97f4a7c15)
                difference |= page[i] ^ value;
        return difference == 0;
}

static void rest(int64_t worked_nsec, unsigned duty) {
        int64_t pause = worked_nsec * (100 - duty) / duty;

        nanosleep(&(struct timespec) { .tv_sec = pause / NSEC, .tv_nsec = pause % NSEC }, NULL);
}

/* Pass 0 only fills. */
static void verify(uint64_t *memory, uint64_t n_pages, unsigned duty, uint64_t first_pass, uint64_t last_pass) {
        for (uint64_t pass = first_pass; pass <= last_pass; pass++) {
                uint64_t errors = 0;
                char boot_id[64];

                atomic_store(&pass_number, pass);
                read_file("/proc/sys/kernel/random/boot_id", boot_id, sizeof(boot_id));
                say("pass %llu began mono=%lld boot_id=%s", (unsigned long long) pass,
                    (long long) now(CLOCK_MONOTONIC), boot_id);
                for (uint64_t first = 0; first < n_pages; first += CHUNK_PAGES) {
                        uint64_t end = first + CHUNK_PAGES < n_pages ? first + CHUNK_PAGES : n_pages;
                        int64_t began = now(CLOCK_MONOTONIC);

                        for (uint64_t i = first; i < end; i++) {
                                uint64_t *page = memory + i * WORDS;

                                if (pass > 0 && !page_matches(page, seed(i, pass - 1))) {
                                        if (errors++ < 5)
                                                say("guest ERROR: page %llu differs in pass %llu",
                                                    (unsigned long long) i, (unsigned long long) pass);
                                        atomic_fetch_add(&pattern_errors, 1);
                                }
                                page_fill(page, seed(i, pass));
                        }
                        if (pass > 0)
                                atomic_fetch_add(&verified_bytes, (end - first) * PAGE);
                        if (pass > 0)
                                rest(now(CLOCK_MONOTONIC) - began, duty);
                }
                say("pass %llu complete mono=%lld verified=%llu errors=%llu", (unsigned long long) pass,
                    (long long) now(CLOCK_MONOTONIC), (unsigned long long) (pass > 0 ? n_pages * PAGE : 0),
                    (unsigned long long) errors);
        }
}

static void *tick(void *unused) {
        int64_t deadline = now(CLOCK_MONOTONIC);

        (void) unused;
        pthread_setschedparam(pthread_self(), SCHED_FIFO, &(struct sched_param) { .sched_priority = 1 });
        for (uint64_t number = 1;; number++) {
                char disk[80] = "";
                int64_t mono = now(CLOCK_MONOTONIC);

                if (atomic_load(&has_disk))
                        snprintf(disk, sizeof(disk), " disk_seq=%llu disk_errors=%llu", atomic_load(&disk_sequence),
                                 atomic_load(&disk_errors));
                say("tick %llu tsc=%llu mono=%lld boot=%lld real=%lld pass=%llu verified=%llu errors=%llu%s",
                    (unsigned long long) number, __builtin_ia32_rdtsc(), (long long) mono, (long long) now(CLOCK_BOOTTIME),
                    (long long) now(CLOCK_REALTIME), atomic_load(&pass_number), atomic_load(&verified_bytes),
                    atomic_load(&pattern_errors), disk);
                deadline += TICK_NSEC;
                /* After a leap of the clock the number goes on, and the rhythm starts anew. */
                if (deadline < mono - NSEC)
                        deadline = mono + TICK_NSEC;
                clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME,
                                &(struct timespec) { .tv_sec = deadline / NSEC, .tv_nsec = deadline % NSEC }, NULL);
        }
        return NULL;
}

static void *exercise_disk(void *argument) {
        int fd = (int) (intptr_t) argument;
        uint64_t written[DISK_BLOCKS] = { 0 };
        uint64_t *block;

        if (posix_memalign((void **) &block, PAGE, PAGE) != 0)
                return NULL;
        for (uint64_t sequence = 1;; sequence++) {
                unsigned index = sequence % DISK_BLOCKS;
                off_t offset = (off_t) index * PAGE;

                if (written[index] > 0)
                        if (pread(fd, block, PAGE, offset) != PAGE || !page_matches(block, seed(index, written[index])))
                                atomic_fetch_add(&disk_errors, 1);
                page_fill(block, seed(index, sequence));
                if (pwrite(fd, block, PAGE, offset) != PAGE || fsync(fd) < 0)
                        atomic_fetch_add(&disk_errors, 1);
                written[index] = sequence;
                atomic_store(&disk_sequence, sequence);
                if (sequence % DISK_STEP == 0)
                        sleep(1);
        }
        return NULL;
}

static void start_disk(void) {
        uint64_t size = 0;
        pthread_t thread;
        int fd = open("/dev/vda", O_RDWR | O_DIRECT | O_CLOEXEC);

        if (fd < 0)
                return;
        if (ioctl(fd, BLKGETSIZE64, &size) < 0 || size < DISK_BLOCKS * PAGE)
                refuse("the disk is too small");
        say("guest disk=vda disk_bytes=%llu", (unsigned long long) size);
        atomic_store(&has_disk, true);
        pthread_create(&thread, NULL, exercise_disk, (void *) (intptr_t) fd);
}

int main(void) {
        unsigned long long ram, percent, duty, pattern;
        char boot_id[64], message[200];
        uint64_t *memory;
        pthread_t thread;
        char *pings;

        mount("proc", "/proc", "proc", 0, NULL);
        mount("sysfs", "/sys", "sysfs", 0, NULL);
        mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);

        read_file("/proc/sys/kernel/random/boot_id", boot_id, sizeof(boot_id));
        ram = parameter("ram_bytes", 0);
        percent = parameter("pattern", 77);
        duty = parameter("duty", 50);
        pattern = ram * percent / 100 / PAGE * PAGE;
        if (pattern == 0 || percent > 100 || duty == 0 || duty > 100)
                refuse("ram_bytes=, pattern= or duty= on the kernel command line is missing or wrong");
        say("guest boot_id=%s ram_bytes=%llu pattern_bytes=%llu", boot_id, ram, pattern);
        if (available_bytes() < pattern + (8 << 20)) {
                snprintf(message, sizeof(message), "%llu bytes available, too few for a pattern of %llu",
                         available_bytes(), pattern);
                refuse(message);
        }

        memory = mmap(NULL, pattern, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (memory == MAP_FAILED)
                refuse("no memory for the pattern");
        madvise(memory, pattern, MADV_HUGEPAGE);

        verify(memory, pattern / PAGE, duty, 0, 0);
        start_disk();
        start_network();
        pings = parameter_text("ping");
        if (pings)
                start_pings(pings);
        if (pthread_create(&thread, NULL, tick, NULL) != 0)
                refuse("no thread for the ticks");
        if (nice(10) < 0 && errno != 0)
                say("guest warning: nice: %s", strerror(errno));
        verify(memory, pattern / PAGE, duty, 1, UINT64_MAX);
}
