/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The text of a table in nft's language, as far as it has to be understood. */

#include <stdbool.h>
#include <stdio.h>

/* "inet", "filter": what nft takes for a family, and for a name without quotes. */
bool firewall_family_is_sound(const char *family);
bool firewall_name_is_sound(const char *name);

/* Takes out what is said to the reader only, from # to the end of a line, in place. */
void firewall_text_strip(char *text);

/* Whether it is one block for this table, whatever nft makes of what is in it, and nothing before or behind that; and
 * nothing in it reads a file or stands for something else ("include", definitions, continued lines). */
bool firewall_text_is_sound(const char *text, const char *family, const char *name);

/* Whether the owner, a process, takes it along when it ends: what is between the braces says so. */
bool firewall_text_has_owner(const char *text);

/* Writes the lines of a sound text that are the table's own: its comment, and its flags. */
void firewall_text_put_own(FILE *f, const char *text);

/* Without what changes by itself: what was counted, when it was last used, when an element ends; and without the
 * elements of sets and maps that have a timeout. NULL: no memory. */
char *firewall_text_without_state(const char *text);
