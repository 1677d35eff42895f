/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* As much of the varlink interface language as it takes to compare a description with the code. */

#include <check.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "ipc/varlink.h"

/* Reads the symbol after `keyword` if the line begins with it ("method", "error", "type", "interface"). */
static inline bool idl_line_symbol(const char *line, const char *keyword, char *ret, size_t size) {
        size_t n = strlen(keyword), length;

        if (strncmp(line, keyword, n) != 0 || line[n] != ' ')
                return false;
        line += n + 1;
        length = strcspn(line, " (\n");
        ck_assert_uint_gt(length, 0);
        ck_assert_uint_lt(length, size);
        memcpy(ret, line, length);
        ret[length] = 0;
        return true;
}

/* The `index`th symbol of that kind; false if there are fewer. */
static inline bool idl_symbol(const char *text, const char *keyword, size_t index, char *ret, size_t size) {
        for (const char *line = text; line && *line;
                        line = strchr(line, '\n'), line = line ? line + 1 : NULL)
                if (idl_line_symbol(line, keyword, ret, size) && index-- == 0)
                        return true;
        return false;
}

static inline bool idl_has_symbol(const char *text, const char *keyword, const char *name) {
        char symbol[256];

        for (size_t i = 0; idl_symbol(text, keyword, i, symbol, sizeof(symbol)); i++)
                if (strcmp(symbol, name) == 0)
                        return true;
        return false;
}

/* Name and methods of the interface are those of its description, none more, none less. */
static inline void idl_assert_agrees(const VarlinkInterface *interface) {
        char symbol[256];
        size_t n = 0;

        ck_assert(idl_symbol(interface->description, "interface", 0, symbol, sizeof(symbol)));
        ck_assert_str_eq(symbol, interface->name);

        for (; idl_symbol(interface->description, "method", n, symbol, sizeof(symbol)); n++) {
                bool is_found = false;

                for (size_t i = 0; i < interface->n_methods; i++)
                        is_found = is_found || strcmp(interface->methods[i].name, symbol) == 0;
                ck_assert_msg(is_found, "%s.%s is described but not implemented", interface->name, symbol);
        }
        for (size_t i = 0; i < interface->n_methods; i++)
                ck_assert_msg(idl_has_symbol(interface->description, "method", interface->methods[i].name),
                                "%s.%s is implemented but not described", interface->name,
                                interface->methods[i].name);
        ck_assert_uint_eq(n, interface->n_methods);
}
