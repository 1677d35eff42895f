/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* All that is looked for ends with a NUL, and is told by what stands before one. Where it begins says less:
 *  - The name of a file handler is an array in a struct (struct liveupdate_file_handler, .compatible), so what precedes
 *    it is the end of a pointer, not a NUL.
 *  - A linker may have put a string into the tail of a longer one. Of a name it is believed when the tail is a word of
 *    its own there; "kho-v4" in the tail of "test-kho-v4" would not be seen.
 * A compiler that copies a name may also have made operands of instructions of it, but the kernel compares with these,
 * too, by calls of functions. */

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "basic/cleanup.h"
#include "inspect/scanner.h"

#define BANNER "Linux version "
/* kernel/kexec_file.c: kexec_calculate_store_digests() */
#define CHECKSUM_SKIP "disabling checksum verification in purgatory"
/* kernel/liveupdate/luo_core.c: /dev/liveupdate, and the parameter liveupdate= */
#define LIVEUPDATE "liveupdate"
/* include/linux/kho/abi/luo.h: LUO_ABI_COMPATIBLE */
#define LUO_NAME "luo-v"

#define FRESH_BYTES (64U << 10)
#define CARRY_BYTES SCANNER_BANNER_BYTES /* of what went by, all that a string can need */

struct Scanner {
        char banner[SCANNER_BANNER_BYTES];
        char names[SCANNER_NAMES_MAX][SCANNER_NAME_BYTES];
        size_t n_names;
        bool has_liveupdate, has_checksum_skip;
        size_t carried;
        char window[CARRY_BYTES + FRESH_BYTES];
};

Scanner *scanner_new(void) {
        return calloc(1, sizeof(Scanner));
}

Scanner *scanner_free(Scanner *scanner) {
        free(scanner);
        return NULL;
}

static bool is_name_char(char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

/* Whether a word can begin behind `c`: not within a path, a devicetree's "vendor,device-v2", a name. */
static bool is_border(char c) {
        return !is_name_char(c) && !isupper((unsigned char) c) && !strchr("./,", c ? c : ' ');
}

static bool ends_with(const char *window, const char *end, const char *text) {
        size_t length = strlen(text);

        return (size_t) (end - window) >= length && memcmp(end - length, text, length) == 0;
}

static bool is_word(const char *window, const char *begin) {
        return begin == window || is_border(begin[-1]);
}

/* [a-z][a-z0-9_-]*-v[0-9]+, up to `end`. */
static const char *name_begin(const char *window, const char *end) {
        const char *p = end;

        while (p > window && isdigit((unsigned char) p[-1]))
                p--;
        if (p == end || !ends_with(window, p, "-v"))
                return NULL;
        p -= strlen("-v");
        end = p;
        while (p > window && is_name_char(p[-1]) && end - p < (ptrdiff_t) SCANNER_NAME_BYTES)
                p--;
        return p < end && *p >= 'a' && *p <= 'z' && is_word(window, p) ? p : NULL;
}

static void take_name(Scanner *scanner, const char *end) {
        const char *begin = name_begin(scanner->window, end);
        size_t length;

        if (!begin || scanner->n_names == SCANNER_NAMES_MAX)
                return;
        length = (size_t) (end - begin);
        if (length >= SCANNER_NAME_BYTES)
                return;
        for (size_t i = 0; i < scanner->n_names; i++)
                if (strlen(scanner->names[i]) == length && memcmp(scanner->names[i], begin, length) == 0)
                        return;
        memcpy(scanner->names[scanner->n_names++], begin, length);
        if (strncmp(begin, LUO_NAME, strlen(LUO_NAME)) == 0 && isdigit((unsigned char) begin[strlen(LUO_NAME)]))
                scanner->has_liveupdate = true;
}

static void take_liveupdate(Scanner *scanner, const char *end) {
        if (ends_with(scanner->window, end, LIVEUPDATE) && is_word(scanner->window, end - strlen(LIVEUPDATE)))
                scanner->has_liveupdate = true;
}

/* A kernel has two, and the first is compiled before the build has a number (init/version.c with
 * utsversion-tmp.h), and ends in "# SMP" or the like. */
static bool has_build_number(const char *banner, size_t length) {
        const char *hash = memrchr(banner, '#', length);

        return hash && hash + 1 < banner + length && isdigit((unsigned char) hash[1]);
}

/* It is an array, which may follow anything; a format that begins alike has no digit there. */
static void take_banner(Scanner *scanner, const char *end) {
        const char *begin = end, *banner;
        char *to = scanner->banner;

        while (begin > scanner->window && (unsigned char) begin[-1] >= ' ' && begin[-1] != 0x7f)
                begin--;
        banner = memmem(begin, (size_t) (end - begin), BANNER, strlen(BANNER));
        if (!banner || end - banner >= (ptrdiff_t) SCANNER_BANNER_BYTES ||
                        !isdigit((unsigned char) banner[strlen(BANNER)]))
                return;
        if (*to && (has_build_number(to, strlen(to)) || !has_build_number(banner, (size_t) (end - banner))))
                return;
        for (; banner < end; banner++)
                *to++ = isascii((unsigned char) *banner) ? *banner : '?';
        *to = 0;
}

static void take_message(Scanner *scanner, const char *end) {
        if (ends_with(scanner->window, end, CHECKSUM_SKIP))
                scanner->has_checksum_skip = true;
}

/* `end` is at a NUL. */
static void take_string(Scanner *scanner, const char *end) {
        switch (end[-1]) {
        case '0' ... '9':
                take_name(scanner, end);
                break;
        case 'e':
                take_liveupdate(scanner, end);
                break;
        case '\n':
                take_message(scanner, end - 1);
                take_banner(scanner, end - 1);
                break;
        case 'y':
                take_message(scanner, end);
                break;
        }
}

static void scan(Scanner *scanner, size_t n_fresh) {
        const char *begin = scanner->window + scanner->carried, *end = begin + n_fresh;

        for (const char *p = begin; p < end; p++)
                if (*p == 0 && p > scanner->window && p[-1] != 0)
                        take_string(scanner, p);
}

void scanner_feed(Scanner *scanner, const uint8_t *data, size_t size) {
        while (size > 0) {
                size_t n = size < FRESH_BYTES ? size : FRESH_BYTES, all = scanner->carried + n;

                memcpy(scanner->window + scanner->carried, data, n);
                scan(scanner, n);
                scanner->carried = all < CARRY_BYTES ? all : CARRY_BYTES;
                memmove(scanner->window, scanner->window + all - scanner->carried, scanner->carried);
                data += n;
                size -= n;
        }
}

const char *scanner_banner(const Scanner *scanner) {
        return scanner->banner;
}

size_t scanner_n_names(const Scanner *scanner) {
        return scanner->n_names;
}

const char *scanner_name(const Scanner *scanner, size_t i) {
        return scanner->names[i];
}

bool scanner_has_liveupdate(const Scanner *scanner) {
        return scanner->has_liveupdate;
}

bool scanner_has_checksum_skip(const Scanner *scanner) {
        return scanner->has_checksum_skip;
}
