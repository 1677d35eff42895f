/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The header of drivers/firmware/efi/libstub/zboot-header.S, which lies in the unused part of the DOS header. */

#include <inttypes.h>

#include "image/zboot.h"

#define AT_MAGIC 4
#define AT_PAYLOAD 8
#define AT_PAYLOAD_BYTES 12
#define AT_COMPRESSION 24
#define HEADER_BYTES 56 /* up to LINUX_PE_MAGIC */

_Static_assert(HEADER_BYTES - AT_COMPRESSION == IMAGE_COMPRESSION_BYTES_MAX + 1, "a name and its NUL fill the header");

int zboot_probe(ImageSource *source, bool *ret) {
        uint8_t start[AT_MAGIC + 4];
        int r;

        if (source->bytes < sizeof(start)) {
                *ret = false;
                return 0;
        }
        r = source_read(source, 0, start, sizeof(start), "the file's magic");
        if (r != 0)
                return r;
        *ret = memcmp(start, "MZ", 2) == 0 && memcmp(start + AT_MAGIC, "zimg", 4) == 0;
        return 0;
}

static bool is_letter_or_digit(uint8_t c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static int compression_read(ImageSource *source, const uint8_t name[static IMAGE_COMPRESSION_BYTES_MAX + 1],
                char ret[static IMAGE_COMPRESSION_BYTES_MAX + 1]) {
        size_t n = 0;

        while (n < IMAGE_COMPRESSION_BYTES_MAX && is_letter_or_digit(name[n]))
                n++;
        if (n == 0 || name[n] != 0)
                return source_refuse(source, IMAGE_E_UNKNOWN_FORMAT, "a zboot header that does not name a compression");
        memcpy(ret, name, n + 1);
        return 0;
}

static int payload_check(ImageSource *source, const Pe *pe, const ImageRange *payload, uint64_t end) {
        if (payload->bytes == 0)
                return source_refuse(source, IMAGE_E_SECTION_MISSING,
                                "the zboot header's compressed kernel has no bytes");
        if (!range_is_within(payload, source->bytes))
                return source_refuse(source, IMAGE_E_TRUNCATED,
                                "the compressed kernel at 0x%" PRIx64 "+0x%" PRIx64 " ends past the file's 0x%" PRIx64
                                " bytes", payload->offset, payload->bytes, source->bytes);
        if (payload->offset < pe->headers_end)
                return source_refuse(source, IMAGE_E_SECTION_RANGE,
                                "the compressed kernel at 0x%" PRIx64
                                " begins inside the headers, which end at 0x%" PRIx64, payload->offset,
                                pe->headers_end);
        if (!range_is_within(payload, end))
                return source_refuse(source, IMAGE_E_SECTION_RANGE,
                                "the compressed kernel at 0x%" PRIx64 "+0x%" PRIx64
                                " ends inside the certificate table at 0x%" PRIx64, payload->offset, payload->bytes,
                                end);
        return 0;
}

int zboot_parse(ImageSource *source, const Pe *pe, ImageAnswer *ret) {
        ImageRange *payload = &ret->sections[IMAGE_SECTION_LINUX];
        uint8_t header[HEADER_BYTES];
        int r;

        ret->kind = IMAGE_ZBOOT;
        r = source_read(source, 0, header, sizeof(header), "the zboot header");
        if (r != 0)
                return r;
        r = compression_read(source, header + AT_COMPRESSION, ret->compression);
        if (r != 0)
                return r;
        *payload = (ImageRange) { get_le32(header + AT_PAYLOAD), get_le32(header + AT_PAYLOAD_BYTES) };
        return payload_check(source, pe, payload, source->bytes - ret->signing.certificates.bytes);
}
