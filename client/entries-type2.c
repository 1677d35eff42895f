/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Type #2 entries: unified kernel images, each profile of which is an entry. Which of os-release's fields stand for
 * title, version and sort-key: systemd's src/fundamental/bootspec.c. */

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "client/entries-internal.h"

/* The values of some keys of KEY=VALUE lines. */
typedef struct Field {
        const char *key;
        char *value;
} Field;

static void fields_read(char *text, Field *fields, size_t n) {
        char *key, *value;

        while (text && text_line(&text, "=", &key, &value))
                for (size_t i = 0; i < n; i++)
                        if (strcmp(key, fields[i].key) == 0 && *value && text_is_clean(value))
                                fields[i].value = value;
}

enum { PRETTY_NAME, IMAGE_ID, NAME, ID, IMAGE_VERSION, VERSION, VERSION_ID, BUILD_ID };

/* 1 if it is good for an entry. */
static int take_os_release(char *text, BootEntry *entry) {
        Field f[] = {
                [PRETTY_NAME] = { "PRETTY_NAME", NULL },     [IMAGE_ID] = { "IMAGE_ID", NULL },
                [NAME] = { "NAME", NULL },                   [ID] = { "ID", NULL },
                [IMAGE_VERSION] = { "IMAGE_VERSION", NULL }, [VERSION] = { "VERSION", NULL },
                [VERSION_ID] = { "VERSION_ID", NULL },       [BUILD_ID] = { "BUILD_ID", NULL },
        };
        const char *title, *version, *sort_key;

        fields_read(text, f, ELEMENTSOF(f));
        title = f[PRETTY_NAME].value ?: f[IMAGE_ID].value ?: f[NAME].value ?: f[ID].value;
        version = f[IMAGE_VERSION].value ?: f[VERSION].value ?: f[VERSION_ID].value ?: f[BUILD_ID].value;
        sort_key = f[IMAGE_ID].value ?: f[ID].value;
        if (!title)
                return 0;
        if (text_replace(&entry->title, title) < 0 || (version && text_replace(&entry->version, version) < 0) ||
                        (sort_key && text_replace(&entry->sort_key, sort_key) < 0))
                return -ENOMEM;
        return 1;
}

/* The default profile is called as its file, the others have @ID behind it. */
static int take_profile(char *text, size_t number, BootEntry *entry) {
        Field f[] = { { "ID", NULL }, { "TITLE", NULL } };
        _cleanup_free_ char *title = NULL;
        int n;

        fields_read(text, f, ELEMENTSOF(f));
        entry->profile_number = (unsigned) number;
        n = f[1].value || f[0].value || number > 0 ?
                            asprintf(&title, "%s (%s)", entry->title, f[1].value ?: f[0].value ?: "further profile") :
                            0;
        if (n < 0) {
                title = NULL;
                return -ENOMEM;
        }
        if (title) {
                free(entry->title);
                entry->title = TAKE_PTR(title);
        }
        if (number == 0)
                return 0;
        if (f[0].value)
                n = asprintf(&entry->profile, "%s", f[0].value);
        else
                n = asprintf(&entry->profile, "%zu", number);
        if (n < 0) {
                entry->profile = NULL;
                return -ENOMEM;
        }
        free(entry->id);
        if (asprintf(&entry->id, "%s@%s", entry->file_id, entry->profile) < 0) {
                entry->id = NULL;
                return -ENOMEM;
        }
        return 0;
}

static int new_entry(const char *directory, const char *name, BootEntry **ret) {
        _cleanup_(boot_entry_freep) BootEntry *entry = NULL;
        int r;

        r = boot_entry_new(directory, name, &entry);
        if (r >= 0)
                r = entry_name_parse(name, ".efi", entry);
        if (r >= 0)
                r = text_replace(&entry->kernel, entry->path);
        if (r < 0)
                return r;
        entry->kind = BOOT_ENTRY_UKI;
        *ret = TAKE_PTR(entry);
        return 0;
}

static int add_profile(BootEntries *entries, const char *directory, const char *name, const Uki *uki, size_t number) {
        const UkiProfile *profile = uki->n_profiles > 0 ? &uki->profiles[number] : &uki->base;
        _cleanup_free_ char *os_release = NULL;
        _cleanup_(boot_entry_freep) BootEntry *entry = NULL;
        int r;

        /* It is cut into pieces, and that of the base is needed again. */
        os_release = strdup(profile->os_release ?: uki->base.os_release ?: "");
        if (!os_release)
                return -ENOMEM;
        r = new_entry(directory, name, &entry);
        if (r >= 0)
                r = take_os_release(os_release, entry);
        if (r <= 0)
                return r;
        r = take_profile(profile->profile, number, entry);
        return r < 0 ? r : boot_entries_add(entries, TAKE_PTR(entry));
}

int entries_add_uki(BootEntries *entries, const char *directory, const char *name, const Uki *uki) {
        for (size_t i = 0; i == 0 || i < uki->n_profiles; i++) {
                int r = add_profile(entries, directory, name, uki, i);

                if (r < 0)
                        return r;
        }
        return 0;
}

int entries_add_type2(BootEntries *entries, int dir_fd, const char *directory, const char *name) {
        _cleanup_fd_ int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        _cleanup_(uki_freep) Uki *uki = NULL;
        struct stat st;
        int r;

        if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
                return 0;
        r = uki_read(fd, &uki);
        if (r < 0)
                return r == -ENOMEM ? r : 0;
        return entries_add_uki(entries, directory, name, uki);
}
