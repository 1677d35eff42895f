/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/entries-internal.h"
#include "client/uki.h"
#include "entries-fixture.h"

/* The IDs of all, in order, with what is odd about each behind it. */
static void expect(const char *expected) {
        _cleanup_(boot_entries_done) BootEntries entries = {};
        char text[1024] = "";

        ck_assert_int_eq(boot_entries_load(root, &entries), 0);
        for (size_t i = 0; i < entries.n; i++) {
                const BootEntry *e = entries.entries[i];
                size_t n = strlen(text);

                snprintf(text + n, sizeof(text) - n, "%s%s%s", n ? " " : "", e->id,
                                e->problem != BOOT_ENTRY_FINE ? "!" : boot_entry_is_bad(e) ? "-" : "");
        }
        ck_assert_str_eq(text, expected);
}

static void expect_default(const char *id, const char *why) {
        _cleanup_(boot_entries_done) BootEntries entries = {};
        const BootEntry *entry = NULL;
        const char *said = "";
        int r;

        ck_assert_int_eq(boot_entries_load(root, &entries), 0);
        r = boot_entries_default(root, &entries, &entry, &said);
        if (!id) {
                ck_assert_int_eq(r, -ENOENT);
                return;
        }
        ck_assert_int_eq(r, 0);
        ck_assert_str_eq(entry->id, id);
        ck_assert_msg(strstr(said, why), "%s", said);
}

static void put_entry(const char *path, const char *lines) {
        char text[1024];

        snprintf(text, sizeof(text), "linux /linux\n%s", lines);
        put_text(path, text);
}

START_TEST(finds_nothing) {
        TEMPORARY_ROOT();

        expect("");
        expect_default(NULL, NULL);
        put_text("/boot/grub/grub.cfg", "menuentry");
        put_text("/boot/loader/entries/README", "");
        put_text("/boot/loader/entries/.hidden.conf", "linux /linux");
        put_text("/boot/loader/entries/auto-x.conf", "linux /linux");
        put_text("/boot/loader/entries/\x01.conf", "linux /linux");
        put_text("/boot/EFI/Linux/no-pe.efi", "MZ");
        expect("");
}
END_TEST

START_TEST(reads_type_1) {
        TEMPORARY_ROOT();
        _cleanup_(boot_entries_done) BootEntries entries = {};
        const BootEntry *e;

        put_text("/efi/a/linux", "");
        put_text("/efi/loader/entries/a+2-1.conf",
                        "# comment\r\n\n  title   \"The  Title\"  \n"
                        "version 7.3\nmachine-id 00\nsort-key debian\narchitecture X64\nnonsense\nfuture key\n"
                        "linux //a/linux\ninitrd /micro\ninitrd a/initrd\noptions root=/dev/vda1 \"a b\"\n"
                        "options\tquiet\ndevicetree /dtb\nprofile 3");
        ck_assert_int_eq(boot_entries_load(root, &entries), 0);
        ck_assert_uint_eq(entries.n, 1);
        e = entries.entries[0];
        ck_assert_int_eq(e->problem, BOOT_ENTRY_FINE);
        ck_assert_int_eq(e->kind, BOOT_ENTRY_LINUX);
        ck_assert_str_eq(e->id, "a.conf");
        ck_assert_str_eq(e->name, "a+2-1.conf");
        ck_assert_str_eq(e->path, root_path("/efi/loader/entries/a+2-1.conf"));
        ck_assert_str_eq(e->title, "The  Title");
        ck_assert_str_eq(e->version, "7.3");
        ck_assert_str_eq(e->machine_id, "00");
        ck_assert_str_eq(e->sort_key, "debian");
        ck_assert_str_eq(e->kernel, root_path("/efi/a/linux"));
        ck_assert_uint_eq(e->n_initrds, 2);
        ck_assert_str_eq(e->initrds[0], root_path("/efi/micro"));
        ck_assert_str_eq(e->initrds[1], root_path("/efi/a/initrd"));
        ck_assert_str_eq(e->options, "root=/dev/vda1 \"a b\" quiet");
        ck_assert_str_eq(e->profile, "3");
        ck_assert(e->has_devicetree);
        ck_assert_uint_eq(e->tries_left, 2);
        ck_assert_uint_eq(e->tries_done, 1);
}
END_TEST

static const struct {
        const char *text;
        BootEntryProblem problem;
} refused[] = {
        { "", BOOT_ENTRY_MALFORMED },
        { "linux\n", BOOT_ENTRY_MALFORMED },
        { "title x\n", BOOT_ENTRY_MALFORMED },
        { "linux /linux\nefi /linux\n", BOOT_ENTRY_MALFORMED },
        { "linux /../linux\n", BOOT_ENTRY_MALFORMED },
        { "linux ..\n", BOOT_ENTRY_MALFORMED },
        { "linux /linux\ninitrd /a/..\n", BOOT_ENTRY_MALFORMED },
        { "linux /linux\ntitle a\x1b[31m\n", BOOT_ENTRY_MALFORMED },
        { "linux /nowhere\n", BOOT_ENTRY_MISSING },
        { "linux /linux\narchitecture aa65\n", BOOT_ENTRY_ARCHITECTURE },
        { "uki-url http://example.org/x.efi\n", BOOT_ENTRY_URL },
        { "linux /linux\noptions $kernelopts\n", BOOT_ENTRY_VARIABLES },
        { "linux /linux\ninitrd /i $tuned_initrd\n", BOOT_ENTRY_VARIABLES },
        { "linux /linux\nlinux /linux\n", BOOT_ENTRY_FINE },
        { "linux /..linux..\n", BOOT_ENTRY_MISSING },
        { "linux /linux\nprofile x\n", BOOT_ENTRY_FINE },
        { "efi linux\n", BOOT_ENTRY_FINE },
        { "uki linux\n", BOOT_ENTRY_FINE },
};

START_TEST(refuses) {
        TEMPORARY_ROOT();

        put_text("/efi/linux", "");
        put_text("/linux", "");
        for (size_t i = 0; i < ELEMENTSOF(refused); i++) {
                _cleanup_(boot_entries_done) BootEntries entries = {};

                put_text("/efi/loader/entries/a.conf", refused[i].text);
                ck_assert_int_eq(boot_entries_load(root, &entries), 0);
                ck_assert_uint_eq(entries.n, 1);
                ck_assert_msg(entries.entries[0]->problem == refused[i].problem, "%s: %i", refused[i].text,
                                (int) entries.entries[0]->problem);
                ck_assert_int_eq(boot_entry_is_shown(entries.entries[0]),
                                refused[i].problem == BOOT_ENTRY_FINE || refused[i].problem >= BOOT_ENTRY_URL);
        }
}
END_TEST

START_TEST(bounds_what_it_reads) {
        TEMPORARY_ROOT();
        _cleanup_free_ char *text = calloc(1, BOOT_ENTRY_BYTES_MAX + 2);
        BootEntries entries = {};
        char path[64];

        put_text("/efi/linux", "");
        memset(text, '\n', BOOT_ENTRY_BYTES_MAX + 1);
        memcpy(text, "linux /linux", 12);
        put_bytes("/efi/loader/entries/large.conf", text, BOOT_ENTRY_BYTES_MAX + 1);
        put_bytes("/efi/loader/entries/largest.conf", text, BOOT_ENTRY_BYTES_MAX);
        put_bytes("/efi/loader/entries/nul.conf", "linux /linux\n\0", 14);
        put_text("/efi/loader/entries/directory.conf/x", "");
        ck_assert_int_eq(mkfifo(root_path("/efi/loader/entries/fifo.conf"), 0600), 0);
        expect("nul.conf! largest.conf large.conf! fifo.conf! directory.conf!");

        for (size_t i = 0; i <= BOOT_ENTRIES_MAX; i++) {
                snprintf(path, sizeof(path), "/boot/loader/entries/%zu.conf", i);
                put_text(path, "");
        }
        ck_assert_int_eq(boot_entries_load(root, &entries), -E2BIG);
}
END_TEST

static const struct {
        const char *name, *id;
        int left, done; /* negative: not counted */
} names[] = {
        { "a.efi", "a.efi", -1, 0 },
        { "a+3.efi", "a.efi", 3, 0 },
        { "a+2-1.efi", "a.efi", 2, 1 },
        { "a+0-3.efi", "a.efi", 0, 3 },
        { "a+b+1.efi", "a+b.efi", 1, 0 },
        { "a+.efi", "a+.efi", -1, 0 },
        { "a+-1.efi", "a+-1.efi", -1, 0 },
        { "a+1-.efi", "a+1-.efi", -1, 0 },
        { "a+1-x.efi", "a+1-x.efi", -1, 0 },
        { "a+1-2-3.efi", "a+1-2-3.efi", -1, 0 },
        { "a+12345678901.efi", "a+12345678901.efi", -1, 0 },
        { "7.3.4+rc1.efi", "7.3.4+rc1.efi", -1, 0 },
        { "A+1.EFI", "A.efi", 1, 0 },
};

START_TEST(counts_tries) {
        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                _cleanup_(boot_entry_freep) BootEntry *entry = calloc(1, sizeof(*entry));

                ck_assert_int_eq(entry_name_parse(names[i].name, ".efi", entry), 0);
                ck_assert_str_eq(entry->id, names[i].id);
                ck_assert_int_eq(entry->is_counted, names[i].left >= 0);
                if (entry->is_counted) {
                        ck_assert_int_eq((int) entry->tries_left, names[i].left);
                        ck_assert_int_eq((int) entry->tries_done, names[i].done);
                }
        }
}
END_TEST

START_TEST(sorts) {
        TEMPORARY_ROOT();

        put_text("/boot/linux", "");
        put_entry("/boot/loader/entries/old-6.9.conf", "");
        put_entry("/boot/loader/entries/old-6.12.conf", "");
        put_entry("/boot/loader/entries/f-1.conf", "sort-key fedora\nversion 9\n");
        put_entry("/boot/loader/entries/d-9.conf", "sort-key debian\nversion 6.9\n");
        put_entry("/boot/loader/entries/d-12.conf", "sort-key debian\nversion 6.12\n");
        put_entry("/boot/loader/entries/d-other.conf", "sort-key debian\nversion 5\nmachine-id 1\n");
        put_entry("/boot/loader/entries/d-13+0-3.conf", "sort-key debian\nversion 6.13\n");
        put_entry("/boot/loader/entries/d-11+1-2.conf", "sort-key debian\nversion 6.11\n");
        expect("d-12.conf d-11.conf d-9.conf d-other.conf f-1.conf old-6.12.conf old-6.9.conf d-13.conf-");
        expect_default("d-12.conf", "first in the order");

        put_entry("/boot/loader/entries/d-12+2-1.conf", "sort-key debian\nversion 6.12\n");
        put_entry("/boot/loader/entries/d-12+2.conf", "sort-key debian\nversion 6.12\n");
        ck_assert_int_eq(remove(root_path("/boot/loader/entries/d-12.conf")), 0);
        expect("d-12.conf d-12.conf d-11.conf d-9.conf d-other.conf f-1.conf old-6.12.conf old-6.9.conf d-13.conf-");
}
END_TEST

START_TEST(reads_type_2) {
        TEMPORARY_ROOT();
        _cleanup_(boot_entries_done) BootEntries entries = {};
        const BootEntry *e;

        put_uki("/efi/EFI/Linux/a+3.efi", { ".linux", "" },
                        { ".osrel", "ID=debian\nPRETTY_NAME=\"Debian GNU/Linux 14\"\nVERSION_ID='14'\nNAME=Debian\n" },
                        { ".profile", "ID=main\n" }, { ".profile", "ID=quiet\nTITLE=Quiet\n" }, { ".profile", "" },
                        { ".osrel", "NAME=Other\n" });
        put_uki("/efi/EFI/Linux/no-osrel.efi", { ".linux", "" });
        put_uki("/efi/EFI/Linux/fleet.efi", { ".osrel", "ID=x\nIMAGE_ID=fleet\nIMAGE_VERSION=9\nVERSION=1" });
        put_uki("/efi/EFI/Linux/fleet.efi.signed", { ".osrel", "ID=x\n" });
        expect("a.efi a.efi@quiet fleet.efi a.efi@2");

        ck_assert_int_eq(boot_entries_load(root, &entries), 0);
        e = entries.entries[0];
        ck_assert_int_eq(e->kind, BOOT_ENTRY_UKI);
        ck_assert_str_eq(e->title, "Debian GNU/Linux 14 (main)");
        ck_assert_str_eq(e->version, "14");
        ck_assert_str_eq(e->sort_key, "debian");
        ck_assert_str_eq(e->kernel, root_path("/efi/EFI/Linux/a+3.efi"));
        ck_assert_ptr_null(e->profile);
        ck_assert_ptr_null(e->options);
        ck_assert_uint_eq(e->tries_left, 3);
        e = entries.entries[1];
        ck_assert_str_eq(e->title, "Debian GNU/Linux 14 (Quiet)");
        ck_assert_str_eq(e->profile, "quiet");
        e = entries.entries[2];
        ck_assert_str_eq(e->title, "fleet");
        ck_assert_str_eq(e->version, "9");
        e = entries.entries[3];
        ck_assert_str_eq(e->title, "Other (further profile)");
        ck_assert_str_eq(e->profile, "2");
        ck_assert_ptr_null(e->sort_key);
}
END_TEST

START_TEST(survives_broken_ukis) {
        TEMPORARY_ROOT();
        static const UkiSection sections[] = { { ".linux", "x" }, { ".osrel", "ID=a\n" }, { ".profile", "ID=b\n" } };
        uint8_t data[4096];
        size_t size = uki_build(data, sections, ELEMENTSOF(sections));
        _cleanup_fd_ int fd = -EBADF;

        fd = root_open("/x");
        for (size_t cut = 0; cut < size; cut++) {
                _cleanup_(uki_freep) Uki *uki = NULL;

                ck_assert_int_eq(ftruncate(fd, 0), 0);
                ck_assert_int_eq((int) pwrite(fd, data, cut, 0), (int) cut);
                ck_assert_int_eq(uki_read(fd, &uki), -EBADMSG);
        }
        for (size_t at = 0; at < size; at++) {
                _cleanup_(uki_freep) Uki *uki = NULL;
                uint8_t kept = data[at];

                data[at] = 0xff;
                ck_assert_int_eq((int) pwrite(fd, data, size, 0), (int) size);
                data[at] = kept;
                if (uki_read(fd, &uki) >= 0)
                        ck_assert_uint_le(uki->n_profiles, 1);
        }
        ck_assert(!uki_is_at(root_path("/")));
        ck_assert(!uki_is_at(root_path("/nowhere")));
        put_bytes("/x", data, size);
        ck_assert(uki_is_at(root_path("/x")));
}
END_TEST

START_TEST(looks_at_a_partition_once) {
        TEMPORARY_ROOT();

        put_text("/boot/linux", "");
        put_entry("/boot/loader/entries/a.conf", "");
        ck_assert_int_eq(symlink("boot", root_path("/efi")), 0);
        expect("a.conf");
        put_text("/boot/efi/linux", "");
        put_entry("/boot/efi/loader/entries/b.conf", "");
        expect("b.conf a.conf");
}
END_TEST

/* Fedora without a partition for /boot begins paths at the root. */
START_TEST(begins_paths_elsewhere) {
        TEMPORARY_ROOT();
        _cleanup_(boot_entries_done) BootEntries entries = {};

        put_text("/boot/vmlinuz-1", "");
        put_text("/boot/loader/entries/a.conf", "linux /boot/vmlinuz-1\n");
        ck_assert_int_eq(boot_entries_load(root, &entries), 0);
        ck_assert_int_eq(entries.entries[0]->problem, BOOT_ENTRY_FINE);
        ck_assert_str_eq(entries.entries[0]->kernel, root_path("/boot/vmlinuz-1"));
}
END_TEST

START_TEST(finds_by_name) {
        TEMPORARY_ROOT();
        static const struct {
                const char *word, *id; /* NULL: -ENOENT, "": -ENOTUNIQ */
        } words[] = {
                { "a", "a.conf" },          { "a.conf", "a.conf" }, { "A.CONF", "a.conf" }, { "a+3.conf", "a.conf" },
                { "b.efi", "b.efi" },       { "b", "" },            { "b.conf", "b.conf" }, { "a.efi", NULL },
                { "b.efi@x", "b.efi@x" },   { "", NULL },           { "a.con", NULL },      { "../a", NULL },
        };
        _cleanup_(boot_entries_done) BootEntries entries = {};

        put_text("/efi/linux", "");
        put_entry("/efi/loader/entries/a+3.conf", "");
        put_entry("/efi/loader/entries/b.conf", "");
        put_uki("/efi/EFI/Linux/b.efi", { ".osrel", "ID=x\n" }, { ".profile", "" }, { ".profile", "ID=x\n" });
        ck_assert_int_eq(boot_entries_load(root, &entries), 0);
        for (size_t i = 0; i < ELEMENTSOF(words); i++) {
                const BootEntry *entry = NULL;
                int r = boot_entries_find(&entries, words[i].word, &entry);

                ck_assert_msg(r == (!words[i].id ? -ENOENT : !*words[i].id ? -ENOTUNIQ : 0), "%s", words[i].word);
                if (r == 0)
                        ck_assert_str_eq(entry->id, words[i].id);
        }
}
END_TEST

START_TEST(chooses_as_the_boot_loader) {
        TEMPORARY_ROOT();

        put_text("/efi/linux", "");
        put_entry("/efi/loader/entries/a-1.conf", "");
        put_entry("/efi/loader/entries/a-2.conf", "");
        put_entry("/efi/loader/entries/a-3+0-3.conf", "");
        put_entry("/efi/loader/entries/a-4.conf", "architecture aa65\n");
        put_entry("/efi/loader/entries/b.conf", "");
        put_text("/boot/loader/loader.conf", "default b.conf\n");
        expect_default("b.conf", "default in loader.conf");
        put_text("/efi/loader/loader.conf", "timeout 3\n#default b*\ndefault b*\ndefault A-1.*\n");
        expect_default("a-1.conf", "default in loader.conf");
        put_text("/efi/loader/loader.conf", "default nothing\n");
        expect_default("b.conf", "first in the order");
        put_variable("LoaderEntryDefault", "a-[2-9].conf");
        expect_default("a-2.conf", "LoaderEntryDefault");
        put_text("/efi/loader/loader.conf", "default b.conf\npreferred a-3.conf\n");
        expect_default("a-2.conf", "LoaderEntryDefault");
        put_variable("LoaderEntryPreferred", "a-1.conf");
        expect_default("a-1.conf", "LoaderEntryPreferred");
        put_variable("LoaderEntryOneShot", "a-4.conf");
        expect_default("a-1.conf", "LoaderEntryPreferred");
        put_variable("LoaderEntryOneShot", "A-3+0-3.conf");
        expect_default("a-3.conf", "LoaderEntryOneShot");
}
END_TEST

START_TEST(chooses_what_was_saved) {
        TEMPORARY_ROOT();

        put_text("/efi/linux", "");
        put_entry("/efi/loader/entries/a.conf", "");
        put_entry("/efi/loader/entries/b.conf", "");
        put_text("/efi/loader/loader.conf", "default @saved\n");
        expect_default("b.conf", "first in the order");
        put_variable("LoaderEntryLastBooted", "a.conf");
        expect_default("a.conf", "default in loader.conf");
        put_variable("LoaderEntryDefault", "@SAVED");
        expect_default("a.conf", "LoaderEntryDefault");
        put_bytes("/sys/firmware/efi/efivars/LoaderEntryOneShot-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f", "\7\0", 2);
        expect_default("a.conf", "LoaderEntryDefault");
        put_bytes("/sys/firmware/efi/efivars/LoaderEntryOneShot-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f",
                        "\7\0\0\0b\0.\0c\0o\0n\0f\0x", 17);
        expect_default("b.conf", "LoaderEntryOneShot");
        put_bytes("/sys/firmware/efi/efivars/LoaderEntryOneShot-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f",
                        "\7\0\0\0b\1.\0\0\0", 10);
        expect_default("a.conf", "LoaderEntryDefault");
}
END_TEST

START_TEST(matches_globs) {
        static const struct {
                const char *text, *pattern;
                bool matches;
        } globs[] = {
                { "", "", true }, { "a", "", false }, { "", "*", true },
                { "abc", "a*c", true }, { "abc", "a*b", false }, { "abcbc", "a*bc", true },
                { "abc", "a?c", true }, { "ac", "a?c", false }, { "a2", "a[1-3]", true },
                { "a4", "a[1-3]", false }, { "a]", "a[]]", true }, { "a-", "a[b-]", true },
                { "a", "[", false }, { "a", "[a", false }, { "*", "\\*", true },
                { "a", "\\*", false }, { "a\\", "a\\", true }, { "abab", "*ab", true },
                { "abc", "**c*", true }, { "ab", "[ab][ab]", true },
        };
        char text[4096], pattern[4096];

        for (size_t i = 0; i < ELEMENTSOF(globs); i++)
                ck_assert_msg(text_matches(globs[i].text, globs[i].pattern) == globs[i].matches, "%s %s", globs[i].text,
                                globs[i].pattern);
        /* In no more steps than the product of both. */
        memset(text, 'a', sizeof(text));
        text[sizeof(text) - 1] = 0;
        for (size_t i = 0; i < sizeof(pattern) - 1; i += 2)
                memcpy(pattern + i, "*a", 2);
        pattern[sizeof(pattern) - 2] = 'b';
        pattern[sizeof(pattern) - 1] = 0;
        ck_assert(!text_matches(text, pattern));
}
END_TEST

UNIT_MAIN("entries", finds_nothing, reads_type_1, refuses, bounds_what_it_reads, counts_tries, sorts, reads_type_2,
                survives_broken_ukis, looks_at_a_partition_once, begins_paths_elsewhere, finds_by_name,
                chooses_as_the_boot_loader, chooses_what_was_saved, matches_globs)
