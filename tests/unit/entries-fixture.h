/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Files of boot loaders below the temporary root. */

#include <stdint.h>

#include "basic/io.h"
#include "temporary-root.h"

typedef struct UkiSection {
        const char *name, *text;
} UkiSection;

static inline void put_bytes(const char *path, const void *data, size_t size) {
        _cleanup_fd_ int fd = root_open(path);

        ck_assert_int_eq(ftruncate(fd, 0), 0);
        ck_assert_int_eq(write_full(fd, data, size), 0);
}

static inline void put_text(const char *path, const char *text) {
        put_bytes(path, text, strlen(text));
}

/* As efivarfs shows it: attributes, then UTF-16 with its NUL. */
static inline void put_variable(const char *name, const char *text) {
        char path[128], data[256] = "\7\0\0";
        size_t n = strlen(text) + 1;

        for (size_t i = 0; i < n; i++) {
                data[4 + 2 * i] = text[i];
                data[4 + 2 * i + 1] = 0;
        }
        snprintf(path, sizeof(path), "/sys/firmware/efi/efivars/%s-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f", name);
        put_bytes(path, data, 4 + 2 * n);
}

static inline void put_le32(uint8_t *p, uint32_t value) {
        for (size_t i = 0; i < 4; i++)
                p[i] = (uint8_t) (value >> (8 * i));
}

/* A PE with these sections and nothing else. Answers its size. */
static inline size_t uki_build(uint8_t data[static 4096], const UkiSection *sections, size_t n) {
        size_t text = 0x58 + 40 * n;

        memset(data, 0, 4096);
        memcpy(data, "MZ", 2);
        put_le32(data + 0x3c, 0x40);
        memcpy(data + 0x40, "PE\0\0\x64\x86", 6);
        data[0x46] = (uint8_t) n;
        for (size_t i = 0; i < n; i++) {
                uint8_t *section = data + 0x58 + 40 * i;
                size_t size = strlen(sections[i].text);

                ck_assert_uint_le(text + size, 4096);
                memcpy(section, sections[i].name, strnlen(sections[i].name, 8));
                put_le32(section + 8, (uint32_t) size);
                put_le32(section + 16, (uint32_t) size);
                put_le32(section + 20, (uint32_t) text);
                memcpy(data + text, sections[i].text, size);
                text += size;
        }
        return text;
}

#define put_uki(path, ...)                                                                                             \
        ({                                                                                                             \
                const UkiSection _sections[] = { __VA_ARGS__ };                                                        \
                uint8_t _data[4096];                                                                                   \
                size_t _size = uki_build(_data, _sections, ELEMENTSOF(_sections));                                     \
                                                                                                                       \
                put_bytes(path, _data, _size);                                                                         \
        })
