/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What systemd-boot would take: config_select_default_entry() of its src/boot/boot.c, version 260. Settings are EFI
 * variables, which bootctl(1) writes, and loader.conf(5); an entry's ID is matched with globs. */

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "basic/io.h"
#include "client/entries-internal.h"

#define LOADER_VENDOR "4a67b082-0a4c-41cf-b6c7-440b29bb8c4f"
#define LOADER_CONF_BYTES_MAX (64U * 1024)
#define VARIABLE_BYTES_MAX 4096U
#define SAVED "@saved" /* the entry that was booted last */

/* The EFI system partition, which is where the boot loader's own configuration is. */
static const char *const configurations[] = {
        "/efi/loader/loader.conf",
        "/boot/efi/loader/loader.conf",
        "/boot/loader/loader.conf",
};

typedef struct Way {
        const char *setting; /* an EFI variable, or a key of loader.conf */
        bool is_key;
        bool skips_bad; /* entries with no tries left */
        const char *why;
} Way;

static const Way ways[] = {
        { "LoaderEntryOneShot",   false, false, "the EFI variable LoaderEntryOneShot"   },
        { "LoaderEntryPreferred", false, true,  "the EFI variable LoaderEntryPreferred" },
        { "preferred",            true,  true,  "preferred in loader.conf"              },
        { "LoaderEntryDefault",   false, false, "the EFI variable LoaderEntryDefault"   },
        { "default",              true,  false, "default in loader.conf"                },
};

/* UTF-16 that is ASCII: IDs are made of it. The text is `bytes` / 2 + 1 long at most. */
static bool narrow(const char *data, size_t bytes, char *text) {
        size_t n = 0;

        for (; n < bytes / 2; n++) {
                if (data[2 * n + 1] != 0 || (unsigned char) data[2 * n] > 0x7f)
                        return false;
                text[n] = data[2 * n];
                if (!text[n])
                        break;
        }
        text[n] = 0;
        return n > 0;
}

/* efivarfs: four bytes of attributes, then the value. NULL where there is none. */
static int read_variable(const char *root, const char *name, char **ret) {
        _cleanup_free_ char *path = NULL, *data = NULL, *text = NULL;
        size_t size;
        int r;

        *ret = NULL;
        if (asprintf(&path, "%s/sys/firmware/efi/efivars/%s-" LOADER_VENDOR, root, name) < 0) {
                path = NULL;
                return -ENOMEM;
        }
        r = read_file_at(AT_FDCWD, path, VARIABLE_BYTES_MAX, &data, &size);
        if (r < 0 || size < 4)
                return r == -ENOMEM ? r : 0;
        text = malloc(size);
        if (!text)
                return -ENOMEM;
        if (narrow(data + 4, size - 4, text))
                *ret = TAKE_PTR(text);
        return 0;
}

/* *ret is left alone without one; the last line of several counts. */
static int read_key(char *configuration, const char *name, char **ret) {
        char *key, *value;
        int r = 0;

        while (r >= 0 && text_line(&configuration, " \t", &key, &value))
                if (strcmp(key, name) == 0)
                        r = text_replace(ret, value);
        return r;
}

static int read_configuration(const char *root, char **ret) {
        int r = -ENOENT;

        for (size_t i = 0; i < ELEMENTSOF(configurations); i++) {
                _cleanup_free_ char *path = NULL;

                if (asprintf(&path, "%s%s", root, configurations[i]) < 0) {
                        path = NULL;
                        return -ENOMEM;
                }
                r = entry_file_read(AT_FDCWD, path, LOADER_CONF_BYTES_MAX, ret);
                if (r >= 0 || r == -ENOMEM)
                        break;
        }
        return r == -ENOMEM ? r : 0;
}

/* NULL where it is not set. */
static int read_setting(const char *root, const char *configuration, const Way *way, char **ret) {
        _cleanup_free_ char *copy = NULL;
        int r = 0;

        *ret = NULL;
        if (!way->is_key)
                r = read_variable(root, way->setting, ret);
        else if (configuration) {
                copy = strdup(configuration);
                r = copy ? read_key(copy, way->setting, ret) : -ENOMEM;
        }
        if (r >= 0 && *ret && strcasecmp(*ret, SAVED) == 0) {
                free(*ret);
                r = read_variable(root, "LoaderEntryLastBooted", ret);
        }
        return r;
}

static bool is_meant(const BootEntry *entry, const char *pattern) {
        char text[512];

        if (snprintf(text, sizeof(text), "%s", entry->id) >= (int) sizeof(text))
                return false;
        text_to_lower(text);
        if (text_matches(text, pattern))
                return true;
        /* Before version 258 the ID had the count of tries in it. */
        if (snprintf(text, sizeof(text), "%s", entry->name) >= (int) sizeof(text))
                return false;
        text_to_lower(text);
        return !entry->profile && text_matches(text, pattern);
}

static const BootEntry *match(const BootEntries *entries, const char *pattern, bool skips_bad) {
        for (size_t i = 0; i < entries->n; i++) {
                const BootEntry *entry = entries->entries[i];

                if (boot_entry_is_shown(entry) && !(skips_bad && boot_entry_is_bad(entry)) && is_meant(entry, pattern))
                        return entry;
        }
        return NULL;
}

static int choose(const char *root, const BootEntries *entries, const Way *way, const char *configuration,
                const BootEntry **ret) {
        _cleanup_free_ char *pattern = NULL;
        int r;

        r = read_setting(root, configuration, way, &pattern);
        if (r < 0 || !pattern)
                return r;
        text_to_lower(pattern);
        *ret = match(entries, pattern, way->skips_bad);
        return 0;
}

int boot_entries_default(const char *root, const BootEntries *entries, const BootEntry **ret, const char **ret_why) {
        _cleanup_free_ char *configuration = NULL;
        const BootEntry *found = NULL;
        int r;

        r = read_configuration(root, &configuration);
        for (size_t i = 0; r >= 0 && !found && i < ELEMENTSOF(ways); i++) {
                r = choose(root, entries, &ways[i], configuration, &found);
                *ret_why = ways[i].why;
        }
        if (r < 0)
                return r;
        if (!found) {
                found = match(entries, "*", /* skips_bad= */ false);
                *ret_why = "it is the first in the order of the boot loader";
        }
        if (!found)
                return -ENOENT;
        *ret = found;
        return 0;
}
