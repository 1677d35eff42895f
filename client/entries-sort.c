/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The order of the Boot Loader Specification, "Sorting". */

#include <string.h>

#include "basic/version.h"
#include "client/entries-internal.h"

static int compare_text(const char *a, const char *b) {
        return strcmp(a ?: "", b ?: "");
}

static int compare_numbers(unsigned a, unsigned b) {
        return (a > b) - (a < b);
}

static int compare_keys(const BootEntry *a, const BootEntry *b) {
        int r = compare_text(a->sort_key, b->sort_key);

        if (r == 0)
                r = compare_text(a->machine_id, b->machine_id);
        return r ?: version_compare(b->version ?: "", a->version ?: "");
}

/* Only of those that are alike but for it: more tries left, then fewer done. */
static int compare_tries(const BootEntry *a, const BootEntry *b) {
        if (!a->is_counted || !b->is_counted)
                return 0;
        return compare_numbers(b->tries_left, a->tries_left) ?: compare_numbers(a->tries_done, b->tries_done);
}

/* The newest name first. Profiles of a UKI have the same one, and are in their own order. */
static int compare_files(const BootEntry *a, const BootEntry *b) {
        return version_compare(b->file_id, a->file_id) ?: compare_numbers(a->profile_number, b->profile_number);
}

int boot_entry_compare(const BootEntry *a, const BootEntry *b) {
        int r = boot_entry_is_bad(a) - boot_entry_is_bad(b);

        if (r == 0)
                r = !a->sort_key - !b->sort_key;
        if (r == 0 && a->sort_key)
                r = compare_keys(a, b);
        return r ?: compare_files(a, b) ?: compare_tries(a, b);
}
