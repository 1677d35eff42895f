/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A Finding of io.liveupdate: what is to be looked at before a commit. */

#include <json-c/json.h>
#include <stdbool.h>

/* `state` is "ok", "warn" or "fail"; evidence and remedy may be NULL. NULL: no memory. */
json_object *finding_new(const char *id, const char *state, const char *text, const char *evidence, const char *remedy);

/* Adds to an array, consuming `finding`, which may be NULL: 0 or -ENOMEM. */
int findings_add(json_object *findings, json_object *finding);

/* The same for one whose text is formatted. */
int findings_say(json_object *findings, const char *id, const char *state, const char *remedy, const char *format, ...)
                __attribute__((format(printf, 5, 6)));

/* Whether none of them fails. */
bool findings_passed(json_object *findings);

/* The text of the first in that state; NULL: there is none. */
const char *findings_first(json_object *findings, const char *state);

/* Forgets those in that state. */
void findings_drop(json_object *findings, const char *state);
