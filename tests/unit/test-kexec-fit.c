/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "basic/cleanup.h"
#include "kexec/fit.h"
#include "unit.h"

#define KIB UINT64_C(1024)
#define MIB (1024 * KIB)
#define PAGE (4 * KIB)

#define TABLE_ALIGNMENT (64 * KIB)

/* What kexec_fit() estimates, and what Linux 7.3 has on a machine without EFI. */
typedef struct Estimate {
        uint64_t purgatory_bytes, parameters_bytes; /* the latter besides the command line */
} Estimate;

static const Estimate upper = { 32 * KIB, 4096 + 1 + 30 + 16384 + 512 }, real = { 20 * KIB, 4096 + 1 + 30 + 240 };

typedef struct Piece {
        const char *name;
        uint64_t bytes, alignment, minimum;
} Piece;

static uint64_t pages_of(uint64_t bytes) {
        return (bytes + PAGE - 1) / PAGE * PAGE;
}

/* The kernel's own loop, a page at a time, with ends that belong to it: kernel/kexec_file.c:locate_mem_hole_callback(),
 * locate_mem_hole_top_down(), kernel/kexec_core.c:kimage_is_destination_range(). */
static bool brute_place(const KexecArea *area, const Piece *piece, const KexecArea *placed, size_t n_placed,
                uint64_t *ret) {
        int64_t start = (int64_t) area->start, end = start + (int64_t) area->bytes - 1;
        int64_t bytes = (int64_t) pages_of(piece->bytes), at = end - bytes + 1;
        uint64_t alignment = piece->alignment > PAGE ? piece->alignment : PAGE;

        if ((int64_t) area->bytes < bytes || end < (int64_t) piece->minimum)
                return false;
        for (;; at -= (int64_t) PAGE) {
                bool conflicts = false;

                at -= at % (int64_t) alignment;
                if (at < start || at < (int64_t) piece->minimum)
                        return false;
                for (size_t i = 0; i < n_placed; i++) {
                        int64_t other_start = (int64_t) placed[i].start;
                        int64_t other_end = other_start + (int64_t) placed[i].bytes - 1;

                        conflicts |= at + bytes - 1 >= other_start && at <= other_end;
                }
                if (!conflicts)
                        break;
        }
        *ret = (uint64_t) at;
        return true;
}

/* NULL: all fit. */
static const char *brute_fit(const KexecArea *areas, size_t n, const KexecParts *parts, const Estimate *estimate) {
        const Piece pieces[] = {
                { "measurement list", parts->measurement_bytes, 0, 0 },
                { "table of scratch areas", n * 16, TABLE_ALIGNMENT, 0 },
                { "purgatory", estimate->purgatory_bytes, 0, 0x3000 },
                { "boot parameters", estimate->parameters_bytes + parts->command_line_bytes, 0, 0x3000 },
                { "kernel", parts->init_bytes, parts->alignment,
                  parts->preferred_address < MIB ? MIB : parts->preferred_address },
                { "initrd", parts->initrd_bytes, 0, 16 * MIB },
        };
        KexecArea placed[ELEMENTSOF(pieces)];
        size_t n_placed = 0;

        for (size_t i = 0; i < ELEMENTSOF(pieces); i++) {
                bool fits = pieces[i].bytes == 0;
                uint64_t at;

                for (size_t j = 0; !fits && j < n; j++)
                        if (brute_place(&areas[j], &pieces[i], placed, n_placed, &at)) {
                                placed[n_placed++] = (KexecArea) { at, pages_of(pieces[i].bytes) };
                                fits = true;
                        }
                if (!fits && i > 0)
                        return pieces[i].name;
        }
        return NULL;
}

static uint64_t random_state = 88172645463325252;

static uint64_t random_below(uint64_t limit) {
        random_state ^= random_state << 13;
        random_state ^= random_state >> 7;
        random_state ^= random_state << 17;
        return random_state % limit;
}

/* Around what is there, so that about half of the parts fit. */
static size_t random_host(KexecArea areas[static 4], KexecParts *parts, bool is_usual) {
        size_t n = 1 + (size_t) random_below(4);
        uint64_t at = (1 + random_below(6)) * 4 * MIB, largest = 0;

        for (size_t i = 0; i < n; i++) {
                uint64_t unit = !is_usual && random_below(4) == 0 ? PAGE : 4 * MIB;

                areas[i] = (KexecArea) { at, random_below(8) * unit };
                at += areas[i].bytes + random_below(3) * unit;
                largest = areas[i].bytes > largest ? areas[i].bytes : largest;
        }
        if (n > 1 && random_below(2)) {
                KexecArea first = areas[0];

                areas[0] = areas[n - 1];
                areas[n - 1] = first;
        }
        *parts = (KexecParts) {
                .init_bytes = random_below(largest + 2 * MIB),
                .alignment = random_below(5) == 0 ? 0 : UINT64_C(1) << (12 + random_below(12)),
                .preferred_address = random_below(3) * 16 * MIB,
                .initrd_bytes = (is_usual ? 64 * KIB : 0) + random_below(largest + MIB),
                .command_line_bytes = random_below(2017),
                .measurement_bytes = !is_usual && random_below(3) == 0 ? random_below(largest / 2 + PAGE) : 0,
        };
        return n;
}

START_TEST(places_as_the_kernel_does) {
        unsigned n_fit = 0, n_not = 0;

        for (unsigned i = 0; i < 10000; i++) {
                const char *expected;
                KexecArea areas[4];
                KexecParts parts;
                KexecFit fit;
                size_t n;

                n = random_host(areas, &parts, false);
                expected = brute_fit(areas, n, &parts, &upper);
                kexec_fit(areas, n, &parts, &fit);
                ck_assert_msg(fit.fits == !expected, "round %u: %s", i, expected ?: fit.segment);
                if (!expected) {
                        ck_assert_ptr_null(fit.segment);
                        n_fit++;
                        continue;
                }
                ck_assert_str_eq(fit.segment, expected);
                ck_assert_uint_lt(fit.largest_bytes, fit.needed_bytes);
                n_not++;
        }
        ck_assert_uint_gt(n_fit, 1000);
        ck_assert_uint_gt(n_not, 1000);
}
END_TEST

/* With areas of whole 4 MiB, as the kernel makes them (SCRATCH_ALIGNMENT_BYTES), and an initrd that is too large for
 * what a smaller purgatory leaves. */
START_TEST(does_not_depend_on_estimates) {
        for (unsigned i = 0; i < 10000; i++) {
                const char *expected;
                KexecArea areas[4];
                KexecParts parts;
                KexecFit fit;
                size_t n;

                n = random_host(areas, &parts, true);
                expected = brute_fit(areas, n, &parts, &real);
                kexec_fit(areas, n, &parts, &fit);
                ck_assert_msg(fit.fits == !expected, "round %u: %s", i, expected ?: fit.segment);
        }
}
END_TEST

/* An initrd of the size that is said to be left fits, one of a page more does not. */
START_TEST(tells_the_largest_piece) {
        unsigned n_told = 0;

        for (unsigned i = 0; i < 5000; i++) {
                KexecArea areas[4];
                KexecParts parts;
                KexecFit fit, again;
                size_t n;

                n = random_host(areas, &parts, false);
                kexec_fit(areas, n, &parts, &fit);
                if (fit.fits || strcmp(fit.segment, "initrd") != 0 || fit.largest_bytes == 0)
                        continue;
                parts.initrd_bytes = fit.largest_bytes;
                kexec_fit(areas, n, &parts, &again);
                ck_assert(again.fits);
                parts.initrd_bytes++;
                kexec_fit(areas, n, &parts, &again);
                ck_assert(!again.fits);
                ck_assert_uint_eq(again.largest_bytes, fit.largest_bytes);
                ck_assert_uint_eq(again.needed_bytes, fit.largest_bytes + PAGE);
                n_told++;
        }
        ck_assert_uint_gt(n_told, 100);
}
END_TEST

/* kexec_handover.c:kho_reserve_scratch(): a low area, a global one, one for each node. */
static const KexecArea usual_areas[] = {
        { 0x7a000000, 32 * MIB },
        { 0x140000000, 128 * MIB },
        { 0x150000000, 160 * MIB },
};

static const KexecParts usual_parts = {
        .init_bytes = 40 * MIB,
        .alignment = 2 * MIB,
        .preferred_address = 16 * MIB,
        .initrd_bytes = 60 * MIB,
        .command_line_bytes = 200,
};

START_TEST(goes_on_to_the_next_area) {
        KexecParts parts = usual_parts;
        KexecFit fit;

        kexec_fit(usual_areas, ELEMENTSOF(usual_areas), &parts, &fit);
        ck_assert(fit.fits);
        parts.initrd_bytes = 160 * MIB;
        kexec_fit(usual_areas, ELEMENTSOF(usual_areas), &parts, &fit);
        ck_assert(fit.fits);
        parts.initrd_bytes = 160 * MIB + 1;
        kexec_fit(usual_areas, ELEMENTSOF(usual_areas), &parts, &fit);
        ck_assert(!fit.fits);
        ck_assert_str_eq(fit.segment, "initrd");
        ck_assert_uint_eq(fit.needed_bytes, 160 * MIB + PAGE);
        ck_assert_uint_eq(fit.largest_bytes, 160 * MIB);

        parts.init_bytes = 161 * MIB;
        kexec_fit(usual_areas, ELEMENTSOF(usual_areas), &parts, &fit);
        ck_assert_str_eq(fit.segment, "kernel");
        ck_assert_uint_eq(fit.largest_bytes, 160 * MIB);

        /* Two that fit alone need not fit together. */
        parts = usual_parts;
        kexec_fit(usual_areas + 1, 1, &parts, &fit);
        ck_assert(fit.fits);
        parts.initrd_bytes = 100 * MIB;
        kexec_fit(usual_areas + 1, 1, &parts, &fit);
        ck_assert_str_eq(fit.segment, "initrd");
}
END_TEST

/* The kernel hands on the measurements only if they find room, and says nothing else. */
START_TEST(does_without_measurements) {
        KexecParts parts = usual_parts;
        KexecFit fit;

        parts.measurement_bytes = 1024 * MIB;
        kexec_fit(usual_areas, ELEMENTSOF(usual_areas), &parts, &fit);
        ck_assert(fit.fits);

        parts.measurement_bytes = 40 * MIB;
        kexec_fit(usual_areas + 1, 1, &parts, &fit);
        ck_assert(!fit.fits);
        ck_assert_str_eq(fit.segment, "initrd");
}
END_TEST

START_TEST(bears_senseless_numbers) {
        const KexecParts senseless[] = {
                { .init_bytes = UINT64_MAX, .alignment = UINT64_MAX, .preferred_address = UINT64_MAX },
                { .init_bytes = MIB, .alignment = 3, .initrd_bytes = UINT64_MAX },
                { .init_bytes = MIB, .alignment = UINT64_C(1) << 63 },
                { .init_bytes = MIB, .preferred_address = UINT64_MAX },
                { .init_bytes = UINT64_MAX - PAGE, .measurement_bytes = UINT64_MAX },
        };
        const KexecArea high = { UINT64_MAX - 8 * MIB, 8 * MIB };
        KexecFit fit;

        for (size_t i = 0; i < ELEMENTSOF(senseless); i++) {
                kexec_fit(usual_areas, ELEMENTSOF(usual_areas), &senseless[i], &fit);
                ck_assert(!fit.fits);
                ck_assert_uint_lt(fit.largest_bytes, fit.needed_bytes);
                kexec_fit(&high, 1, &senseless[i], &fit);
                ck_assert(!fit.fits);
        }
        kexec_fit(NULL, 0, &usual_parts, &fit);
        ck_assert(!fit.fits);
        ck_assert_uint_eq(fit.largest_bytes, 0);
}
END_TEST

UNIT_MAIN("kexec-fit", places_as_the_kernel_does, does_not_depend_on_estimates, tells_the_largest_piece,
          goes_on_to_the_next_area, does_without_measurements, bears_senseless_numbers)
