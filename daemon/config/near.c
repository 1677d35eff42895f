/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <ctype.h>
#include <string.h>

#include "config/near.h"

#define NAME_MAX_BYTES 32

static size_t least(size_t a, size_t b) {
        return a < b ? a : b;
}

/* Levenshtein's, a row of his table at a time. */
static size_t distance(const char *a, const char *b, size_t size_b) {
        size_t row[NAME_MAX_BYTES + 1];

        for (size_t j = 0; j <= size_b; j++)
                row[j] = j;
        for (size_t i = 1; a[i - 1]; i++) {
                size_t diagonal = row[0];

                row[0] = i;
                for (size_t j = 1; j <= size_b; j++) {
                        bool differs = tolower((unsigned char) a[i - 1]) !=
                                        tolower((unsigned char) b[j - 1]);
                        size_t replaced = diagonal + differs;

                        diagonal = row[j];
                        row[j] = least(replaced, 1 + least(row[j], row[j - 1]));
                }
        }
        return row[size_b];
}

bool is_near_miss(const char *written, const char *name) {
        size_t size = strlen(name);

        if (size > NAME_MAX_BYTES || strlen(written) > NAME_MAX_BYTES)
                return false;
        return distance(written, name, size) <= 1 + size / 5;
}
