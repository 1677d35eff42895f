/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdbool.h>
#include <string.h>

#include "basic/version.h"

/* Of ASCII alone, whatever the locale. */
static bool is_digit(char c) {
        return c >= '0' && c <= '9';
}

static bool is_letter(char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static const char *skip_separators(const char *s) {
        while (*s && !is_digit(*s) && !is_letter(*s) && !strchr("-.~^", *s))
                s++;
        return s;
}

/* Both begin with `mark`, which is passed over, or neither does: 0. Else that of *a against *b, where the one with the
 * mark has the `rank` -1 or 1. */
static int compare_mark(const char **a, const char **b, char mark, int rank) {
        bool in_a = **a == mark, in_b = **b == mark;

        if (in_a != in_b)
                return in_a ? rank : -rank;
        *a += in_a;
        *b += in_b;
        return 0;
}

/* Without a value in a machine's word, which a long one would overflow. None is 0. */
static int compare_numbers(const char **a, const char **b) {
        size_t n_a = 0, n_b = 0;
        int r;

        *a += strspn(*a, "0");
        *b += strspn(*b, "0");
        while (is_digit((*a)[n_a]))
                n_a++;
        while (is_digit((*b)[n_b]))
                n_b++;
        if (n_a != n_b)
                return n_a < n_b ? -1 : 1;
        r = strncmp(*a, *b, n_a);
        *a += n_a;
        *b += n_b;
        return r;
}

static int compare_words(const char **a, const char **b) {
        for (; is_letter(**a) && **a == **b; (*a)++)
                (*b)++;
        if (is_letter(**a) && is_letter(**b))
                return **a < **b ? -1 : 1;
        return is_letter(**a) - is_letter(**b);
}

int version_compare(const char *a, const char *b) {
        static const struct {
                char mark;
                int rank;
        } marks[] = { { '-', -1 }, { '^', 1 }, { '.', -1 } };
        int r;

        for (;;) {
                a = skip_separators(a);
                b = skip_separators(b);
                r = compare_mark(&a, &b, '~', -1);
                if (r != 0)
                        return r;
                if (!*a || !*b)
                        return (*a != 0) - (*b != 0);
                for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
                        r = compare_mark(&a, &b, marks[i].mark, marks[i].rank);
                        if (r != 0)
                                return r;
                }
                r = is_digit(*a) || is_digit(*b) ? compare_numbers(&a, &b) : compare_words(&a, &b);
                if (r != 0)
                        return r;
        }
}
