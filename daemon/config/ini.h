/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The lines of an INI file as systemd.syntax(7) has them, from memory, one after the other, without
 * allocating: a line that is none does not end the reading. `#` and `;` begin comment lines; a backslash at
 * the end goes on in the next line that is no comment; white space around keys and values, CR LF and a byte
 * order mark are passed over. */

#include <stddef.h>

#define INI_LINE_BYTES_MAX 4096 /* continuations included */

typedef enum IniKind {
        INI_END,
        INI_SECTION,    /* name */
        INI_ASSIGNMENT, /* name, value */
        /* No lines: `name` holds the text, but for the last two */
        INI_BAD_SECTION,   /* a [ without a ] */
        INI_NO_ASSIGNMENT, /* no = */
        INI_NO_KEY,        /* nothing before the = */
        INI_NUL_BYTE,
        INI_TOO_LONG,
} IniKind;

typedef struct Ini {
        const char *next, *end;
        unsigned line; /* lines read so far */
        char text[INI_LINE_BYTES_MAX + 1];
} Ini;

typedef struct IniLine {
        unsigned number;          /* of the first, where it has continuations; the first of a file is 1 */
        const char *name, *value; /* NUL-terminated, until the next call */
} IniLine;

/* Borrows exactly `size` bytes of `data`. */
void ini_begin(Ini *ini, const char *data, size_t size);
IniKind ini_next(Ini *ini, IniLine *ret);
