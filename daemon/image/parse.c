/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "basic/cleanup.h"
#include "basic/io.h"
#include "image/bzimage.h"
#include "image/parse.h"
#include "image/uki.h"
#include "image/zboot.h"

/* What revocations go by is in PE kernels too. Of their other sections nothing is asked: kexec looks at none. */
static int sbat_parse(ImageSource *source, const Pe *pe, ImageAnswer *ret) {
        const PeSection *sbat;
        int r;

        r = pe_find(source, pe, 0, pe->n_sections, IMAGE_SECTION_SBAT, &sbat);
        if (r != 0 || !sbat || sbat->content == 0)
                return r;
        ret->sections[IMAGE_SECTION_SBAT] = (ImageRange) { sbat->raw.offset, sbat->content };
        return pe_check_section(source, pe, (size_t) (sbat - pe->sections));
}

/* A kernel with an EFI stub is bzImage and PE at once. */
static int kernel_parse(ImageSource *source, const Pe *pe, ImageAnswer *ret) {
        ImageRange *whole = &ret->sections[IMAGE_SECTION_LINUX];
        int r;

        ret->kind = IMAGE_BZIMAGE;
        *whole = (ImageRange) { 0, source->bytes };
        if (pe) {
                r = pe_read_signing(source, pe, &ret->signing);
                if (r != 0)
                        return r;
                r = sbat_parse(source, pe, ret);
                if (r != 0)
                        return r;
        }
        return bzimage_check(source, whole, ret->signing.certificates.bytes, &ret->boot, ret->release);
}

static int pe_parse(ImageSource *source, const Pe *pe, const char *profile, bool is_zboot, ImageAnswer *ret) {
        int r;

        r = pe_check_layout(source, pe);
        if (r != 0)
                return r;
        r = pe_read_signing(source, pe, &ret->signing);
        if (r != 0)
                return r;
        if (uki_has_section(pe, IMAGE_SECTION_LINUX))
                return uki_parse(source, pe, profile, ret);
        if (!is_zboot)
                return addon_parse(source, pe, ret);
        r = zboot_parse(source, pe, ret);
        return r != 0 ? r : sbat_parse(source, pe, ret);
}

/* Of images that cannot have profiles there is one, 0. */
static int no_profile_check(ImageSource *source, const char *profile, const ImageAnswer *answer) {
        if (!profile || answer->kind == IMAGE_UKI || strcmp(profile, "0") == 0 || strcmp(profile, "@0") == 0)
                return 0;
        return source_refuse(source, IMAGE_E_PROFILE, "only a UKI has profiles");
}

static int file_parse(ImageSource *source, const char *profile, ImageAnswer *ret) {
        const ImageRange whole = { 0, source->bytes };
        bool is_bzimage = false, is_zboot = false, is_pe;
        uint8_t magic[2];
        Pe pe;
        int r;

        if (source->bytes < sizeof(magic))
                return source_refuse(source, IMAGE_E_UNKNOWN_FORMAT, "a file of a single byte");
        r = source_read(source, 0, magic, sizeof(magic), "the file's magic");
        if (r != 0)
                return r;
        r = bzimage_probe(source, &whole, &is_bzimage);
        if (r != 0)
                return r;
        r = zboot_probe(source, &is_zboot);
        if (r != 0)
                return r;
        is_pe = memcmp(magic, "MZ", 2) == 0;
        if (!is_pe && !is_bzimage)
                return source_refuse(source, IMAGE_E_UNKNOWN_FORMAT, "neither a PE nor a bzImage header");

        r = is_pe ? pe_read(source, &pe) : 0;
        if (r != 0)
                return r;
        if (is_bzimage && !(is_pe && uki_has_section(&pe, IMAGE_SECTION_LINUX)))
                r = kernel_parse(source, is_pe ? &pe : NULL, ret);
        else
                r = pe_parse(source, &pe, profile, is_zboot, ret);
        return r != 0 ? r : no_profile_check(source, profile, ret);
}

void image_parse(int fd, const ImageQuestion *question, ImageAnswer *ret) {
        ImageSource source = { .fd = fd, .bytes = question->file_bytes };

        memset(ret, 0, sizeof(*ret));
        ret->result = file_parse(&source, question->profile, ret);
        if (ret->result > 0)
                memcpy(ret->detail, source.detail, sizeof(ret->detail));
}

int image_parse_sandboxed(int input_fd, int output_fd, void *userdata) {
        ImageAnswer answer;

        image_parse(input_fd, userdata, &answer);
        return write_full(output_fd, &answer, sizeof(answer)) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
