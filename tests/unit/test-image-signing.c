/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Where the signatures are. What they are worth is another matter (trust/). */

#include "image-damage.h"

#define UKI_BYTES (BLOB_UKI_LINUX + (BLOB_BZIMAGE_BYTES + 511) / 512 * 512)
#define TABLE_BYTES (BLOB_CERTIFICATE_BYTES + 16)
#define OFFSET BLOB_CERTIFICATES
#define SIZE (BLOB_CERTIFICATES + 4)

static void blob_signed_uki(Blob *blob) {
        blob_uki(blob);
        blob_sign(blob);
}

static void blob_signed_bzimage(Blob *blob) {
        blob_pe_bzimage(blob);
        blob_sign(blob);
}

static void blob_signed_zboot(Blob *blob) {
        blob_zboot(blob);
        blob_sign(blob);
}


START_TEST(finds_certificates) {
        static void (*const builds[])(Blob *) = { blob_signed_uki, blob_signed_bzimage, blob_signed_zboot };
        static Blob blob;

        for (size_t i = 0; i < ELEMENTSOF(builds); i++) {
                _cleanup_(image_freep) Image *image = NULL;

                builds[i](&blob);
                ck_assert_int_eq(look_blob(&blob, NULL, &image), 0);
                ck_assert_uint_eq(image->signing.checksum_offset, BLOB_CHECKSUM);
                ck_assert_uint_eq(image->signing.directory_offset, BLOB_CERTIFICATES);
                ck_assert_uint_eq(image->signing.certificates.offset, blob.size - TABLE_BYTES);
                ck_assert_uint_eq(image->signing.certificates.bytes, TABLE_BYTES);
        }
}
END_TEST

/* Debuggers' symbols, for instance: they are part of the digest. */
START_TEST(takes_data_between_sections_and_certificates) {
        _cleanup_(image_freep) Image *image = NULL;
        static Blob blob;

        blob_uki(&blob);
        blob.size += 1003;
        blob_sign(&blob);
        ck_assert_int_eq(look_blob(&blob, NULL, &image), 0);
        ck_assert_uint_eq(image->signing.certificates.offset, UKI_BYTES + 1008);
}
END_TEST

START_TEST(takes_unsigned) {
        static const struct {
                size_t at;
                uint64_t value;
                bool has_directory;
        } cases[] = {
                { OFFSET,           0,    true  },
                { OFFSET,           4096, true  }, /* of no bytes */
                { BLOB_DIRECTORIES, 5,    true  },
                { BLOB_DIRECTORIES, 4,    false },
                { BLOB_DIRECTORIES, 0,    false },
        };
        static Blob blob;

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(image_freep) Image *image = NULL;

                blob_uki(&blob);
                blob_put(&blob, cases[i].at, cases[i].value, 4);
                ck_assert_int_eq(look_blob(&blob, NULL, &image), 0);
                ck_assert_uint_eq(image->signing.checksum_offset, BLOB_CHECKSUM);
                ck_assert_uint_eq(image->signing.directory_offset, cases[i].has_directory ? BLOB_CERTIFICATES : 0);
                ck_assert_uint_eq(image->signing.certificates.bytes, 0);
                ck_assert_uint_eq(image->signing.certificates.offset, 0);
        }
}
END_TEST

static const Damage uki_damages[] = {
        { "table-cut-off",              UKI_BYTES + 8,          0, 0,                IMAGE_E_CERTIFICATES },
        { "table-less-one",             UKI_BYTES + TABLE_BYTES - 1, 0, 0,           IMAGE_E_CERTIFICATES },
        { "table-gone",                 UKI_BYTES,              0, 0,                IMAGE_E_CERTIFICATES },
        { "table-at-0",                 OFFSET,                 4, 0,                IMAGE_E_CERTIFICATES },
        { "table-at-max",               OFFSET,                 4, UINT32_MAX,       IMAGE_E_CERTIFICATES },
        { "table-one-further",          OFFSET,                 4, UKI_BYTES + 1,    IMAGE_E_CERTIFICATES },
        { "table-one-earlier",          OFFSET,                 4, UKI_BYTES - 1,    IMAGE_E_CERTIFICATES },
        { "table-of-4g",                SIZE,                   4, UINT32_MAX,       IMAGE_E_CERTIFICATES },
        { "table-wraps-32-bits",        SIZE,                   4, 0x100000000 - UKI_BYTES + 8, IMAGE_E_CERTIFICATES },
        { "table-one-short",            SIZE,                   4, TABLE_BYTES - 1,  IMAGE_E_CERTIFICATES },
        { "table-of-first-only",        SIZE,                   4, BLOB_CERTIFICATE_BYTES, IMAGE_E_CERTIFICATES },
        { "table-in-last-section",      OFFSET,                 8, (UKI_BYTES - 8) | (uint64_t) (TABLE_BYTES + 8) << 32,
          IMAGE_E_CERTIFICATES },
        { "table-over-headers",         OFFSET,                 8, 64 | (uint64_t) (UKI_BYTES + TABLE_BYTES - 64) << 32,
          IMAGE_E_CERTIFICATES },
        { "table-not-aligned",          OFFSET,                 8, (UKI_BYTES + 4) | (uint64_t) (TABLE_BYTES - 4) << 32,
          IMAGE_E_CERTIFICATES },
        { "certificate-of-0",           UKI_BYTES,              4, 0,                IMAGE_E_CERTIFICATES },
        { "certificate-of-header-only", UKI_BYTES,              4, 8,                IMAGE_E_CERTIFICATES },
        { "certificate-past-table",     UKI_BYTES,              4, TABLE_BYTES + 1,  IMAGE_E_CERTIFICATES },
        { "certificate-of-4g",          UKI_BYTES,              4, UINT32_MAX,       IMAGE_E_CERTIFICATES },
        { "certificate-rounds-to-0",    UKI_BYTES,              4, 0xfffffff9,       IMAGE_E_CERTIFICATES },
        { "certificates-do-not-add-up", UKI_BYTES + BLOB_CERTIFICATE_BYTES, 4, 17,   IMAGE_E_CERTIFICATES },
        { "second-certificate-of-0",    UKI_BYTES + BLOB_CERTIFICATE_BYTES, 4, 0,    IMAGE_E_CERTIFICATES },
};

START_TEST(refuses_damaged_tables) {
        assert_damages("whole-signed-uki", blob_signed_uki, uki_damages, ELEMENTSOF(uki_damages));
}
END_TEST

START_TEST(refuses_damaged_tables_of_kernels) {
        static const Damage damages[] = {
                { "bzimage-table-in-section", OFFSET, 8, (BLOB_BZIMAGE_BYTES - 8) | (uint64_t) (TABLE_BYTES + 8) << 32,
                  IMAGE_E_CERTIFICATES },
                { "bzimage-kernel-in-table",  0x1f4, 4, 1024 / 16 + 1,                    IMAGE_E_TRUNCATED    },
                { "bzimage-table-cut-off",    BLOB_BZIMAGE_BYTES + TABLE_BYTES - 8, 0, 0, IMAGE_E_CERTIFICATES },
                { "bzimage-text-over-table",  BLOB_SECTION(0) + 16, 4, 1025,              IMAGE_E_CERTIFICATES },
                { "bzimage-pe-header-gone",   0x3c, 4, 0,                                 IMAGE_E_UNKNOWN_FORMAT },
        };

        assert_damages("whole-signed-bzimage", blob_signed_bzimage, damages, ELEMENTSOF(damages));
}
END_TEST

START_TEST(refuses_data_behind_the_table) {
        static Blob blob;

        blob_signed_uki(&blob);
        blob.size += 8;
        assert_refused("appended-to", &blob, IMAGE_E_CERTIFICATES);
        blob_signed_bzimage(&blob);
        blob.size++;
        assert_refused("bzimage-appended-to", &blob, IMAGE_E_CERTIFICATES);
}
END_TEST

/* One certificate of `bytes` bytes behind `padding`, in a table of `size`. */
static void blob_certificate(Blob *blob, size_t padding, size_t bytes, size_t size) {
        blob_uki(blob);
        blob_put(blob, OFFSET, blob->size + padding, 4);
        blob_put(blob, SIZE, size, 4);
        blob_put(blob, blob->size + padding, bytes, 4);
        blob->size += padding + size;
}

START_TEST(refuses_certificates_out_of_shape) {
        static const struct {
                const char *name;
                size_t padding, bytes, size;
        } cases[] = {
                { "certificate-not-aligned",   4, 16, 16 },
                { "certificate-without-data",  0, 8,  8  },
                { "certificate-not-padded",    0, 13, 13 },
                { "certificate-less-header",   0, 9,  4  },
        };
        _cleanup_(image_freep) Image *image = NULL;
        static Blob blob;

        blob_certificate(&blob, 8, 13, 16);
        ck_assert_int_eq(look_blob(&blob, NULL, &image), 0);
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                blob_certificate(&blob, cases[i].padding, cases[i].bytes, cases[i].size);
                assert_refused(cases[i].name, &blob, IMAGE_E_CERTIFICATES);
        }
}
END_TEST

/* Sections of a bzImage are not asked for, so one without any could be all signatures. */
START_TEST(refuses_table_in_headers) {
        const size_t at = BLOB_SECTION(1) - 8;
        static Blob blob;

        blob_pe_bzimage(&blob);
        blob_put(&blob, BLOB_SECTION(0) + 16, 0, 4);
        blob_put(&blob, OFFSET, at, 4);
        blob_put(&blob, SIZE, blob.size - at, 4);
        blob_put(&blob, at, blob.size - at, 4);
        assert_refused("bzimage-table-in-headers", &blob, IMAGE_E_CERTIFICATES);
}
END_TEST

/* Each of nine bytes, as small as they may be. */
START_TEST(bounds_number_of_certificates) {
        static Blob blob;

        for (size_t n = 32; n <= 33; n++) {
                _cleanup_(image_freep) Image *image = NULL;

                blob_uki(&blob);
                blob_put(&blob, OFFSET, blob.size, 4);
                blob_put(&blob, SIZE, n * 16, 4);
                for (size_t i = 0; i < n; i++, blob.size += 16)
                        blob_put(&blob, blob.size, 9, 4);
                ck_assert_int_eq(look_blob(&blob, NULL, &image), n > 32 ? IMAGE_E_CERTIFICATES : 0);
        }
}
END_TEST

UNIT_MAIN("image-signing", finds_certificates, takes_data_between_sections_and_certificates, takes_unsigned,
          refuses_damaged_tables, refuses_damaged_tables_of_kernels, refuses_data_behind_the_table,
          refuses_certificates_out_of_shape, refuses_table_in_headers, bounds_number_of_certificates)
