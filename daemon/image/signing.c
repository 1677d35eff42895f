/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Microsoft's "PE Format", "The Attribute Certificate Table (Image Only)". Nothing in the table, nor behind it, is part
 * of the digest that was signed: so there may be nothing else there. */

#include <inttypes.h>

#include "image/pe.h"

#define OPTIONAL_AT_CHECKSUM 64
#define OPTIONAL_AT_CERTIFICATES 144 /* data directory 4 of PE32+ */

#define CERTIFICATE_ALIGNMENT 8U
#define CERTIFICATE_HEADER_BYTES 8U /* WIN_CERTIFICATE without its data */
#define CERTIFICATES_MAX 32U
#define CERTIFICATES_BYTES_MAX (4ULL << 20)

static int table_check_place(ImageSource *source, const Pe *pe) {
        const ImageRange *table = &pe->certificates;
        uint64_t end = table->offset + table->bytes; /* from 32 bits each: no overflow */

        if (end > source->bytes)
                return source_refuse(source, IMAGE_E_CERTIFICATES,
                                "the certificate table at 0x%" PRIx64 "+0x%" PRIx64 " ends past the file's 0x%" PRIx64
                                " bytes", table->offset, table->bytes, source->bytes);
        if (end < source->bytes)
                return source_refuse(source, IMAGE_E_CERTIFICATES,
                                "behind the certificate table, which ends at 0x%" PRIx64 ", are 0x%" PRIx64
                                " bytes that no signature covers", end, source->bytes - end);
        if (table->offset % CERTIFICATE_ALIGNMENT != 0)
                return source_refuse(source, IMAGE_E_CERTIFICATES,
                                "the certificate table at 0x%" PRIx64 " is not aligned to 8 bytes", table->offset);
        if (table->offset < pe->headers_end)
                return source_refuse(source, IMAGE_E_CERTIFICATES,
                                "the certificate table at 0x%" PRIx64 " begins inside the headers", table->offset);
        if (table->bytes > CERTIFICATES_BYTES_MAX)
                return source_refuse(source, IMAGE_E_CERTIFICATES,
                                "a certificate table of 0x%" PRIx64 " bytes, more than 4 MiB", table->bytes);

        for (size_t i = 0; i < pe->n_sections; i++) {
                const PeSection *section = &pe->sections[i];

                if (section->raw.bytes > 0 && section->raw.offset + section->raw.bytes > table->offset)
                        return source_refuse(source, IMAGE_E_CERTIFICATES,
                                        "section %s ends behind the beginning of the certificate table at 0x%" PRIx64,
                                        section->name, table->offset);
        }
        return 0;
}

/* "If the sum of the rounded dwLength values does not equal the Size value, then either the attribute certificate table
 * or the Size field is corrupted." */
static int table_check_entries(ImageSource *source, const ImageRange *table) {
        uint64_t at = table->offset, end = table->offset + table->bytes;

        for (size_t n = 0; at < end; n++) {
                uint8_t header[CERTIFICATE_HEADER_BYTES];
                uint64_t bytes, rounded;
                int r;

                if (n == CERTIFICATES_MAX)
                        return source_refuse(source, IMAGE_E_CERTIFICATES, "more than %u certificates",
                                        CERTIFICATES_MAX);
                if (end - at < sizeof(header))
                        return source_refuse(source, IMAGE_E_CERTIFICATES,
                                        "the certificate table has no room for a header at 0x%" PRIx64, at);
                r = source_read(source, at, header, sizeof(header), "a certificate's header");
                if (r != 0)
                        return r;
                bytes = get_le32(header);
                rounded = (bytes + CERTIFICATE_ALIGNMENT - 1) / CERTIFICATE_ALIGNMENT * CERTIFICATE_ALIGNMENT;
                if (bytes <= sizeof(header) || rounded > end - at)
                        return source_refuse(source, IMAGE_E_CERTIFICATES,
                                        "the certificate at 0x%" PRIx64 " says it has 0x%" PRIx64
                                        " bytes, of 0x%" PRIx64 " in the table", at, bytes, end - at);
                at += rounded;
        }
        return 0;
}

int pe_read_signing(ImageSource *source, const Pe *pe, ImageSigning *ret) {
        int r;

        ret->checksum_offset = pe->optional_offset + OPTIONAL_AT_CHECKSUM;
        ret->directory_offset = pe->has_certificate_directory ? pe->optional_offset + OPTIONAL_AT_CERTIFICATES : 0;
        if (pe->certificates.bytes == 0)
                return 0;

        r = table_check_place(source, pe);
        if (r != 0)
                return r;
        r = table_check_entries(source, &pe->certificates);
        if (r != 0)
                return r;
        ret->certificates = pe->certificates;
        return 0;
}
