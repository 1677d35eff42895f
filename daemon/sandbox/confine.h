/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>
#include <sys/types.h>

/* Where the child finds its two fds: known numbers, so that the filter can name them. */
#define CONFINED_INPUT_FD 0
#define CONFINED_OUTPUT_FD 1

/* Called in the child of `parent`: gives up all there is to give up. There is no way back, on failure
 * neither: the child has to exit then. 0 or a negative errno. */
int confine(int input_fd, int output_fd, pid_t parent, uint64_t cpu_sec);

/* What a program keeps that the daemon has started to work on hostile contents: its fds, to be read, and this. */
typedef struct ConfineLimits {
        uint64_t memory_bytes; /* address space, libraries included */
        uint64_t cpu_sec;
        int output_fd;         /* that it may write to beside CONFINED_OUTPUT_FD; 0: none */
        uint64_t output_bytes; /* how far, in a regular file */
} ConfineLimits;

/* The same for such a program, called when it has opened and loaded what it needs. Dies with the thread that has
 * started it. */
int confine_program(pid_t parent, const ConfineLimits *limits);
