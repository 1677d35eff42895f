/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Compares two kernel releases as the UAPI Group's version format says (UAPI.10): negative, 0, positive as of
 * strcmp(). "6.12.9" < "6.12.10"; "7.4~rc1" < "7.4". */
int version_compare(const char *a, const char *b);
