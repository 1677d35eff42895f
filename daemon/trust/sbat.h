/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* UEFI Secure Boot Advanced Targeting: an image names its components and their generations (.sbat), the platform the
 * least generation of some (SbatLevelRT). Both are CSV, "NAME,GENERATION,…"; what follows these two is for people.
 * shim's SBAT.md tells it all. */

/* 0, or -EBADMSG where a line is not as it must be. */
int sbat_check_section(const char *section);
int sbat_check_level(const char *level); /* begins with "sbat,GENERATION,DATE" */

/* Of texts that were checked: 1, *ret_detail (caller frees) says what is revoked; 0; -ENOMEM. */
int sbat_is_revoked(const char *section, const char *level, char **ret_detail);
