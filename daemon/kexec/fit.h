/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Whether the parts of the next kernel find room where the kernel would put them, found out before it tries: with KHO
 * on all segments of a kexec_file_load go into KHO's scratch areas (kernel/kexec_file.c:locate_mem_hole_callback(),
 * kernel/liveupdate/kexec_handover.c:kho_locate_mem_hole()). */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct KexecArea {
        uint64_t start, bytes; /* physical */
} KexecArea;

/* What the segments are made of: arch/x86/kernel/kexec-bzimage64.c:bzImage64_load() */
typedef struct KexecParts {
        uint64_t init_bytes, alignment, preferred_address; /* of the setup header */
        uint64_t initrd_bytes;       /* 0: none */
        uint64_t command_line_bytes; /* without the NUL */
        uint64_t measurement_bytes;  /* kexec_measurement_bytes(); 0: none */
} KexecParts;

typedef struct KexecFit {
        bool fits;
        const char *segment;     /* static: the first that finds no room, "kernel", "initrd", …; NULL if all do */
        uint64_t needed_bytes;   /* of that segment, in one piece */
        uint64_t largest_bytes;  /* the largest piece that was left for it */
} KexecFit;

/* 1, 0; -ENODATA if nothing here tells. `root` is "" for the real one, here and below. */
int kexec_kho_is_on(const char *root);

/* KHO's scratch areas of the running kernel in its order, from debugfs, mounted or not. -EOPNOTSUPP: KHO is off.
 * -ENODATA: nothing here tells: no debugfs (lockdown alone does not hide these files:
 * fs/debugfs/file.c:debugfs_locked_down()), or no CONFIG_KEXEC_HANDOVER_DEBUGFS. -EBADMSG: what it says makes no
 * sense. Caller frees *ret. */
int kexec_scratch_areas(const char *root, KexecArea **ret, size_t *ret_n);

/* How much the running kernel adds to a load for IMA's list of measurements; 0 if it does not hand that on, or
 * nothing tells that it does. Reads the list. */
uint64_t kexec_measurement_bytes(const char *root);

/* The kernel's own placement. What cannot be known from outside (purgatory, the EFI memory map) is taken a little too
 * large, which changes the answer only where 64 KiB decide. */
void kexec_fit(const KexecArea *areas, size_t n_areas, const KexecParts *parts, KexecFit *ret);
