/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a boot loader that follows the Boot Loader Specification (UAPI.1) would offer: entries of type #1,
 * loader/entries/ *.conf, and type #2, EFI/Linux/ *.efi, of the partitions at /efi, /boot and /boot/efi. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "basic/cleanup.h"

/* Bounds; what is above is refused. */
#define BOOT_ENTRIES_MAX 512U
#define BOOT_ENTRY_BYTES_MAX (64U * 1024)
#define BOOT_ENTRY_INITRDS_MAX 16U

/* Why an entry cannot be taken. The boot loader does not show those before BOOT_ENTRY_URL, either. */
typedef enum BootEntryProblem {
        BOOT_ENTRY_FINE,
        BOOT_ENTRY_MALFORMED,    /* names no kernel or two, has control characters, a path with .. */
        BOOT_ENTRY_ARCHITECTURE, /* is for another one */
        BOOT_ENTRY_MISSING,      /* the kernel is not there */
        BOOT_ENTRY_URL,          /* the kernel is to be fetched over the network */
        BOOT_ENTRY_VARIABLES,    /* has variables of GRUB's, such as Fedora's $kernelopts */
} BootEntryProblem;

typedef enum BootEntryKind {
        BOOT_ENTRY_LINUX, /* type #1 with linux: its initrds and options */
        BOOT_ENTRY_EFI,   /* type #1 with efi or uki: options instead of the image's, if there are some */
        BOOT_ENTRY_UKI,   /* type #2 */
} BootEntryKind;

typedef struct BootEntry {
        BootEntryKind kind;
        BootEntryProblem problem;
        char *id;      /* file_id; @PROFILE behind it for further ones of a UKI */
        char *file_id; /* the file's name without a count of tries */
        char *name;    /* the file's */
        char *path;    /* of the file */
        char *kernel;
        char *initrds[BOOT_ENTRY_INITRDS_MAX];
        size_t n_initrds;
        char *options; /* NULL: none */
        char *profile; /* of a UKI, ID or number; NULL: the default one */
        unsigned profile_number;
        char *title, *version, *machine_id, *sort_key; /* NULL: not said */
        bool has_devicetree;
        bool is_counted; /* boot counting: */
        unsigned tries_left, tries_done;
} BootEntry;

typedef struct BootEntries {
        BootEntry **entries; /* as the boot loader sorts them, the first is the best */
        size_t n;
} BootEntries;

BootEntry *boot_entry_free(BootEntry *entry);
DEFINE_CLEANUP(BootEntry *, boot_entry_free)
void boot_entries_done(BootEntries *entries);

/* Looks below `root` ("" for the real one). -E2BIG for too many; directories that are not there or closed to us have no
 * entries: 0 and none is an answer, too. */
int boot_entries_load(const char *root, BootEntries *ret);

/* By ID, with or without its suffix, or by the file's name; letters of either case. The best of several of the same ID.
 * -ENOENT, -ENOTUNIQ if it may be one of several. *ret is borrowed. */
int boot_entries_find(const BootEntries *entries, const char *word, const BootEntry **ret);

/* The one that systemd-boot would take by itself at the next boot; *ret_why says what decided (static). -ENOENT without
 * one. */
int boot_entries_default(const char *root, const BootEntries *entries, const BootEntry **ret, const char **ret_why);

bool boot_entry_is_bad(const BootEntry *entry); /* was tried in vain as often as it may be */
bool boot_entry_is_shown(const BootEntry *entry); /* by the boot loader */
