/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdbool.h>
#include <string.h>

#include "config/ini.h"

#define BYTE_ORDER_MARK "\xef\xbb\xbf"

static bool is_space(char c) {
        return c == ' ' || c == '\t' || c == '\r';
}

static size_t stripped(const char *text, size_t size) {
        while (size > 0 && is_space(text[size - 1]))
                size--;
        return size;
}

void ini_begin(Ini *ini, const char *data, size_t size) {
        size_t mark = strlen(BYTE_ORDER_MARK);

        ini->next = data;
        ini->end = data + size;
        ini->line = 0;
        if (size >= mark && memcmp(data, BYTE_ORDER_MARK, mark) == 0)
                ini->next += mark;
}

/* A line of the file, from its first character that is no white space. */
static bool physical_line(Ini *ini, const char **ret, size_t *ret_size) {
        const char *line = ini->next, *newline;
        size_t size = (size_t) (ini->end - line);

        if (size == 0)
                return false;
        newline = memchr(line, '\n', size);
        if (newline)
                size = (size_t) (newline - line);
        ini->next = newline ? newline + 1 : ini->end;
        ini->line++;

        for (; size > 0 && is_space(*line); size--)
                line++;
        if (size > 0 && line[size - 1] == '\r')
                size--;
        *ret = line;
        *ret_size = size;
        return true;
}

/* Two backslashes are one that is meant. */
static bool is_continued(const char *line, size_t size) {
        size_t n = 0;

        while (n < size && line[size - 1 - n] == '\\')
                n++;
        return n % 2 == 1;
}

/* Joins a line and its continuations in ini->text; INI_ASSIGNMENT stands for any that could be joined. */
static IniKind logical_line(Ini *ini, unsigned *ret_number) {
        bool has_nul = false, is_too_long = false, goes_on = true;
        size_t n = 0, size;
        const char *line;

        *ret_number = 0;
        while (goes_on && physical_line(ini, &line, &size)) {
                if (size > 0 && (*line == '#' || *line == ';'))
                        continue;
                if (size == 0 && *ret_number == 0)
                        continue;
                if (*ret_number == 0)
                        *ret_number = ini->line;

                goes_on = is_continued(line, size);
                has_nul = has_nul || memchr(line, 0, size);
                is_too_long = is_too_long || size > INI_LINE_BYTES_MAX - n;
                if (is_too_long)
                        continue;
                memcpy(ini->text + n, line, size);
                n += size;
                if (goes_on)
                        ini->text[n - 1] = ' ';
        }
        if (*ret_number == 0)
                return INI_END;
        ini->text[stripped(ini->text, n)] = 0;
        return has_nul ? INI_NUL_BYTE : is_too_long ? INI_TOO_LONG : INI_ASSIGNMENT;
}

static IniKind split_section(char *text, IniLine *ret) {
        size_t size = strlen(text);

        ret->name = text;
        if (text[size - 1] != ']')
                return INI_BAD_SECTION;
        text[size - 1] = 0;
        ret->name = text + 1;
        return INI_SECTION;
}

static IniKind split_assignment(char *text, IniLine *ret) {
        char *equals = strchr(text, '='), *value;

        ret->name = text;
        if (!equals)
                return INI_NO_ASSIGNMENT;
        if (equals == text)
                return INI_NO_KEY;
        for (value = equals + 1; is_space(*value);)
                value++;
        text[stripped(text, (size_t) (equals - text))] = 0;
        ret->value = value;
        return INI_ASSIGNMENT;
}

IniKind ini_next(Ini *ini, IniLine *ret) {
        char *text;

        do {
                IniKind kind;

                *ret = (IniLine){ .name = "", .value = "" };
                kind = logical_line(ini, &ret->number);
                if (kind != INI_ASSIGNMENT)
                        return kind;
                for (text = ini->text; is_space(*text);)
                        text++;
        } while (!*text); /* continuations of nothing */

        return *text == '[' ? split_section(text, ret) : split_assignment(text, ret);
}
