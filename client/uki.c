/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* PE, as in Microsoft's "PE Format": an MZ header that leads to a COFF header, and sections behind the optional one. */

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include "client/uki.h"

#define DOS_PE_OFFSET 0x3cU
#define SECTIONS_MAX 256U

typedef struct CoffHeader {
        char magic[4];
        uint16_t machine, n_sections;
        uint32_t time, symbols, n_symbols;
        uint16_t optional_bytes, characteristics;
} CoffHeader;

typedef struct Section {
        char name[8];
        uint32_t virtual_bytes, virtual_address, raw_bytes, raw_offset;
        uint32_t relocations, line_numbers;
        uint16_t n_relocations, n_line_numbers;
        uint32_t characteristics;
} Section;

_Static_assert(sizeof(CoffHeader) == 24 && sizeof(Section) == 40, "as in the file");

static void profile_done(UkiProfile *profile) {
        free(profile->os_release);
        free(profile->profile);
}

Uki *uki_free(Uki *uki) {
        if (!uki)
                return NULL;

        profile_done(&uki->base);
        for (size_t i = 0; i < uki->n_profiles; i++)
                profile_done(&uki->profiles[i]);
        free(uki);
        return NULL;
}

static int read_at(int fd, void *data, size_t size, uint64_t offset) {
        ssize_t n = pread(fd, data, size, (off_t) offset);

        if (n < 0)
                return -errno;
        return (size_t) n == size ? 0 : -EBADMSG;
}

/* The first one counts; text ends at a NUL. */
static int read_text(int fd, const Section *section, char **text) {
        uint32_t virtual_bytes = le32toh(section->virtual_bytes), bytes = le32toh(section->raw_bytes);
        _cleanup_free_ char *data = NULL;
        int r;

        if (*text)
                return 0;
        if (virtual_bytes < bytes)
                bytes = virtual_bytes;
        if (bytes > UKI_TEXT_BYTES_MAX)
                return -EBADMSG;
        data = calloc(1, (size_t) bytes + 1);
        if (!data)
                return -ENOMEM;
        r = read_at(fd, data, bytes, le32toh(section->raw_offset));
        if (r >= 0)
                *text = TAKE_PTR(data);
        return r;
}

static bool is_named(const Section *section, const char *name) {
        return strncmp(section->name, name, sizeof(section->name)) == 0;
}

/* A .profile begins a profile; what is before the first one is the base of all. */
static int read_section(int fd, const Section *section, Uki *uki) {
        UkiProfile *profile;

        if (is_named(section, ".profile")) {
                if (uki->n_profiles >= UKI_PROFILES_MAX)
                        return -EBADMSG;
                uki->n_profiles++;
        }
        profile = uki->n_profiles > 0 ? &uki->profiles[uki->n_profiles - 1] : &uki->base;
        if (is_named(section, ".profile"))
                return read_text(fd, section, &profile->profile);
        if (is_named(section, ".osrel"))
                return read_text(fd, section, &profile->os_release);
        if (is_named(section, ".linux"))
                uki->has_kernel = true;
        return 0;
}

static int read_header(int fd, CoffHeader *ret, uint64_t *ret_offset) {
        uint32_t offset;
        char magic[2];
        int r;

        r = read_at(fd, magic, sizeof(magic), 0);
        if (r >= 0)
                r = read_at(fd, &offset, sizeof(offset), DOS_PE_OFFSET);
        if (r >= 0)
                r = read_at(fd, ret, sizeof(*ret), le32toh(offset));
        if (r < 0)
                return r;
        if (memcmp(magic, "MZ", 2) != 0 || memcmp(ret->magic, "PE\0\0", 4) != 0 ||
                        le16toh(ret->n_sections) > SECTIONS_MAX)
                return -EBADMSG;
        *ret_offset = (uint64_t) le32toh(offset) + sizeof(*ret) + le16toh(ret->optional_bytes);
        return 0;
}

int uki_read(int fd, Uki **ret) {
        _cleanup_(uki_freep) Uki *uki = calloc(1, sizeof(*uki));
        CoffHeader header;
        uint64_t offset;
        int r;

        if (!uki)
                return -ENOMEM;
        r = read_header(fd, &header, &offset);
        if (r < 0)
                return r;
        for (size_t i = 0; i < le16toh(header.n_sections); i++) {
                Section section;

                r = read_at(fd, &section, sizeof(section), offset + i * sizeof(section));
                if (r >= 0)
                        r = read_section(fd, &section, uki);
                if (r < 0)
                        return r;
        }
        *ret = TAKE_PTR(uki);
        return 0;
}

bool uki_is_at(const char *path) {
        _cleanup_fd_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        _cleanup_(uki_freep) Uki *uki = NULL;
        struct stat st;

        return fd >= 0 && fstat(fd, &st) >= 0 && S_ISREG(st.st_mode) && uki_read(fd, &uki) >= 0 && uki->has_kernel;
}
