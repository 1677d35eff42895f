/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The keys of liveupdated.conf(5), in the order of the manual. */

#include "config/config.h"

#define SETTING_TEXT_MAX 256

typedef struct Choice {
        const char *name; /* NULL ends a list */
        int value;
} Choice;

typedef enum SettingKind {
        SETTING_SPAN,    /* uint64_t */
        SETTING_BOOLEAN, /* bool */
        SETTING_CHOICE,  /* int or an enum */
        SETTING_RULES,   /* device_rules and n_device_rules */
        SETTING_PATHS,   /* preserve_tmpfs and n_preserve_tmpfs */
} SettingKind;

typedef struct Setting {
        const char *section, *key;
        const char *default_value; /* as the manual writes it */
        SettingKind kind;
        size_t offset; /* in Config */
        uint64_t min_usec, max_usec;
        bool can_be_infinite;
        const Choice *choices;
} Setting;

enum { N_SETTINGS = 15 };
extern const Setting settings[N_SETTINGS];

/* The name as it is known, or NULL. */
const char *section_find(const char *name);
const Setting *setting_find(const char *section, const char *key);

/* What may have been meant, or NULL. */
const char *section_guess(const char *name);
const Setting *setting_guess(const char *section, const char *key);

/* Whether its value is a list of words separated by blanks, to be parsed one at a time; and how many it may have. */
bool setting_is_list(const Setting *setting);
unsigned setting_list_max(const Setting *setting);

/* 0, and the value is set; a word of a list is appended to it, an empty one clears it. Nothing is changed by -EINVAL,
 * where `value` is none for it, -ENOSPC, where the list is full, and -ENOMEM. */
int setting_parse(const Setting *setting, const char *value, Config *config);

/* The value in its one canonical form. Caller frees; NULL for want of memory. */
char *setting_format(const Setting *setting, const Config *config);

/* What a value has to be, to follow "must be". */
void setting_describe(const Setting *setting, char ret[static SETTING_TEXT_MAX]);
