/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The image that stage and check are given, and all that goes with it: from options to the files and parameters of a
 * call. */

#include "client/ctl.h"

typedef struct ImageOptions {
        const char *entry, *profile, *command_line;
        CtlList initrds, addons;
        bool is_default, no_addons, reuse_command_line;
} ImageOptions;

/* Rows of a table of CtlOption. */
#define IMAGE_OPTIONS(o)                                                                                               \
        { "entry", "ID", "Take this entry of the boot loader; help lists them", &(o)->entry, CTL_OPTION_VALUE },       \
        { "default", NULL, "Take what the boot loader would take next", &(o)->is_default, CTL_OPTION_FLAG },           \
        { "initrd", "PATH", "A further initrd, instead of that which was found for a RELEASE; may be\n"                \
                            "given several times",                                                                     \
                &(o)->initrds, CTL_OPTION_LIST },                                                                      \
        { "addon", "PATH", "A further addon of a UKI; may be given several times", &(o)->addons, CTL_OPTION_LIST },    \
        { "no-addons", NULL, "Leave out the addons beside the UKI", &(o)->no_addons, CTL_OPTION_FLAG },                \
        { "profile", "ID", "A profile of a UKI, by its ID or number", &(o)->profile, CTL_OPTION_VALUE },               \
        { "cmdline", "LINE", "The command line, instead of the image's, the entry's or the running\nkernel's",         \
                &(o)->command_line, CTL_OPTION_VALUE },                                                                \
        { "reuse-cmdline", NULL, "The running kernel's command line instead", &(o)->reuse_command_line,                \
                CTL_OPTION_FLAG }

typedef struct ImageFiles {
        char *paths[VARLINK_FDS_MAX];
        size_t n;
} ImageFiles;

typedef struct ImageOrder {
        const ImageOptions *options;
        const char *root; /* "" for the real one */
        char *kernel;     /* - for standard input */
        ImageFiles initrds, addons;
        char *profile, *command_line; /* NULL: nothing is to be said of it */
        bool is_from_entry;           /* the command line */
        char *message;                /* why it came to nothing, NULL for want of memory */
        const char *remedy;
        int fds[VARLINK_FDS_MAX];
        size_t n_fds;
} ImageOrder;

void image_order_done(ImageOrder *order);

/* Options that exclude each other, told as wrong usage of `verb`. `word` is the argument, NULL without one. CTL_SAID:
 * the entries were listed. */
int image_options_check(const Ctl *ctl, const ImageOptions *options, const char *verb, const char *word);
/* Whether there is something that is about an image. */
bool image_options_any(const ImageOptions *options);

/* Whether `word` is an image rather than a release: a name without a slash is a release's unless a file is there; one
 * with a slash is an image's, unless it may be a release out of a unit's instance. */
bool image_is_path(const char *word, bool slash_is_dash);

/* One of these, then image_order_complete(), which adds what the options say, then image_order_open(). With anything
 * but CTL_OK `message` and `remedy` are to be told. */
int image_order_by_path(ImageOrder *order, const char *path);
int image_order_by_release(ImageOrder *order, const char *release);
int image_order_by_entry(ImageOrder *order);
int image_order_complete(ImageOrder *order);

/* Opens the files and adds all to the parameters of a call; the fds stay the order's. */
int image_order_open(ImageOrder *order, json_object *parameters);

/* Sets the message; answers `code`. */
int image_order_fail(ImageOrder *order, int code, const char *remedy, const char *format, ...)
                __attribute__((format(printf, 4, 5)));

/* Copies. CTL_REFUSED if there are too many. */
int image_order_add(ImageOrder *order, ImageFiles *files, const char *path);
/* The addons that systemd-stub would find for a UKI. What else it would find is told on stderr. */
int image_order_add_companions(ImageOrder *order);

/* Prints the boot loader's entries; CTL_SAID or an error, which was told. */
int image_entries_list(const Ctl *ctl, const char *root);
