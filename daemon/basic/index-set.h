/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A set of small numbers, of processors or of NUMA nodes, and the kernel's way to write it: "0-3,8". */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define INDEX_SET_MAX 8192U /* arch/x86/Kconfig: NR_CPUS_RANGE_END */

typedef struct IndexSet {
        uint64_t words[INDEX_SET_MAX / 64];
} IndexSet;

static inline bool index_set_has(const IndexSet *set, size_t index) {
        return index < INDEX_SET_MAX && (set->words[index / 64] >> index % 64 & 1);
}

static inline void index_set_add(IndexSet *set, size_t index) {
        set->words[index / 64] |= UINT64_C(1) << index % 64;
}

/* Hostile text of `size` bytes, without or with a line's end: 0 or -EBADMSG. */
int index_set_parse(const char *text, size_t size, IndexSet *ret);
/* The kernel's own: the first line of a file below /sys. Negative errno. */
int index_set_read(const char *path, IndexSet *ret);
/* "" for the empty set. NULL: no memory. Caller frees. */
char *index_set_to_string(const IndexSet *set);

bool index_set_is_empty(const IndexSet *set);
bool index_set_includes(const IndexSet *set, const IndexSet *subset);
void index_set_intersect(IndexSet *set, const IndexSet *with);
