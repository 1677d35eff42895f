/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "basic/io.h"
#include "client/entries-internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* No entry leads out of its partition, or brings the terminal what the file says. */
static void check_entry(const BootEntry *entry) {
        const char *const texts[] = { entry->title, entry->version, entry->machine_id, entry->sort_key, entry->options,
                                      entry->kernel };

        for (size_t i = 0; i < ELEMENTSOF(texts); i++)
                if (texts[i] && !text_is_clean(texts[i]))
                        abort();
        if (entry->kernel && (strncmp(entry->kernel, "/nowhere/", 9) != 0 || strstr(entry->kernel, "/../")))
                abort();
        if (entry->problem == BOOT_ENTRY_FINE)
                abort(); /* there is no such kernel */
}

static void check_type1(const char *text, BootEntry **ret) {
        _cleanup_free_ char *copy = strdup(text);
        BootEntry *entry;

        if (!copy || boot_entry_new("/nowhere", "fuzz", &entry) < 0 || entry_name_parse(text, "", entry) < 0 ||
                        entry_parse_type1(copy, "/nowhere", NULL, entry) < 0)
                abort();
        check_entry(entry);
        if (strlen(entry->file_id) > strlen(text))
                abort();
        *ret = entry;
}

static void check_uki(const uint8_t *data, size_t size) {
        _cleanup_fd_ int fd = -EBADF;
        _cleanup_(uki_freep) Uki *uki = NULL;
        _cleanup_(boot_entries_done) BootEntries entries = {};

        if (memfd_new_with("fuzz", data, size, &fd) < 0)
                abort();
        if (uki_read(fd, &uki) < 0)
                return;
        if (uki->n_profiles > UKI_PROFILES_MAX || entries_add_uki(&entries, "/efi", "fuzz+1.efi", uki) < 0)
                abort();
        for (size_t i = 0; i < entries.n; i++)
                if (!entries.entries[i]->title || !text_is_clean(entries.entries[i]->title))
                        abort();
}

/* Two texts: the second begins behind the first NUL. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_(boot_entry_freep) BootEntry *a = NULL, *b = NULL;
        _cleanup_free_ char *text = malloc(size + 2);
        const char *second;

        if (!text)
                return 0;
        if (size > 0)
                memcpy(text, data, size);
        text[size] = text[size + 1] = 0;
        second = text + strlen(text) + 1;

        check_uki(data, size);
        check_type1(text, &a);
        check_type1(second, &b);
        if (text_matches(text, text) && strlen(text) > 0 && !strpbrk(text, "*?[\\") && text_matches(text, second) &&
                        !strpbrk(second, "*?[\\") && strcmp(text, second) != 0)
                abort();
        if ((boot_entry_compare(a, b) < 0) != (boot_entry_compare(b, a) > 0) || boot_entry_compare(a, a) != 0)
                abort();
        return 0;
}
