/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kexec/fit.h"
#include "temporary-root.h"

static int areas_of(const char *starts, const char *sizes, KexecArea **ret, size_t *ret_n) {
        root_put("/sys/kernel/debug/kho/out/scratch_phys", starts);
        root_put("/sys/kernel/debug/kho/out/scratch_len", sizes);
        return kexec_scratch_areas(root, ret, ret_n);
}

START_TEST(reads_scratch_areas) {
        static const struct {
                const char *starts, *sizes;
        } broken[] = {
                { "0x1000\n0x2000\n", "0x1000\n" },
                { "0x1000\n", "0x1000\n0x1000\n" },
                { "0x1000\n", "" },
                { "0x1000", "0x1000\n" },
                { "1000\n", "0x1000\n" },
                { "0xg\n", "0x1000\n" },
                { "0x\n", "0x1000\n" },
                { "0x1 \n", "0x1000\n" },
                { "0x11111111111111111\n", "0x1000\n" },
                { "0xfffffffffffff000\n", "0x2000\n" },
                { "\n", "\n" },
        };
        TEMPORARY_ROOT();
        _cleanup_free_ KexecArea *areas = NULL;
        size_t n;

        ck_assert_int_eq(kexec_scratch_areas(root, &areas, &n), -ENODATA);
        ck_assert_int_eq(kexec_kho_is_on(root), -ENODATA);
        root_put("/sys/kernel/debug/other", "");
        ck_assert_int_eq(kexec_scratch_areas(root, &areas, &n), -EOPNOTSUPP);
        ck_assert_int_eq(kexec_kho_is_on(root), 0);
        root_put("/sys/class/misc/liveupdate", "");
        ck_assert_int_eq(kexec_scratch_areas(root, &areas, &n), -ENODATA);
        ck_assert_int_eq(kexec_kho_is_on(root), 1);

        root_put("/sys/kernel/debug/kho/out/scratch_phys", "0x1000\n");
        ck_assert_int_eq(kexec_scratch_areas(root, &areas, &n), -ENODATA);
        ck_assert_int_eq(areas_of("", "", &areas, &n), -ENODATA);
        for (size_t i = 0; i < ELEMENTSOF(broken); i++)
                ck_assert_msg(areas_of(broken[i].starts, broken[i].sizes, &areas, &n) == -EBADMSG, "%zu", i);

        ck_assert_int_eq(areas_of("0x7a000000\n0x140000000\n", "0x2000000\n0x0\n", &areas, &n), 0);
        ck_assert_uint_eq(n, 2);
        ck_assert_uint_eq(areas[0].start, 0x7a000000);
        ck_assert_uint_eq(areas[0].bytes, 0x2000000);
        ck_assert_uint_eq(areas[1].start, 0x140000000);
        ck_assert_uint_eq(areas[1].bytes, 0);
        ck_assert_int_eq(kexec_kho_is_on(root), 1);
}
END_TEST

START_TEST(reads_measurements) {
        static const char list[] = "/sys/kernel/security/ima/binary_runtime_measurements";
        TEMPORARY_ROOT();

        ck_assert_uint_eq(kexec_measurement_bytes(root), 0);
        root_put("/proc/sys/kernel/osrelease", "7.3-test\n");
        root_put(list, "0123456789");
        ck_assert_uint_eq(kexec_measurement_bytes(root), 0);
        root_put("/lib/modules/7.3-test/config", "# CONFIG_IMA_KEXEC is not set\n");
        ck_assert_uint_eq(kexec_measurement_bytes(root), 0);
        root_put("/lib/modules/7.3-test/config", "CONFIG_IMA_KEXEC=y\n");
        ck_assert_uint_eq(kexec_measurement_bytes(root), 2048 + 10);
        root_put("/boot/config-7.3-test", "CONFIG_X=y\nCONFIG_IMA_KEXEC=y\nCONFIG_IMA_KEXEC_EXTRA_MEMORY_KB=7\n");
        ck_assert_uint_eq(kexec_measurement_bytes(root), 7 * 1024 + 10);
        ck_assert_int_eq(unlink(root_path(list)), 0);
        ck_assert_uint_eq(kexec_measurement_bytes(root), 0);
}
END_TEST

UNIT_MAIN("kexec-scratch", reads_scratch_areas, reads_measurements)
