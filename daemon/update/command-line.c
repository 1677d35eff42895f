/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "basic/cleanup.h"
#include "basic/io.h"
#include "update/command-line.h"

#define COMMAND_LINE_BYTES_MAX (64U * 1024)

/* reserve_mem= finds the memory that the kernel before had under the same name, and ramoops the old kernel's log in it:
 * mm/memblock.c:reserve_mem_kho_retrieve(). */
#define TRACE_DEFAULT "reserve_mem=2M:4096:oops ramoops.mem_name=oops ramoops.console_size=0x80000"

static const char *const origin_names[_COMMAND_LINE_ORIGIN_MAX] = {
        [COMMAND_LINE_OF_IMAGE] = "image",
        [COMMAND_LINE_OF_ENTRY] = "entry",
        [COMMAND_LINE_OF_RUNNING] = "running",
        [COMMAND_LINE_GIVEN] = "given",
};

const char *command_line_origin_to_string(CommandLineOrigin origin) {
        return (size_t) origin < ELEMENTSOF(origin_names) ? origin_names[origin] : "unknown";
}

int command_line_origin_from_string(const char *name) {
        for (size_t i = 0; i < ELEMENTSOF(origin_names); i++)
                if (strcmp(name, origin_names[i]) == 0)
                        return (int) i;
        return -EINVAL;
}

/* White space inside of double quotes is part of the word: lib/cmdline.c:next_arg(). */
static size_t word_length(const char *p) {
        bool is_quoted = false;
        size_t n = 0;

        for (; p[n] && (is_quoted || !strchr(" \t\n", p[n])); n++)
                if (p[n] == '"')
                        is_quoted = !is_quoted;
        return n;
}

/* The next word at or behind `p`, of `*ret_length` bytes; 0 at the end of what is for the kernel. What stands behind
 * "--" is for init: kernel/params.c:parse_args(). */
static const char *next_word(const char *p, size_t *ret_length) {
        p += strspn(p, " \t\n");
        *ret_length = word_length(p);
        if (*ret_length == 2 && memcmp(p, "--", 2) == 0)
                *ret_length = 0;
        return p;
}

/* The next word that begins with `prefix`; NULL: there is none. */
static const char *find_word(const char *p, const char *prefix, size_t *ret_length) {
        for (p = next_word(p, ret_length); *ret_length > 0; p = next_word(p + *ret_length, ret_length))
                if (*ret_length >= strlen(prefix) && memcmp(p, prefix, strlen(prefix)) == 0)
                        return p;
        return NULL;
}

char *command_line_join(const char *base, const char *additions) {
        const char *end;
        size_t length;
        char *line;
        int n;

        for (end = next_word(base, &length); length > 0;)
                end = next_word(end + length, &length);
        while (end > base && strchr(" \t\n", end[-1]))
                end--;
        n = (int) (end - base);
        if (asprintf(&line, "%.*s%s%s%s%s", n, base, n > 0 && *additions ? " " : "", additions,
                            n == 0 && *additions && *end ? " " : "", end) < 0)
                return NULL;
        return line;
}

/* The last one counts, as for the kernel's early_param(). */
static bool is_on(const char *line, const char *key) {
        bool on = false;
        size_t length;

        for (const char *p = line; (p = find_word(p, key, &length)); p += length) {
                const char *value = p + strlen(key);

                if (length > strlen(key))
                        on = strchr("1yYtT", *value) || strncasecmp(value, "on", 2) == 0;
        }
        return on;
}

/* A reserve_mem=SIZE:ALIGN:NAME of that name. */
static bool is_reservation_of(const char *word, size_t length, const char *name, size_t name_length) {
        return length > name_length && word[length - name_length - 1] == ':' &&
                        memcmp(word + length - name_length, name, name_length) == 0;
}

/* The running kernel's words for its log's memory; NULL where it has none. */
static int trace_of(const char *running, char **ret) {
        static const char name_key[] = "ramoops.mem_name=";
        _cleanup_free_ char *text = NULL;
        size_t size = 0, length, name_length;
        const char *name;
        FILE *f;

        *ret = NULL;
        name = find_word(running, name_key, &length);
        if (!name || length == strlen(name_key))
                return 0;
        name += strlen(name_key);
        name_length = length - strlen(name_key);

        f = open_memstream(&text, &size);
        if (!f)
                return -ENOMEM;
        for (const char *p = running; (p = find_word(p, "reserve_mem=", &length)); p += length)
                if (is_reservation_of(p, length, name, name_length))
                        fprintf(f, "%s%.*s", ftell(f) > 0 ? " " : "", (int) length, p);
        for (const char *p = running; (p = find_word(p, "ramoops.", &length)); p += length)
                fprintf(f, " %.*s", (int) length, p);
        if (fclose(f) != 0)
                return -ENOMEM;
        if (strncmp(text, "reserve_mem=", strlen("reserve_mem=")) == 0)
                *ret = TAKE_PTR(text);
        return 0;
}

static int append(char **line, const char *words) {
        char *longer;

        if (asprintf(&longer, "%s%s%s", *line, **line ? " " : "", words) < 0)
                return -ENOMEM;
        free(*line);
        *line = longer;
        return 0;
}

static bool has_room(const char *base, const char *line, const char *words, size_t bytes_max) {
        return strlen(base) + 1 + strlen(line) + (*line ? 1 : 0) + strlen(words) <= bytes_max;
}

int command_line_additions(const char *base, const char *running, const char *wish, size_t bytes_max, char **ret,
                bool *ret_lacks_trace) {
        _cleanup_free_ char *line = strdup(""), *trace = NULL;
        size_t length;
        int r = line ? 0 : -ENOMEM;

        *ret_lacks_trace = false;
        if (r >= 0 && !is_on(base, "kho="))
                r = append(&line, "kho=on");
        if (r >= 0 && !is_on(base, "liveupdate="))
                r = append(&line, "liveupdate=on");
        if (r >= 0 && wish && !find_word(base, wish, &length) && has_room(base, line, wish, bytes_max))
                r = append(&line, wish);
        if (r >= 0)
                r = trace_of(running, &trace);
        if (r < 0)
                return r;

        if (!find_word(base, "ramoops.", &length)) {
                const char *words = trace ?: TRACE_DEFAULT;

                *ret_lacks_trace = !has_room(base, line, words, bytes_max);
                r = *ret_lacks_trace ? 0 : append(&line, words);
        }
        if (r >= 0)
                *ret = TAKE_PTR(line);
        return r;
}

int command_line_of_running_kernel(char **ret) {
        int r = read_file_at(AT_FDCWD, "/proc/cmdline", COMMAND_LINE_BYTES_MAX, ret, NULL);

        if (r >= 0)
                (*ret)[strcspn(*ret, "\n")] = 0;
        return r;
}
