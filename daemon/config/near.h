/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

/* Whether `written` may be a misspelling of `name`: the case of letters aside, about one letter in five is
 * wrong, missing or too many. */
bool is_near_miss(const char *written, const char *name);
