/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "basic/json.h"
#include "drain/device.h"
#include "unit.h"

#include <errno.h>
#include <string.h>

#define PLAIN (JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE)

static DeviceInterface interfaces[] = {
        { .name = (char *) "eth0", .index = 2, .is_up = true },
        { .name = (char *) "eth1", .index = 3, .is_up = false },
};

static Device devices[] = {
        { .address = (char *) "0000:00:02.0", .driver = (char *) "igb", .iommu_group = 4, .class_code = 0x020000,
          .vendor = 0x8086, .model = 0x10c9, .has_status = true, .bus_master = true, .n_virtual = 2,
          .translation = TRANSLATION_TRANSLATED, .msi = MSI_MSIX, .interfaces = interfaces, .n_interfaces = 2 },
        { .address = (char *) "0000:00:03.0", .iommu_group = -1, .class_code = 0x010802 },
};

static const Inventory inventory = { devices, 2 };

/* Compares; what it says of the first device, all sentences with "; " between, or "" . */
static const char *compare(const char *before, int expected) {
        static char said[512];
        _cleanup_json_ json_object *list = json_tokener_parse(before);
        json_object *problems;

        ck_assert_ptr_nonnull(list);
        ck_assert_int_eq(inventory_compare(list, &inventory), expected);
        said[0] = 0;
        if (expected < 0 || json_get_array(json_object_array_get_idx(list, 0), "problems", &problems) < 0)
                return said;
        for (size_t i = 0; i < json_object_array_length(problems); i++)
                strcat(strcat(said, i > 0 ? "; " : ""),
                                json_object_get_string(json_object_array_get_idx(problems, i)));
        return said;
}

START_TEST(is_content_with_what_is_as_before) {
        ck_assert_str_eq(compare("[]", 0), "");
        ck_assert_str_eq(compare("[{\"address\": \"0000:00:02.0\", \"driver\": \"igb\", \"interfaces\": [\"eth0\"], "
                                 "\"problems\": [\"of yesterday\"]}]", 0), "");
        ck_assert_str_eq(compare("[{\"address\": \"0000:00:03.0\"}]", 0), "");
        ck_assert_str_eq(compare("[{\"address\": \"0000:00:02.0\"}]", 0), "");
}
END_TEST

START_TEST(says_what_is_otherwise) {
        ck_assert_str_eq(compare("[{\"address\": \"0000:00:09.0\", \"driver\": \"igb\"}]", 1), "the device is missing");
        ck_assert_str_eq(compare("[{\"address\": \"0000:00:03.0\", \"driver\": \"nvme\"}]", 1),
                        "its driver nvme is not bound");
        ck_assert_str_eq(compare("[{\"address\": \"0000:00:02.0\", \"driver\": \"vfio-pci\"}, "
                                 "{\"address\": \"0000:00:0a.0\"}]", 2), "its driver is igb, it was vfio-pci");
        ck_assert_str_eq(compare("[{\"address\": \"0000:00:02.0\", \"driver\": \"e1000e\", "
                                 "\"interfaces\": [\"eth1\"]}]", 1),
                        "its driver is igb, it was e1000e; eth1 is not up");
}
END_TEST

START_TEST(takes_new_names_for_old_ones) {
        ck_assert_str_eq(compare("[{\"address\": \"0000:00:02.0\", \"interfaces\": [\"enp2s0\"]}]", 0), "");
        ck_assert_str_eq(compare("[{\"address\": \"0000:00:02.0\", \"interfaces\": [\"enp2s0\", \"enp2s1\"]}]", 1),
                        "enp2s1 is not there");
        ck_assert_str_eq(compare("[{\"address\": \"0000:00:02.0\", \"interfaces\": [\"enp2s0\", \"eth0\"]}]", 1),
                        "enp2s0 is not there");
}
END_TEST

START_TEST(refuses_what_is_no_list_of_devices) {
        compare("[7]", -EBADMSG);
        compare("[{}]", -EBADMSG);
        compare("[{\"address\": 7}]", -EBADMSG);
        compare("[{\"address\": \"0000:00:02.0\", \"driver\": []}]", -EBADMSG);
        compare("[{\"address\": \"0000:00:02.0\", \"interfaces\": {}}]", -EBADMSG);
        compare("[{\"address\": \"0000:00:02.0\", \"interfaces\": [1]}]", -EBADMSG);
}
END_TEST

/* `o` has `member` with that JSON text; NULL: not at all. */
static void assert_member(json_object *o, const char *member, const char *expected) {
        json_object *value = NULL;
        bool is_there = json_object_object_get_ex(o, member, &value);

        ck_assert_msg(is_there == !!expected, "%s", member);
        if (expected)
                ck_assert_str_eq(json_object_to_json_string_ext(value, PLAIN), expected);
}

START_TEST(tells_what_it_knows) {
        char *mounts[] = { (char *) "/srv", NULL }, *uppers[] = { (char *) "br0", NULL };
        DeviceUser users[] = { { .pid = 7, .comm = "qemu", .workload = (char *) "vm", .use = USE_VFIO, .vfio_fd = 9 },
                               { .pid = 8, .comm = "spdk", .use = USE_CHARACTER, .vfio_fd = -1 } };
        DeviceInterface interface = { .name = (char *) "eth0", .is_up = true, .uppers = uppers };
        Device device = devices[0];
        _cleanup_json_ json_object *o = NULL;

        device.interfaces = &interface;
        device.n_interfaces = 1;
        device.users = users;
        device.n_users = 2;
        device.mounts = mounts;
        device.has_swap = true;
        device.parent = (char *) "0000:00:01.0";
        o = device_to_json(&device);
        ck_assert_ptr_nonnull(o);
        assert_member(o, "bus", "\"pci\"");
        assert_member(o, "address", "\"0000:00:02.0\"");
        assert_member(o, "class", "\"020000\"");
        assert_member(o, "id", "\"8086:10c9\"");
        assert_member(o, "driver", "\"igb\"");
        assert_member(o, "iommuGroup", "4");
        assert_member(o, "iommu", "\"translated\"");
        assert_member(o, "busMaster", "true");
        assert_member(o, "transactionsPending", "false");
        assert_member(o, "msi", "\"msix\"");
        assert_member(o, "physicalFunction", "\"0000:00:01.0\"");
        assert_member(o, "virtualFunctions", "2");
        assert_member(o, "interfaces", "[{\"name\":\"eth0\",\"up\":true,\"uppers\":[\"br0\"]}]");
        assert_member(o, "disks", "[]");
        assert_member(o, "mounts", "[\"/srv\"]");
        assert_member(o, "root", "false");
        assert_member(o, "swap", "true");
        assert_member(o, "users", "[{\"pid\":7,\"comm\":\"qemu\",\"workload\":\"vm\",\"use\":\"vfio\"},"
                                  "{\"pid\":8,\"comm\":\"spdk\",\"use\":\"character\"}]");
}
END_TEST

START_TEST(is_silent_about_what_there_is_not) {
        const Device device = { .bus = BUS_VIRTIO_MMIO, .address = (char *) "LNRO0005:00", .iommu_group = -1 };
        static const char *const absent[] = { "class", "id", "driver", "iommuGroup", "busMaster", "transactionsPending",
                                              "msi", "physicalFunction", "virtualFunctions" };
        _cleanup_json_ json_object *o = device_to_json(&device), *pci = device_to_json(&devices[1]);

        ck_assert_ptr_nonnull(o);
        for (size_t i = 0; i < sizeof(absent) / sizeof(absent[0]); i++)
                assert_member(o, absent[i], NULL);
        assert_member(o, "bus", "\"virtio_mmio\"");
        assert_member(o, "users", "[]");
        assert_member(pci, "transactionsPending", NULL);
        assert_member(pci, "busMaster", "false");
        assert_member(pci, "msi", "\"off\"");
}
END_TEST

UNIT_MAIN("inventory-compare", is_content_with_what_is_as_before, says_what_is_otherwise, takes_new_names_for_old_ones,
                refuses_what_is_no_list_of_devices, tells_what_it_knows, is_silent_about_what_there_is_not)
