/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* DevicePolicy=: a list of rules. */

#include "config/settings.h"

/* Appends one. 0, -EINVAL where `text` is no rule, -ENOSPC where there are POLICY_RULES_MAX already, -ENOMEM. */
int rules_add(Config *config, const char *text);
void rules_clear(Config *config);

/* All of them with blanks between, "" where there is none. Caller frees; NULL for want of memory. */
char *rules_format(const Config *config);

/* What a rule has to be, to follow "must be". */
void rules_describe(char ret[static SETTING_TEXT_MAX]);
