/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "image-damage.h"

#define PAYLOAD BLOB_ZBOOT_PAYLOAD
#define PAYLOAD_BYTES BLOB_ZBOOT_PAYLOAD_BYTES
#define ZBOOT_BYTES (BLOB_ZBOOT_SBAT + 512)

START_TEST(takes_zboot) {
        _cleanup_(image_freep) Image *image = NULL;
        static Blob blob;

        blob_zboot(&blob);
        ck_assert_int_eq(look_blob(&blob, NULL, &image), 0);
        ck_assert_int_eq(image->kind, IMAGE_ZBOOT);
        ck_assert_str_eq(image->compression, "zstd");
        ck_assert_str_eq(image->sbat, "sbat,1\n");
        ck_assert_uint_eq(image->sections[IMAGE_SECTION_LINUX].offset, PAYLOAD);
        ck_assert_uint_eq(image->sections[IMAGE_SECTION_LINUX].bytes, PAYLOAD_BYTES);
        ck_assert_ptr_null(image->release);
        ck_assert_uint_eq(image->boot.setup_bytes, 0);
}
END_TEST

START_TEST(refuses_damaged_zboots) {
        static const Damage damages[] = {
                { "zboot-header-cut-off",       8,                  0, 0,             IMAGE_E_TRUNCATED       },
                { "zboot-before-pe-header",     64,                 0, 0,             IMAGE_E_TRUNCATED       },
                { "zboot-payload-cut-off",      PAYLOAD + 699,      0, 0,             IMAGE_E_SECTION_RANGE   },
                { "zboot-payload-past-end",     8,                  4, ZBOOT_BYTES,   IMAGE_E_TRUNCATED       },
                { "zboot-payload-one-too-far",  8,                  4, ZBOOT_BYTES - 699, IMAGE_E_TRUNCATED   },
                { "zboot-payload-at-max",       8,                  4, UINT32_MAX,    IMAGE_E_TRUNCATED       },
                { "zboot-payload-in-headers",   8,                  4, 0x40,          IMAGE_E_SECTION_RANGE   },
                { "zboot-payload-at-0",         8,                  4, 0,             IMAGE_E_SECTION_RANGE   },
                { "zboot-payload-of-4g",        12,                 4, UINT32_MAX,    IMAGE_E_TRUNCATED       },
                { "zboot-payload-wraps",        12,                 4, UINT32_MAX - PAYLOAD + 1, IMAGE_E_TRUNCATED },
                { "zboot-payload-of-0",         12,                 4, 0,             IMAGE_E_SECTION_MISSING },
                { "zboot-without-compression",  24,                 1, 0,             IMAGE_E_UNKNOWN_FORMAT  },
                { "zboot-compression-not-text", 25,                 1, 0x1b,          IMAGE_E_UNKNOWN_FORMAT  },
                { "zboot-no-magic",             4,                  1, 'Z',           IMAGE_E_SECTION_MISSING },
                { "zboot-for-arm64",            BLOB_PE_HEADER + 4, 2, 0xaa64,        IMAGE_E_WRONG_MACHINE   },
                { "zboot-for-riscv",            BLOB_PE_HEADER + 4, 2, 0x5064,        IMAGE_E_WRONG_MACHINE   },
                { "zboot-32-bit",               BLOB_OPTIONAL_HEADER, 2, 0x10b,       IMAGE_E_WRONG_MACHINE   },
                { "zboot-no-pe-header",         BLOB_PE_HEADER,     4, 0,             IMAGE_E_UNKNOWN_FORMAT  },
                { "zboot-sbat-not-text",        BLOB_ZBOOT_SBAT,    1, 0xff,          IMAGE_E_SBAT            },
        };

        assert_damages("whole-zboot", blob_zboot, damages, ELEMENTSOF(damages));
}
END_TEST

START_TEST(compression_fits_the_header) {
        _cleanup_(image_freep) Image *image = NULL;
        static Blob blob;

        blob_zboot(&blob);
        memset(blob.data + 24, 'x', 31);
        ck_assert_int_eq(look_blob(&blob, NULL, &image), 0);
        ck_assert_uint_eq(strlen(image->compression), 31);
        memset(blob.data + 24, 'x', 32);
        assert_refused("zboot-compression-without-end", &blob, IMAGE_E_UNKNOWN_FORMAT);
}
END_TEST

START_TEST(payload_is_no_certificate) {
        static Blob blob;

        blob_zboot(&blob);
        blob_sign(&blob);
        blob_put(&blob, 8, ZBOOT_BYTES - 690, 4);
        assert_refused("zboot-payload-in-table", &blob, IMAGE_E_SECTION_RANGE);
}
END_TEST

UNIT_MAIN("image-zboot", takes_zboot, refuses_damaged_zboots, compression_fits_the_header, payload_is_no_certificate)
