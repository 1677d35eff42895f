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
