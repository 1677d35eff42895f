/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* How the files are found and read. Answers 0 or -ENOMEM unless it says more: all else is a problem, and
 * noted. */

#include "config/config.h"

#define CONFIG_FILE_NAME "liveupdated.conf"

/* The first one wins. */
extern const char *const config_directories[];
enum { N_CONFIG_DIRECTORIES = 3 };

/* 1 if something has that name, whatever it is, a link to nowhere included. */
int config_read_file(Config *config, const char *path);
int config_read_drop_ins(Config *config, const char *root);

bool config_is_absent(const char *path);
int config_note_unreadable(Config *config, const char *label, int r);
