/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "inventory-processes.h"

START_TEST(knows_a_vfio_device_by_fdinfo) {
        TEMPORARY_ROOT();
        _cleanup_(inventory_freep) Inventory *inventory = NULL;

        put_host();
        put_fd(WORKLOAD_PID, 21, "anon_inode:[vfio-device]",
                        "pos:\t0\nmnt_id:\t15\nvfio-device-syspath: /sys/devices/" VFIO2 "\n");
        put_fd(WORKLOAD_PID, 22, "anon_inode:[vfio-device]", "vfio-device-syspath: /sys/devices/" VFIO2 "\n");
        inventory = read_with(&workload, 1);
        ck_assert_ptr_null(device_vfio_user(get(inventory, "0000:00:05.0")));
        ck_assert_int_eq(device_vfio_user(get(inventory, "0000:00:06.0"))->vfio_fd, 21);
        ck_assert_str_eq(device_vfio_user(get(inventory, "0000:00:06.0"))->workload, "vm");
        ck_assert_uint_eq(get(inventory, "0000:00:06.0")->n_users, 1);
}
END_TEST

START_TEST(knows_a_vfio_device_by_its_group) {
        TEMPORARY_ROOT();
        _cleanup_(inventory_freep) Inventory *inventory = NULL;

        put_host();
        put_fd(OTHER_PID, 20, "/dev/vfio/7", NULL);
        put_fd(OTHER_PID, 21, "anon_inode:[vfio-device]", NULL);
        inventory = read_with(&workload, 1);
        ck_assert_int_eq(device_vfio_user(get(inventory, "0000:00:05.0"))->vfio_fd, 21);
        ck_assert_ptr_null(device_vfio_user(get(inventory, "0000:00:05.0"))->workload);
        ck_assert_ptr_null(device_vfio_user(get(inventory, "0000:00:06.0")));
        ck_assert(!device_is_needed(inventory, get(inventory, "0000:00:05.0")));
        /* a domain of its own, whatever the group has else */
        ck_assert_int_eq(get(inventory, "0000:00:05.0")->translation, TRANSLATION_TRANSLATED);
}
END_TEST

START_TEST(does_not_guess_which_of_two_groups) {
        TEMPORARY_ROOT();
        _cleanup_(inventory_freep) Inventory *inventory = NULL;

        put_host();
        put_fd(OTHER_PID, 19, "/dev/vfio/8", NULL);
        put_fd(OTHER_PID, 20, "/dev/vfio/7", NULL);
        put_fd(OTHER_PID, 21, "anon_inode:[vfio-device]", NULL);
        inventory = read_with(&workload, 1);
        ck_assert_int_eq(device_vfio_user(get(inventory, "0000:00:05.0"))->vfio_fd, -1);
        ck_assert_int_eq(device_vfio_user(get(inventory, "0000:00:06.0"))->vfio_fd, -1);
}
END_TEST

START_TEST(counts_all_for_a_vfio_fd_from_elsewhere) {
        TEMPORARY_ROOT();
        _cleanup_(inventory_freep) Inventory *inventory = NULL;

        put_host();
        put_fd(OTHER_PID, 21, "anon_inode:[vfio-device]", NULL);
        inventory = read_with(&workload, 1);
        ck_assert_int_eq(device_vfio_user(get(inventory, "0000:00:05.0"))->pid, OTHER_PID);
        ck_assert_int_eq(device_vfio_user(get(inventory, "0000:00:06.0"))->pid, OTHER_PID);
        ck_assert_uint_eq(get(inventory, "0000:00:02.0")->n_users, 0);
}
END_TEST

START_TEST(knows_a_vfio_device_by_its_character_device) {
        TEMPORARY_ROOT();
        _cleanup_(inventory_freep) Inventory *inventory = NULL;

        put_host();
        put_fd(WORKLOAD_PID, 33, "/dev/vfio/devices/vfio0", NULL);
        put_fd(OTHER_PID, 3, "/home/me/vfio/devices/vfio0", NULL); /* anybody can name a file so */
        inventory = read_with(&workload, 1);
        ck_assert_uint_eq(get(inventory, "0000:00:05.0")->n_users, 1);
        ck_assert_int_eq(device_vfio_user(get(inventory, "0000:00:05.0"))->vfio_fd, 33);
        ck_assert(device_is_needed(inventory, get(inventory, "0000:00:05.0")));
        ck_assert_ptr_null(device_vfio_user(get(inventory, "0000:00:06.0")));
}
END_TEST

START_TEST(needs_the_parent_of_a_function_that_is_used) {
        TEMPORARY_ROOT();
        _cleanup_(inventory_freep) Inventory *inventory = NULL;

        put_host();
        root_link("../0000:00:03.0", "/sys/devices/" VFIO "/physfn");
        put_fd(WORKLOAD_PID, 33, "/dev/vfio/devices/vfio0", NULL);
        inventory = read_with(&workload, 1);
        ck_assert_uint_eq(get(inventory, "0000:00:03.0")->n_users, 0);
        ck_assert(device_is_needed(inventory, get(inventory, "0000:00:03.0")));
        ck_assert(!device_is_needed(inventory, get(inventory, "0000:00:02.0")));
}
END_TEST

UNIT_MAIN("inventory-vfio", knows_a_vfio_device_by_fdinfo, knows_a_vfio_device_by_its_group,
                does_not_guess_which_of_two_groups, counts_all_for_a_vfio_fd_from_elsewhere,
                knows_a_vfio_device_by_its_character_device, needs_the_parent_of_a_function_that_is_used)
