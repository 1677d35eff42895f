/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the two programs of this folder have in common: they serve the connection that is their standard input. */

#include <json-c/json.h>

#include "ipc/varlink.h"

/* Until the peer closes; the exit status. */
int serve(const VarlinkInterface *interface);

/* Answers a method with `answer` (consumed), or with the interface's error Failed where r < 0. */
int serve_answer(VarlinkCall *call, const char *failed, int r, const char *why, json_object *answer);
