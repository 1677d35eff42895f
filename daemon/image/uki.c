/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Which section counts: as src/boot/pe.c and stub.c of systemd look for them. Sections before the first .profile are
 * the base of all profiles; each .profile begins another, whose own sections take the place of the base's, even with
 * no contents. */

#include "image/bzimage.h"
#include "image/text.h"
#include "image/uki.h"

/* Where the profiles begin in the section table: [i] is its .profile, [n] the table's end. */
typedef struct Profiles {
        size_t n;
        size_t starts[PE_SECTIONS_MAX + 1];
} Profiles;

static ImageRange content_of(const PeSection *section) {
        return section->content > 0 ? (ImageRange) { section->raw.offset, section->content } : (ImageRange) {};
}

bool uki_has_section(const Pe *pe, ImageSection section) {
        for (size_t i = 0; i < pe->n_sections; i++)
                if (strcmp(pe->sections[i].name, image_section_name(section)) == 0)
                        return true;
        return false;
}

static int profiles_find(ImageSource *source, const Pe *pe, Profiles *ret) {
        ret->n = 0;
        for (size_t i = 0; i < pe->n_sections; i++)
                if (strcmp(pe->sections[i].name, image_section_name(IMAGE_SECTION_PROFILE)) == 0)
                        ret->starts[ret->n++] = i;
        ret->starts[ret->n] = pe->n_sections;
        if (ret->n > IMAGE_PROFILES_MAX)
                return source_refuse(source, IMAGE_E_UNKNOWN_FORMAT, "%zu profiles, more than %u", ret->n,
                                IMAGE_PROFILES_MAX);
        return 0;
}

static int has_id(ImageSource *source, const ImageRange *range, const char *id, bool *ret) {
        char text[IMAGE_TEXT_BYTES_MAX], found[TEXT_VALUE_BYTES_MAX + 1];
        size_t size = range->bytes < sizeof(text) ? range->bytes : sizeof(text);
        int r;

        r = source_read(source, range->offset, text, size, "section .profile");
        if (r != 0)
                return r;
        *ret = text_value(text, size, "ID=", found, sizeof(found)) == 0 && strcmp(found, id) == 0;
        return 0;
}

/* "0", or as systemd-stub has it "@0": the profile nobody asked for is 0, even where there are none. */
static bool parse_number(const char *name, uint64_t *ret) {
        uint64_t number = 0;

        if (*name == '@')
                name++;
        if (!*name)
                return false;
        for (; *name; name++) {
                if (*name < '0' || *name > '9')
                        return false;
                if (number <= IMAGE_PROFILES_MAX)
                        number = number * 10 + (uint64_t) (*name - '0');
        }
        *ret = number;
        return true;
}

static int profile_by_id(ImageSource *source, const char *id, ImageAnswer *ret) {
        bool is_found = false;

        for (uint32_t i = 0; i < ret->n_profiles; i++) {
                bool is_it = false;
                int r;

                r = has_id(source, &ret->profiles[i], id, &is_it);
                if (r != 0)
                        return r;
                if (is_it && is_found)
                        return source_refuse(source, IMAGE_E_PROFILE, "profiles %u and %u are both called %s",
                                        ret->profile, i, id);
                if (is_it)
                        ret->profile = i;
                is_found = is_found || is_it;
        }
        if (!is_found)
                return source_refuse(source, IMAGE_E_PROFILE, "none of its %u profiles is called %s", ret->n_profiles,
                                id);
        return 0;
}

static int profile_choose(ImageSource *source, const char *name, ImageAnswer *ret) {
        uint64_t number = 0;

        if (name && !parse_number(name, &number))
                return profile_by_id(source, name, ret);
        if (number >= (ret->n_profiles ?: 1))
                return source_refuse(source, IMAGE_E_PROFILE, "there is no profile %s: it has %u, from 0", name,
                                ret->n_profiles);
        ret->profile = (uint32_t) number;
        return 0;
}

/* What is found takes the place of what is in `ret`, if that is given. */
static int segment_read(ImageSource *source, const Pe *pe, size_t from, size_t to, ImageRange *ret) {
        for (size_t i = 0; i < _IMAGE_SECTION_MAX; i++) {
                const PeSection *found;
                int r;

                r = pe_find(source, pe, from, to, (ImageSection) i, &found);
                if (r != 0)
                        return r;
                if (found && ret)
                        ret[i] = content_of(found);
        }
        return 0;
}

int uki_parse(ImageSource *source, const Pe *pe, const char *profile, ImageAnswer *ret) {
        Profiles profiles;
        int r;

        ret->kind = IMAGE_UKI;
        r = profiles_find(source, pe, &profiles);
        if (r != 0)
                return r;
        ret->n_profiles = (uint32_t) profiles.n;
        for (size_t i = 0; i < profiles.n; i++)
                ret->profiles[i] = content_of(&pe->sections[profiles.starts[i]]);
        r = profile_choose(source, profile, ret);
        if (r != 0)
                return r;

        r = segment_read(source, pe, 0, profiles.starts[0], ret->sections);
        for (size_t i = 0; r == 0 && i < profiles.n; i++)
                r = segment_read(source, pe, profiles.starts[i], profiles.starts[i + 1],
                                i == ret->profile ? ret->sections : NULL);
        if (r != 0)
                return r;

        if (ret->sections[IMAGE_SECTION_LINUX].bytes == 0)
                return source_refuse(source, IMAGE_E_SECTION_MISSING,
                                "no .linux section for profile %u, or an empty one", ret->profile);
        return bzimage_check(source, &ret->sections[IMAGE_SECTION_LINUX], 0, &ret->boot, ret->release);
}

int addon_parse(ImageSource *source, const Pe *pe, ImageAnswer *ret) {
        static const ImageSection enough[] = {
                IMAGE_SECTION_CMDLINE, IMAGE_SECTION_INITRD,  IMAGE_SECTION_UCODE, IMAGE_SECTION_DTB,
                IMAGE_SECTION_DTBAUTO, IMAGE_SECTION_HWIDS,   IMAGE_SECTION_EFIFW,
        };
        int r;

        ret->kind = IMAGE_ADDON;
        r = segment_read(source, pe, 0, pe->n_sections, ret->sections);
        if (r != 0)
                return r;
        for (size_t i = 0; i < ELEMENTSOF(enough); i++)
                if (ret->sections[enough[i]].bytes > 0)
                        return 0;
        return source_refuse(source, IMAGE_E_SECTION_MISSING, "neither a .linux section nor any of those of an addon");
}
