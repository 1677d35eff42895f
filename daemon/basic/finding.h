/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A Finding of io.liveupdate: what is to be looked at before a commit. */

#include <json-c/json.h>

/* `state` is "ok", "warn" or "fail"; evidence and remedy may be NULL. NULL: no memory. */
json_object *finding_new(const char *id, const char *state, const char *text, const char *evidence, const char *remedy);

/* Adds to an array, consuming `finding`, which may be NULL: 0 or -ENOMEM. */
int findings_add(json_object *findings, json_object *finding);
