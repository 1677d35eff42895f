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

enum { N_SETTINGS = 10 };
extern const Setting settings[N_SETTINGS];

/* The name as it is known, or NULL. */
const char *section_find(const char *name);
const Setting *setting_find(const char *section, const char *key);

/* What may have been meant, or NULL. */
const char *section_guess(const char *name);
const Setting *setting_guess(const char *section, const char *key);

/* False, and nothing is changed, where `value` is none for it. */
bool setting_parse(const Setting *setting, const char *value, Config *config);

/* The value in its one canonical form. */
void setting_format(const Setting *setting, const Config *config, char ret[static SETTING_TEXT_MAX]);

/* What a value has to be, to follow "must be". */
void setting_describe(const Setting *setting, char ret[static SETTING_TEXT_MAX]);
