/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Sentences that say why something is not done. */

#include <json-c/json.h>

/* Sets *ret_why, to NULL if there is no memory, and answers `error`. */
int why_set(char **ret_why, int error, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* To a list of at most PROBLEMS_MAX, of which the last says that there is more: 0 or -ENOMEM. */
#define PROBLEMS_MAX 200
int problem_add(json_object *problems, const char *format, ...) __attribute__((format(printf, 2, 3)));
