/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "image/section.h"

static const struct {
        const char *name;
        bool may_repeat, is_left_out;
} sections[] = {
        [IMAGE_SECTION_LINUX] = { ".linux", false, false },
        [IMAGE_SECTION_OSREL] = { ".osrel", false, false },
        [IMAGE_SECTION_CMDLINE] = { ".cmdline", false, false },
        [IMAGE_SECTION_INITRD] = { ".initrd", false, false },
        [IMAGE_SECTION_UCODE] = { ".ucode", false, false },
        [IMAGE_SECTION_SPLASH] = { ".splash", false, true },
        [IMAGE_SECTION_DTB] = { ".dtb", true, true },
        [IMAGE_SECTION_UNAME] = { ".uname", false, false },
        [IMAGE_SECTION_SBAT] = { ".sbat", false, false },
        [IMAGE_SECTION_PCRSIG] = { ".pcrsig", false, false },
        [IMAGE_SECTION_PCRPKEY] = { ".pcrpkey", false, false },
        [IMAGE_SECTION_PROFILE] = { ".profile", false, false },
        [IMAGE_SECTION_DTBAUTO] = { ".dtbauto", true, true },
        [IMAGE_SECTION_HWIDS] = { ".hwids", true, true },
        [IMAGE_SECTION_EFIFW] = { ".efifw", true, true },
};

_Static_assert(ELEMENTSOF(sections) == _IMAGE_SECTION_MAX, "a section without a name");

const char *image_section_name(ImageSection section) {
        return (size_t) section < ELEMENTSOF(sections) ? sections[section].name : "unknown";
}

bool section_may_repeat(ImageSection section) {
        return sections[section].may_repeat;
}

size_t image_left_out(const Image *image, ImageSection ret[static _IMAGE_SECTION_MAX]) {
        size_t n = 0;

        for (size_t i = 0; i < ELEMENTSOF(sections); i++)
                if (sections[i].is_left_out && image->sections[i].bytes > 0)
                        ret[n++] = (ImageSection) i;
        return n;
}
