/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* An order by an entry of the boot loader. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "basic/json.h"
#include "client/entries.h"
#include "client/image-order.h"
#include "client/uki.h"

static const char no_entries[] = "This host has no boot loader entries in /efi, /boot or /boot/efi that can be read: "
                                 "it may have a boot loader that keeps them in a form of its own, such as GRUB.";
static const char by_release[] = "Name the kernel by its release, as in liveupdatectl stage RELEASE.";
static const char list_them[] = "List them with liveupdatectl stage --entry=help.";

static int fail_no_memory(ImageOrder *order) {
        return image_order_fail(order, CTL_REFUSED, "Try again when memory is free.", "Out of memory.");
}

static int fail_to_load(ImageOrder *order, int error) {
        return error == -E2BIG ? image_order_fail(order, CTL_REFUSED, by_release,
                                                 "There are more than %u boot loader entries.", BOOT_ENTRIES_MAX) :
                                 fail_no_memory(order);
}

static int fail_to_take(ImageOrder *order, const BootEntry *entry) {
        static const struct {
                const char *why, *remedy;
        } problems[] = {
                [BOOT_ENTRY_MALFORMED] = { "its file makes no sense: it has to name one kernel, with paths that go no "
                                           "way up, in plain text",
                                           "Mend the file, or stage the kernel by its path." },
                [BOOT_ENTRY_ARCHITECTURE] = { "it is for another architecture", list_them },
                [BOOT_ENTRY_MISSING] = { "there is no ", "Install the kernel again, or remove the entry." },
                [BOOT_ENTRY_URL] = { "its kernel would be fetched over the network by the boot loader",
                                     "Fetch it, and stage it by its path." },
                [BOOT_ENTRY_VARIABLES] = { "it has a variable that only GRUB can fill in",
                                           "Give the command line with --cmdline= or --reuse-cmdline, or stage the "
                                           "kernel by its release." },
        };

        return image_order_fail(order, CTL_USAGE, problems[entry->problem].remedy,
                        "Cannot take the boot loader entry %s (%s): %s%s.", entry->id, entry->path,
                        problems[entry->problem].why, entry->problem == BOOT_ENTRY_MISSING ? entry->kernel : "");
}

static void tell_notes(const BootEntry *entry) {
        if (boot_entry_is_bad(entry))
                fprintf(stderr, "Note: %s has been tried %u times in vain, and the boot loader takes it last.\n",
                                entry->id, entry->tries_done);
        if (entry->has_devicetree)
                fprintf(stderr, "Note: The devicetree of %s is not carried over: the next kernel gets the running "
                                "one's.\n", entry->id);
        if (entry->kind == BOOT_ENTRY_EFI && entry->n_initrds > 0)
                fprintf(stderr, "Note: The initrds of %s are left out, as the boot loader does: its image brings its "
                                "own.\n", entry->id);
}

/* Without options a bare kernel has no command line at all, and a UKI its own. */
static const char *command_line_of(const BootEntry *entry) {
        if (entry->options)
                return entry->options;
        return entry->kind == BOOT_ENTRY_LINUX && !uki_is_at(entry->kernel) ? "" : NULL;
}

static int take(ImageOrder *order, const BootEntry *entry) {
        const char *command_line = command_line_of(entry);
        int r = CTL_OK;

        order->kernel = strdup(entry->kernel);
        order->command_line = command_line ? strdup(command_line) : NULL;
        order->profile = entry->profile ? strdup(entry->profile) : NULL;
        if (!order->kernel || (command_line && !order->command_line) || (entry->profile && !order->profile))
                return fail_no_memory(order);
        order->is_from_entry = command_line;
        for (size_t i = 0; r == CTL_OK && entry->kind == BOOT_ENTRY_LINUX && i < entry->n_initrds; i++)
                r = image_order_add(order, &order->initrds, entry->initrds[i]);
        return r;
}

/* Variables do not matter where the command line is another one; in a path they lead to a file that is not there. */
static bool can_take(const ImageOrder *order, const BootEntry *entry) {
        return entry->problem == BOOT_ENTRY_FINE ||
               (entry->problem == BOOT_ENTRY_VARIABLES && entry->kernel &&
                               (order->options->command_line || order->options->reuse_command_line));
}

static int find(ImageOrder *order, const BootEntries *entries, const BootEntry **ret) {
        const char *word = order->options->entry, *why = "";
        int r;

        if (entries->n == 0)
                return image_order_fail(order, CTL_USAGE, by_release, "%s", no_entries);
        r = word ? boot_entries_find(entries, word, ret) : boot_entries_default(order->root, entries, ret, &why);
        if (r == -ENOTUNIQ)
                return image_order_fail(order, CTL_USAGE, list_them,
                                "'%s' is one of several boot loader entries: say it with its suffix.", word);
        if (r == -ENOENT)
                return image_order_fail(order, CTL_USAGE, list_them, "There is no boot loader entry that %s%s.",
                                word ? "is called " : "the boot loader could take", word ?: "");
        if (r < 0)
                return fail_no_memory(order);
        if (!word)
                fprintf(stderr, "The boot loader would take %s: %s.\n", (*ret)->id, why);
        return CTL_OK;
}

int image_order_by_entry(ImageOrder *order) {
        _cleanup_(boot_entries_done) BootEntries entries = {};
        const BootEntry *entry = NULL;
        int r;

        r = boot_entries_load(order->root, &entries);
        if (r < 0)
                return fail_to_load(order, r);
        r = find(order, &entries, &entry);
        if (r != CTL_OK)
                return r;
        if (!can_take(order, entry))
                return fail_to_take(order, entry);
        tell_notes(entry);
        return take(order, entry);
}

static int describe(const BootEntry *entry, bool is_default, json_object *list) {
        _cleanup_json_ json_object *o = json_object_new_object();

        if (!o || json_add_string(o, "id", entry->id) < 0 || json_add_string(o, "path", entry->path) < 0 ||
                        json_add_string(o, "title", entry->title) < 0 ||
                        json_add_string(o, "version", entry->version) < 0 ||
                        json_add_bool(o, "default", is_default) < 0 || json_object_array_add(list, o) < 0)
                return -ENOMEM;
        TAKE_PTR(o);
        return 0;
}

static void print_entry(const BootEntry *entry, bool is_default, int columns) {
        printf("%-*s  %s%s%s%s\n", columns, entry->id, entry->title ?: "", entry->version ? ", " : "",
                        entry->version ?: "", is_default ? " (default)" : "");
}

static int columns_of(const BootEntries *entries) {
        size_t widest = 0;

        for (size_t i = 0; i < entries->n; i++)
                if (strlen(entries->entries[i]->id) > widest)
                        widest = strlen(entries->entries[i]->id);
        return (int) widest;
}

static int list_entries(const Ctl *ctl, const BootEntries *entries, const BootEntry *chosen) {
        _cleanup_json_ json_object *list = json_object_new_array(), *o = json_object_new_object();

        for (size_t i = 0; list && i < entries->n; i++) {
                const BootEntry *entry = entries->entries[i];

                if (!boot_entry_is_shown(entry))
                        continue;
                if (ctl->json == JSON_OFF)
                        print_entry(entry, entry == chosen, columns_of(entries));
                else if (describe(entry, entry == chosen, list) < 0)
                        return CTL_REFUSED;
        }
        if (ctl->json == JSON_OFF)
                return CTL_SAID;
        if (!list || !o || json_add(o, "entries", TAKE_PTR(list)) < 0)
                return CTL_REFUSED;
        ctl_print_json(ctl, o);
        return CTL_SAID;
}

int image_entries_list(const Ctl *ctl, const char *root) {
        _cleanup_(boot_entries_done) BootEntries entries = {};
        const BootEntry *chosen = NULL;
        const char *why;
        int r;

        r = boot_entries_load(root, &entries);
        if (r < 0) {
                fprintf(stderr, "liveupdatectl: Cannot read the boot loader entries: %s\n%s\n", strerror(-r),
                                by_release);
                return CTL_REFUSED;
        }
        if (entries.n == 0)
                fprintf(stderr, "%s\n%s\n", no_entries, by_release);
        (void) boot_entries_default(root, &entries, &chosen, &why);
        return list_entries(ctl, &entries, chosen);
}
