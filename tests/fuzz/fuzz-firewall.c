/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The text of a firewall's table from a manifest. What is taken for sound has one block, in which nothing stands that
 * reads a file, and stays as it is when comments are taken out. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "basic/cleanup.h"
#include "host/firewall-internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t count(const char *text, char c) {
        size_t n = 0;

        for (bool is_quoted = false; *text; text++) {
                if (*text == '"')
                        is_quoted = !is_quoted;
                n += *text == c && !is_quoted;
        }
        return n;
}

/* As nft would see it: outside of strings, behind anything that ends a word. */
static bool has_include(const char *text) {
        bool is_quoted = false;

        for (; *text; text++) {
                if (*text == '"')
                        is_quoted = !is_quoted;
                if (!is_quoted && strncmp(text, "include", 7) == 0 && text[7 + strspn(text + 7, " \t\n")] == '"')
                        return true;
        }
        return false;
}

static void check_sound(const char *text) {
        _cleanup_free_ char *copy = strdup(text);

        if (!copy || count(text, '{') != count(text, '}') || count(text, '#') != 0 || has_include(text))
                abort();
        firewall_text_strip(copy);
        if (strcmp(copy, text) != 0)
                abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_free_ char *text = malloc(size + 1), *stateless = NULL, *own = NULL;
        size_t own_size;
        FILE *f;

        if (!text)
                return 0;
        memcpy(text, data, size);
        text[size] = 0;
        if (firewall_text_is_sound(text, "ip", "t"))
                check_sound(text);
        (void) firewall_text_has_owner(text);
        stateless = firewall_text_without_state(text);
        f = open_memstream(&own, &own_size);
        if (f) {
                firewall_text_put_own(f, text);
                (void) fclose(f);
        }
        firewall_text_strip(text);
        return 0;
}
