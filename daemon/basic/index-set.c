/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "basic/cleanup.h"
#include "basic/io.h"
#include "basic/index-set.h"

#define LIST_BYTES_MAX (48U * 1024) /* every other one of 8192, and room */

static bool take_number(const char **p, const char *end, size_t *ret) {
        size_t n = 0;

        if (*p == end || **p < '0' || **p > '9')
                return false;
        for (; *p < end && **p >= '0' && **p <= '9'; (*p)++) {
                n = n * 10 + (size_t) (**p - '0');
                if (n >= INDEX_SET_MAX)
                        return false;
        }
        *ret = n;
        return true;
}

static bool take_character(const char **p, const char *end, char c) {
        if (*p == end || **p != c)
                return false;
        (*p)++;
        return true;
}

static bool take_range(const char **p, const char *end, IndexSet *set) {
        size_t first, last;

        if (!take_number(p, end, &first))
                return false;
        last = first;
        if (take_character(p, end, '-') && (!take_number(p, end, &last) || last < first))
                return false;
        for (size_t i = first; i <= last; i++)
                index_set_add(set, i);
        return true;
}

int index_set_parse(const char *text, size_t size, IndexSet *ret) {
        const char *p = text, *end = text + size;
        IndexSet set = {};

        if (size > 0 && end[-1] == '\n')
                end--;
        while (p < end) {
                if (!take_range(&p, end, &set))
                        return -EBADMSG;
                if (p < end && (!take_character(&p, end, ',') || p == end))
                        return -EBADMSG;
        }
        *ret = set;
        return 0;
}

int index_set_read(const char *path, IndexSet *ret) {
        _cleanup_free_ char *text = NULL;
        size_t size;
        int r = read_file_at(AT_FDCWD, path, LIST_BYTES_MAX, &text, &size);

        return r < 0 ? r : index_set_parse(text, size, ret);
}

char *index_set_to_string(const IndexSet *set) {
        _cleanup_free_ char *text = NULL;
        size_t size = 0;
        FILE *f = open_memstream(&text, &size);
        bool is_whole;

        if (!f)
                return NULL;
        for (size_t i = 0; i < INDEX_SET_MAX; i++) {
                size_t first;

                if (set->words[i / 64] == 0)
                        i |= 63;
                if (!index_set_has(set, i))
                        continue;
                first = i;
                while (index_set_has(set, i + 1))
                        i++;
                fprintf(f, "%s%zu", ftello(f) > 0 ? "," : "", first);
                if (i > first)
                        fprintf(f, "-%zu", i);
        }
        is_whole = !ferror(f);
        if (fclose(f) < 0 || !is_whole)
                return NULL;
        return TAKE_PTR(text);
}

bool index_set_is_empty(const IndexSet *set) {
        for (size_t i = 0; i < ELEMENTSOF(set->words); i++)
                if (set->words[i])
                        return false;
        return true;
}

bool index_set_includes(const IndexSet *set, const IndexSet *subset) {
        for (size_t i = 0; i < ELEMENTSOF(set->words); i++)
                if (subset->words[i] & ~set->words[i])
                        return false;
        return true;
}

void index_set_intersect(IndexSet *set, const IndexSet *with) {
        for (size_t i = 0; i < ELEMENTSOF(set->words); i++)
                set->words[i] &= with->words[i];
}
