/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The kernel places one segment after another, each as high as it goes in the first area that has room for it besides
 * what has been placed already: kernel/kexec_file.c:locate_mem_hole_top_down(). It steps down page by page; to step
 * below what is in the way comes to the same. kexec_random_range_start() does nothing here: no loader of x86 asks for
 * it. */

#include "basic/cleanup.h"
#include "kexec/fit.h"

#define PAGE_BYTES UINT64_C(4096)
#define SEGMENTS_MAX 6

/* arch/x86/kernel/kexec-bzimage64.c: MIN_PURGATORY_ADDR and so on */
#define PURGATORY_MINIMUM UINT64_C(0x3000)
#define BOOT_PARAMETERS_MINIMUM UINT64_C(0x3000)
#define KERNEL_MINIMUM UINT64_C(0x100000)
#define INITRD_MINIMUM UINT64_C(0x1000000)

/* kernel/liveupdate/kexec_handover.c:kho_fill_kimage(): a table of struct kho_scratch */
#define SCRATCH_ENTRY_BYTES UINT64_C(16)
#define SCRATCH_TABLE_ALIGNMENT UINT64_C(0x10000)

/* Code (SHA-256), two stacks: 0x5000 bytes in memory in Linux 7.3. Together with the boot parameters it finds room
 * behind the table of scratch areas, which leaves 60 KiB between itself and the end of the area that it is in; so
 * where kernel and initrd go does not depend on how large the two are. */
#define PURGATORY_BYTES_MAX UINT64_C(0x8000)

/* bzImage64_load(): struct boot_params, MAX_ELFCOREHDR_STR_LEN, EFI's runtime services (48 bytes a region: 341 of
 * them), and five of struct setup_data, which take 240 bytes in Linux 7.3. */
#define BOOT_PARAMETERS_BYTES UINT64_C(4096)
#define ELFCOREHDR_BYTES UINT64_C(30)
#define EFI_MAP_BYTES_MAX UINT64_C(0x4000)
#define SETUP_DATA_BYTES_MAX UINT64_C(512)

typedef struct Segment {
        const char *name;
        uint64_t bytes, alignment, minimum;
        bool is_optional; /* the kernel goes on without it */
} Segment;

typedef struct Placed {
        KexecArea segments[SEGMENTS_MAX];
        size_t n;
} Placed;

static uint64_t align_down(uint64_t value, uint64_t alignment) {
        return value & ~(alignment - 1);
}

/* UINT64_MAX rounded down if there is no such number: too much for any area. */
static uint64_t align_up(uint64_t value, uint64_t alignment) {
        return value > UINT64_MAX - (alignment - 1) ? align_down(UINT64_MAX, alignment)
                                                    : align_down(value + alignment - 1, alignment);
}

/* kernel/kexec_file.c:kexec_add_buffer(). The boot protocol asks for a power of two. */
static uint64_t segment_alignment(uint64_t asked) {
        uint64_t alignment = PAGE_BYTES;

        while (alignment < asked && alignment < UINT64_C(1) << 62)
                alignment *= 2;
        return alignment;
}

static const KexecArea *placed_between(const Placed *placed, uint64_t start, uint64_t bytes) {
        for (size_t i = 0; i < placed->n; i++) {
                const KexecArea *other = &placed->segments[i];

                if (start + bytes > other->start && start < other->start + other->bytes)
                        return other;
        }
        return NULL;
}

static bool area_place(const KexecArea *area, const Placed *placed, const Segment *segment, uint64_t *ret) {
        uint64_t end = area->start + area->bytes, start;

        if (segment->bytes > area->bytes)
                return false;
        for (;;) {
                const KexecArea *other;

                if (end < segment->bytes)
                        return false;
                start = align_down(end - segment->bytes, segment->alignment);
                if (start < area->start || start < segment->minimum)
                        return false;
                other = placed_between(placed, start, segment->bytes);
                if (!other)
                        break;
                end = other->start;
        }
        *ret = start;
        return true;
}

/* How much in one piece from `start` on. */
static uint64_t room_at(const KexecArea *area, const Placed *placed, uint64_t start) {
        uint64_t end = area->start + area->bytes;

        if (start < area->start || start >= end || placed_between(placed, start, 1))
                return 0;
        for (size_t i = 0; i < placed->n; i++)
                if (placed->segments[i].start > start && placed->segments[i].start < end)
                        end = placed->segments[i].start;
        return align_down(end - start, PAGE_BYTES);
}

static uint64_t area_largest(const KexecArea *area, const Placed *placed, const Segment *segment) {
        uint64_t lowest = area->start > segment->minimum ? area->start : segment->minimum;
        uint64_t largest = room_at(area, placed, align_up(lowest, segment->alignment));

        for (size_t i = 0; i < placed->n; i++) {
                uint64_t start = placed->segments[i].start + placed->segments[i].bytes, room;

                room = start < lowest ? 0 : room_at(area, placed, align_up(start, segment->alignment));
                if (room > largest)
                        largest = room;
        }
        return largest;
}

static bool place(const KexecArea *areas, size_t n_areas, const Segment *segment, Placed *placed) {
        for (size_t i = 0; i < n_areas; i++) {
                uint64_t start;

                if (area_place(&areas[i], placed, segment, &start)) {
                        placed->segments[placed->n++] = (KexecArea) { start, segment->bytes };
                        return true;
                }
        }
        return false;
}

static uint64_t boot_parameters_bytes(const KexecParts *parts) {
        return BOOT_PARAMETERS_BYTES + parts->command_line_bytes + 1 + ELFCOREHDR_BYTES + EFI_MAP_BYTES_MAX +
                        SETUP_DATA_BYTES_MAX;
}

void kexec_fit(const KexecArea *areas, size_t n_areas, const KexecParts *parts, KexecFit *ret) {
        /* In the kernel's order: kernel/kexec_file.c:kimage_file_prepare_segments(), then bzImage64_load(). */
        const Segment segments[SEGMENTS_MAX] = {
                { "measurement list", parts->measurement_bytes, 0, 0, .is_optional = true },
                { "table of scratch areas", n_areas * SCRATCH_ENTRY_BYTES, SCRATCH_TABLE_ALIGNMENT, 0 },
                { "purgatory", PURGATORY_BYTES_MAX, 0, PURGATORY_MINIMUM },
                { "boot parameters", boot_parameters_bytes(parts), 0, BOOT_PARAMETERS_MINIMUM },
                { "kernel", parts->init_bytes, parts->alignment,
                  parts->preferred_address < KERNEL_MINIMUM ? KERNEL_MINIMUM : parts->preferred_address },
                { "initrd", parts->initrd_bytes, 0, INITRD_MINIMUM },
        };
        Placed placed = {};

        *ret = (KexecFit) { .fits = true };
        for (size_t i = 0; i < ELEMENTSOF(segments); i++) {
                Segment segment = segments[i];

                if (segment.bytes == 0)
                        continue;
                segment.bytes = align_up(segment.bytes, PAGE_BYTES);
                segment.alignment = segment_alignment(segment.alignment);
                if (place(areas, n_areas, &segment, &placed) || segment.is_optional)
                        continue;

                *ret = (KexecFit) { .segment = segment.name, .needed_bytes = segment.bytes };
                for (size_t j = 0; j < n_areas; j++) {
                        uint64_t largest = area_largest(&areas[j], &placed, &segment);

                        if (largest > ret->largest_bytes)
                                ret->largest_bytes = largest;
                }
                return;
        }
}
