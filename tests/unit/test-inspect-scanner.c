/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <string.h>

#include "basic/cleanup.h"
#include "inspect/codec.h"
#include "inspect/scanner.h"
#include "unit.h"

DEFINE_CLEANUP(Scanner *, scanner_free)

#define TEXT(s) (s), sizeof(s) - 1

static Scanner *scan_in_pieces(const char *data, size_t size, size_t piece) {
        Scanner *scanner = scanner_new();

        ck_assert_ptr_nonnull(scanner);
        for (size_t i = 0; i < size; i += piece)
                scanner_feed(scanner, (const uint8_t *) data + i, size - i < piece ? size - i : piece);
        return scanner;
}

static Scanner *scan(const char *data, size_t size) {
        return scan_in_pieces(data, size, size);
}

static void assert_names(const char *data, size_t size, const char *expected) {
        _cleanup_(scanner_freep) Scanner *scanner = scan(data, size);
        char all[1024] = "";

        for (size_t i = 0; i < scanner_n_names(scanner); i++) {
                strcat(all, i > 0 ? " " : "");
                strcat(all, scanner_name(scanner, i));
        }
        ck_assert_str_eq(all, expected);
}

START_TEST(finds_names) {
        assert_names(TEXT("\0kho-v4\0luo-v5\0reserve-mem-v1\0kho-v4\0"), "kho-v4 luo-v5 reserve-mem-v1");
        assert_names(TEXT("kho-v4\0"), "kho-v4");
        assert_names(TEXT("\0a_b-c0-v12\0"), "a_b-c0-v12");
        /* An array in a struct, behind a pointer. */
        assert_names(TEXT("@?c\x81\xff\xff\xff\xffmemfd-v2\0\0\0"), "memfd-v2");
        /* The tail of a longer string. */
        assert_names(TEXT("\0it is not kho-v4\0\x01"
                          "3luo: no \"luo-v5\0"),
                        "kho-v4 luo-v5");
}
END_TEST

START_TEST(leaves_the_rest_alone) {
        assert_names(TEXT("\0kho-v\0kho-4\0-v4\0v4\0kho-v4x\0kho-v4 \0"), "");
        assert_names(TEXT("\0Kho-v4\0kHo-v4\0004kho-v4\0_kho-v4\0-kho-v4\0"), "");
        assert_names(TEXT("\0vendor,pcie-v2\0firmware/nic-v2\0x.ko-v2\0"), "");
        assert_names(TEXT("\0kho-v4"), ""); /* who knows how it goes on */
        assert_names(TEXT("\0a23456789-123456789-123456789-123456789-12345-v1\0"), "");
        assert_names(TEXT("\0a23456789-123456789-123456789-123456789-1234-v1\0"),
                        "a23456789-123456789-123456789-123456789-1234-v1");
}
END_TEST

START_TEST(takes_so_many_names) {
        _cleanup_(scanner_freep) Scanner *scanner = scanner_new();

        for (unsigned i = 0; i < 2 * SCANNER_NAMES_MAX; i++) {
                char name[32];
                int n = snprintf(name, sizeof(name), "n-v%u", i);

                scanner_feed(scanner, (const uint8_t *) name, (size_t) n + 1);
        }
        ck_assert_uint_eq(scanner_n_names(scanner), SCANNER_NAMES_MAX);
        ck_assert_str_eq(scanner_name(scanner, SCANNER_NAMES_MAX - 1), "n-v255");
}
END_TEST

static void assert_liveupdate(const char *data, size_t size, bool expected) {
        _cleanup_(scanner_freep) Scanner *scanner = scan(data, size);

        ck_assert_int_eq(scanner_has_liveupdate(scanner), expected);
}

START_TEST(finds_the_orchestrator) {
        assert_liveupdate(TEXT("kho\0liveupdate\0"), true);
        assert_liveupdate(TEXT("\0luo-v5\0"), true);
        assert_liveupdate(TEXT("kho\0kho-v4\0"), false);
        assert_liveupdate(TEXT("\0kernel/liveupdate\0noliveupdate\0liveupdates\0liveupdate.c\0"), false);
        assert_liveupdate(TEXT("\0luo-vx1-v1\0"), false);
}
END_TEST

START_TEST(finds_the_checksum_skip) {
        static const char *const yes[] = {
                "kexec_file: disabling checksum verification in purgatory\n",
                "disabling checksum verification in purgatory",
        };
        static const char *const no[] = {
                "disabling checksum verification in purgatory now\n",
                "disabling checksum verification in purgator\n",
                "isabling checksum verification in purgatory\n",
        };

        for (size_t i = 0; i < ELEMENTSOF(yes); i++) {
                _cleanup_(scanner_freep) Scanner *scanner = scan(yes[i], strlen(yes[i]) + 1);

                ck_assert(scanner_has_checksum_skip(scanner));
        }
        for (size_t i = 0; i < ELEMENTSOF(no); i++) {
                _cleanup_(scanner_freep) Scanner *scanner = scan(no[i], strlen(no[i]) + 1);

                ck_assert(!scanner_has_checksum_skip(scanner));
        }
}
END_TEST

static void assert_banner(const char *data, size_t size, const char *expected) {
        _cleanup_(scanner_freep) Scanner *scanner = scan(data, size);

        ck_assert_str_eq(scanner_banner(scanner), expected);
}

START_TEST(finds_the_banner) {
        char text[SCANNER_BANNER_BYTES + 32];

        assert_banner(TEXT("\0Linux version 7.3.4 (a@b) #1\n\0"), "Linux version 7.3.4 (a@b) #1");
        assert_banner(TEXT("\xff\x81xyLinux version 7.3.4\n\0Linux version 7.3.5\n\0"), "Linux version 7.3.4");
        assert_banner(TEXT("\0Linux version 7 # SMP \n\0Linux version 7 #2 SMP\n\0Linux version 7 #3\n\0"),
                      "Linux version 7 #2 SMP");
        assert_banner(TEXT("\0Linux version 7.3.4 (\xc3\xa4@b)\n\0"), "Linux version 7.3.4 (??@b)");
        assert_banner(TEXT("\0Linux version %s (%s)\n\0%s version %s\n\0"), "");
        assert_banner(TEXT("\0Linux version 7.3.4\0Linux version 7\nx\0"), "");
        assert_banner(TEXT("\0Linux version 7.3.4\n"), "");

        memset(text, 'x', sizeof(text));
        memcpy(text, TEXT("Linux version 7."));
        memcpy(text + SCANNER_BANNER_BYTES - 1, "\n", 2);
        assert_banner(text, SCANNER_BANNER_BYTES + 1, memcpy((char[SCANNER_BANNER_BYTES]) {}, text,
                                                              SCANNER_BANNER_BYTES - 1));
        memcpy(text + SCANNER_BANNER_BYTES - 1, "x\n", 3);
        assert_banner(text, SCANNER_BANNER_BYTES + 2, "");
}
END_TEST

/* Wherever the pieces end. */
START_TEST(finds_all_across_pieces) {
        static const char head[] = "\0Linux version 7.3.4 (a@b) #1\n\0kho-v4\0liveupdate\0\xff",
                          tail[] = "memfd-v2\0kexec_file: disabling checksum verification in purgatory\n\0";
        size_t gap = 200000, size = sizeof(head) - 1 + gap + sizeof(tail) - 1;
        _cleanup_free_ char *data = calloc(1, size);
        const size_t pieces[] = { 1, 2, 3, 7, 64, 1000, 65535, 65536, 65537, 131073, size };

        memcpy(data, TEXT(head));
        memset(data + sizeof(head) - 1, '.', gap);
        data[size - sizeof(tail)] = 0;
        memcpy(data + sizeof(head) - 1 + gap, TEXT(tail));
        for (size_t i = 0; i < ELEMENTSOF(pieces); i++) {
                _cleanup_(scanner_freep) Scanner *scanner = scan_in_pieces(data, size, pieces[i]);

                ck_assert_str_eq(scanner_banner(scanner), "Linux version 7.3.4 (a@b) #1");
                ck_assert_uint_eq(scanner_n_names(scanner), 2);
                ck_assert_str_eq(scanner_name(scanner, 0), "kho-v4");
                ck_assert_str_eq(scanner_name(scanner, 1), "memfd-v2");
                ck_assert(scanner_has_liveupdate(scanner));
                ck_assert(scanner_has_checksum_skip(scanner));
        }
}
END_TEST

START_TEST(knows_compressions) {
        ck_assert_ptr_eq(codec_by_name("zstd22"), &codec_zstd);
        ck_assert_ptr_eq(codec_by_name("xzkern"), &codec_xz);
        ck_assert_ptr_eq(codec_by_name("gzip"), &codec_gzip);
        ck_assert_ptr_null(codec_by_name("brotli"));
        ck_assert_ptr_null(codec_by_magic((const uint8_t[]) { 0, 0 }));
        ck_assert_ptr_null(codec_by_magic((const uint8_t[]) { 0x89, 'L' })->open);
}
END_TEST

UNIT_MAIN("inspect-scanner", finds_names, leaves_the_rest_alone, takes_so_many_names, finds_the_orchestrator,
          finds_the_checksum_skip, finds_the_banner, finds_all_across_pieces, knows_compressions)
