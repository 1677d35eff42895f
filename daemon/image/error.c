/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "image/image.h"

static const struct {
        const char *id, *message, *remedy;
} errors[] = {
        [IMAGE_E_NOT_REGULAR] = {
                "not-regular",
                "This is not a file, but a directory, a device or a socket.",
                "Name the kernel image itself, such as /boot/vmlinuz-VERSION or a UKI.",
        },
        [IMAGE_E_EMPTY] = {
                "empty",
                "The file is empty.",
                "Write the image again: its copy or download did not finish.",
        },
        [IMAGE_E_TOO_LARGE] = {
                "too-large",
                "The file is larger than any kernel image, which is 2 GiB at most.",
                "Check the path: a kernel with its initrd is a few hundred MiB at most.",
        },
        [IMAGE_E_UNKNOWN_FORMAT] = {
                "unknown-format",
                "The file is no kernel image: neither a bzImage nor a UKI, a zboot image or an addon.",
                "Name a bzImage (such as /boot/vmlinuz-VERSION) or a UKI; file(1) tells what this one is.",
        },
        [IMAGE_E_WRONG_MACHINE] = {
                "wrong-machine",
                "The image is for another kind of machine, not 64-bit x86.",
                "Name an image that was built for this host's architecture.",
        },
        [IMAGE_E_TRUNCATED] = {
                "truncated",
                "The file ends before its own headers say.",
                "Write the image again: its copy or download did not finish.",
        },
        [IMAGE_E_SECTION_RANGE] = {
                "section-range",
                "A section of the image runs past the end of the file, or overlaps something else in it.",
                "Write the image again, or build it anew: its copy did not finish, or its sections were misplaced.",
        },
        [IMAGE_E_SECTION_MISSING] = {
                "section-missing",
                "The file is a PE program, but has no kernel in it (no .linux section), nor anything an addon has.",
                "Name a UKI or a kernel, not a boot loader.",
        },
        [IMAGE_E_SECTION_TWICE] = {
                "section-twice",
                "The image has a section twice in one profile, and which one is meant cannot be told.",
                "Build the UKI anew, with each section once.",
        },
        [IMAGE_E_CMDLINE] = {
                "cmdline",
                "The image's kernel command line is not text of at most 2047 bytes.",
                "Build the UKI anew with a command line the kernel can take.",
        },
        [IMAGE_E_NOT_RELOCATABLE] = {
                "not-relocatable",
                "The kernel cannot be started by kexec: it is too old, not 64-bit or not relocatable, or its header "
                "makes no sense.",
                "Use a 64-bit kernel built with CONFIG_RELOCATABLE, as those of all distributions are.",
        },
        [IMAGE_E_PARSER_DIED] = {
                "parser-died",
                "The sandboxed parser ended without an answer that makes sense.",
                "Do not use this image, and report it: a damaged image is to be refused with its fault named.",
        },
        [IMAGE_E_PROFILE] = {
                "profile",
                "The image has no profile of that name or number, or several of that name.",
                "Name one of its profiles by its number, 0 for the first; ukify inspect lists them.",
        },
        [IMAGE_E_CERTIFICATES] = {
                "certificates",
                "The image's table of signatures is damaged, or has data behind it that no signature covers.",
                "Write the image again, or sign it anew: it was changed after it was signed.",
        },
        [IMAGE_E_SBAT] = {
                "sbat",
                "The image's .sbat section, by which it could be revoked, is not text of at most 64 KiB.",
                "Build the image anew with an .sbat section that is CSV.",
        },
};

_Static_assert(ELEMENTSOF(errors) == _IMAGE_ERROR_MAX, "an error without its words");

static const char kind_names[][8] = {
        [IMAGE_BZIMAGE] = "bzimage",
        [IMAGE_UKI] = "uki",
        [IMAGE_ZBOOT] = "zboot",
        [IMAGE_ADDON] = "addon",
};

const char *image_kind_to_string(ImageKind kind) {
        return (size_t) kind < ELEMENTSOF(kind_names) ? kind_names[kind] : "unknown";
}

int image_kind_from_string(const char *name) {
        for (size_t i = 0; i < ELEMENTSOF(kind_names); i++)
                if (strcmp(name, kind_names[i]) == 0)
                        return (int) i;
        return -EINVAL;
}

static bool is_known(ImageError error) {
        return (size_t) error < ELEMENTSOF(errors) && errors[error].id;
}

const char *image_error_to_string(ImageError error) {
        return is_known(error) ? errors[error].id : "unknown";
}

const char *image_error_message(ImageError error) {
        return is_known(error) ? errors[error].message : "The image is refused.";
}

const char *image_error_remedy(ImageError error) {
        return is_known(error) ? errors[error].remedy : "Name another image.";
}
