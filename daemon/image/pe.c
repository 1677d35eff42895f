/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Microsoft's "PE Format", as little of it as a UKI needs. */

#include <inttypes.h>

#include "image/pe.h"
#include "image/section.h"

#define DOS_HEADER_BYTES 64U
#define DOS_AT_NEW_HEADER 0x3c

#define COFF_HEADER_BYTES 24 /* with the signature before it */
#define COFF_AT_MACHINE 4
#define COFF_AT_N_SECTIONS 6
#define COFF_AT_OPTIONAL_BYTES 20
#define MACHINE_AMD64 0x8664U

#define OPTIONAL_MAGIC_PE32 0x10b
#define OPTIONAL_MAGIC_PE32PLUS 0x20b
#define OPTIONAL_AT_N_DIRECTORIES 108
#define OPTIONAL_AT_DIRECTORIES 112
#define OPTIONAL_BYTES_MIN OPTIONAL_AT_DIRECTORIES
#define OPTIONAL_BYTES_MAX 4096
#define DIRECTORY_BYTES 8
#define DIRECTORY_CERTIFICATES 4
#define OPTIONAL_AT_CERTIFICATES (OPTIONAL_AT_DIRECTORIES + DIRECTORY_CERTIFICATES * DIRECTORY_BYTES)

#define SECTION_BYTES 40
#define SECTION_AT_VIRTUAL_BYTES 8
#define SECTION_AT_ADDRESS 12
#define SECTION_AT_RAW_BYTES 16
#define SECTION_AT_RAW 20

static void section_parse(const uint8_t *header, PeSection *ret) {
        uint32_t virtual_bytes = get_le32(header + SECTION_AT_VIRTUAL_BYTES);

        memset(ret, 0, sizeof(*ret));
        for (size_t i = 0; i < 8 && header[i]; i++)
                ret->name[i] = header[i] > 0x20 && header[i] < 0x7f ? (char) header[i] : '?';
        ret->raw.bytes = get_le32(header + SECTION_AT_RAW_BYTES);
        ret->raw.offset = ret->raw.bytes ? get_le32(header + SECTION_AT_RAW) : 0;
        ret->content = virtual_bytes < ret->raw.bytes ? virtual_bytes : ret->raw.bytes;
        ret->in_memory = (ImageRange) { get_le32(header + SECTION_AT_ADDRESS), virtual_bytes };
}

static int coff_check(ImageSource *source, const uint8_t *coff) {
        unsigned machine = get_le16(coff + COFF_AT_MACHINE), n_sections = get_le16(coff + COFF_AT_N_SECTIONS);

        if (memcmp(coff, "PE\0\0", 4) != 0)
                return source_refuse(source, IMAGE_E_UNKNOWN_FORMAT, "a DOS program without a PE header");
        if (machine != MACHINE_AMD64)
                return source_refuse(source, IMAGE_E_WRONG_MACHINE,
                                "the PE header's machine is 0x%04x, not 0x%04x", machine, MACHINE_AMD64);
        if (n_sections > PE_SECTIONS_MAX)
                return source_refuse(source, IMAGE_E_UNKNOWN_FORMAT, "%u PE sections, more than %u",
                                n_sections, PE_SECTIONS_MAX);
        return 0;
}

static int directories_read(ImageSource *source, const uint8_t *optional, size_t size, Pe *ret) {
        uint64_t n = get_le32(optional + OPTIONAL_AT_N_DIRECTORIES);
        const uint8_t *entry = optional + OPTIONAL_AT_CERTIFICATES;

        if (n * DIRECTORY_BYTES > size - OPTIONAL_AT_DIRECTORIES)
                return source_refuse(source, IMAGE_E_UNKNOWN_FORMAT,
                                "%" PRIu64 " data directories do not fit into an optional PE header of %zu bytes", n,
                                size);
        ret->has_certificate_directory = n > DIRECTORY_CERTIFICATES;
        if (ret->has_certificate_directory)
                ret->certificates = (ImageRange) { get_le32(entry), get_le32(entry + 4) };
        return 0;
}

static int optional_read(ImageSource *source, size_t size, Pe *ret) {
        uint8_t optional[OPTIONAL_BYTES_MAX];
        int r;

        if (size < 2 || size > sizeof(optional))
                return source_refuse(source, IMAGE_E_UNKNOWN_FORMAT, "an optional PE header of %zu bytes", size);
        r = source_read(source, ret->optional_offset, optional, size, "the optional PE header");
        if (r != 0)
                return r;
        if (get_le16(optional) == OPTIONAL_MAGIC_PE32)
                return source_refuse(source, IMAGE_E_WRONG_MACHINE, "a 32-bit PE");
        if (get_le16(optional) != OPTIONAL_MAGIC_PE32PLUS)
                return source_refuse(source, IMAGE_E_UNKNOWN_FORMAT, "optional PE header of type 0x%x",
                                get_le16(optional));
        if (size < OPTIONAL_BYTES_MIN)
                return source_refuse(source, IMAGE_E_UNKNOWN_FORMAT, "an optional PE header of %zu bytes", size);
        return directories_read(source, optional, size, ret);
}

static int coff_read(ImageSource *source, uint8_t coff[static COFF_HEADER_BYTES], uint64_t *ret_end) {
        uint8_t dos[DOS_HEADER_BYTES];
        uint64_t offset;
        int r;

        r = source_read(source, 0, dos, sizeof(dos), "the DOS header");
        if (r != 0)
                return r;
        offset = get_le32(dos + DOS_AT_NEW_HEADER);
        if (offset < DOS_HEADER_BYTES)
                return source_refuse(source, IMAGE_E_UNKNOWN_FORMAT,
                                "a DOS program: its PE header would be at 0x%" PRIx64 ", inside of the DOS header",
                                offset);
        r = source_read(source, offset, coff, COFF_HEADER_BYTES, "the PE header");
        if (r != 0)
                return r;
        *ret_end = offset + COFF_HEADER_BYTES;
        return coff_check(source, coff);
}

int pe_read(ImageSource *source, Pe *ret) {
        uint8_t coff[COFF_HEADER_BYTES], headers[PE_SECTIONS_MAX * SECTION_BYTES];
        uint64_t offset;
        size_t n;
        int r;

        memset(ret, 0, sizeof(*ret));
        r = coff_read(source, coff, &ret->optional_offset);
        if (r != 0)
                return r;
        r = optional_read(source, get_le16(coff + COFF_AT_OPTIONAL_BYTES), ret);
        if (r != 0)
                return r;

        /* From 32 and 16 bits: no overflow. */
        offset = ret->optional_offset + get_le16(coff + COFF_AT_OPTIONAL_BYTES);
        n = get_le16(coff + COFF_AT_N_SECTIONS);
        r = source_read(source, offset, headers, n * SECTION_BYTES, "the PE section table");
        if (r != 0)
                return r;

        for (size_t i = 0; i < n; i++)
                section_parse(headers + i * SECTION_BYTES, &ret->sections[i]);
        ret->n_sections = n;
        ret->headers_end = offset + n * SECTION_BYTES;
        return 0;
}

/* Both checked to end inside the file, so the sums are safe. */
static bool ranges_overlap(const ImageRange *a, const ImageRange *b) {
        return a->bytes > 0 && b->bytes > 0 && a->offset < b->offset + b->bytes && b->offset < a->offset + a->bytes;
}

int pe_check_section(ImageSource *source, const Pe *pe, size_t i) {
        const PeSection *section = &pe->sections[i];

        if (!range_is_within(&section->in_memory, UINT32_MAX))
                return source_refuse(source, IMAGE_E_SECTION_RANGE,
                                "section %s at the address 0x%" PRIx64 "+0x%" PRIx64 " ends past 32 bits",
                                section->name, section->in_memory.offset, section->in_memory.bytes);
        if (section->raw.bytes == 0)
                return 0;
        if (!range_is_within(&section->raw, source->bytes))
                return source_refuse(source, IMAGE_E_SECTION_RANGE,
                                "section %s at 0x%" PRIx64 "+0x%" PRIx64 " ends past the file's 0x%" PRIx64 " bytes",
                                section->name, section->raw.offset, section->raw.bytes, source->bytes);
        if (section->raw.offset < pe->headers_end)
                return source_refuse(source, IMAGE_E_SECTION_RANGE,
                                "section %s at 0x%" PRIx64 " begins inside the headers, which end at 0x%" PRIx64,
                                section->name, section->raw.offset, pe->headers_end);
        return 0;
}

int pe_check_layout(ImageSource *source, const Pe *pe) {
        for (size_t i = 0; i < pe->n_sections; i++) {
                const PeSection *section = &pe->sections[i];
                int r;

                r = pe_check_section(source, pe, i);
                if (r != 0)
                        return r;
                for (size_t j = 0; j < i; j++)
                        if (ranges_overlap(&section->raw, &pe->sections[j].raw))
                                return source_refuse(source, IMAGE_E_SECTION_RANGE,
                                                "sections %s and %s overlap at 0x%" PRIx64, pe->sections[j].name,
                                                section->name, section->raw.offset);
        }
        return 0;
}

int pe_find(ImageSource *source, const Pe *pe, size_t from, size_t to, ImageSection section, const PeSection **ret) {
        const char *name = image_section_name(section);
        const PeSection *found = NULL;

        for (size_t i = from; i < to; i++) {
                if (strcmp(pe->sections[i].name, name) != 0)
                        continue;
                if (found && !section_may_repeat(section))
                        return source_refuse(source, IMAGE_E_SECTION_TWICE, "section %s is there twice", name);
                found = found ?: &pe->sections[i];
        }
        *ret = found;
        return 0;
}
