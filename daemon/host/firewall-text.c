/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Words, quoted strings and braces of nft's language, as its scanner has them (nftables, src/scanner.l): a string ends
 * with the next quote whatever is before that, a comment with the line, and words take along what looks like parts of
 * names. */

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "basic/cleanup.h"
#include "host/firewall-internal.h"

#define NAME_BYTES_MAX 255U
#define DEPTH_MAX 32U

static bool is_letter(char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c) {
        return c >= '0' && c <= '9';
}

static bool is_of_word(char c) {
        return is_letter(c) || is_digit(c) || (c != 0 && strchr("/-_.", c));
}

static size_t word_length(const char *text) {
        size_t n = 0;

        while (is_of_word(text[n]))
                n++;
        return n;
}

static bool is_word(const char *text, size_t length, const char *word) {
        return strlen(word) == length && strncasecmp(text, word, length) == 0;
}

bool firewall_family_is_sound(const char *family) {
        static const char *const families[] = { "ip", "ip6", "inet", "arp", "bridge", "netdev" };

        for (size_t i = 0; i < ELEMENTSOF(families); i++)
                if (strcmp(families[i], family) == 0)
                        return true;
        return false;
}

bool firewall_name_is_sound(const char *name) {
        size_t length = word_length(name);

        return is_letter(name[0]) && name[length] == 0 && length <= NAME_BYTES_MAX;
}

void firewall_text_strip(char *text) {
        char *to = text;
        bool is_quoted = false;

        for (const char *c = text; *c; c++) {
                if (*c == '"')
                        is_quoted = !is_quoted;
                if (*c == '#' && !is_quoted) {
                        c += strcspn(c, "\n");
                        if (!*c)
                                break;
                }
                *to++ = *c;
        }
        *to = 0;
}

/* what is in a block */

/* Such as "include" and a quote behind it, with something before it that nft would not take for a part of the word. */
static bool is_forbidden(const char *word, size_t length) {
        static const char *const forbidden[] = { "include", "define", "redefine", "undefine" };
        const char *next = word + length + strspn(word + length, " \t\r\n");

        for (size_t i = 0; i < ELEMENTSOF(forbidden); i++) {
                size_t n = strlen(forbidden[i]);

                if (is_word(word, length, forbidden[i]))
                        return true;
                if (length > n && (*next == '"' || *next == '=' || !is_letter(word[0])) &&
                                is_word(word + length - n, n, forbidden[i]))
                        return true;
        }
        return false;
}

/* Behind the closing quote; NULL: there is none in the line. */
static const char *skip_string(const char *text) {
        size_t length = strcspn(text + 1, "\"\n");

        return text[1 + length] == '"' ? text + length + 2 : NULL;
}

/* Behind the brace that closes the one before `text`; NULL: something is wrong. */
static const char *skip_block(const char *text) {
        unsigned depth = 1;

        while (*text && depth > 0) {
                size_t length = word_length(text);

                if (length > 0) {
                        if (is_forbidden(text, length))
                                return NULL;
                        text += length;
                        continue;
                }
                if (*text == '"') {
                        text = skip_string(text);
                        if (!text)
                                return NULL;
                        continue;
                }
                if (strchr("#\\$", *text) || (!isprint((unsigned char) *text) && *text != '\n' && *text != '\t'))
                        return NULL;
                if (*text == '{' && ++depth > DEPTH_MAX)
                        return NULL;
                depth -= *text == '}';
                text++;
        }
        return depth == 0 ? text : NULL;
}

static const char *skip_word(const char *text, const char *word) {
        size_t length = word_length(text);

        if (length != strlen(word) || strncmp(text, word, length) != 0)
                return NULL;
        return text + length + strspn(text + length, " ");
}

bool firewall_text_is_sound(const char *text, const char *family, const char *name) {
        if (!firewall_family_is_sound(family) || !firewall_name_is_sound(name))
                return false;
        text = skip_word(text, "table");
        if (text)
                text = skip_word(text, family);
        if (text)
                text = skip_word(text, name);
        if (!text || *text != '{')
                return false;
        text = skip_block(text + 1);
        return text && text[strspn(text, "\n")] == 0;
}

/* The lines between the braces begin with a tabulator, those in chains and sets with two. */
bool firewall_text_has_owner(const char *text) {
        for (const char *line = text; (line = strstr(line, "\n\tflags ")); line++) {
                size_t length = strcspn(line + 1, "\n");
                const char *word = strstr(line, "owner");

                if (word && word < line + 1 + length)
                        return true;
        }
        return false;
}

void firewall_text_put_own(FILE *f, const char *text) {
        static const char *const own[] = { "\n\tcomment ", "\n\tflags " };

        for (size_t i = 0; i < ELEMENTSOF(own); i++) {
                const char *line = strstr(text, own[i]);

                if (line)
                        fprintf(f, "%.*s\n", (int) strcspn(line + 1, "\n"), line + 1);
        }
}

/* without state */

/* What follows these words is counted: "packets 17". */
static bool is_counted(const char *word, size_t length) {
        static const char *const counted[] = { "packets", "bytes", "used", "expires" };

        for (size_t i = 0; i < ELEMENTSOF(counted); i++)
                if (is_word(word, length, counted[i]))
                        return true;
        return false;
}

static void put_without_numbers(FILE *f, const char *text, size_t size) {
        const char *end = text + size;

        while (text < end) {
                size_t length = word_length(text);
                bool was_counted = length > 0 && is_counted(text, length);

                if (*text == '"') {
                        const char *next = skip_string(text);

                        length = next && next <= end ? (size_t) (next - text) : 1;
                }
                if (length == 0)
                        length = 1;
                if (length > (size_t) (end - text))
                        length = (size_t) (end - text);
                (void) fwrite(text, 1, length, f);
                text += length;
                if (was_counted && text < end && *text == ' ') {
                        text++;
                        text += word_length(text);
                }
        }
}

/* "\n\tset NAME {" up to "\n\t}" */
static bool begins_set(const char *line) {
        return strncmp(line, "\tset ", 5) == 0 || strncmp(line, "\tmap ", 5) == 0;
}

static const char *end_of_set(const char *line) {
        const char *end = strstr(line, "\n\t}");

        return end ?: line + strlen(line);
}

static bool has_timeout(const char *set, const char *end) {
        const char *word = strstr(set, "timeout");

        return word && word < end;
}

static void put_set(FILE *f, const char *set, const char *end) {
        const char *elements = strstr(set, "\n\t\telements = ");

        put_without_numbers(f, set, (size_t) ((elements && elements < end ? elements : end) - set));
}

char *firewall_text_without_state(const char *text) {
        char *result = NULL;
        size_t size;
        FILE *f = open_memstream(&result, &size);

        if (!f)
                return NULL;
        while (*text) {
                const char *end = text + strcspn(text, "\n");

                if (begins_set(text)) {
                        const char *set = text;

                        end = end_of_set(text);
                        if (has_timeout(set, end))
                                put_set(f, set, end);
                        else
                                put_without_numbers(f, set, (size_t) (end - set));
                } else {
                        put_without_numbers(f, text, (size_t) (end - text));
                }
                (void) fputc('\n', f);
                text = *end ? end + 1 : end;
        }
        if (fclose(f) != 0) {
                free(result);
                return NULL;
        }
        return result;
}
