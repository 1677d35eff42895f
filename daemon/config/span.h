/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Time spans as systemd.time(7) has them: "10s", "2min 30s", "1.5h", a bare number for seconds, "infinity".
 */

#include <stdint.h>

#define SPAN_INFINITY UINT64_MAX
#define SPAN_TEXT_MAX 64

/* In µs. -EINVAL for what is no time span, -ERANGE for one that does not fit; *ret is left alone then. Units
 * from "us" to "w"; months and years, which have no fixed length, are none of them. */
int span_parse(const char *text, uint64_t *ret_usec);

/* "1min 30s". What this writes, span_parse() reads back to the same number. */
void span_format(uint64_t usec, char ret[static SPAN_TEXT_MAX]);
