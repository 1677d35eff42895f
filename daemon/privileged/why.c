/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "basic/cleanup.h"
#include "basic/json.h"
#include "privileged/why.h"

int why_set(char **ret_why, int error, const char *format, ...) {
        char *why;
        va_list ap;

        va_start(ap, format);
        if (vasprintf(&why, format, ap) < 0)
                why = NULL;
        va_end(ap);
        free(*ret_why);
        *ret_why = why;
        return error;
}

int problem_add(json_object *problems, const char *format, ...) {
        size_t n = json_object_array_length(problems);
        _cleanup_free_ char *text = NULL;
        va_list ap;
        int length;

        if (n >= PROBLEMS_MAX)
                return 0;
        if (n == PROBLEMS_MAX - 1)
                return json_append_text(problems, "There is more, which is not listed.");
        va_start(ap, format);
        length = vasprintf(&text, format, ap);
        va_end(ap);
        if (length < 0) {
                text = NULL;
                return -ENOMEM;
        }
        return json_append_text(problems, "%s", text);
}
