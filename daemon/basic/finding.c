/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>

#include "basic/finding.h"
#include "basic/json.h"

json_object *finding_new(const char *id, const char *state, const char *text, const char *evidence, const char *remedy) {
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
