/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <stdio.h>
#include <string.h>

#include "client/image-order.h"

static int collide(const char *verb, const char *a, const char *b, const char *why) {
        fprintf(stderr, "liveupdatectl: %s and %s exclude each other: %s.\nSee liveupdatectl %s --help.\n", a, b, why,
                        verb);
        return CTL_USAGE;
}

static size_t count_stdin(const CtlList *list) {
        size_t n = 0;

        for (size_t i = 0; i < list->n; i++)
                n += strcmp(list->values[i], "-") == 0;
        return n;
}

bool image_options_any(const ImageOptions *o) {
        return o->entry || o->is_default || o->profile || o->command_line || o->reuse_command_line || o->no_addons ||
               o->initrds.n > 0 || o->addons.n > 0;
}

/* What is to be taken is said once. */
static int check_sources(const ImageOptions *o, const char *verb, const char *word) {
        if (o->entry && o->is_default)
                return collide(verb, "--entry=", "--default", "each names a boot loader entry");
        if (word && (o->entry || o->is_default))
                return collide(verb, o->entry ? "--entry=" : "--default", word, "each names a kernel");
        if (o->command_line && o->reuse_command_line)
                return collide(verb, "--cmdline=", "--reuse-cmdline", "each names a command line");
        if ((word && strcmp(word, "-") == 0) + count_stdin(&o->initrds) + count_stdin(&o->addons) > 1) {
                fprintf(stderr, "liveupdatectl: Standard input (-) can be only one of the files.\n"
                                "See liveupdatectl %s --help.\n", verb);
                return CTL_USAGE;
        }
        return CTL_OK;
}

int image_options_check(const Ctl *ctl, const ImageOptions *o, const char *verb, const char *word) {
        int r;

        r = check_sources(o, verb, word);
        if (r != CTL_OK)
                return r;
        if (o->entry && strcmp(o->entry, "help") == 0)
                return image_entries_list(ctl, "");
        if (!word && !o->entry && !o->is_default && image_options_any(o)) {
                fprintf(stderr, "liveupdatectl: There are options for an image, but no image is named.\n"
                                "Name one image or kernel release, or --entry= or --default. See liveupdatectl %s "
                                "--help.\n", verb);
                return CTL_USAGE;
        }
        return CTL_OK;
}
