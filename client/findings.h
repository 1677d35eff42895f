/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Findings for people: a line each, with the remedy below those that are not well. */

#include <json-c/json.h>
#include <stdio.h>

typedef struct FindingCount {
        size_t n_ok, n_warn, n_fail;
} FindingCount;

/* All of `list`, the worst last, where the eye is when it is done. */
FindingCount findings_print(FILE *f, json_object *list);

/* Those of `list` that are not well. */
void findings_print_unwell(FILE *f, json_object *list);

/* Those of the member `findings` that fail, if there is one. */
void findings_print_failed(FILE *f, json_object *o);
