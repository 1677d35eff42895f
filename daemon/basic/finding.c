/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "basic/finding.h"
#include "basic/json.h"

json_object *finding_new(const char *id, const char *state, const char *text, const char *evidence,
                const char *remedy) {
        _cleanup_json_ json_object *o = json_object_new_object();

        if (!o || json_add_string(o, "id", id) < 0 || json_add_string(o, "state", state) < 0 ||
                        json_add_string(o, "text", text) < 0 || json_add_string(o, "evidence", evidence) < 0 ||
                        json_add_string(o, "remedy", remedy) < 0)
                return NULL;
        return TAKE_PTR(o);
}

int findings_add(json_object *findings, json_object *finding) {
        if (finding && json_object_array_add(findings, finding) >= 0)
                return 0;
        json_object_put(finding);
        return -ENOMEM;
}

int findings_say(json_object *findings, const char *id, const char *state, const char *remedy, const char *format,
                ...) {
        _cleanup_free_ char *text = NULL;
        va_list ap;
        int n;

        va_start(ap, format);
        n = vasprintf(&text, format, ap);
        va_end(ap);
        if (n < 0) {
                text = NULL;
                return -ENOMEM;
        }
        return findings_add(findings, finding_new(id, state, text, NULL, remedy));
}

static bool is_in_state(json_object *findings, size_t i, const char *state) {
        const char *has;

        return json_get_string(json_object_array_get_idx(findings, i), "state", &has) >= 0 && strcmp(has, state) == 0;
}

const char *findings_first(json_object *findings, const char *state) {
        const char *text = NULL;

        for (size_t i = 0; i < json_object_array_length(findings) && !text; i++)
                if (is_in_state(findings, i, state))
                        (void) json_get_string(json_object_array_get_idx(findings, i), "text", &text);
        return text;
}

bool findings_passed(json_object *findings) {
        return !findings_first(findings, "fail");
}

void findings_drop(json_object *findings, const char *state) {
        for (size_t i = json_object_array_length(findings); i-- > 0;)
                if (is_in_state(findings, i, state))
                        (void) json_object_array_del_idx(findings, i, 1);
}
