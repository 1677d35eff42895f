/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Which files and variables are read, and what becomes of those that cannot be. */

#include <unistd.h>

#include "temporary-root.h"
#include "trust/material.h"

#define ETC "/etc/liveupdate/trust.d/"
#define RUN "/run/liveupdate/trust.d/"
#define USR "/usr/lib/liveupdate/trust.d/"
#define EFIVARS "/sys/firmware/efi/efivars/"
#define DATABASE "-d719b2cb-3d3a-4596-a3bc-dad00e67656f"
#define SHIM "-605dab50-e046-4300-abb6-3dd810dd8b23"
#define ATTRIBUTES "\x27\0\0\0"

static void root_write_bytes(const char *path, const void *data, size_t size) {
        _cleanup_fd_ int fd = root_open(path);

        ck_assert_int_eq(write(fd, data, size), (ssize_t) size);
}

static void root_write(const char *path, const char *text) {
        root_write_bytes(path, text, strlen(text));
}

static void variable_write(const char *path, const char *text) {
        char data[64] = ATTRIBUTES;

        strcpy(data + 4, text);
        root_write_bytes(path, data, 4 + strlen(text));
}

static Material *gather(void) {
        Material *material = NULL;

        ck_assert_int_eq(material_gather(root, &material), 0);
        ck_assert_ptr_nonnull(material);
        return material;
}

/* "NAME=DATA", or "NAME:ERRNO", or "-" where there is none. Static, overwritten by the next one. */
static const char *piece(const Material *material, const char *name) {
        static char text[256];

        strcpy(text, "-");
        for (size_t i = 0; i < material->n; i++) {
                const MaterialPiece *p = &material->pieces[i];

                if (strcmp(p->name, name) != 0)
                        continue;
                ck_assert_str_eq(text, "-");
                if (p->error < 0)
                        snprintf(text, sizeof(text), "%i:%i", (int) p->kind, -p->error);
                else
                        snprintf(text, sizeof(text), "%i=%.*s", (int) p->kind, (int) p->size, p->data);
        }
        return text;
}

START_TEST(nothing_there) {
        TEMPORARY_ROOT();
        _cleanup_(material_freep) Material *material = gather();

        ck_assert_uint_eq(material->n, 0);
        ck_assert(!material->is_firmware_hidden);
}
END_TEST

START_TEST(precedence_and_masks) {
        TEMPORARY_ROOT();
        _cleanup_(material_freep) Material *material = NULL;

        root_write(ETC "a.pem", "etc");
        root_write(RUN "a.pem", "run");
        root_write(USR "a.pem", "usr");
        root_write(RUN "b.crt", "run");
        root_write(USR "b.crt", "usr");
        root_write(USR "c.cer", "usr");
        root_write(USR "d.der", "usr");
        root_write(USR "masked.pem", "usr");
        root_write(ETC "README", "no");
        root_write(ETC ".hidden.pem", "no");
        root_write(ETC "pem", "no");
        ck_assert_int_eq(symlink("/dev/null", root_path(ETC "masked.pem")), 0);
        ck_assert_int_eq(symlink("/dev/null", root_path(RUN "d.der")), 0);

        material = gather();
        ck_assert_uint_eq(material->n, 3);
        ck_assert_str_eq(piece(material, ETC "a.pem"), "0=etc");
        ck_assert_str_eq(piece(material, RUN "b.crt"), "0=run");
        ck_assert_str_eq(piece(material, USR "c.cer"), "0=usr");
}
END_TEST

START_TEST(files_that_cannot_be_read) {
        TEMPORARY_ROOT();
        _cleanup_free_ char *large = calloc(1, MATERIAL_FILE_BYTES_MAX + 1);
        _cleanup_(material_freep) Material *material = NULL;

        root_write_bytes(ETC "exact.pem", large, MATERIAL_FILE_BYTES_MAX);
        root_write_bytes(ETC "large.pem", large, MATERIAL_FILE_BYTES_MAX + 1);
        root_write(USR "large.pem", "hidden by the large one");
        ck_assert_int_eq(mkdir(root_path(ETC "directory.pem"), 0755), 0);
        ck_assert_int_eq(mkfifo(root_path(ETC "fifo.pem"), 0644), 0);
        ck_assert_int_eq(symlink("nowhere", root_path(ETC "dangling.pem")), 0);

        material = gather();
        ck_assert_uint_eq(material->n, 5);
        ck_assert_int_eq(strncmp(piece(material, ETC "exact.pem"), "0=", 2), 0);
        ck_assert_str_eq(piece(material, ETC "large.pem"), "0:27");    /* EFBIG */
        ck_assert_str_eq(piece(material, ETC "directory.pem"), "0:21"); /* EISDIR */
        ck_assert_str_eq(piece(material, ETC "fifo.pem"), "0:22");     /* EINVAL */
        ck_assert_str_eq(piece(material, ETC "dangling.pem"), "0:2");  /* ENOENT */
}
END_TEST

START_TEST(too_many_files) {
        TEMPORARY_ROOT();
        _cleanup_(material_freep) Material *material = NULL;
        char path[64];

        for (unsigned i = 0; i <= MATERIAL_FILES_MAX; i++) {
                snprintf(path, sizeof(path), ETC "%u.pem", i);
                root_write(path, "x");
        }
        material = gather();
        ck_assert_uint_eq(material->n, MATERIAL_FILES_MAX + 1);
        ck_assert_str_eq(piece(material, "/etc/liveupdate/trust.d"), "0:7"); /* E2BIG */
}
END_TEST

START_TEST(directory_that_is_none) {
        TEMPORARY_ROOT();
        _cleanup_(material_freep) Material *material = NULL;

        root_write("/etc/liveupdate/trust.d", "a file");
        root_write(USR "a.pem", "usr");
        ck_assert_int_eq(symlink("trust.d", root_path("/usr/lib/liveupdate/x")), 0);
        ck_assert_int_eq(mkdir(root_path("/run"), 0755), 0);
        ck_assert_int_eq(mkdir(root_path("/run/liveupdate"), 0755), 0);
        ck_assert_int_eq(symlink("trust.d", root_path("/run/liveupdate/trust.d")), 0);
        material = gather();
        ck_assert_uint_eq(material->n, 2);
        ck_assert_str_eq(piece(material, USR "a.pem"), "0=usr");
        ck_assert_str_eq(piece(material, "/run/liveupdate/trust.d"), "0:40"); /* ELOOP */
}
END_TEST

START_TEST(variables_of_the_firmware) {
        TEMPORARY_ROOT();
        _cleanup_(material_freep) Material *material = NULL;

        variable_write(EFIVARS "db" DATABASE, "trusted");
        variable_write(EFIVARS "dbx" DATABASE, "");
        variable_write(EFIVARS "MokListRT" SHIM, "mok");
        variable_write(EFIVARS "MokListRT1" SHIM, "mok1");
        variable_write(EFIVARS "MokListRT3" SHIM, "behind a gap");
        variable_write(EFIVARS "MokListXRT" SHIM, "mokx");
        variable_write(EFIVARS "SbatLevelRT" SHIM, "sbat,1,2");
        variable_write(EFIVARS "MokListX" SHIM, "no");
        material = gather();
        ck_assert(!material->is_firmware_hidden);
        ck_assert_uint_eq(material->n, 6);
        ck_assert_str_eq(piece(material, "db"), "1=trusted");
        ck_assert_str_eq(piece(material, "dbx"), "2=");
        ck_assert_str_eq(piece(material, "MokListRT"), "1=mok");
        ck_assert_str_eq(piece(material, "MokListRT1"), "1=mok1");
        ck_assert_str_eq(piece(material, "MokListXRT"), "2=mokx");
        ck_assert_str_eq(piece(material, "SbatLevelRT"), "3=sbat,1,2");
}
END_TEST

START_TEST(variables_that_cannot_be_read) {
        TEMPORARY_ROOT();
        _cleanup_free_ char *large = calloc(1, MATERIAL_VARIABLE_BYTES_MAX + 1);
        _cleanup_(material_freep) Material *material = NULL;

        root_write(EFIVARS "db" DATABASE, "abc");
        root_write_bytes(EFIVARS "dbx" DATABASE, large, MATERIAL_VARIABLE_BYTES_MAX + 1);
        ck_assert_int_eq(mkdir(root_path(EFIVARS "SbatLevelRT" SHIM), 0755), 0);
        material = gather();
        ck_assert_uint_eq(material->n, 3);
        ck_assert_str_eq(piece(material, "db"), "1:74");          /* EBADMSG */
        ck_assert_str_eq(piece(material, "dbx"), "2:27");         /* EFBIG */
        ck_assert_str_eq(piece(material, "SbatLevelRT"), "3:21"); /* EISDIR */
}
END_TEST

/* The kernel's copy counts before the variables, unless it is empty. */
START_TEST(table_of_shim) {
        TEMPORARY_ROOT();
        _cleanup_(material_freep) Material *material = NULL;

        root_write("/sys/firmware/efi/mok-variables/MokListRT", "whole");
        variable_write(EFIVARS "MokListRT" SHIM, "no");
        root_write("/sys/firmware/efi/mok-variables/MokListXRT", "");
        variable_write(EFIVARS "MokListXRT" SHIM, "mokx");
        material = gather();
        ck_assert_uint_eq(material->n, 2);
        ck_assert_str_eq(piece(material, "MokListRT"), "1=whole");
        ck_assert_str_eq(piece(material, "MokListXRT"), "2=mokx");
}
END_TEST

START_TEST(db_that_is_not_to_be_believed) {
        TEMPORARY_ROOT();
        _cleanup_(material_freep) Material *material = NULL;

        variable_write(EFIVARS "db" DATABASE, "trusted");
        variable_write(EFIVARS "dbx" DATABASE, "revoked");
        variable_write(EFIVARS "MokIgnoreDB" SHIM, "\1");
        material = gather();
        ck_assert_str_eq(piece(material, "db"), "-");
        ck_assert_str_eq(piece(material, "dbx"), "2=revoked");
}
END_TEST

START_TEST(firmware_that_is_hidden) {
        TEMPORARY_ROOT();
        _cleanup_(material_freep) Material *without = NULL, *empty = NULL, *there = NULL;

        root_write("/sys/firmware/efi/fw_platform_size", "64\n");
        without = gather();
        ck_assert(without->is_firmware_hidden);
        ck_assert_int_eq(mkdir(root_path("/sys/firmware/efi/efivars"), 0755), 0);
        empty = gather();
        ck_assert(empty->is_firmware_hidden);
        variable_write(EFIVARS "BootOrder-8be4df61-93ca-11d2-aa0d-00e098032b8c", "");
        there = gather();
        ck_assert(!there->is_firmware_hidden);
}
END_TEST

UNIT_MAIN("trust-material", nothing_there, precedence_and_masks, files_that_cannot_be_read, too_many_files,
                directory_that_is_none, variables_of_the_firmware, variables_that_cannot_be_read, table_of_shim,
                db_that_is_not_to_be_believed, firmware_that_is_hidden)
