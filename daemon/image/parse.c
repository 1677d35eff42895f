/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "basic/cleanup.h"
#include "basic/io.h"
#include "image/bzimage.h"
#include "image/parse.h"
#include "image/pe.h"

static const char *const part_sections[_IMAGE_PART_MAX] = {
        [IMAGE_PART_KERNEL] = ".linux",
        [IMAGE_PART_INITRD] = ".initrd",
        [IMAGE_PART_CMDLINE] = ".cmdline",
        [IMAGE_PART_UNAME] = ".uname",
        [IMAGE_PART_OSREL] = ".osrel",
};

static int uki_parse(ImageSource *source, const Pe *pe, ImageAnswer *ret) {
        int r;

        r = pe_check_layout(source, pe);
        if (r != 0)
                return r;
        for (size_t i = 0; i < _IMAGE_PART_MAX; i++) {
                const PeSection *section;

                r = pe_find(source, pe, part_sections[i], &section);
                if (r != 0)
                        return r;
                if (section && section->content > 0)
                        ret->parts[i] = (ImageRange){ section->raw.offset, section->content };
        }

        ret->kind = IMAGE_UKI;
        if (ret->parts[IMAGE_PART_KERNEL].bytes == 0)
                return source_refuse(source, IMAGE_E_SECTION_MISSING, "no .linux section, or an empty one");
        return bzimage_check(source, &ret->parts[IMAGE_PART_KERNEL], ret->release);
}

static bool has_kernel_section(const Pe *pe) {
        for (size_t i = 0; i < pe->n_sections; i++)
                if (strcmp(pe->sections[i].name, part_sections[IMAGE_PART_KERNEL]) == 0)
                        return true;
        return false;
}

/* A kernel with an EFI stub is bzImage and PE at once, so the setup header decides, unless somebody went and
 * put a .linux into it. */
static int file_parse(ImageSource *source, ImageAnswer *ret) {
        const ImageRange whole = { 0, source->bytes };
        bool is_bzimage = false, is_pe;
        uint8_t magic[2];
        Pe pe = {};
        int r;

        if (source->bytes < sizeof(magic))
                return source_refuse(source, IMAGE_E_UNKNOWN_FORMAT, "a file of a single byte");
        r = source_read(source, 0, magic, sizeof(magic), "the file's magic");
        if (r != 0)
                return r;
        r = bzimage_probe(source, &whole, &is_bzimage);
        if (r != 0)
                return r;
        is_pe = memcmp(magic, "MZ", 2) == 0;
        if (!is_pe && !is_bzimage)
                return source_refuse(source, IMAGE_E_UNKNOWN_FORMAT, "neither a PE nor a bzImage header");

        r = is_pe ? pe_read(source, &pe) : 0;
        if (is_bzimage && (r != 0 || !has_kernel_section(&pe))) {
                ret->kind = IMAGE_BZIMAGE;
                ret->parts[IMAGE_PART_KERNEL] = whole;
                return bzimage_check(source, &whole, ret->release);
        }
        return r != 0 ? r : uki_parse(source, &pe, ret);
}

void image_parse(int fd, uint64_t file_bytes, ImageAnswer *ret) {
        ImageSource source = { .fd = fd, .bytes = file_bytes };

        memset(ret, 0, sizeof(*ret));
        ret->result = file_parse(&source, ret);
        if (ret->result > 0)
                memcpy(ret->detail, source.detail, sizeof(ret->detail));
}

int image_parse_sandboxed(int input_fd, int output_fd, void *userdata) {
        const uint64_t *file_bytes = userdata;
        ImageAnswer answer;

        image_parse(input_fd, *file_bytes, &answer);
        return write_full(output_fd, &answer, sizeof(answer)) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
