/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "client/entries-internal.h"

static const char *const partitions[] = { "/efi", "/boot", "/boot/efi" };

/* A place with entries, and those that were seen: /efi may be /boot by another name. */
typedef struct Loader {
        const char *root;
        BootEntries *entries;
        struct {
                dev_t device;
                ino_t inode;
        } seen[2 * ELEMENTSOF(partitions)];
        size_t n_seen;
} Loader;

BootEntry *boot_entry_free(BootEntry *entry) {
        if (!entry)
                return NULL;

        for (size_t i = 0; i < entry->n_initrds; i++)
                free(entry->initrds[i]);
        free(entry->id);
        free(entry->file_id);
        free(entry->name);
        free(entry->path);
        free(entry->kernel);
        free(entry->options);
        free(entry->profile);
        free(entry->title);
        free(entry->version);
        free(entry->machine_id);
        free(entry->sort_key);
        free(entry);
        return NULL;
}

void boot_entries_done(BootEntries *entries) {
        for (size_t i = 0; i < entries->n; i++)
                boot_entry_free(entries->entries[i]);
        free(entries->entries);
        *entries = (BootEntries) {};
}

int boot_entry_new(const char *directory, const char *name, BootEntry **ret) {
        _cleanup_(boot_entry_freep) BootEntry *entry = calloc(1, sizeof(*entry));

        if (!entry)
                return -ENOMEM;
        if (asprintf(&entry->path, "%s/%s", directory, name) < 0) {
                entry->path = NULL;
                return -ENOMEM;
        }
        entry->name = strdup(name);
        if (!entry->name)
                return -ENOMEM;
        *ret = TAKE_PTR(entry);
        return 0;
}

int boot_entries_add(BootEntries *entries, BootEntry *entry) {
        _cleanup_(boot_entry_freep) BootEntry *consumed = entry;
        BootEntry **p;

        if (entries->n >= BOOT_ENTRIES_MAX)
                return -E2BIG;
        p = reallocarray(entries->entries, entries->n + 1, sizeof(*p));
        if (!p)
                return -ENOMEM;
        entries->entries = p;
        entries->entries[entries->n++] = TAKE_PTR(consumed);
        return 0;
}

bool boot_entry_is_shown(const BootEntry *entry) {
        return entry->problem == BOOT_ENTRY_FINE || entry->problem >= BOOT_ENTRY_URL;
}

/* NULL unless the partition is only a directory of the root's file system. */
static const char *fallback_of(const Loader *loader, const char *partition) {
        const char *root = *loader->root ? loader->root : "/";
        struct stat a, b;

        return stat(partition, &a) >= 0 && stat(root, &b) >= 0 && a.st_dev == b.st_dev ? loader->root : NULL;
}

/* A file that cannot be read is an entry that cannot be taken; the boot loader may read it. */
static int add_type1(Loader *loader, int dir_fd, const char *partition, const char *directory, const char *name) {
        _cleanup_(boot_entry_freep) BootEntry *entry = NULL;
        _cleanup_free_ char *text = NULL;
        int r;

        r = boot_entry_new(directory, name, &entry);
        if (r >= 0)
                r = entry_name_parse(name, ".conf", entry);
        if (r < 0)
                return r;
        r = entry_file_read(dir_fd, name, BOOT_ENTRY_BYTES_MAX, &text);
        if (r == -ENOMEM)
                return r;
        if (r < 0)
                entry->problem = BOOT_ENTRY_MALFORMED;
        else
                r = entry_parse_type1(text, partition, fallback_of(loader, partition), entry);
        return r == -ENOMEM ? r : boot_entries_add(loader->entries, TAKE_PTR(entry));
}

static bool is_entry_name(const char *name, const char *suffix) {
        return *name != '.' && text_has_suffix(name, suffix) && strncasecmp(name, "auto-", 5) != 0 &&
               text_is_clean(name);
}

static bool was_seen(Loader *loader, int fd) {
        struct stat st;

        if (fstat(fd, &st) < 0)
                return true;
        for (size_t i = 0; i < loader->n_seen; i++)
                if (loader->seen[i].device == st.st_dev && loader->seen[i].inode == st.st_ino)
                        return true;
        loader->seen[loader->n_seen].device = st.st_dev;
        loader->seen[loader->n_seen++].inode = st.st_ino;
        return false;
}

static int load_directory(Loader *loader, const char *partition, const char *below, const char *suffix) {
        _cleanup_free_ char *directory = NULL;
        _cleanup_closedir_ DIR *d = NULL;
        int r;

        if (asprintf(&directory, "%s/%s", partition, below) < 0) {
                directory = NULL;
                return -ENOMEM;
        }
        d = opendir(directory);
        if (!d || was_seen(loader, dirfd(d)))
                return 0;
        for (const struct dirent *file; (file = readdir(d));) {
                if (!is_entry_name(file->d_name, suffix))
                        continue;
                r = strcmp(suffix, ".efi") == 0 ?
                                    entries_add_type2(loader->entries, dirfd(d), directory, file->d_name) :
                                    add_type1(loader, dirfd(d), partition, directory, file->d_name);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int load_partition(Loader *loader, const char *path) {
        _cleanup_free_ char *partition = NULL;
        int r;

        if (asprintf(&partition, "%s%s", loader->root, path) < 0) {
                partition = NULL;
                return -ENOMEM;
        }
        r = load_directory(loader, partition, "EFI/Linux", ".efi");
        return r < 0 ? r : load_directory(loader, partition, "loader/entries", ".conf");
}

static int compare(const void *a, const void *b) {
        return boot_entry_compare(*(BootEntry *const *) a, *(BootEntry *const *) b);
}

int boot_entries_load(const char *root, BootEntries *ret) {
        _cleanup_(boot_entries_done) BootEntries entries = {};
        Loader loader = { .root = root, .entries = &entries };
        int r;

        for (size_t i = 0; i < ELEMENTSOF(partitions); i++) {
                r = load_partition(&loader, partitions[i]);
                if (r < 0)
                        return r;
        }
        if (entries.n > 0)
                qsort(entries.entries, entries.n, sizeof(*entries.entries), compare);
        *ret = TAKE(entries, (BootEntries) {});
        return 0;
}

/* Whether `id` is `word`, or that with a suffix. */
static bool is_called(const char *id, const char *word) {
        size_t n = strlen(word);

        return strncasecmp(id, word, n) == 0 &&
               (!id[n] || strcmp(id + n, ".conf") == 0 || strcmp(id + n, ".efi") == 0);
}

int boot_entries_find(const BootEntries *entries, const char *word, const BootEntry **ret) {
        const BootEntry *found = NULL;

        for (size_t i = 0; i < entries->n; i++) {
                const BootEntry *entry = entries->entries[i];

                if (strcasecmp(entry->id, word) == 0 || strcasecmp(entry->name, word) == 0) {
                        *ret = entry;
                        return 0;
                }
                if (!is_called(entry->id, word))
                        continue;
                if (found && strcasecmp(found->id, entry->id) != 0)
                        return -ENOTUNIQ;
                found = found ?: entry;
        }
        if (!found)
                return -ENOENT;
        *ret = found;
        return 0;
}
