/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "basic/json.h"
#include "fdt-build.h"
#include "luo/abi-internal.h"
#include "temporary-root.h"

START_TEST(splits_names) {
        static const struct {
                const char *name;
                size_t family;
                uint64_t version;
        } names[] = { { "kho-v4", 3, 4 }, { "reserve-mem-v12", 11, 12 }, { "kvm_vm_luo_v1", 10, 1 },
                { "a-v000000001", 1, 1 } };
        static const char *const others[] = { "", "v1", "-v1x", "kho", "kho-v", "kho-4", "khov4", "kho-v4 ", "kho-V4",
                "-v1", "kho-v0000000001", "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz-v1" };
        uint64_t version;
        size_t family;

        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                ck_assert(abi_name_split(names[i].name, &family, &version));
                ck_assert_uint_eq(family, names[i].family);
                ck_assert_uint_eq(version, names[i].version);
        }
        for (size_t i = 0; i < ELEMENTSOF(others); i++)
                ck_assert_msg(!abi_name_split(others[i], &family, &version), "%s", others[i]);
        ck_assert(abi_name_is_of("kho-v4", "kho"));
        ck_assert(!abi_name_is_of("kho-test-v4", "kho"));
}
END_TEST

#define KHO "/sys/kernel/debug/kho"

START_TEST(finds_running_abi) {
        static const char luo_ser[32] = "luo-v5"; /* struct luo_ser: the name, three numbers */
        TEMPORARY_ROOT();
        LuoAbi abi;
        Tree tree;

        luo_abi_of_running_kernel(root, &abi);
        ck_assert_str_eq(abi.kho, "");
        ck_assert_str_eq(abi.luo, "");
        ck_assert(!abi.knows_handlers);
        ck_assert_uint_eq(abi.n_handlers, 0);

        /* Booted by a live update. What the previous kernel's LUO left is freed memory by now, and not to be read. */
        make_kho_tree(&tree, "kho-v3");
        root_put_bytes(KHO "/in/fdt", tree.blob, tree.bytes);
        root_put_bytes(KHO "/in/sub_fdts/LUO", "luo-v1\0", 8);
        luo_abi_of_running_kernel(root, &abi);
        ck_assert_str_eq(abi.kho, "kho-v3");
        ck_assert_str_eq(abi.luo, "");

        make_kho_tree(&tree, "kho-v4");
        root_put_bytes(KHO "/out/fdt", tree.blob, tree.bytes);
        root_put_bytes(KHO "/out/sub_fdts/LUO", luo_ser, sizeof(luo_ser));
        luo_abi_of_running_kernel(root, &abi);
        ck_assert_str_eq(abi.kho, "kho-v4");
        ck_assert_str_eq(abi.luo, "luo-v5");

        /* As debugfs shows it: cut off ahead of the names. */
        tree = (Tree) {};
        add_node(&tree, "");
        add_property(&tree, "compatible", "kho-v7", 7);
        add_property(&tree, "preserved-memory-map", "12345678", 8);
        add_token(&tree, 2);
        add_token(&tree, 9);
        finish_with(&tree, 0xd00dfeed, 17, 16);
        root_put_bytes(KHO "/out/fdt", tree.blob, tree.bytes - tree.strings_bytes - 16);
        luo_abi_of_running_kernel(root, &abi);
        ck_assert_str_eq(abi.kho, "kho-v7");

        /* Linux 6.19 has a devicetree for LUO, too. */
        make_kho_tree(&tree, "luo-v1");
        root_put_bytes(KHO "/out/sub_fdts/LUO", tree.blob, tree.bytes);
        luo_abi_of_running_kernel(root, &abi);
        ck_assert_str_eq(abi.luo, "luo-v1");
}
END_TEST

START_TEST(bears_other_trees) {
        static const struct {
                const char *bytes;
                size_t size;
        } blobs[] = {
                { "", 0 },
                { "luo-v5", 6 }, /* no NUL */
                { "luo-v5\xff", 8 },
                { "\0luo-v5", 8 },
                { "kho-v5\0", 8 },
                { "luo-vx\0", 8 },
                { "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-v1", 66 },
        };
        LuoAbiName name = {};
        Tree tree;

        for (size_t i = 0; i < ELEMENTSOF(blobs); i++)
                ck_assert_msg(!abi_name_from_tree(blobs[i].bytes, blobs[i].size, "luo", name), "%zu", i);
        make_kho_tree(&tree, "luo-v5");
        ck_assert(!abi_name_from_tree(tree.blob, tree.bytes, "kho", name));
        make_kho_tree(&tree, "");
        ck_assert(!abi_name_from_tree(tree.blob, tree.bytes, "luo", name));
        ck_assert_str_eq(name, "");
}
END_TEST

START_TEST(picks_from_strings) {
        char names[][24] = { "memblock-v1", "kho-v3", "kho-v4", "kho-v2", "reserve-mem-v1", "luo-v5", "memfd-v2",
                "liveupdate-test-flb-v1", "hugetlb-v1", "pci-v2", "vfio-pci-v1", "memfd-v2", "memfd-v3", "amd-lbr-v2",
                "guest_memfd_luo_v1", "kho-test-v9", "iommufd-v1", "memfd", "", "iommu-liveupdate-v1" };
        char *strings[ELEMENTSOF(names)];
        LuoAbi abi;

        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                strings[i] = names[i];
        luo_abi_from_strings(strings, ELEMENTSOF(strings), &abi);
        ck_assert_str_eq(abi.kho, "kho-v4");
        ck_assert_str_eq(abi.luo, "luo-v5");
        ck_assert(abi.knows_handlers);
        ck_assert_uint_eq(abi.n_handlers, 5);
        ck_assert_str_eq(abi.handlers[0], "memfd-v2");
        ck_assert_str_eq(abi.handlers[1], "vfio-pci-v1");
        ck_assert_str_eq(abi.handlers[2], "memfd-v3");
        ck_assert_str_eq(abi.handlers[3], "guest_memfd_luo_v1");
        ck_assert_str_eq(abi.handlers[4], "iommufd-v1");

        luo_abi_from_strings(NULL, 0, &abi);
        ck_assert_str_eq(abi.kho, "");
        ck_assert_str_eq(abi.luo, "");
        ck_assert_uint_eq(abi.n_handlers, 0);
}
END_TEST

START_TEST(bears_many_handlers) {
        char names[40][24], *strings[40];
        LuoAbi abi;

        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                snprintf(names[i], sizeof(names[i]), "memfd-v%zu", i);
                strings[i] = names[i];
        }
        luo_abi_from_strings(strings, ELEMENTSOF(strings), &abi);
        ck_assert_uint_eq(abi.n_handlers, LUO_ABI_HANDLERS_MAX);
}
END_TEST

/* `state` and `words`, which text or evidence have, of the finding of that id among the three. */
static void assert_found(const LuoAbi *running, const LuoAbi *staged, const char *id, const char *state,
                const char *words) {
        _cleanup_json_ json_object *findings = json_object_new_array();
        static const char *const ids[] = { "kho-abi", "luo-abi", "fd-handlers" };

        ck_assert_int_eq(luo_abi_findings(running, staged, findings), 0);
        ck_assert_uint_eq(json_object_array_length(findings), ELEMENTSOF(ids));
        for (size_t i = 0; i < ELEMENTSOF(ids); i++) {
                json_object *finding = json_object_array_get_idx(findings, i);
                const char *name, *found, *text, *evidence, *remedy = NULL;

                ck_assert_int_eq(json_get_string(finding, "id", &name), 0);
                ck_assert_int_eq(json_get_string(finding, "state", &found), 0);
                ck_assert_int_eq(json_get_string(finding, "text", &text), 0);
                ck_assert_int_eq(json_get_string(finding, "evidence", &evidence), 0);
                (void) json_get_string(finding, "remedy", &remedy);
                ck_assert_str_eq(name, ids[i]);
                ck_assert_int_eq(strcmp(found, "ok") == 0, !remedy);
                if (strcmp(name, id) != 0)
                        continue;
                ck_assert_msg(strcmp(found, state) == 0, "%s is %s: %s", id, found, text);
                ck_assert_msg(strstr(text, words) || strstr(evidence, words), "%s: %s (%s)", id, text, evidence);
        }
}

static const LuoAbi usual = { "kho-v4", "luo-v5", { "memfd-v2" }, 1, true };

START_TEST(compares_versions) {
        LuoAbi running = usual, staged = usual;

        assert_found(&running, &staged, "kho-abi", "ok", "Both kernels speak kho-v4");
        assert_found(&running, &staged, "luo-abi", "ok", "Running: luo-v5; staged: luo-v5");
        assert_found(&running, NULL, "kho-abi", "warn", "could not be found out");
        assert_found(&running, NULL, "luo-abi", "warn", "staged: not known");

        strcpy(staged.luo, "luo-v6");
        assert_found(&running, &staged, "luo-abi", "fail", "speaks luo-v5, the staged one luo-v6");
        assert_found(&running, &staged, "kho-abi", "ok", "kho-v4");
        strcpy(staged.kho, "kho-v3");
        assert_found(&running, &staged, "kho-abi", "fail", "speaks kho-v4, the staged one kho-v3");
        strcpy(staged.kho, "");
        strcpy(staged.luo, "");
        assert_found(&running, &staged, "kho-abi", "fail", "every guest");
        assert_found(&running, &staged, "luo-abi", "fail", "built without the Live Update Orchestrator");

        staged = usual;
        strcpy(running.kho, "");
        assert_found(&running, &staged, "kho-abi", "warn", "Running: not known; staged: kho-v4");
}
END_TEST

START_TEST(compares_handlers) {
        LuoAbi running = usual, staged = usual;

        assert_found(&running, &staged, "fd-handlers", "ok", "Running: memfd-v2; staged: memfd-v2");
        assert_found(&running, NULL, "fd-handlers", "warn", "staged: not known");
        running.knows_handlers = false;
        running.n_handlers = 0;
        assert_found(&running, &staged, "fd-handlers", "warn", "Running: not known; staged: memfd-v2");
        staged.n_handlers = 0;
        assert_found(&running, &staged, "fd-handlers", "fail", "takes over no memfd");
        running = usual;
        assert_found(&running, &staged, "fd-handlers", "fail", "staged: none");

        staged = usual;
        strcpy(staged.handlers[0], "memfd-v3");
        assert_found(&running, &staged, "fd-handlers", "fail",
                        "hands over memfd-v2, the staged one takes over memfd-v3");
        strcpy(staged.handlers[1], "memfd-v2"); /* both */
        staged.n_handlers = 2;
        assert_found(&running, &staged, "fd-handlers", "ok", "memfd-v3, memfd-v2");

        /* A module of the staged kernel may have it; one of another version it surely has. */
        strcpy(running.handlers[1], "vfio-pci-v1");
        running.n_handlers = 2;
        assert_found(&running, &staged, "fd-handlers", "warn", "vfio-pci-v1, which the staged one takes over only if");
        strcpy(staged.handlers[2], "vfio-pci-v2");
        staged.n_handlers = 3;
        assert_found(&running, &staged, "fd-handlers", "fail", "takes over vfio-pci-v2");
}
END_TEST

UNIT_MAIN("luo-abi", splits_names, finds_running_abi, bears_other_trees, picks_from_strings, bears_many_handlers,
          compares_versions, compares_handlers)
