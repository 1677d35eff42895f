/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Type #1 entries: text, a key and a value a line. Keys as of systemd-boot 258, src/boot/boot.c. */

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "client/entries-internal.h"

#if defined(__x86_64__)
#define EFI_ARCHITECTURE "x64"
#elif defined(__aarch64__)
#define EFI_ARCHITECTURE "aa64"
#else
#error "What does the UEFI specification call this architecture?"
#endif

typedef struct Parser {
        const char *partition, *fallback;
        BootEntry *entry;
        const char *kernel_key; /* NULL: there was none yet */
} Parser;

typedef struct Key {
        const char *name;
        int (*func)(Parser *parser, const struct Key *key, const char *value);
        size_t offset; /* of a string in BootEntry */
} Key;

/* The first problem is the one that is told. */
static int refuse(Parser *parser, BootEntryProblem problem) {
        if (parser->entry->problem == BOOT_ENTRY_FINE)
                parser->entry->problem = problem;
        return 0;
}

static bool leads_upwards(const char *path) {
        for (const char *p = path; (p = strstr(p, "..")); p += 2)
                if ((p == path || p[-1] == '/') && (p[2] == '/' || !p[2]))
                        return true;
        return false;
}

static int join(const char *directory, const char *value, char **ret) {
        return asprintf(ret, "%s/%s", directory, value + strspn(value, "/")) < 0 ? -ENOMEM : 0;
}

/* Paths begin at the partition. Where it is no file system of its own, some tools begin them at the one it is in. */
static int resolve(Parser *parser, const char *value, char **ret) {
        _cleanup_free_ char *path = NULL, *other = NULL;
        int r;

        if (leads_upwards(value))
                return refuse(parser, BOOT_ENTRY_MALFORMED);
        if (strchr(value, '$'))
                refuse(parser, BOOT_ENTRY_VARIABLES);
        r = join(parser->partition, value, &path);
        if (r < 0) {
                path = NULL;
                return r;
        }
        if (parser->fallback && access(path, F_OK) < 0) {
                r = join(parser->fallback, value, &other);
                if (r < 0) {
                        other = NULL;
                        return r;
                }
        }
        free(*ret);
        *ret = other && access(other, F_OK) >= 0 ? TAKE_PTR(other) : TAKE_PTR(path);
        return 0;
}

static int take_text(Parser *parser, const Key *key, const char *value) {
        return text_replace((char **) ((char *) parser->entry + key->offset), value);
}

/* The same key again replaces, another one makes it senseless. */
static int take_kernel(Parser *parser, const Key *key, const char *value) {
        if (parser->kernel_key && strcmp(parser->kernel_key, key->name) != 0)
                return refuse(parser, BOOT_ENTRY_MALFORMED);
        parser->kernel_key = key->name;
        parser->entry->kind = strcmp(key->name, "linux") == 0 ? BOOT_ENTRY_LINUX : BOOT_ENTRY_EFI;
        if (strcmp(key->name, "uki-url") == 0)
                return refuse(parser, BOOT_ENTRY_URL);
        return resolve(parser, value, &parser->entry->kernel);
}

static int take_initrd(Parser *parser, const Key *key, const char *value) {
        BootEntry *entry = parser->entry;
        int r;

        if (entry->n_initrds >= BOOT_ENTRY_INITRDS_MAX)
                return refuse(parser, BOOT_ENTRY_MALFORMED);
        r = resolve(parser, value, &entry->initrds[entry->n_initrds]);
        if (r >= 0 && entry->initrds[entry->n_initrds])
                entry->n_initrds++;
        return r;
}

static int take_options(Parser *parser, const Key *key, const char *value) {
        char *options;

        if (strchr(value, '$'))
                refuse(parser, BOOT_ENTRY_VARIABLES);
        if (!parser->entry->options)
                return text_replace(&parser->entry->options, value);
        if (asprintf(&options, "%s %s", parser->entry->options, value) < 0)
                return -ENOMEM;
        free(parser->entry->options);
        parser->entry->options = options;
        return 0;
}

static int take_architecture(Parser *parser, const Key *key, const char *value) {
        return strcasecmp(value, EFI_ARCHITECTURE) == 0 ? 0 : refuse(parser, BOOT_ENTRY_ARCHITECTURE);
}

static int take_devicetree(Parser *parser, const Key *key, const char *value) {
        parser->entry->has_devicetree = true;
        return 0;
}

/* A number; another one is passed over by the boot loader, too. */
static int take_profile(Parser *parser, const Key *key, const char *value) {
        return value[strspn(value, "0123456789")] ? 0 : text_replace(&parser->entry->profile, value);
}

static const Key keys[] = {
        { "title",              take_text,         offsetof(BootEntry, title)      },
        { "version",            take_text,         offsetof(BootEntry, version)    },
        { "machine-id",         take_text,         offsetof(BootEntry, machine_id) },
        { "sort-key",           take_text,         offsetof(BootEntry, sort_key)   },
        { "linux",              take_kernel,       0                               },
        { "efi",                take_kernel,       0                               },
        { "uki",                take_kernel,       0                               },
        { "uki-url",            take_kernel,       0                               },
        { "profile",            take_profile,      0                               },
        { "initrd",             take_initrd,       0                               },
        { "options",            take_options,      0                               },
        { "architecture",       take_architecture, 0                               },
        { "devicetree",         take_devicetree,   0                               },
        { "devicetree-overlay", take_devicetree,   0                               },
};

static int take(Parser *parser, const char *name, const char *value) {
        if (!text_is_clean(value))
                return refuse(parser, BOOT_ENTRY_MALFORMED);
        for (size_t i = 0; i < ELEMENTSOF(keys); i++)
                if (strcmp(name, keys[i].name) == 0)
                        return keys[i].func(parser, &keys[i], value);
        return 0;
}

int entry_parse_type1(char *text, const char *partition, const char *fallback, BootEntry *entry) {
        Parser parser = { .partition = partition, .fallback = fallback, .entry = entry };
        char *cursor = text, *name, *value;
        int r;

        while (text_line(&cursor, " \t", &name, &value)) {
                r = take(&parser, name, value);
                if (r < 0)
                        return r;
        }
        if (!parser.kernel_key)
                return refuse(&parser, BOOT_ENTRY_MALFORMED);
        if (entry->kernel && access(entry->kernel, F_OK) < 0)
                return refuse(&parser, BOOT_ENTRY_MISSING);
        return 0;
}
