/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Sets of processors, as "0-3,8". */

#include <stdbool.h>
#include <stddef.h>

#define PROCESSORS_MAX 8192U /* CONFIG_NR_CPUS_RANGE_END of x86_64 */

typedef struct Processors {
        unsigned long set[PROCESSORS_MAX / (8 * sizeof(unsigned long))]; /* as sched_setaffinity(2) takes it */
} Processors;

/* -EBADMSG for what is no such list, or an empty one. Processors above the last possible are left out. */
int processors_parse(const char *text, Processors *ret);
/* As much as fits. */
void processors_write(const Processors *processors, char *text, size_t size);
/* Those of `a` that are not in `b`; whether there are any. */
bool processors_minus(const Processors *a, const Processors *b, Processors *ret);
