/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A corpus of damaged images, each with the one error it must be refused with. With $LIVEUPDATE_TEST_CORPUS they
 * are written there too: seeds for fuzz-image. */

#include <errno.h>
#include <fcntl.h>

#include "image-build.h"
#include "image/answer.h"
#include "image/text.h"
#include "unit.h"

typedef struct Damage {
        const char *name;
        size_t at, width; /* width 0: cut off there */
        uint64_t value;
        ImageError error;
} Damage;

#define RAW_PADDED(bytes) (((bytes) + 511) / 512 * 512)
#define UKI_BYTES (BLOB_UKI_LINUX + RAW_PADDED(BLOB_BZIMAGE_BYTES))
#define NAME(i) (BLOB_SECTION(i))
#define CONTENT(i) (BLOB_SECTION(i) + 8)
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
        { "cmdline-inside-linux",   RAW(UKI_CMDLINE),          4, BLOB_UKI_LINUX + 512,   IMAGE_E_SECTION_RANGE },

        /* names */
        { "no-linux",               NAME(UKI_LINUX) + 1,       1, 'x',                 IMAGE_E_SECTION_MISSING },
        { "linux-without-raw",      RAW_BYTES(UKI_LINUX),      4, 0,                   IMAGE_E_SECTION_MISSING },
        { "linux-without-content",  CONTENT(UKI_LINUX),        4, 0,                   IMAGE_E_SECTION_MISSING },
        { "linux-twice",            NAME(UKI_INITRD),          8, 0x78756e696c2eULL,   IMAGE_E_SECTION_TWICE   },
        { "cmdline-twice",          NAME(UKI_OSREL),           8, 0x656e696c646d632eULL, IMAGE_E_SECTION_TWICE },
        { "initrd-twice",           NAME(UKI_UNAME),           8, 0x647274696e692eULL, IMAGE_E_SECTION_TWICE },
        { "linux-in-profile-only",  NAME(UKI_OSREL),           8, 0x656c69666f72702eULL, IMAGE_E_SECTION_MISSING },

        /* contents */
        { "cmdline-with-nul",       BLOB_UKI_CMDLINE + 4,      1, 0,          IMAGE_E_CMDLINE         },
        { "cmdline-with-escape",    BLOB_UKI_CMDLINE + 4,      1, 0x1b,       IMAGE_E_CMDLINE         },
        { "cmdline-not-utf8",       BLOB_UKI_CMDLINE + 4,      1, 0xff,       IMAGE_E_CMDLINE         },
        { "linux-cut-by-content",   CONTENT(UKI_LINUX),        4, BLOB_BZIMAGE_BYTES - 1, IMAGE_E_TRUNCATED },
        { "linux-less-than-header", CONTENT(UKI_LINUX),        4, 600,        IMAGE_E_TRUNCATED       },
        { "linux-of-4-bytes",       CONTENT(UKI_LINUX),        4, 4,          IMAGE_E_UNKNOWN_FORMAT  },
        { "linux-no-bzimage",       BLOB_UKI_LINUX + 0x202,    1, 0,          IMAGE_E_UNKNOWN_FORMAT  },
        { "linux-old",              BLOB_UKI_LINUX + 0x206,    2, 0x200,      IMAGE_E_NOT_RELOCATABLE },
        { "linux-syssize-max",      BLOB_UKI_LINUX + 0x1f4,    4, UINT32_MAX, IMAGE_E_TRUNCATED       },
};

static void corpus_write(const char *name, const Blob *blob) {
        const char *directory = getenv("LIVEUPDATE_TEST_CORPUS");
        _cleanup_free_ char *path = NULL;
        _cleanup_fd_ int fd = -EBADF;

        if (!directory)
                return;
        ck_assert_int_gt(asprintf(&path, "%s/%s", directory, name), 0);
        fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(write_full(fd, blob->data, blob->size), 0);
}

static void assert_refused(const char *name, const Blob *blob, ImageError error) {
        _cleanup_free_ char *detail = NULL;
        _cleanup_fd_ int fd = blob_fd(blob);
        Image *image = NULL;
        int r;

        corpus_write(name, blob);
        r = image_open(fd, &image, &detail);
        ck_assert_msg(r == (int) error, "%s: %i %s (%s), not %s", name, r, image_error_to_string((ImageError) r),
                        detail ?: "", image_error_to_string(error));
        ck_assert_msg(detail || error == IMAGE_E_EMPTY, "%s: no detail", name);
        ck_assert_ptr_null(image);
}

static void assert_damages(void (*build)(Blob *), const Damage *damages, size_t n) {
        static Blob blob;

        build(&blob);
        corpus_write(build == blob_uki ? "whole-uki" : "whole-bzimage", &blob);
        for (size_t i = 0; i < n; i++) {
                build(&blob);
                if (damages[i].width)
                        blob_put(&blob, damages[i].at, damages[i].value, damages[i].width);
                else
                        blob.size = damages[i].at;
                assert_refused(damages[i].name, &blob, damages[i].error);
        }
}

START_TEST(refuses_damaged_bzimages) {
        assert_damages(blob_bzimage, bzimage_damages, ELEMENTSOF(bzimage_damages));
}
END_TEST

START_TEST(refuses_damaged_ukis) {
        assert_damages(blob_uki, uki_damages, ELEMENTSOF(uki_damages));
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

START_TEST(refuses_long_cmdline) {
        static Blob blob, kernel, cmdline;
        const size_t sizes[] = { 2047, 2048, sizeof(cmdline.data) / 2 };

        blob_bzimage(&kernel);
        memset(cmdline.data, 'c', sizeof(cmdline.data));
        for (size_t i = 0; i < ELEMENTSOF(sizes); i++) {
                _cleanup_(image_freep) Image *image = NULL;
                _cleanup_free_ char *detail = NULL;
                _cleanup_fd_ int fd = -EBADF;

                blob_pe(&blob,
                                (const BlobSection[]) { { ".linux", kernel.data, kernel.size },
                                                { ".cmdline", cmdline.data, sizes[i] } },
                                2);
                fd = blob_fd(&blob);
                ck_assert_int_eq(image_open(fd, &image, &detail), sizes[i] > 2047 ? IMAGE_E_CMDLINE : 0);
        }
}
END_TEST

static ImageAnswer good_answer(void) {
        return (ImageAnswer) { .kind = IMAGE_UKI, .parts = { { 10, 90 }, { 100, 0 }, { 0, 100 } }, .release = "1" };
}

static int checked(const ImageAnswer *answer) {
        ImageAnswer copy;

        return image_answer_check(answer, sizeof(*answer), 100, &copy);
}

START_TEST(doubts_parser) {
        ImageAnswer a = good_answer();

        ck_assert_int_eq(checked(&a), 0);
        ck_assert_int_eq(image_answer_check(&a, sizeof(a) - 1, 100, &a), -EBADMSG);
        ck_assert_int_eq(image_answer_check(&a, 0, 100, &a), -EBADMSG);
#define DOUBT(field, value)                                                                                  \
        do {                                                                                                 \
                a = good_answer();                                                                           \
                a.field = (value);                                                                           \
                ck_assert_int_eq(checked(&a), -EBADMSG);                                                     \
        } while (false)
        DOUBT(result, IMAGE_E_PARSER_DIED);
        DOUBT(result, 1000);
        DOUBT(result, -4096);
        DOUBT(result, INT32_MIN);
        DOUBT(kind, 2);
        DOUBT(kind, UINT32_MAX);
        DOUBT(parts[IMAGE_PART_KERNEL].bytes, 0);
        DOUBT(parts[IMAGE_PART_KERNEL].bytes, 91);
        DOUBT(parts[IMAGE_PART_KERNEL].bytes, UINT64_MAX);
        DOUBT(parts[IMAGE_PART_KERNEL].offset, UINT64_MAX);
        DOUBT(parts[IMAGE_PART_OSREL].offset, 101);
        DOUBT(release[0], '\x1b');
        DOUBT(detail[0], '\x80');
        a = good_answer();
        memset(a.release, 'r', sizeof(a.release));
        ck_assert_int_eq(checked(&a), -EBADMSG);
        a = good_answer();
        memset(a.detail, 'd', sizeof(a.detail));
        ck_assert_int_eq(checked(&a), -EBADMSG);
}
END_TEST

START_TEST(reads_texts) {
        static const struct {
                int (*func)(const char *, size_t, char **);
                const char *text, *expected; /* NULL: refused */
        } texts[] = {
                { text_release,     "6.1.0\n",                         "6.1.0"         },
                { text_release,     "6.1.0\nsecond",                   "6.1.0"         },
                { text_release,     "",                                NULL            },
                { text_release,     "\n6.1",                           NULL            },
                { text_release,     "6.1 0",                           NULL            },
                { text_pretty_name, "PRETTY_NAME=Plain",               "Plain"         },
                { text_pretty_name, "A=1\nPRETTY_NAME='a \\b'\r\n",    "a \\b"         },
                { text_pretty_name, "PRETTY_NAME=\"a \\$b \\\"c\\\"\"", "a $b \"c\""   },
                { text_pretty_name, "PRETTY_NAME=\"Gr\xc3\xb6\xc3\x9f\x65\"", "Gr\xc3\xb6\xc3\x9f\x65" },
                { text_pretty_name, "PRETTY_NAME=\"open",              NULL            },
                { text_pretty_name, "PRETTY_NAME=\xc0\x80",            NULL            }, /* overlong NUL */
                { text_pretty_name, "PRETTY_NAME=\xed\xa0\x80",        NULL            }, /* surrogate */
                { text_pretty_name, "PRETTY_NAME=\xc3",                NULL            }, /* cut off */
                { text_pretty_name, "PRETTY_NAME=\xc2\x9b",            NULL            }, /* C1 control: CSI */
                { text_pretty_name, "PRETTY_NAME=a\tb",                NULL            },
                { text_pretty_name, "NAME=x\n",                        NULL            },
        };

        for (size_t i = 0; i < ELEMENTSOF(texts); i++) {
                _cleanup_free_ char *found = NULL;
                int r = texts[i].func(texts[i].text, strlen(texts[i].text), &found);

                ck_assert_msg(r == (texts[i].expected ? 0 : -EBADMSG), "%s", texts[i].text);
                ck_assert(texts[i].expected ? strcmp(found, texts[i].expected) == 0 : !found);
        }
}
END_TEST

UNIT_MAIN("image-broken", refuses_damaged_bzimages, refuses_damaged_ukis, refuses_other_files,
          refuses_long_cmdline, doubts_parser, reads_texts)
