/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>

#include "fdt-build.h"
#include "luo/fdt.h"
#include "unit.h"

/* Exactly as large as it is, so that a sanitizer sees a step beyond. */
static int root_property(const char *blob, size_t size, const char *name, char *ret, size_t ret_size) {
        char *copy = malloc(size);
        const char *value, *first;
        size_t bytes, first_bytes;
        int r;

        ck_assert(copy || size == 0);
        if (size > 0)
                memcpy(copy, blob, size);
        (void) fdt_root_first_property(copy, size, &first, &first_bytes);
        r = fdt_root_property(copy, size, name, &value, &bytes);
        if (r >= 0) {
                ck_assert_uint_le(bytes, ret_size);
                memcpy(ret, value, bytes);
        }
        free(copy);
        return r;
}

START_TEST(reads_root_property) {
        char value[64];
        Tree tree;

        make_kho_tree(&tree, "kho-v4");
        ck_assert_int_eq(root_property(tree.blob, tree.bytes, "compatible", value, sizeof(value)), 0);
        ck_assert_str_eq(value, "kho-v4");
        ck_assert_int_eq(root_property(tree.blob, tree.bytes, "preserved-memory-map", value, sizeof(value)), 0);
        ck_assert_int_eq(root_property(tree.blob, tree.bytes, "child-only", value, sizeof(value)), -ENOENT);
        ck_assert_int_eq(root_property(tree.blob, tree.bytes, "compatibl", value, sizeof(value)), -ENOENT);
        ck_assert_int_eq(root_property(tree.blob, tree.bytes, "compatible-x", value, sizeof(value)), -ENOENT);

        /* debugfs shows what the tree needs, or all of its page. */
        ck_assert_int_eq(root_property(tree.blob, sizeof(tree.blob), "compatible", value, sizeof(value)), 0);
}
END_TEST

START_TEST(refuses_truncated) {
        char value[64];
        Tree tree;

        make_kho_tree(&tree, "kho-v4");
        for (size_t size = 0; size < tree.bytes; size++)
                ck_assert_int_eq(root_property(tree.blob, size, "compatible", value, sizeof(value)),
                                 size < 40 ? -EBADMSG : -ENODATA);

        /* So that the header is right, but the blocks end too early. */
        for (size_t cut = 1; cut < 256; cut++) {
                Tree shorter = tree;

                if (cut > tree.structure_bytes)
                        break;
                shorter.structure_bytes -= cut;
                finish_with(&shorter, 0xd00dfeed, 17, 16);
                ck_assert_int_ne(root_property(shorter.blob, shorter.bytes, "child-only", value, sizeof(value)), 0);
        }
        for (size_t left = 0; left < strlen("preserved-memory-map") + 1 + strlen("compatible") + 1; left++) {
                Tree shorter = tree;

                shorter.strings_bytes = left;
                finish_with(&shorter, 0xd00dfeed, 17, 16);
                ck_assert_int_ne(root_property(shorter.blob, shorter.bytes, "compatible", value, sizeof(value)), 0);
        }
}
END_TEST

/* Every bit of the header and of the structure, one at a time: any answer will do, but no step out of the blob. */
START_TEST(bears_flipped_bits) {
        char value[1024];
        Tree tree;

        make_kho_tree(&tree, "kho-v4");
        for (size_t bit = 0; bit < tree.bytes * 8; bit++) {
                int r;

                tree.blob[bit / 8] ^= (char) (1 << bit % 8);
                r = root_property(tree.blob, tree.bytes, "compatible", value, sizeof(value));
                ck_assert(r == 0 || r == -ENOENT || r == -ENODATA || r == -EBADMSG);
                tree.blob[bit / 8] ^= (char) (1 << bit % 8);
        }
}
END_TEST

START_TEST(refuses_other_trees) {
        static const struct {
                uint32_t magic, version, last_version;
        } headers[] = { { 0xedfe0dd0, 17, 16 }, { 0, 17, 16 }, { 0xd00dfeed, 16, 16 }, { 0xd00dfeed, 18, 18 } };
        char value[64];
        Tree tree;

        make_kho_tree(&tree, "kho-v4");
        for (size_t i = 0; i < ELEMENTSOF(headers); i++) {
                finish_with(&tree, headers[i].magic, headers[i].version, headers[i].last_version);
                ck_assert_int_eq(root_property(tree.blob, tree.bytes, "compatible", value, sizeof(value)), -EBADMSG);
        }
        finish_with(&tree, 0xd00dfeed, 18, 17);
        ck_assert_int_eq(root_property(tree.blob, tree.bytes, "compatible", value, sizeof(value)), 0);

        tree = (Tree) {};
        add_node(&tree, "named");
        add_property(&tree, "compatible", "kho-v4", 7);
        finish_with(&tree, 0xd00dfeed, 17, 16);
        ck_assert_int_eq(root_property(tree.blob, tree.bytes, "compatible", value, sizeof(value)), -EBADMSG);
}
END_TEST

UNIT_MAIN("luo-fdt", reads_root_property, refuses_truncated, bears_flipped_bits, refuses_other_trees)
