/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <endian.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "luo/fdt.h"

#define MAGIC UINT32_C(0xd00dfeed)
#define VERSION 17U /* of all there are, since 2005 */

typedef enum Token {
        TOKEN_BEGIN_NODE = 1,
        TOKEN_END_NODE = 2,
        TOKEN_PROPERTY = 3,
        TOKEN_NOP = 4,
        TOKEN_END = 9,
} Token;

typedef struct Header {
        uint32_t magic, total_bytes, structure_offset, strings_offset, reserved_offset, version;
        uint32_t last_compatible_version, boot_cpu, strings_bytes, structure_bytes;
} Header;

/* A part of the blob, and what of it is still ahead. */
typedef struct Block {
        const char *p;
        size_t bytes;
} Block;

static bool take_number(Block *block, uint32_t *ret) {
        uint32_t number;

        if (block->bytes < sizeof(number))
                return false;
        memcpy(&number, block->p, sizeof(number));
        *ret = be32toh(number);
        block->p += sizeof(number);
        block->bytes -= sizeof(number);
        return true;
}

/* With the padding behind it. */
static bool take_bytes(Block *block, size_t bytes) {
        size_t padded = bytes > SIZE_MAX - 3 ? SIZE_MAX : (bytes + 3) & ~(size_t) 3;

        if (padded > block->bytes)
                return false;
        block->p += padded;
        block->bytes -= padded;
        return true;
}

/* As far as it is there. */
static Block block_of(const char *blob, size_t size, uint32_t offset, uint32_t bytes) {
        size_t from = offset < size ? offset : size;

        return (Block) { blob + from, bytes < size - from ? bytes : size - from };
}

static bool open_blocks(const void *blob, size_t size, Block *ret_structure, Block *ret_strings, bool *ret_is_cut) {
        Block block = { blob, size };
        Header header;
        uint32_t *const fields[] = { &header.magic, &header.total_bytes, &header.structure_offset,
                &header.strings_offset, &header.reserved_offset, &header.version, &header.last_compatible_version,
                &header.boot_cpu, &header.strings_bytes, &header.structure_bytes };

        for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
                if (!take_number(&block, fields[i]))
                        return false;
        if (header.magic != MAGIC || header.version < VERSION || header.last_compatible_version > VERSION ||
                        header.structure_offset > header.total_bytes || header.strings_offset > header.total_bytes ||
                        header.structure_bytes > header.total_bytes - header.structure_offset ||
                        header.strings_bytes > header.total_bytes - header.strings_offset)
                return false;
        if (header.total_bytes < size)
                size = header.total_bytes;
        *ret_structure = block_of(blob, size, header.structure_offset, header.structure_bytes);
        *ret_strings = block_of(blob, size, header.strings_offset, header.strings_bytes);
        *ret_is_cut = ret_strings->bytes < header.strings_bytes;
        return true;
}

static bool is_named(const Block *strings, uint32_t offset, const char *name) {
        size_t bytes = strlen(name) + 1;

        return offset <= strings->bytes && bytes <= strings->bytes - offset &&
                        memcmp(strings->p + offset, name, bytes) == 0;
}

/* A node's properties stand ahead of its children. `name` NULL: the first. */
static int node_property(Block *structure, const Block *strings, const char *name, const char **ret,
                size_t *ret_bytes) {
        uint32_t token, bytes, name_offset;

        while (take_number(structure, &token)) {
                const char *value;

                if (token == TOKEN_NOP)
                        continue;
                if (token == TOKEN_BEGIN_NODE || token == TOKEN_END_NODE)
                        return -ENOENT;
                if (token != TOKEN_PROPERTY || !take_number(structure, &bytes) ||
                                !take_number(structure, &name_offset))
                        return -EBADMSG;
                value = structure->p;
                if (!take_bytes(structure, bytes))
                        return -EBADMSG;
                if (!name || is_named(strings, name_offset, name)) {
                        *ret = value;
                        *ret_bytes = bytes;
                        return 0;
                }
        }
        return -EBADMSG;
}

static int root_property(const void *blob, size_t size, const char *name, const char **ret, size_t *ret_bytes) {
        Block structure = {}, strings = {};
        bool is_cut = false;
        uint32_t token;

        if (!open_blocks(blob, size, &structure, &strings, &is_cut))
                return -EBADMSG;
        if (name && is_cut)
                return -ENODATA;
        do
                if (!take_number(&structure, &token))
                        return -EBADMSG;
        while (token == TOKEN_NOP);
        /* The root's name is empty. */
        if (token != TOKEN_BEGIN_NODE || structure.bytes < 4 || *structure.p || !take_bytes(&structure, 1))
                return -EBADMSG;
        return node_property(&structure, &strings, name, ret, ret_bytes);
}

int fdt_root_property(const void *blob, size_t size, const char *name, const char **ret, size_t *ret_bytes) {
        return root_property(blob, size, name, ret, ret_bytes);
}

int fdt_root_first_property(const void *blob, size_t size, const char **ret, size_t *ret_bytes) {
        return root_property(blob, size, NULL, ret, ret_bytes);
}
