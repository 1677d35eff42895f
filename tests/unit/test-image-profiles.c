/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Which of a UKI's sections count, and addons, which have none of a kernel. */

#include "image-damage.h"

#define NAME(i) (BLOB_SECTION(i))
#define RAW_BYTES(i) (BLOB_SECTION(i) + 16)
#define RAW(i) (BLOB_SECTION(i) + 20)
#define NAME_CMDLINE 0x656e696c646d632eULL
#define NAME_LINUX 0x78756e696c2eULL

static uint8_t kernels[2][BLOB_BZIMAGE_BYTES];

/* Base, and three profiles: the first has nothing of its own, the second all, the third nothing to begin with. */
static const BlobSection three_profiles[] = {
        { ".uname", "6.1\n", 4 },
        { ".cmdline", "base", 4 },
        { ".initrd", "base initrd", 11 },
        { ".linux", kernels[0], BLOB_BZIMAGE_BYTES },
        { ".profile", "ID=regular\nTITLE=\"Regular boot\"\n", 32 },
        { ".profile", "TITLE=Reset\nID=factory-reset\n", 29 },
        { ".cmdline", "reset", 5 },
        { ".initrd", "reset initrd!", 13 },
        { ".linux", kernels[1], BLOB_BZIMAGE_BYTES },
        { ".profile", "\0", 1 },
        { ".cmdline", "", 0 },
};

enum { FIRST_PROFILE = 4, SECOND_PROFILE = 5, SECOND_CMDLINE = 6, SECOND_INITRD = 7 };

static void blob_profiles(Blob *blob) {
        static const char other[] = "7.3.5-other ";
        Blob kernel;

        blob_bzimage(&kernel);
        memcpy(kernels[0], kernel.data, sizeof(kernels[0]));
        memcpy(kernel.data + 0x600, other, sizeof(other));
        blob_put(&kernel, 0x258, 0x2000000, 8);
        memcpy(kernels[1], kernel.data, sizeof(kernels[1]));
        blob_pe(blob, three_profiles, ELEMENTSOF(three_profiles));
}

START_TEST(takes_default_profile) {
        static const char *const names[] = { NULL, "0", "@0", "00", "regular" };
        static Blob blob;

        blob_profiles(&blob);
        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                _cleanup_(image_freep) Image *image = NULL;

                ck_assert_int_eq(look_blob(&blob, names[i], &image), 0);
                ck_assert_uint_eq(image->profile, 0);
                ck_assert_uint_eq(image->n_profiles, 3);
                ck_assert_str_eq(image->profiles[0].id, "regular");
                ck_assert_str_eq(image->profiles[0].title, "Regular boot");
                ck_assert_str_eq(image->profiles[1].id, "factory-reset");
                ck_assert_str_eq(image->profiles[1].title, "Reset");
                ck_assert_ptr_null(image->profiles[2].id);
                ck_assert_ptr_null(image->profiles[2].title);
                ck_assert_str_eq(image->cmdline, "base");
                ck_assert_uint_eq(image->sections[IMAGE_SECTION_INITRD].bytes, 11);
                ck_assert_uint_eq(image->sections[IMAGE_SECTION_PROFILE].bytes, 32);
                ck_assert_str_eq(image->release, "7.3.4-test");
        }
}
END_TEST

START_TEST(takes_profile_asked_for) {
        static const char *const names[] = { "1", "@1", "factory-reset" };
        static Blob blob;

        blob_profiles(&blob);
        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                _cleanup_(image_freep) Image *image = NULL;

                ck_assert_int_eq(look_blob(&blob, names[i], &image), 0);
                ck_assert_uint_eq(image->profile, 1);
                ck_assert_str_eq(image->cmdline, "reset");
                ck_assert_str_eq(image->uname, "6.1");
                ck_assert_uint_eq(image->sections[IMAGE_SECTION_INITRD].bytes, 13);
                ck_assert_str_eq(image->release, "7.3.5-other");
                ck_assert_uint_eq(image->boot.preferred_address, 0x2000000);
        }
}
END_TEST

/* "Comprehensively override". */
START_TEST(empty_section_takes_the_place_of_the_base) {
        _cleanup_(image_freep) Image *image = NULL;
        static Blob blob;

        blob_profiles(&blob);
        ck_assert_int_eq(look_blob(&blob, "2", &image), 0);
        ck_assert_ptr_null(image->cmdline);
        ck_assert_uint_eq(image->sections[IMAGE_SECTION_INITRD].bytes, 11);
}
END_TEST

START_TEST(refuses_unknown_profiles) {
        static const char *const names[] = { "3", "@3", "18446744073709551616", "99999999999999999999999", "", "@",
                "-1", "0x1", "Regular", "regular ", "re", "\x1b[31m", "Regular boot", "@regular" };
        static Blob blob;

        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                Image *image = NULL;

                blob_profiles(&blob);
                ck_assert_msg(look_blob(&blob, names[i], &image) == IMAGE_E_PROFILE, "%s", names[i]);
                blob_uki(&blob);
                ck_assert_msg(look_blob(&blob, names[i], &image) == IMAGE_E_PROFILE, "%s", names[i]);
                blob_bzimage(&blob);
                ck_assert_msg(look_blob(&blob, names[i], &image) == IMAGE_E_PROFILE, "%s", names[i]);
        }
}
END_TEST

START_TEST(images_without_profiles_have_one) {
        static void (*const builds[])(Blob *) = { blob_bzimage, blob_pe_bzimage, blob_uki, blob_zboot };
        static Blob blob;

        for (size_t i = 0; i < ELEMENTSOF(builds); i++) {
                _cleanup_(image_freep) Image *image = NULL;

                builds[i](&blob);
                ck_assert_int_eq(look_blob(&blob, "0", &image), 0);
                ck_assert_uint_eq(image->n_profiles, 0);
        }
}
END_TEST

START_TEST(refuses_names_that_are_not_unique) {
        const BlobSection sections[] = { { ".linux", kernels[0], BLOB_BZIMAGE_BYTES }, { ".profile", "ID=a", 4 },
                { ".profile", "ID=a\n", 5 } };
        _cleanup_(image_freep) Image *image = NULL;
        static Blob blob;

        blob_profiles(&blob);
        blob_pe(&blob, sections, ELEMENTSOF(sections));
        ck_assert_int_eq(look_blob(&blob, "a", &image), IMAGE_E_PROFILE);
        ck_assert_int_eq(look_blob(&blob, "1", &image), 0);
}
END_TEST

START_TEST(kernel_may_be_in_a_profile) {
        const BlobSection sections[] = { { ".osrel", "", 0 }, { ".profile", "", 0 }, { ".profile", "", 0 },
                { ".linux", kernels[0], BLOB_BZIMAGE_BYTES } };
        _cleanup_(image_freep) Image *image = NULL;
        static Blob blob;

        blob_profiles(&blob);
        blob_pe(&blob, sections, ELEMENTSOF(sections));
        ck_assert_int_eq(look_blob(&blob, "1", &image), 0);
        ck_assert_uint_eq(image->n_profiles, 2);
        image = image_free(image);
        ck_assert_int_eq(look_blob(&blob, NULL, &image), IMAGE_E_SECTION_MISSING);
}
END_TEST

START_TEST(bounds_profiles) {
        BlobSection sections[IMAGE_PROFILES_MAX + 2] = { { ".linux", kernels[0], BLOB_BZIMAGE_BYTES } };
        static Blob blob;

        blob_profiles(&blob);
        for (size_t i = 1; i < ELEMENTSOF(sections); i++)
                sections[i] = (BlobSection) { ".profile", "ID=x", 4 };
        for (size_t surplus = 0; surplus < 2; surplus++) {
                _cleanup_(image_freep) Image *image = NULL;

                blob_pe(&blob, sections, ELEMENTSOF(sections) - 1 + surplus);
                ck_assert_int_eq(look_blob(&blob, "63", &image), surplus ? IMAGE_E_UNKNOWN_FORMAT : 0);
                ck_assert(surplus || image->profile == 63);
        }
}
END_TEST

START_TEST(refuses_damaged_profiles) {
        static const Damage damages[] = {
                /* in profiles that are not asked for, too */
                { "cmdline-twice-in-profile", NAME(SECOND_INITRD),     8, NAME_CMDLINE, IMAGE_E_SECTION_TWICE },
                { "linux-twice-in-profile",   NAME(SECOND_INITRD),     8, NAME_LINUX,   IMAGE_E_SECTION_TWICE },
                { "cmdline-twice-in-base",    NAME(FIRST_PROFILE - 2), 8, NAME_CMDLINE, IMAGE_E_SECTION_TWICE },
                { "profile-past-end",         RAW(SECOND_PROFILE),     4, 0x7fffffff,   IMAGE_E_SECTION_RANGE },
                { "profile-on-another",       RAW(SECOND_PROFILE),     4, 0x600,        IMAGE_E_SECTION_RANGE },
                { "profile-cmdline-in-headers", RAW(SECOND_CMDLINE),   4, 0x200,        IMAGE_E_SECTION_RANGE },
                { "profile-initrd-of-4g",     RAW_BYTES(SECOND_INITRD), 4, UINT32_MAX,  IMAGE_E_SECTION_RANGE },
        };

        assert_damages("whole-profiles", blob_profiles, damages, ELEMENTSOF(damages));
}
END_TEST

static void blob_addon(Blob *blob) {
        static const BlobSection sections[] = { { ".text", "x", 1 }, { ".sbat", "sbat,1\n", 7 }, { ".uname", "6.1", 3 },
                { ".cmdline", "\tdebug \n", 8 }, { ".initrd", "more", 4 }, { ".ucode", "u", 1 } };

        blob_pe(blob, sections, ELEMENTSOF(sections));
}

START_TEST(takes_addon) {
        _cleanup_(image_freep) Image *image = NULL;
        static Blob blob;

        blob_addon(&blob);
        ck_assert_int_eq(look_blob(&blob, NULL, &image), 0);
        ck_assert_int_eq(image->kind, IMAGE_ADDON);
        ck_assert_str_eq(image->cmdline, "debug");
        ck_assert_str_eq(image->uname, "6.1");
        ck_assert_str_eq(image->sbat, "sbat,1\n");
        ck_assert_uint_eq(image->sections[IMAGE_SECTION_INITRD].bytes, 4);
        ck_assert_uint_eq(image->sections[IMAGE_SECTION_UCODE].bytes, 1);
        ck_assert_uint_eq(image->sections[IMAGE_SECTION_LINUX].bytes, 0);
        ck_assert_uint_eq(image->boot.alignment, 0);
}
END_TEST

START_TEST(tells_addons_from_programs) {
        static const struct {
                const char *section;
                bool is_addon;
        } cases[] = {
                { ".cmdline", true }, { ".initrd", true },  { ".ucode", true },  { ".dtb", true },
                { ".dtbauto", true }, { ".hwids", true },   { ".efifw", true },  { ".sbat", false },
                { ".osrel", false },  { ".uname", false },  { ".profile", false }, { ".text", false },
                { ".splash", false }, { ".pcrsig", false },
        };
        static Blob blob;

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(image_freep) Image *image = NULL;

                blob_pe(&blob, (const BlobSection[]) { { ".data", "x", 1 }, { cases[i].section, "x", 1 } }, 2);
                ck_assert_msg(look_blob(&blob, NULL, &image) == (cases[i].is_addon ? 0 : IMAGE_E_SECTION_MISSING), "%s",
                                cases[i].section);
        }
}
END_TEST

START_TEST(refuses_damaged_addons) {
        static const Damage damages[] = {
                { "addon-cmdline-twice",   NAME(5),            8, NAME_CMDLINE, IMAGE_E_SECTION_TWICE  },
                { "addon-cmdline-escape",  0xa01,              1, 0x1b,         IMAGE_E_CMDLINE        },
                { "addon-sbat-not-text",   0x600,              1, 0x80,         IMAGE_E_SBAT           },
                { "addon-for-arm64",       BLOB_PE_HEADER + 4, 2, 0xaa64,       IMAGE_E_WRONG_MACHINE  },
                { "addon-with-bad-linux",  NAME(0),            8, NAME_LINUX,   IMAGE_E_UNKNOWN_FORMAT },
                { "addon-initrd-past-end", RAW_BYTES(4),       4, 0x10000,      IMAGE_E_SECTION_RANGE  },
        };

        assert_damages("whole-addon", blob_addon, damages, ELEMENTSOF(damages));
}
END_TEST

UNIT_MAIN("image-profiles", takes_default_profile, takes_profile_asked_for,
          empty_section_takes_the_place_of_the_base, refuses_unknown_profiles, images_without_profiles_have_one,
          refuses_names_that_are_not_unique, kernel_may_be_in_a_profile, bounds_profiles, refuses_damaged_profiles,
          takes_addon, tells_addons_from_programs, refuses_damaged_addons)
