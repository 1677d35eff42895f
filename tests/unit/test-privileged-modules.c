/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Which modules are listed, of a tree of our own. */

#include "privileged-fixture.h"
#include "privileged/modules.h"

static const char *config_paths[2];

static ModulesHost host_new(void) {
        static char directory[256], config[256];

        strcpy(directory, root_path("/modules"));
        strcpy(config, root_path("/modprobe.d"));
        config_paths[0] = config;
        return (ModulesHost) { .root = root, .directory = directory, .modprobe_d = config_paths };
}

static char *listed(const ModulesHost *host) {
        _cleanup_json_ json_object *modules = NULL;
        _cleanup_free_ char *why = NULL;
        int r = modules_list(host, &modules, &why);

        ck_assert_msg(r == 0, "%i %s", r, why);
        return strdup(text_of(modules));
}

START_TEST(a_kernel_without_modules) {
        TEMPORARY_ROOT();
        ModulesHost host = host_new();
        _cleanup_free_ char *list = listed(&host);

        ck_assert_str_eq(list, "[]");
}
END_TEST

START_TEST(only_what_nothing_asks_for) {
        TEMPORARY_ROOT();
        ModulesHost host = host_new();
        _cleanup_free_ char *list = NULL;

        root_put("/proc/modules",
                        "by_hand_2 16384 0 - Live 0x0\n"
                        "pinned 16384 1 [permanent], Live 0x0\n"
                        "for_class 16384 0 - Live 0x0\n"
                        "for_bus 16384 0 - Live 0x0\n"
                        "refused 16384 0 - Live 0x0 (OE)\n"
                        "in_file 16384 0 - Live 0x0\n"
                        "in_masked 16384 0 - Live 0x0\n"
                        "library 16384 1 for_bus,by_hand_1, Live 0x0\n"
                        "by_hand_1 16384 0 - Live 0x0\n");
        root_put("/modprobe.d/x.conf",
                        "alias pci:v8086* for-bus\nalias cpu:type:* for_class\nalias pci:v1af4* refused\n"
                        "alias wished in_file\nalias masked in_masked\nblacklist refused\n");
        root_put("/sys/bus/pci/devices/0000:00:01.0/uevent", "DRIVER=x\nMODALIAS=pci:v8086d0\nPCI_ID=1\n");
        root_put("/sys/bus/pci/devices/0000:00:02.0/uevent", "MODALIAS=pci:v1af4d0\n");
        root_put("/sys/class/thing/one/uevent", "MODALIAS=cpu:type:x86\n");
        root_put("/usr/lib/modules-load.d/a.conf", "# masked no\n;masked\n\n  wished \n");
        root_put("/usr/lib/modules-load.d/b.conf", "masked\n");
        root_put("/usr/lib/modules-load.d/c.txt", "masked\n");
        root_put("/etc/modules-load.d/b.conf", "");
        root_put("/sys/module/by_hand_1/parameters/size", "12\n");
        root_put("/sys/module/by_hand_1/parameters/binary", "a\001b\n");
        list = listed(&host);
        ck_assert_str_eq(list,
                        "[{\"name\":\"by_hand_1\",\"parameters\":{\"size\":\"12\"}},"
                        "{\"name\":\"in_masked\",\"parameters\":{}},"
                        "{\"name\":\"refused\",\"parameters\":{}},"
                        "{\"name\":\"pinned\",\"parameters\":{}},"
                        "{\"name\":\"by_hand_2\",\"parameters\":{}}]");
}
END_TEST

START_TEST(a_list_that_is_none) {
        static const char *const texts[] = { "x", "name 1 2", "../x 1 0 - Live 0x0", "a b\n", "a.b 1 0 - Live" };
        TEMPORARY_ROOT();
        ModulesHost host = host_new();

        for (size_t i = 0; i < ELEMENTSOF(texts); i++) {
                _cleanup_json_ json_object *modules = NULL;
                _cleanup_free_ char *why = NULL;

                root_put("/proc/modules", texts[i]);
                ck_assert_int_eq(modules_list(&host, &modules, &why), -EBADMSG);
                ck_assert_ptr_nonnull(why);
                ck_assert_ptr_null(modules);
        }
}
END_TEST

START_TEST(names) {
        ck_assert(module_name_is_valid("br_netfilter"));
        ck_assert(module_name_is_valid("crc32c-intel"));
        ck_assert(!module_name_is_valid(""));
        ck_assert(!module_name_is_valid(".."));
        ck_assert(!module_name_is_valid("a/b"));
        ck_assert(!module_name_is_valid("a b"));
        ck_assert(!module_name_is_valid("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"));
}
END_TEST

START_TEST(parameters_of_modules) {
        TEMPORARY_ROOT();
        ModulesHost host = host_new();
        _cleanup_free_ char *value = NULL;

        root_put("/sys/module/crc_x/parameters/level", "1\n");
        ck_assert_int_eq(module_parameter_read(&host, "crc-x", "level", &value), 0);
        ck_assert_str_eq(value, "1");
        free(TAKE_PTR(value));
        ck_assert_int_eq(module_parameter_write(&host, "crc-x", "level", "2"), 0);
        ck_assert_int_eq(module_parameter_read(&host, "crc_x", "level", &value), 0);
        ck_assert_int_eq(value[0], '2');
        ck_assert_int_eq(module_parameter_write(&host, "crc_x", "../level", "2"), -EBADMSG);
        ck_assert_int_eq(module_parameter_write(&host, "crc_x", "..", "2"), -EBADMSG);
        ck_assert_int_eq(module_parameter_write(&host, "crc_x", "", "2"), -EBADMSG);
        ck_assert_int_eq(module_parameter_write(&host, "crc_x", "other", "2"), -ENOENT);
}
END_TEST

UNIT_MAIN("privileged-modules", a_kernel_without_modules, only_what_nothing_asks_for, a_list_that_is_none, names,
          parameters_of_modules)
