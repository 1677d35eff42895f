/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "client/image-order.h"
#include "client/release.h"
#include "client/uki.h"

static void files_done(ImageFiles *files) {
        for (size_t i = 0; i < files->n; i++)
                free(files->paths[i]);
        *files = (ImageFiles) {};
}

void image_order_done(ImageOrder *order) {
        files_done(&order->initrds);
        files_done(&order->addons);
        free(order->kernel);
        free(order->profile);
        free(order->command_line);
        free(order->message);
        for (size_t i = 0; i < order->n_fds; i++)
                fd_close(order->fds[i]);
        *order = (ImageOrder) {};
}

int image_order_fail(ImageOrder *order, int code, const char *remedy, const char *format, ...) {
        va_list arguments;

        free(order->message);
        va_start(arguments, format);
        if (vasprintf(&order->message, format, arguments) < 0)
                order->message = NULL;
        va_end(arguments);
        order->remedy = remedy;
        return code;
}

static int no_memory(ImageOrder *order) {
        return image_order_fail(order, CTL_REFUSED, "Try again when memory is free.", "Out of memory.");
}

static int set(ImageOrder *order, char **p, const char *text) {
        free(*p);
        *p = strdup(text);
        return *p ? CTL_OK : no_memory(order);
}

/* The image takes one of the fds. */
int image_order_add(ImageOrder *order, ImageFiles *files, const char *path) {
        if (1 + order->initrds.n + order->addons.n >= VARLINK_FDS_MAX)
                return image_order_fail(order, CTL_REFUSED,
                                "Join initrds into one with cat(1), or leave the addons beside the UKI out with "
                                "--no-addons.",
                                "An image, its initrds and its addons may be %u files at most, and %s is one too many.",
                                VARLINK_FDS_MAX, path);
        files->paths[files->n] = strdup(path);
        if (!files->paths[files->n])
                return no_memory(order);
        files->n++;
        return CTL_OK;
}

bool image_is_path(const char *word, bool slash_is_dash) {
        struct stat st;

        if (strcmp(word, "-") == 0 || *word == '/')
                return true;
        if (stat(word, &st) >= 0 && !S_ISDIR(st.st_mode))
                return true;
        return strchr(word, '/') && !slash_is_dash;
}

int image_order_by_path(ImageOrder *order, const char *path) {
        return set(order, &order->kernel, path);
}

int image_order_by_release(ImageOrder *order, const char *release) {
        _cleanup_(kernel_files_done) KernelFiles files = {};
        int r;

        r = release_find(order->root, release, &files);
        if (r == -ENOMEM)
                return no_memory(order);
        if (r < 0)
                return image_order_fail(order, CTL_USAGE,
                                "See where kernels are looked for in liveupdatectl(1), or stage one by its path.",
                                "Cannot find a kernel of release %s: %s", release, strerror(-r));
        r = set(order, &order->kernel, files.kernel);
        if (r == CTL_OK && files.initrd && order->options->initrds.n == 0)
                r = image_order_add(order, &order->initrds, files.initrd);
        return r;
}

static int add_all(ImageOrder *order, ImageFiles *files, const CtlList *list) {
        int r = CTL_OK;

        for (size_t i = 0; r == CTL_OK && i < list->n; i++)
                r = image_order_add(order, files, list->values[i]);
        return r;
}

/* Options of the user's are stronger than what an entry says. */
static int apply_command_line(ImageOrder *order) {
        if (!order->options->command_line && !order->options->reuse_command_line)
                return CTL_OK;
        free(order->command_line);
        order->command_line = NULL;
        order->is_from_entry = false;
        return order->options->command_line ? set(order, &order->command_line, order->options->command_line) : CTL_OK;
}

static int apply_profile(ImageOrder *order) {
        const char *profile = order->options->profile;

        if (!profile)
                return CTL_OK;
        if (order->profile && strcmp(order->profile, profile) != 0)
                return image_order_fail(order, CTL_USAGE, "Leave out --profile=, or name the entry of that profile.",
                                "The boot loader's entry is profile %s of the image, and --profile= says %s.",
                                order->profile, profile);
        return set(order, &order->profile, profile);
}

int image_order_complete(ImageOrder *order) {
        int r;

        r = apply_command_line(order);
        if (r == CTL_OK)
                r = apply_profile(order);
        if (r == CTL_OK)
                r = add_all(order, &order->initrds, &order->options->initrds);
        if (r == CTL_OK && !order->options->no_addons)
                r = image_order_add_companions(order);
        if (r == CTL_OK)
                r = add_all(order, &order->addons, &order->options->addons);
        return r;
}
