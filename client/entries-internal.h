/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The parts of entries.h. All text is hostile. Negative errnos are those of memory and system calls; a fault of an
 * entry is told by its `problem`. */

#include "client/entries.h"
#include "client/uki.h"

/* entries-text.c */

/* The next line of the form KEY SEPARATOR... VALUE behind *cursor, which moves; empty lines and comments are passed
 * over, quotes around a value go. Both strings are in the text, which is written to. False at its end. */
bool text_line(char **cursor, const char *separators, char **ret_key, char **ret_value);
bool text_is_clean(const char *text); /* no control characters */
void text_to_lower(char *text);       /* ASCII alone */
/* Whether `text` ends in `suffix`, of lower-case letters; letters of either case. */
bool text_has_suffix(const char *text, const char *suffix);
/* A copy in place of what *p was. */
int text_replace(char **p, const char *text);
/* * ? [a-z] \\, as systemd-boot has them, in time that is bounded by the product of both lengths. */
bool text_matches(const char *text, const char *pattern);

/* entries-file.c */

/* The text of a regular file of at most `max` bytes, without a NUL; does not block. -EBADMSG for another one. */
int entry_file_read(int dir_fd, const char *name, size_t max, char **ret);

/* entries-name.c */

/* The IDs out of the name of a file, NAME[+LEFT[-DONE]]SUFFIX, and its count of tries. That it ends in something as
 * long as `suffix` is known. */
int entry_name_parse(const char *name, const char *suffix, BootEntry *entry);

/* entries-type1.c */

/* Reads the text of a .conf into `entry`. `partition` is the path of the file system's root that its paths begin at,
 * and `fallback` another one (may be NULL) for those that are not there. Writes to the text. */
int entry_parse_type1(char *text, const char *partition, const char *fallback, BootEntry *entry);

/* entries-type2.c */

/* Appends an entry for each profile of the UKI `name`, which ends in .efi, of the directory. One that is no UKI gives
 * none. */
int entries_add_type2(BootEntries *entries, int dir_fd, const char *directory, const char *name);
int entries_add_uki(BootEntries *entries, const char *directory, const char *name, const Uki *uki);

/* entries-sort.c */
int boot_entry_compare(const BootEntry *a, const BootEntry *b); /* as of strcmp(); the better one is less */

/* entries.c */

int boot_entry_new(const char *directory, const char *name, BootEntry **ret);
/* Consumes `entry`, on failure too. */
int boot_entries_add(BootEntries *entries, BootEntry *entry);
