/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The daemon's side of the sandbox: the parser's answer is doubted, and texts are hostile. */

#include <errno.h>
#include <string.h>

#include "basic/io.h"
#include "image/answer.h"
#include "image/text.h"
#include "unit.h"

#define FILE_BYTES 1000

static ImageAnswer good_answer(void) {
        return (ImageAnswer) {
                .kind = IMAGE_UKI,
                .profile = 1,
                .n_profiles = 2,
                .sections = { [IMAGE_SECTION_LINUX] = { 300, 600 }, [IMAGE_SECTION_INITRD] = { 900, 60 } },
                .profiles = { { 960, 10 }, { 970, 10 } },
                .boot = { .setup_bytes = 100, .alignment = 4096, .payload = { 200, 400 } },
                .signing = { .checksum_offset = 200, .directory_offset = 280, .certificates = { 980, 20 } },
                .release = "1",
        };
}

static int checked(const ImageAnswer *answer) {
        ImageAnswer copy;

        return image_answer_check(answer, sizeof(*answer), FILE_BYTES, &copy);
}

START_TEST(doubts_parser) {
        ImageAnswer a = good_answer();

        ck_assert_int_eq(checked(&a), 0);
        ck_assert_int_eq(image_answer_check(&a, sizeof(a) - 1, FILE_BYTES, &a), -EBADMSG);
        ck_assert_int_eq(image_answer_check(&a, 0, FILE_BYTES, &a), -EBADMSG);
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
        DOUBT(result, _IMAGE_ERROR_MAX);
        DOUBT(kind, IMAGE_BZIMAGE); /* is all of the file */
        DOUBT(kind, IMAGE_ZBOOT);
        DOUBT(kind, IMAGE_ADDON);
        DOUBT(kind, IMAGE_ADDON + 1);
        DOUBT(kind, UINT32_MAX);
        DOUBT(profile, 2);
        DOUBT(n_profiles, 0);
        DOUBT(n_profiles, IMAGE_PROFILES_MAX + 1);
        DOUBT(profiles[0].offset, FILE_BYTES);
        DOUBT(profiles[1].bytes, UINT64_MAX);
        DOUBT(sections[IMAGE_SECTION_LINUX].bytes, 0);
        DOUBT(sections[IMAGE_SECTION_LINUX].bytes, 701);
        DOUBT(sections[IMAGE_SECTION_LINUX].bytes, UINT64_MAX);
        DOUBT(sections[IMAGE_SECTION_LINUX].offset, UINT64_MAX);
        DOUBT(sections[IMAGE_SECTION_LINUX].offset, 287);   /* in what is not signed of the headers */
        DOUBT(sections[IMAGE_SECTION_INITRD].bytes, 81);    /* among the certificates */
        DOUBT(sections[IMAGE_SECTION_INITRD].offset, 985);
        DOUBT(boot.setup_bytes, 601);
        DOUBT(boot.alignment, 0);
        DOUBT(boot.alignment, 4097);
        DOUBT(boot.payload.offset, 99);
        DOUBT(boot.payload.bytes, 401);
        DOUBT(boot.payload.bytes, UINT64_MAX);
        DOUBT(signing.checksum_offset, 0);
        DOUBT(signing.checksum_offset, 277);
        DOUBT(signing.checksum_offset, UINT64_MAX);
        DOUBT(signing.directory_offset, 0);
        DOUBT(signing.directory_offset, UINT64_MAX - 4);
        DOUBT(signing.certificates.bytes, 0);
        DOUBT(signing.certificates.bytes, 19);
        DOUBT(signing.certificates.bytes, UINT64_MAX);
        DOUBT(signing.certificates.offset, 284);
        DOUBT(compression[0], 'z');
        a = good_answer(); /* the compressed kernel of a bzImage among the certificates */
        a.kind = IMAGE_BZIMAGE;
        a.profile = a.n_profiles = 0;
        a.sections[IMAGE_SECTION_LINUX] = (ImageRange) { 0, FILE_BYTES };
        a.boot.payload = (ImageRange) { 200, 780 };
        ck_assert_int_eq(checked(&a), 0);
        a.boot.payload.bytes++;
        ck_assert_int_eq(checked(&a), -EBADMSG);
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
                { text_pretty_name, "PRETTY_NAME=a\nPRETTY_NAME=b",   "b"             },
                { text_pretty_name, " PRETTY_NAME=indented",          "indented"      },
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
                { text_profile_id,    "ID=regular\nTITLE=\"Regular boot\"", "regular"    },
                { text_profile_id,    "ID=",                          NULL            },
                { text_profile_id,    "ID=\xc3\xb6",                  NULL            },
                { text_profile_title, "ID=regular\nTITLE=\"Regular boot\"", "Regular boot" },
                { text_uname,       "6.1.0 x\n",                      "6.1.0 x"       },
                { text_uname,       "6.1\x1b[",                       "6.1?["         },
                { text_uname,       "",                               ""              },
                { text_sbat,        "sbat,1,x\r\nb,2\n",              "sbat,1,x\r\nb,2\n" },
                { text_sbat,        "sbat,1\x1b",                     NULL            },
        };

        for (size_t i = 0; i < ELEMENTSOF(texts); i++) {
                _cleanup_free_ char *found = NULL;
                int r = texts[i].func(texts[i].text, strlen(texts[i].text), &found);

                ck_assert_msg(r == (texts[i].expected ? 0 : -EBADMSG), "%s", texts[i].text);
                ck_assert(texts[i].expected ? strcmp(found, texts[i].expected) == 0 : !found);
        }
}
END_TEST

/* Longer than there is room for. */
START_TEST(bounds_values) {
        char value[8];

        ck_assert_int_eq(text_value("ID=seven77", 10, "ID=", value, sizeof(value)), 0);
        ck_assert_str_eq(value, "seven77");
        ck_assert_int_eq(text_value("ID=eight888", 11, "ID=", value, sizeof(value)), -EBADMSG);
}
END_TEST

/* Revocations go by .sbat: what of it was left unread could be what matters. */
START_TEST(takes_no_part_of_a_long_sbat) {
        ImageAnswer a = good_answer();
        _cleanup_free_ char *text = malloc(IMAGE_TEXT_BYTES_MAX + 1), *detail = NULL;
        _cleanup_(image_freep) Image *image = NULL;
        _cleanup_fd_ int fd = -EBADF;

        memset(text, 's', IMAGE_TEXT_BYTES_MAX + 1);
        ck_assert_int_eq(memfd_new_with("sbat", text, IMAGE_TEXT_BYTES_MAX + 1, &fd), 0);
        a.sections[IMAGE_SECTION_SBAT] = (ImageRange) { 0, IMAGE_TEXT_BYTES_MAX + 1 };
        ck_assert_int_eq(image_new_from_answer(fd, IMAGE_TEXT_BYTES_MAX + 1, &a, &image, &detail), IMAGE_E_SBAT);
        ck_assert_str_eq(detail, "section .sbat is longer than 64 KiB");

        a.sections[IMAGE_SECTION_SBAT].bytes--;
        ck_assert_int_eq(image_new_from_answer(fd, IMAGE_TEXT_BYTES_MAX + 1, &a, &image, &detail), 0);
        ck_assert_uint_eq(strlen(image->sbat), IMAGE_TEXT_BYTES_MAX);
        ck_assert_uint_eq(image->n_profiles, 2);
}
END_TEST

UNIT_MAIN("image-answer", doubts_parser, reads_texts, bounds_values, takes_no_part_of_a_long_sbat)
