/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tells the wall clock over a virtio-serial port, so fast that the far end can compare it with its own. A line in, a line
 * with CLOCK_REALTIME in nanoseconds out:
 *
 *      now
 *      step NSEC       moves the clock by so much first */

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timex.h>
#include <time.h>
#include <unistd.h>

#define NSEC 1000000000LL

static int step(long long nsec) {
        struct timex change = { .modes = ADJ_SETOFFSET | ADJ_NANO };

        change.time.tv_sec = nsec / NSEC;
        change.time.tv_usec = nsec % NSEC;
        if (change.time.tv_usec < 0) {
                change.time.tv_sec--;
                change.time.tv_usec += NSEC;
        }
        return clock_adjtime(CLOCK_REALTIME, &change);
}

int main(int argc, char **argv) {
        char line[64], answer[64];
        struct timespec now;
        long long value;
        ssize_t n;
        int fd;

        fd = argc == 2 ? open(argv[1], O_RDWR | O_CLOEXEC) : -1;
        if (fd < 0) {
                fprintf(stderr, "clock: %s\n", argc == 2 ? strerror(errno) : "PORT is missing");
                return EXIT_FAILURE;
        }
        sched_setscheduler(0, SCHED_FIFO, &(struct sched_param) { .sched_priority = 1 });
        for (;;) {
                n = read(fd, line, sizeof(line) - 1);
                if (n <= 0) {
                        sleep(1); /* the far end is not there */
                        continue;
                }
                line[n] = 0;
                if (sscanf(line, "step %lld", &value) == 1 && step(value) < 0)
                        perror("clock: step");
                clock_gettime(CLOCK_REALTIME, &now);
                n = snprintf(answer, sizeof(answer), "%lld\n", (long long) now.tv_sec * NSEC + now.tv_nsec);
                if (write(fd, answer, n) != n)
                        return EXIT_FAILURE;
        }
}
