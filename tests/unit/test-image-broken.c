/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A corpus of damaged bzImages and UKIs. Images with other faults are in the tests of signing, profiles and zboot. */

#include "image-damage.h"

#define RAW_PADDED(bytes) (((bytes) + 511) / 512 * 512)
#define UKI_BYTES (BLOB_UKI_LINUX + RAW_PADDED(BLOB_BZIMAGE_BYTES))
#define NAME(i) (BLOB_SECTION(i))
#define CONTENT(i) (BLOB_SECTION(i) + 8)
#define ADDRESS(i) (BLOB_SECTION(i) + 12)
#define RAW_BYTES(i) (BLOB_SECTION(i) + 16)
#define RAW(i) (BLOB_SECTION(i) + 20)

static const Damage bzimage_damages[] = {
        { "empty",                  0,                      0, 0,          IMAGE_E_EMPTY           },
        { "one-byte",               1,                      0, 0,          IMAGE_E_UNKNOWN_FORMAT  },
        { "before-boot-flag",       0x1fe,                  0, 0,          IMAGE_E_UNKNOWN_FORMAT  },
        { "before-magic-ends",      0x205,                  0, 0,          IMAGE_E_UNKNOWN_FORMAT  },
        { "after-magic",            0x206,                  0, 0,          IMAGE_E_TRUNCATED       },
        { "header-less-one",        1023,                   0, 0,          IMAGE_E_TRUNCATED       },
        { "header-only",            1024,                   0, 0,          IMAGE_E_TRUNCATED       },
        { "setup-only",             5 * 512,                0, 0,          IMAGE_E_TRUNCATED       },
        { "less-one",               BLOB_BZIMAGE_BYTES - 1, 0, 0,          IMAGE_E_TRUNCATED       },
        { "setup-sects-max",        0x1f1,                  1, 0xff,       IMAGE_E_TRUNCATED       },
        { "syssize-one-more",       0x1f4,                  4, 65,         IMAGE_E_TRUNCATED       },
        { "syssize-max",            0x1f4,                  4, UINT32_MAX, IMAGE_E_TRUNCATED       },
        { "syssize-wraps-32-bits",  0x1f4,                  4, 0x10000000, IMAGE_E_TRUNCATED       },
        { "no-boot-flag",           0x1fe,                  2, 0,          IMAGE_E_UNKNOWN_FORMAT  },
        { "no-magic",               0x202,                  1, 'h',        IMAGE_E_UNKNOWN_FORMAT  },
        { "header-jump-backwards",  0x201,                  1, 0xff,       IMAGE_E_NOT_RELOCATABLE },
        { "header-jump-too-short",  0x201,                  1, 0x61,       IMAGE_E_NOT_RELOCATABLE },
        { "no-alignment",           0x230,                  4, 0,          IMAGE_E_NOT_RELOCATABLE },
        { "odd-alignment",          0x230,                  4, 0x200001,   IMAGE_E_NOT_RELOCATABLE },
        { "no-room-for-cmdline",    0x238,                  4, 30,         IMAGE_E_NOT_RELOCATABLE },
        { "payload-one-further",    0x248,                  4, 0x101,      IMAGE_E_TRUNCATED       },
        { "payload-at-max",         0x248,                  4, UINT32_MAX, IMAGE_E_TRUNCATED       },
        { "payload-of-4g",          0x24c,                  4, UINT32_MAX, IMAGE_E_TRUNCATED       },
        { "payload-wraps-32-bits",  0x24c,                  4, 0xffffff00, IMAGE_E_TRUNCATED       },
        { "address-wraps-64-bits",  0x258,                  8, UINT64_MAX, IMAGE_E_NOT_RELOCATABLE },
        { "no-init-size",           0x260,                  4, 0,          IMAGE_E_NOT_RELOCATABLE },
        { "old-protocol",           0x206,                  2, 0x20b,      IMAGE_E_NOT_RELOCATABLE },
        { "zimage",                 0x211,                  1, 0,          IMAGE_E_NOT_RELOCATABLE },
        { "not-relocatable",        0x234,                  1, 0,          IMAGE_E_NOT_RELOCATABLE },
        { "32-bit",                 0x236,                  2, 2,          IMAGE_E_NOT_RELOCATABLE },
        { "below-4g-only",          0x236,                  2, 1,          IMAGE_E_NOT_RELOCATABLE },
};

static const Damage uki_damages[] = {
        /* cut off */
        { "mz-only",                2,                        0, 0, IMAGE_E_TRUNCATED     },
        { "dos-header-less-one",    63,                       0, 0, IMAGE_E_TRUNCATED     },
        { "dos-header",             64,                       0, 0, IMAGE_E_TRUNCATED     },
        { "pe-signature",           BLOB_PE_HEADER + 4,       0, 0, IMAGE_E_TRUNCATED     },
        { "coff-header-less-one",   BLOB_PE_HEADER + 23,      0, 0, IMAGE_E_TRUNCATED     },
        { "coff-header",            BLOB_OPTIONAL_HEADER,     0, 0, IMAGE_E_TRUNCATED     },
        { "optional-magic",         BLOB_OPTIONAL_HEADER + 2, 0, 0, IMAGE_E_TRUNCATED     },
        { "optional-header",        BLOB_SECTIONS,            0, 0, IMAGE_E_TRUNCATED     },
        { "one-section-header",     BLOB_SECTION(1),          0, 0, IMAGE_E_TRUNCATED     },
        { "section-table-less-one", BLOB_SECTION(5) - 1,      0, 0, IMAGE_E_TRUNCATED     },
        { "section-table",          BLOB_SECTION(5),          0, 0, IMAGE_E_SECTION_RANGE },
        { "before-linux",           BLOB_UKI_LINUX,           0, 0, IMAGE_E_SECTION_RANGE },
        { "uki-less-one",           UKI_BYTES - 1,            0, 0, IMAGE_E_SECTION_RANGE },

        /* headers */
        { "pe-header-at-itself",    0x3c,                      4, 0,          IMAGE_E_UNKNOWN_FORMAT  },
        { "pe-header-in-dos-header", 0x3c,                     4, 0x3c,       IMAGE_E_UNKNOWN_FORMAT  },
        { "pe-header-past-end",     0x3c,                      4, UKI_BYTES,  IMAGE_E_TRUNCATED       },
        { "pe-header-at-max",       0x3c,                      4, UINT32_MAX, IMAGE_E_TRUNCATED       },
        { "no-pe-signature",        BLOB_PE_HEADER,            1, 'N',        IMAGE_E_UNKNOWN_FORMAT  },
        { "i386",                   BLOB_PE_HEADER + 4,        2, 0x14c,      IMAGE_E_WRONG_MACHINE   },
        { "arm64",                  BLOB_PE_HEADER + 4,        2, 0xaa64,     IMAGE_E_WRONG_MACHINE   },
        { "no-sections",            BLOB_PE_HEADER + 6,        2, 0,          IMAGE_E_SECTION_MISSING },
        { "97-sections",            BLOB_PE_HEADER + 6,        2, 97,         IMAGE_E_UNKNOWN_FORMAT  },
        { "65535-sections",         BLOB_PE_HEADER + 6,        2, 0xffff,     IMAGE_E_UNKNOWN_FORMAT  },
        { "no-optional-header",     BLOB_PE_HEADER + 20,       2, 0,          IMAGE_E_UNKNOWN_FORMAT  },
        { "short-optional-header",  BLOB_PE_HEADER + 20,       2, 111,        IMAGE_E_UNKNOWN_FORMAT  },
        { "huge-optional-header",   BLOB_PE_HEADER + 20,       2, 0xffff,     IMAGE_E_UNKNOWN_FORMAT  },
        { "pe32",                   BLOB_OPTIONAL_HEADER,      2, 0x10b,      IMAGE_E_WRONG_MACHINE   },
        { "directories-do-not-fit", BLOB_DIRECTORIES,          4, 17,         IMAGE_E_UNKNOWN_FORMAT  },
        { "directories-of-4g",      BLOB_DIRECTORIES,          4, UINT32_MAX, IMAGE_E_UNKNOWN_FORMAT  },
        { "directories-wrap",       BLOB_DIRECTORIES,          4, 0x20000001, IMAGE_E_UNKNOWN_FORMAT  },
        { "rom-image",              BLOB_OPTIONAL_HEADER,      2, 0x107,      IMAGE_E_UNKNOWN_FORMAT  },

        /* ranges */
        { "initrd-past-end",        RAW(UKI_INITRD),           4, UKI_BYTES,              IMAGE_E_SECTION_RANGE },
        { "initrd-at-max",          RAW(UKI_INITRD),           4, UINT32_MAX,             IMAGE_E_SECTION_RANGE },
        { "initrd-of-4g",           RAW_BYTES(UKI_INITRD),     4, UINT32_MAX,             IMAGE_E_SECTION_RANGE },
        { "initrd-wraps-32-bits",   RAW_BYTES(UKI_INITRD),     4, UINT32_MAX - 0xa00 + 1, IMAGE_E_SECTION_RANGE },
        { "linux-one-more",         RAW_BYTES(UKI_LINUX),      4, 3585,                   IMAGE_E_SECTION_RANGE },
        { "osrel-past-end",         RAW(UKI_OSREL),            4, UKI_BYTES - 511,        IMAGE_E_SECTION_RANGE },
        { "initrd-on-dos-header",   RAW(UKI_INITRD),           4, 0,                      IMAGE_E_SECTION_RANGE },
        { "initrd-on-section-table", RAW(UKI_INITRD),          4, BLOB_SECTION(5) - 1,    IMAGE_E_SECTION_RANGE },
        { "initrd-on-linux",        RAW(UKI_INITRD),           4, BLOB_UKI_LINUX,         IMAGE_E_SECTION_RANGE },
        { "initrd-into-linux",      RAW_BYTES(UKI_INITRD),     4, 0x601,                  IMAGE_E_SECTION_RANGE },
        { "content-wraps-address",  CONTENT(UKI_INITRD),       4, UINT32_MAX,             IMAGE_E_SECTION_RANGE },
        { "address-wraps-32-bits",  ADDRESS(UKI_INITRD),       4, UINT32_MAX,             IMAGE_E_SECTION_RANGE },
        { "cmdline-inside-linux",   RAW(UKI_CMDLINE),          4, BLOB_UKI_LINUX + 512,   IMAGE_E_SECTION_RANGE },

        /* names */
        { "linux-without-raw",      RAW_BYTES(UKI_LINUX),      4, 0,                   IMAGE_E_SECTION_MISSING },
        { "linux-without-content",  CONTENT(UKI_LINUX),        4, 0,                   IMAGE_E_SECTION_MISSING },
        { "linux-twice",            NAME(UKI_INITRD),          8, 0x78756e696c2eULL,   IMAGE_E_SECTION_TWICE   },
        { "cmdline-twice",          NAME(UKI_OSREL),           8, 0x656e696c646d632eULL, IMAGE_E_SECTION_TWICE },
        { "initrd-twice",           NAME(UKI_UNAME),           8, 0x647274696e692eULL, IMAGE_E_SECTION_TWICE },
        { "uname-twice",            NAME(UKI_OSREL),           8, 0x656d616e752eULL,   IMAGE_E_SECTION_TWICE   },

        /* contents */
        { "cmdline-with-nul",       BLOB_UKI_CMDLINE + 4,      1, 0,          IMAGE_E_CMDLINE         },
        { "cmdline-with-escape",    BLOB_UKI_CMDLINE + 4,      1, 0x1b,       IMAGE_E_CMDLINE         },
        { "cmdline-not-utf8",       BLOB_UKI_CMDLINE + 4,      1, 0xff,       IMAGE_E_CMDLINE         },
        { "linux-cut-by-content",   CONTENT(UKI_LINUX),        4, BLOB_BZIMAGE_BYTES - 1, IMAGE_E_TRUNCATED },
        { "linux-less-than-header", CONTENT(UKI_LINUX),        4, 600,        IMAGE_E_TRUNCATED       },
        { "linux-of-4-bytes",       CONTENT(UKI_LINUX),        4, 4,          IMAGE_E_UNKNOWN_FORMAT  },
        { "linux-no-bzimage",       BLOB_UKI_LINUX + 0x202,    1, 0,          IMAGE_E_UNKNOWN_FORMAT  },
        { "linux-jump-backwards",   BLOB_UKI_LINUX + 0x201,    1, 0x80,       IMAGE_E_NOT_RELOCATABLE },
        { "linux-payload-outside",  BLOB_UKI_LINUX + 0x248,    4, 0x401,      IMAGE_E_TRUNCATED       },
        { "linux-setup-sects-max",  BLOB_UKI_LINUX + 0x1f1,    1, 0xff,       IMAGE_E_TRUNCATED       },
        { "linux-old",              BLOB_UKI_LINUX + 0x206,    2, 0x200,      IMAGE_E_NOT_RELOCATABLE },
        { "linux-syssize-max",      BLOB_UKI_LINUX + 0x1f4,    4, UINT32_MAX, IMAGE_E_TRUNCATED       },
};

_Static_assert(ELEMENTSOF(bzimage_damages) + ELEMENTSOF(uki_damages) >= 60,
                "the corpus has at least 60 broken images");

START_TEST(refuses_damaged_bzimages) {
        assert_damages("whole-bzimage", blob_bzimage, bzimage_damages, ELEMENTSOF(bzimage_damages));
}
END_TEST

START_TEST(refuses_damaged_ukis) {
        assert_damages("whole-uki", blob_uki, uki_damages, ELEMENTSOF(uki_damages));
}
END_TEST

static void assert_different(void (*build)(Blob *), const Damage *damages, size_t n) {
        _cleanup_free_ Blob *blobs = calloc(n, sizeof(*blobs));

        ck_assert_ptr_nonnull(blobs);
        for (size_t i = 0; i < n; i++) {
                blob_damaged(&blobs[i], build, &damages[i]);
                for (size_t j = 0; j < i; j++)
                        ck_assert_msg(blobs[i].size != blobs[j].size ||
                                        memcmp(blobs[i].data, blobs[j].data, blobs[i].size) != 0,
                                        "%s is the same as %s", damages[i].name, damages[j].name);
        }
}

START_TEST(damages_differ) {
        assert_different(blob_bzimage, bzimage_damages, ELEMENTSOF(bzimage_damages));
        assert_different(blob_uki, uki_damages, ELEMENTSOF(uki_damages));
}
END_TEST

START_TEST(refuses_other_files) {
        static Blob blob;

        blob.size = 4096;
        assert_refused("zeros", &blob, IMAGE_E_UNKNOWN_FORMAT);
        memset(blob.data, 'M', blob.size);
        assert_refused("letters", &blob, IMAGE_E_UNKNOWN_FORMAT);
        memset(blob.data, 0xff, blob.size);
        assert_refused("ones", &blob, IMAGE_E_UNKNOWN_FORMAT);
        blob.size = strlen(strcpy((char *) blob.data, "#!/bin/sh\necho no kernel\n"));
        assert_refused("script", &blob, IMAGE_E_UNKNOWN_FORMAT);
}
END_TEST

/* All would be well if the PE header were not where the DOS header is. */
START_TEST(refuses_headers_in_each_other) {
        static Blob blob;

        blob_uki(&blob);
        memmove(blob.data + 0x10, blob.data + BLOB_PE_HEADER, BLOB_SECTION(_UKI_MAX) - BLOB_PE_HEADER);
        blob_put(&blob, 0x3c, 0x10, 4);
        assert_refused("pe-header-over-dos-header", &blob, IMAGE_E_UNKNOWN_FORMAT);
}
END_TEST

START_TEST(refuses_long_cmdline) {
        static Blob blob, kernel, cmdline;
        const size_t sizes[] = { 2047, 2048, sizeof(cmdline.data) / 2 };

        blob_bzimage(&kernel);
        memset(cmdline.data, 'c', sizeof(cmdline.data));
        for (size_t i = 0; i < ELEMENTSOF(sizes); i++) {
                _cleanup_(image_freep) Image *image = NULL;

                blob_pe(&blob,
                                (const BlobSection[]) { { ".linux", kernel.data, kernel.size },
                                                { ".cmdline", cmdline.data, sizes[i] } },
                                2);
                ck_assert_int_eq(look_blob(&blob, NULL, &image), sizes[i] > 2047 ? IMAGE_E_CMDLINE : 0);
        }
}
END_TEST

UNIT_MAIN("image-broken", refuses_damaged_bzimages, refuses_damaged_ukis, damages_differ, refuses_other_files,
          refuses_headers_in_each_other, refuses_long_cmdline)
