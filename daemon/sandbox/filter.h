/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The filters of system calls: what is not in them kills the process. */

/* AddressSanitizer reserves terabytes of address space, which RLIMIT_AS counts, and has system calls of its own. */
#ifdef __SANITIZE_ADDRESS__
#define HAVE_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAVE_ASAN 1
#endif
#endif
#ifndef HAVE_ASAN
#define HAVE_ASAN 0
#endif

/* Both: memory (never executable), the end of the process. 0 or a negative errno. */

/* For a child that parses: reads CONFINED_INPUT_FD, writes CONFINED_OUTPUT_FD. */
int filter_load_child(void);

/* For a program with libraries: reads whatever is open, writes CONFINED_OUTPUT_FD and `output_fd` (0: no other one). */
int filter_load_program(int output_fd);
