/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <string.h>
#include <strings.h>

#include "client/entries-internal.h"

static void trim_end(char *text) {
        size_t n = strlen(text);

        while (n > 0 && strchr(" \t", text[n - 1]))
                n--;
        text[n] = 0;
}

static char *unquote(char *value) {
        size_t n = strlen(value);

        if (n < 2 || !strchr("\"'", *value) || value[n - 1] != *value)
                return value;
        value[n - 1] = 0;
        return value + 1;
}

static char *take_line(char **cursor) {
        char *line = *cursor;
        size_t n = strcspn(line, "\n\r");

        *cursor = line + n + (line[n] != 0);
        line[n] = 0;
        trim_end(line);
        return line + strspn(line, " \t");
}

bool text_line(char **cursor, const char *separators, char **ret_key, char **ret_value) {
        while (**cursor) {
                char *line = take_line(cursor);
                size_t n = strcspn(line, separators);

                if (n == 0 || *line == '#' || !line[n])
                        continue;
                line[n] = 0;
                *ret_key = line;
                line += n + 1;
                *ret_value = unquote(line + strspn(line, separators));
                return true;
        }
        return false;
}

bool text_is_clean(const char *text) {
        for (; *text; text++)
                if (((unsigned char) *text < ' ' && *text != '\t') || *text == 0x7f)
                        return false;
        return true;
}

static char lower(char c) {
        return c >= 'A' && c <= 'Z' ? (char) (c - 'A' + 'a') : c;
}

void text_to_lower(char *text) {
        for (; *text; text++)
                *text = lower(*text);
}

bool text_has_suffix(const char *text, const char *suffix) {
        size_t n = strlen(text), n_suffix = strlen(suffix);

        if (n < n_suffix)
                return false;
        for (text += n - n_suffix; *suffix; text++, suffix++)
                if (lower(*text) != *suffix)
                        return false;
        return true;
}

int text_replace(char **p, const char *text) {
        char *copy = strdup(text);

        if (!copy)
                return -ENOMEM;
        free(*p);
        *p = copy;
        return 0;
}

/* Behind the set at `pattern`, which begins with [; NULL if it has no end. */
static const char *match_set(const char *pattern, char c, bool *ret_matches) {
        const char *p = pattern + 1;

        *ret_matches = false;
        do {
                if (!*p)
                        return NULL;
                if (p[1] == '-' && p[2] && p[2] != ']') {
                        *ret_matches |= c >= p[0] && c <= p[2];
                        p += 3;
                        continue;
                }
                *ret_matches |= c == *p++;
        } while (*p != ']');
        return p + 1;
}

/* Behind the first part of `pattern`, which is no *, if it matches `c`; else NULL. */
static const char *match_one(const char *pattern, char c) {
        bool matches;

        switch (*pattern) {
        case 0:
                return NULL;
        case '?':
                return pattern + 1;
        case '[':
                pattern = match_set(pattern, c, &matches);
                return pattern && matches ? pattern : NULL;
        case '\\':
                if (pattern[1])
                        pattern++;
                break;
        }
        return *pattern == c ? pattern + 1 : NULL;
}

/* When a part does not match, the last * takes one more; those before it never have to. */
bool text_matches(const char *text, const char *pattern) {
        const char *star = NULL, *retry = NULL;

        while (*text) {
                const char *next;

                if (*pattern == '*') {
                        star = ++pattern;
                        retry = text;
                        continue;
                }
                next = match_one(pattern, *text);
                if (next) {
                        pattern = next;
                        text++;
                } else if (star) {
                        pattern = star;
                        text = ++retry;
                } else
                        return false;
        }
        while (*pattern == '*')
                pattern++;
        return !*pattern;
}
