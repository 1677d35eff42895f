/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "basic/json.h"
#include "client/ctl.h"
#include "client/findings.h"

#define ID_COLUMNS_MAX 24

typedef struct Style {
        const char *state, *label, *colour;
} Style;

static const Style styles[] = {
        { "ok",   "ok",   "\033[32m" },
        { "warn", "warn", "\033[33m" },
        { "fail", "fail", "\033[31m" },
};

enum { STYLE_OK, STYLE_WARN, STYLE_FAIL };

/* What is not known is the worst: a newer daemon may know of more. */
static size_t style_of(json_object *finding) {
        const char *state = ctl_string(finding, "state");

        for (size_t i = 0; i < ELEMENTSOF(styles); i++)
                if (strcmp(state, styles[i].state) == 0)
                        return i;
        return STYLE_FAIL;
}

/* https://no-color.org */
static bool is_coloured(FILE *f) {
        const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

        return isatty(fileno(f)) && !(no_color && *no_color) && term && strcmp(term, "dumb") != 0;
}

static int id_columns(json_object *list) {
        size_t widest = 0;

        for (size_t i = 0; i < json_object_array_length(list); i++) {
                size_t n = strlen(ctl_string(json_object_array_get_idx(list, i), "id"));

                if (n > widest && n <= ID_COLUMNS_MAX)
                        widest = n;
        }
        return (int) widest;
}

static void print_below(FILE *f, json_object *finding, const char *key, int columns) {
        const char *text = NULL;

        if (json_get_string(finding, key, &text) >= 0 && *text)
                fprintf(f, "%*s%s\n", columns, "", text);
}

static void print_one(FILE *f, json_object *finding, int columns) {
        const Style *style = &styles[style_of(finding)];
        bool coloured = is_coloured(f);

        fprintf(f, "  %s%-4s%s  %-*s  %s\n", coloured ? style->colour : "", style->label, coloured ? "\033[0m" : "",
                        columns, ctl_string(finding, "id"), ctl_string(finding, "text"));
        if (style == &styles[STYLE_OK])
                return;
        print_below(f, finding, "evidence", columns + 10);
        print_below(f, finding, "remedy", columns + 10);
}

/* Answers how many there are. */
static size_t print_style(FILE *f, json_object *list, size_t style, int columns) {
        size_t n = 0;

        for (size_t i = 0; i < json_object_array_length(list); i++) {
                json_object *finding = json_object_array_get_idx(list, i);

                if (style_of(finding) != style)
                        continue;
                print_one(f, finding, columns);
                n++;
        }
        return n;
}

FindingCount findings_print(FILE *f, json_object *list) {
        int columns = id_columns(list);
        FindingCount count;

        count.n_ok = print_style(f, list, STYLE_OK, columns);
        count.n_warn = print_style(f, list, STYLE_WARN, columns);
        count.n_fail = print_style(f, list, STYLE_FAIL, columns);
        return count;
}

void findings_print_unwell(FILE *f, json_object *list) {
        (void) print_style(f, list, STYLE_WARN, 0);
        (void) print_style(f, list, STYLE_FAIL, 0);
}

void findings_print_failed(FILE *f, json_object *o) {
        json_object *list;

        if (json_get_array(o, "findings", &list) >= 0)
                (void) print_style(f, list, STYLE_FAIL, 0);
}
