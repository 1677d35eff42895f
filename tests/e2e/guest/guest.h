/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>
#include <time.h>

#define NSEC 1000000000LL

int64_t now(clockid_t clock);
/* A line on the console; lines of several threads stay whole. */
__attribute__((format(printf, 1, 2))) void say(const char *format, ...);

/* All interfaces up. */
void start_network(void);
/* "INTERFACE:ADDRESS/PREFIX:TARGET", several joined by "+": sets the address and pings the target for ever, and tells of
 * each request and each answer. A target that is not in the prefix is reached by way of the prefix's first address. */
void start_pings(char *words);
