/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "config/config-internal.h"

char *config_printable(const char *text, size_t max) {
        size_t size = strnlen(text, max), left = size * 4 + sizeof("...");
        char *printable = malloc(left), *p = printable;

        if (!printable)
                return NULL;
        for (size_t i = 0; i < size; i++) {
                int n = snprintf(p, left, text[i] >= 0x20 && text[i] < 0x7f ? "%c" : "\\x%02x",
                                (unsigned char) text[i]);

                p += n;
                left -= (size_t) n;
        }
        snprintf(p, left, "%s", text[size] ? "..." : "");
        return printable;
}

static int problem_add(Config *config, char *text) {
        ConfigProblem *problems;

        if (!text)
                return -ENOMEM;
        problems = reallocarray(config->problems, config->n_problems + 1, sizeof(*problems));
        if (!problems) {
                free(text);
                return -ENOMEM;
        }
        problems[config->n_problems++].text = text;
        config->problems = problems;
        return 0;
}

int config_note(Config *config, const char *file, unsigned line, const char *format, ...) {
        char what[1024], where[sizeof(":4294967295")] = "";
        char *text;
        va_list ap;

        if (config->n_problems >= CONFIG_PROBLEMS_MAX)
                return 0;
        if (config->n_problems == CONFIG_PROBLEMS_MAX - 1)
                return problem_add(
                                config, strdup("there are more problems; correct those listed to see them"));

        va_start(ap, format);
        vsnprintf(what, sizeof(what), format, ap);
        va_end(ap);
        if (line > 0)
                snprintf(where, sizeof(where), ":%u", line);
        if (asprintf(&text, "%s%s: %s", file, where, what) < 0)
                return -ENOMEM;
        return problem_add(config, text);
}

const char *config_problem(const Config *config, size_t i) {
        return i < config->n_problems ? config->problems[i].text : NULL;
}
