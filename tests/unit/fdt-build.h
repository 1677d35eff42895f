/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <endian.h>
#include <stdint.h>
#include <string.h>

#include "basic/cleanup.h"

/* A devicetree made by hand, as kexec_handover.c:kho_out_fdt_setup() and kho_add_subtree() leave it. */
typedef struct Tree {
        char structure[512], strings[128], blob[1024];
        size_t structure_bytes, strings_bytes, bytes;
} Tree;

static inline void add_number(char *to, size_t *bytes, uint32_t number) {
        number = htobe32(number);
        memcpy(to + *bytes, &number, sizeof(number));
        *bytes += sizeof(number);
}

static inline void add_padded(Tree *tree, const void *data, size_t size) {
        memcpy(tree->structure + tree->structure_bytes, data, size);
        tree->structure_bytes += (size + 3) & ~(size_t) 3;
}

static inline void add_node(Tree *tree, const char *name) {
        add_number(tree->structure, &tree->structure_bytes, 1);
        add_padded(tree, name, strlen(name) + 1);
}

static inline void add_property(Tree *tree, const char *name, const void *value, size_t size) {
        add_number(tree->structure, &tree->structure_bytes, 3);
        add_number(tree->structure, &tree->structure_bytes, (uint32_t) size);
        add_number(tree->structure, &tree->structure_bytes, (uint32_t) tree->strings_bytes);
        memcpy(tree->strings + tree->strings_bytes, name, strlen(name) + 1);
        tree->strings_bytes += strlen(name) + 1;
        add_padded(tree, value, size);
}

static inline void add_token(Tree *tree, uint32_t token) {
        add_number(tree->structure, &tree->structure_bytes, token);
}

static inline void finish_with(Tree *tree, uint32_t magic, uint32_t version, uint32_t last_version) {
        const uint32_t structure_offset = 56, strings_offset = structure_offset + (uint32_t) tree->structure_bytes;
        const uint32_t fields[] = { magic, strings_offset + (uint32_t) tree->strings_bytes, structure_offset,
                strings_offset, 40, version, last_version, 0, (uint32_t) tree->strings_bytes,
                (uint32_t) tree->structure_bytes };

        memset(tree->blob, 0, sizeof(tree->blob));
        tree->bytes = 0;
        for (size_t i = 0; i < ELEMENTSOF(fields); i++)
                add_number(tree->blob, &tree->bytes, fields[i]);
        memcpy(tree->blob + structure_offset, tree->structure, tree->structure_bytes);
        memcpy(tree->blob + strings_offset, tree->strings, tree->strings_bytes);
        tree->bytes = strings_offset + tree->strings_bytes;
}

static inline void make_kho_tree(Tree *tree, const char *compatible) {
        const uint64_t address = 0x1234000;

        *tree = (Tree) {};
        add_node(tree, "");
        add_property(tree, "preserved-memory-map", &address, sizeof(address));
        add_token(tree, 4);
        add_property(tree, "compatible", compatible, strlen(compatible) + 1);
        add_node(tree, "LUO");
        add_property(tree, "preserved-data", &address, sizeof(address));
        add_property(tree, "child-only", "x", 2);
        add_token(tree, 2);
        add_token(tree, 2);
        add_token(tree, 9);
        finish_with(tree, 0xd00dfeed, 17, 16);
}
