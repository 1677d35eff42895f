/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The companion files of a UKI, as systemd-stub(7) finds them: global ones in loader/addons of the same partition, then
 * its own in FILE.extra.d, each sorted by name. A count of tries in FILE does not count. */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "client/entries-internal.h"
#include "client/image-order.h"
#include "client/uki.h"

static int out_of_memory(ImageOrder *order) {
        return image_order_fail(order, CTL_REFUSED, "Try again when memory is free.", "Out of memory.");
}

static int is_addon(const struct dirent *file) {
        return *file->d_name != '.' && text_has_suffix(file->d_name, ".addon.efi");
}

/* Credentials and extensions: systemd-stub would make initrds of them. */
static int is_left_behind(const struct dirent *file) {
        return *file->d_name != '.' &&
               (text_has_suffix(file->d_name, ".cred") || text_has_suffix(file->d_name, ".raw"));
}

/* In the order of bytes, whatever the locale. */
static int compare(const struct dirent **a, const struct dirent **b) {
        return strcmp((*a)->d_name, (*b)->d_name);
}

typedef int (*TakeFunc)(ImageOrder *order, const char *path);

static int take_addon(ImageOrder *order, const char *path) {
        struct stat st;

        if (stat(path, &st) >= 0 && S_ISDIR(st.st_mode))
                return CTL_OK;
        return image_order_add(order, &order->addons, path);
}

static int tell_left_behind(ImageOrder *order, const char *path) {
        fprintf(stderr, "Note: %s is not carried over: there is no boot stub on the way that would pack it.\n", path);
        return CTL_OK;
}

static int each(ImageOrder *order, const char *directory, int (*filter)(const struct dirent *), TakeFunc take) {
        struct dirent **files = NULL;
        int n, r = CTL_OK;

        n = scandir(directory, &files, filter, compare);
        if (n < 0)
                return errno == ENOMEM ? out_of_memory(order) : CTL_OK;
        for (int i = 0; i < n; i++) {
                _cleanup_free_ char *path = NULL;

                if (r == CTL_OK && asprintf(&path, "%s/%s", directory, files[i]->d_name) < 0) {
                        path = NULL;
                        r = out_of_memory(order);
                }
                if (r == CTL_OK)
                        r = take(order, path);
                free(files[i]);
        }
        free(files);
        return r;
}

/* FILE.extra.d, where FILE goes without a count of tries. */
static int add_own(ImageOrder *order, const char *image) {
        _cleanup_(boot_entry_freep) BootEntry *names = calloc(1, sizeof(*names));
        _cleanup_free_ char *directory = NULL;
        const char *name = strrchr(image, '/') + 1;
        size_t n_suffix = text_has_suffix(name, ".efi") ? strlen(".efi") : 0;
        int r;

        if (!names || entry_name_parse(name, name + strlen(name) - n_suffix, names) < 0)
                return out_of_memory(order);
        if (asprintf(&directory, "%.*s%s.extra.d", (int) (name - image), image, names->file_id) < 0) {
                directory = NULL;
                return out_of_memory(order);
        }
        r = each(order, directory, is_addon, take_addon);
        return r != CTL_OK ? r : each(order, directory, is_left_behind, tell_left_behind);
}

static int add_global(ImageOrder *order, const char *partition) {
        static const struct {
                const char *below;
                int (*filter)(const struct dirent *);
                TakeFunc take;
        } kinds[] = {
                { "loader/addons",      is_addon,       take_addon       },
                { "loader/credentials", is_left_behind, tell_left_behind },
                { "loader/extensions",  is_left_behind, tell_left_behind },
        };
        int r = CTL_OK;

        for (size_t i = 0; r == CTL_OK && i < ELEMENTSOF(kinds); i++) {
                _cleanup_free_ char *directory = NULL;

                if (asprintf(&directory, "%s/%s", partition, kinds[i].below) < 0) {
                        directory = NULL;
                        return out_of_memory(order);
                }
                r = each(order, directory, kinds[i].filter, kinds[i].take);
        }
        return r;
}

/* Cuts `path`, which is absolute, down to the next directory above it that has a loader/ and is on the same file
 * system. The boot loader's partition may be a plain directory. */
static bool cut_to_partition(char *path) {
        struct stat first, st, loader;
        char below[4096];

        if (stat(path, &first) < 0)
                return false;
        for (char *slash; (slash = strrchr(path, '/'));) {
                *slash = 0;
                if (stat(*path ? path : "/", &st) < 0 || st.st_dev != first.st_dev)
                        return false;
                if (snprintf(below, sizeof(below), "%s/loader", path) < (int) sizeof(below) &&
                                stat(below, &loader) >= 0 && S_ISDIR(loader.st_mode))
                        return true;
        }
        return false;
}

int image_order_add_companions(ImageOrder *order) {
        _cleanup_free_ char *image = NULL, *partition = NULL;
        int r = CTL_OK;

        if (strcmp(order->kernel, "-") == 0 || !uki_is_at(order->kernel))
                return CTL_OK;
        image = realpath(order->kernel, NULL);
        if (!image)
                return CTL_OK;
        partition = strdup(image);
        if (!partition)
                return out_of_memory(order);
        if (cut_to_partition(partition))
                r = add_global(order, partition);
        return r != CTL_OK ? r : add_own(order, image);
}
