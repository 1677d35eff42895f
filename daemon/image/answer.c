/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "image/answer.h"

#define ERRNO_MAX 4095 /* MAX_ERRNO of include/linux/err.h */

static bool is_text(const char *text, size_t size) {
        const char *end = memchr(text, 0, size);

        if (!end)
                return false;
        for (; text < end; text++)
                if (*text < 0x20 || *text > 0x7e)
                        return false;
        return true;
}

static bool texts_are_sane(const ImageAnswer *a) {
        return is_text(a->release, sizeof(a->release)) && is_text(a->detail, sizeof(a->detail)) &&
                        is_text(a->compression, sizeof(a->compression));
}

static bool result_is_sane(int32_t result) {
        return result >= -ERRNO_MAX && result < _IMAGE_ERROR_MAX && result != IMAGE_E_PARSER_DIED;
}

static bool signing_is_sane(const ImageSigning *signing, uint64_t file_bytes) {
        const ImageRange checksum = { signing->checksum_offset, 4 }, directory = { signing->directory_offset, 8 };

        if (!range_is_within(&checksum, file_bytes) || !range_is_within(&directory, file_bytes))
                return false;
        if (signing->directory_offset > 0 && signing->checksum_offset + checksum.bytes > signing->directory_offset)
                return false;
        if (signing->certificates.bytes == 0)
                return signing->certificates.offset == 0;
        return signing->checksum_offset > 0 && signing->directory_offset > 0 &&
                        signing->certificates.offset >= signing->directory_offset + directory.bytes &&
                        range_is_within(&signing->certificates, file_bytes) &&
                        signing->certificates.offset + signing->certificates.bytes == file_bytes;
}

/* What is not signed may not be used as if it were: no section lies among the certificates, or before the end of what
 * the digest leaves out of the headers. A bzImage is the whole file, signatures and all. */
static bool section_is_sane(const ImageAnswer *a, ImageSection section, uint64_t file_bytes) {
        const ImageRange *range = &a->sections[section];

        if (range->bytes == 0)
                return true;
        if (a->kind == IMAGE_BZIMAGE && section == IMAGE_SECTION_LINUX)
                return range->offset == 0 && range->bytes == file_bytes;
        return range->offset >= a->signing.directory_offset + 8 &&
                        range_is_within(range, file_bytes - a->signing.certificates.bytes);
}

static bool boot_is_sane(const ImageAnswer *a) {
        const ImageBoot *boot = &a->boot;
        uint64_t bytes = a->sections[IMAGE_SECTION_LINUX].bytes;

        if (a->kind == IMAGE_BZIMAGE)
                bytes -= a->signing.certificates.bytes;
        if (a->kind == IMAGE_ZBOOT || a->kind == IMAGE_ADDON)
                return boot->setup_bytes == 0 && boot->init_bytes == 0 && boot->alignment == 0 &&
                                boot->preferred_address == 0 && boot->command_line_bytes == 0 &&
                                boot->payload.offset == 0 && boot->payload.bytes == 0;
        return boot->setup_bytes <= bytes && boot->alignment > 0 && (boot->alignment & (boot->alignment - 1)) == 0 &&
                        boot->payload.offset >= boot->setup_bytes && range_is_within(&boot->payload, bytes);
}

static bool profiles_are_sane(const ImageAnswer *a, uint64_t file_bytes) {
        if (a->n_profiles > IMAGE_PROFILES_MAX || (a->n_profiles > 0 && a->kind != IMAGE_UKI))
                return false;
        if (a->profile >= (a->n_profiles ?: 1))
                return false;
        for (size_t i = 0; i < a->n_profiles; i++)
                if (!range_is_within(&a->profiles[i], file_bytes))
                        return false;
        return true;
}

/* What an answer must be on top when it says that the image is good. */
static bool is_sane(const ImageAnswer *a, uint64_t file_bytes) {
        if (a->kind > IMAGE_ADDON || !signing_is_sane(&a->signing, file_bytes))
                return false;
        if ((a->sections[IMAGE_SECTION_LINUX].bytes > 0) != (a->kind != IMAGE_ADDON))
                return false;
        if ((a->compression[0] != 0) != (a->kind == IMAGE_ZBOOT))
                return false;
        for (size_t i = 0; i < _IMAGE_SECTION_MAX; i++)
                if (!section_is_sane(a, (ImageSection) i, file_bytes))
                        return false;
        return boot_is_sane(a) && profiles_are_sane(a, file_bytes);
}

int image_answer_check(const void *data, size_t size, uint64_t file_bytes, ImageAnswer *ret) {
        ImageAnswer answer;

        if (size != sizeof(answer))
                return -EBADMSG;
        memcpy(&answer, data, sizeof(answer));

        if (!result_is_sane(answer.result) || !texts_are_sane(&answer))
                return -EBADMSG;
        if (answer.result == 0 && !is_sane(&answer, file_bytes))
                return -EBADMSG;

        *ret = answer;
        return 0;
}
