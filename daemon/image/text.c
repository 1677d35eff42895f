/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "basic/cleanup.h"
#include "image/answer.h"
#include "image/text.h"

#define CMDLINE_BYTES_MAX 2047 /* COMMAND_LINE_SIZE - 1 of arch/x86/include/uapi/asm/setup.h */

static bool is_space(char c) {
        return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Length of the character `p` starts with; 0 where it is no UTF-8, or a control character. */
static size_t utf8_length(const unsigned char *p, size_t size) {
        static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
        size_t length = p[0] < 0x80   ? 1
                        : p[0] < 0xc0 ? 0
                        : p[0] < 0xe0 ? 2
                        : p[0] < 0xf0 ? 3
                        : p[0] < 0xf8 ? 4
                                      : 0;
        uint32_t c;

        if (length == 0 || length > size)
                return 0;
        if (length == 1)
                return p[0] < 0x20 || p[0] == 0x7f ? 0 : 1;

        c = p[0] & (0x7fU >> length);
        for (size_t i = 1; i < length; i++) {
                if ((p[i] & 0xc0) != 0x80)
                        return 0;
                c = c << 6 | (p[i] & 0x3fU);
        }
        if (c < least[length] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff) || (c >= 0x80 && c < 0xa0))
                return 0;
        return length;
}

static bool is_text(const char *data, size_t size) {
        for (size_t i = 0, length; i < size; i += length) {
                length = utf8_length((const unsigned char *) data + i, size - i);
                if (length == 0)
                        return false;
        }
        return true;
}

static int text_take(const char *data, size_t size, char **ret) {
        char *text;

        if (!is_text(data, size))
                return -EBADMSG;
        text = strndup(data, size);
        if (!text)
                return -ENOMEM;
        *ret = text;
        return 0;
}

static size_t stripped(const char *data, size_t size) {
        while (size > 0 && (is_space(data[size - 1]) || data[size - 1] == 0))
                size--;
        return size;
}

int text_cmdline(const char *data, size_t size, char **ret, const char **ret_fault) {
        _cleanup_free_ char *text = NULL;
        int r;

        size = stripped(data, size);
        for (; size > 0 && is_space(*data); size--)
                data++;
        if (size > CMDLINE_BYTES_MAX) {
                *ret_fault = "is longer than the 2047 bytes a kernel takes";
                return -EBADMSG;
        }
        if (memchr(data, 0, size)) {
                *ret_fault = "has a NUL byte inside";
                return -EBADMSG;
        }

        text = strndup(data, size);
        if (!text)
                return -ENOMEM;
        for (char *p = text; *p; p++)
                if (is_space(*p))
                        *p = ' ';
        r = text_take(text, size, ret);
        if (r == -EBADMSG)
                *ret_fault = "is not text";
        return r;
}

int text_release(const char *data, size_t size, char **ret) {
        const char *end = memchr(data, '\n', size);

        size = stripped(data, end ? (size_t) (end - data) : size);
        if (size == 0 || size > IMAGE_RELEASE_BYTES_MAX || memchr(data, ' ', size))
                return -EBADMSG;
        return text_take(data, size, ret);
}

int text_uname(const char *data, size_t size, char **ret) {
        size_t length = stripped(data, strnlen(data, size < TEXT_UNAME_BYTES_MAX ? size : TEXT_UNAME_BYTES_MAX));
        char *text;

        text = strndup(data, length);
        if (!text)
                return -ENOMEM;
        for (char *p = text; *p; p++)
                if (*p < 0x20 || *p > 0x7e)
                        *p = '?';
        *ret = text;
        return 0;
}

int text_sbat(const char *data, size_t size, char **ret) {
        char *text;

        while (size > 0 && data[size - 1] == 0)
                size--;
        for (size_t i = 0, length; i < size; i += length) {
                length = is_space(data[i]) ? 1 : utf8_length((const unsigned char *) data + i, size - i);
                if (length == 0)
                        return -EBADMSG;
        }
        text = strndup(data, size);
        if (!text)
                return -ENOMEM;
        *ret = text;
        return 0;
}

/* Undoes the shell's quoting of one value. */
static int unquote(const char *value, size_t size, char *ret, size_t ret_size, size_t *ret_length) {
        size_t n = 0;
        char quote = 0;

        for (size_t i = 0; i < size; i++) {
                char c = value[i];

                if (quote ? c == quote : c == '"' || c == '\'') {
                        quote = quote ? 0 : c;
                        continue;
                }
                if (c == '\\' && quote != '\'' && i + 1 < size)
                        c = value[++i];
                if (n + 1 >= ret_size)
                        return -EBADMSG;
                ret[n++] = c;
        }
        *ret_length = n;
        return quote ? -EBADMSG : 0;
}

int text_value(const char *data, size_t size, const char *key, char *ret, size_t ret_size) {
        const char *end = data + size, *value = NULL;
        size_t value_size = 0, length = 0;
        int r;

        for (const char *line = data, *next; line < end; line = next) {
                const char *newline = memchr(line, '\n', (size_t) (end - line));
                size_t line_size;

                next = newline ? newline + 1 : end;
                while (line < next && (*line == ' ' || *line == '\t'))
                        line++;
                line_size = stripped(line, (size_t) (next - line));
                if (line_size < strlen(key) || memcmp(line, key, strlen(key)) != 0)
                        continue;
                value = line + strlen(key);
                value_size = line_size - strlen(key);
        }
        if (!value)
                return -EBADMSG;

        r = unquote(value, value_size, ret, ret_size, &length);
        if (r < 0)
                return r;
        ret[length] = 0;
        return is_text(ret, length) ? 0 : -EBADMSG;
}

static int value_take(const char *data, size_t size, const char *key, char **ret) {
        char value[TEXT_VALUE_BYTES_MAX + 1];
        int r;

        r = text_value(data, size, key, value, sizeof(value));
        if (r < 0)
                return r;
        *ret = strdup(value);
        return *ret ? 0 : -ENOMEM;
}

int text_pretty_name(const char *data, size_t size, char **ret) {
        return value_take(data, size, "PRETTY_NAME=", ret);
}

int text_profile_id(const char *data, size_t size, char **ret) {
        _cleanup_free_ char *id = NULL;
        int r;

        r = value_take(data, size, "ID=", &id);
        if (r < 0)
                return r;
        for (const char *p = id; *p; p++)
                if (*p < 0x20 || *p > 0x7e)
                        return -EBADMSG;
        if (!*id)
                return -EBADMSG;
        *ret = TAKE_PTR(id);
        return 0;
}

int text_profile_title(const char *data, size_t size, char **ret) {
        return value_take(data, size, "TITLE=", ret);
}
