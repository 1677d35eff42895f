/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Boot counting, of the Boot Loader Specification: a name tells how often its entry may still be tried. */

#include <stdio.h>
#include <string.h>

#include "client/entries-internal.h"

#define TRIES_DIGITS_MAX 9U

static bool parse_number(const char **p, unsigned *ret) {
        size_t n = strspn(*p, "0123456789");

        if (n == 0 || n > TRIES_DIGITS_MAX)
                return false;
        *ret = (unsigned) strtoul(*p, NULL, 10);
        *p += n;
        return true;
}

/* The length of what is before the count, or of all before the suffix. */
static size_t parse_tries(const char *name, size_t size, BootEntry *entry) {
        const char *plus = memrchr(name, '+', size), *p;
        unsigned left, done = 0;

        if (!plus)
                return size;
        p = plus + 1;
        if (!parse_number(&p, &left))
                return size;
        if (*p == '-') {
                p++;
                if (!parse_number(&p, &done))
                        return size;
        }
        if (p != name + size)
                return size;
        entry->is_counted = true;
        entry->tries_left = left;
        entry->tries_done = done;
        return (size_t) (plus - name);
}

int entry_name_parse(const char *name, const char *suffix, BootEntry *entry) {
        size_t stem = parse_tries(name, strlen(name) - strlen(suffix), entry);
        char *id;

        if (asprintf(&id, "%.*s%s", (int) stem, name, suffix) < 0)
                return -ENOMEM;
        free(entry->file_id);
        entry->file_id = id;
        return text_replace(&entry->id, id);
}

bool boot_entry_is_bad(const BootEntry *entry) {
        return entry->is_counted && entry->tries_left == 0;
}
