/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What is told: by drain_describe() before, by drain_to_json() after. */

#include "drain-fixture.h"

#define A "0000:00:02.0"
#define B "0000:00:03.0"
#define C "0000:00:04.0"

/* Static; "" where there is none. */
static const char *described(World *w, size_t i, const char *member) {
        DrainOptions options = { .rules = w->rules, .n_rules = w->n_rules, .timeout_usec = LONG_USEC };
        _cleanup_json_ json_object *o = json_object_new_object();
        static char text[256];
        const char *value = "";

        ck_assert_int_eq(drain_describe_at(root, w->inventory, &w->inventory->devices[i], &options, o), 0);
        (void) json_get_string(o, member, &value);
        snprintf(text, sizeof(text), "%s", value);
        return text;
}

START_TEST(tells_what_a_commit_would_do) {
        TEMPORARY_ROOT();
        World w;

        world_begin(&w);
        world_add_nic(&w, A, 1);
        world_add_needed_nic(&w, B, 2);
        world_add(&w, C, "xhci_hcd", 0x0c0330);
        world_rule(&w, "address:" B "=master-off");
        ck_assert_str_eq(described(&w, 0, "policy"), "quiet");
        ck_assert_str_eq(described(&w, 0, "policyOrigin"), "default");
        ck_assert_str_eq(described(&w, 0, "phase"), "quiesce");
        ck_assert_str_eq(described(&w, 0, "note"), "");
        ck_assert_str_eq(described(&w, 1, "policy"), "quiet");
        ck_assert_str_eq(described(&w, 1, "policyOrigin"), "address:" B "=master-off");
        ck_assert_str_eq(described(&w, 1, "phase"), "drain");
        ck_assert_str_eq(described(&w, 1, "note"), "its interfaces are up");
        ck_assert_str_eq(described(&w, 2, "policy"), "keep");
        ck_assert_str_eq(described(&w, 2, "phase"), "");
        world_rule(&w, "class:02=master-off");
        w.inventory->devices[0].interfaces[0].is_up = false;
        ck_assert_str_eq(described(&w, 0, "policy"), "master_off");
        root_put("/sys/kernel/security/lockdown", "none [integrity] confidentiality\n");
        ck_assert_str_eq(described(&w, 0, "policy"), "keep");
        world_end(&w);
}
END_TEST

START_TEST(sees_what_disks_are_part_of) {
        static const char *const claims[] = {
                "/sys/class/block/nvme0n1/holders/md127",
                "/sys/class/block/nvme0n1/nvme0n1p2/partition",
                "/sys/fs/btrfs/0a0b/devices/nvme0n1p2",
                "/sys/module/zfs/version",
        };
        TEMPORARY_ROOT();
        World w;

        world_begin(&w);
        world_add(&w, A, "nvme", 0x010802)->blocks = strings_new("nvme0n1");
        root_put("/sys/class/block/nvme0n1/size", "1");
        root_put("/sys/fs/btrfs/features/raid", "");
        ck_assert_str_eq(described(&w, 0, "policy"), "unbind");
        if (_i == 1 || _i == 2)
                root_put(claims[1], "2");
        root_put(_i == 1 ? "/sys/class/block/nvme0n1p2/holders/dm-0" : claims[_i], "");
        ck_assert_str_eq(described(&w, 0, "policy"), "keep");
        world_rule(&w, "driver:nvme=unbind");
        ck_assert_str_eq(described(&w, 0, "policy"), "keep");
        ck_assert_ptr_nonnull(strstr(described(&w, 0, "note"), "part of others"));
        world_end(&w);
}
END_TEST

START_TEST(tells_the_phase_of_a_parent) {
        TEMPORARY_ROOT();
        World w;

        world_begin(&w);
        world_add_nic(&w, A, 1)->n_virtual = 1;
        world_add_nic(&w, B, 2)->parent = strdup(A);
        ck_assert_str_eq(described(&w, 0, "phase"), "quiesce");
        world_add_user(&w.inventory->devices[1], "guest", USE_INTERFACE);
        ck_assert_str_eq(described(&w, 1, "phase"), "drain");
        ck_assert_str_eq(described(&w, 0, "phase"), "drain");
        world_rule(&w, "address:" A "=keep");
        ck_assert_str_eq(described(&w, 0, "phase"), "");
        world_end(&w);
}
END_TEST

START_TEST(leaves_bridges_and_other_buses_out) {
        TEMPORARY_ROOT();
        _cleanup_json_ json_object *list = NULL;
        World w;

        world_begin(&w);
        world_add(&w, A, "pcieport", 0x060400);
        world_add(&w, B, "xhci_hcd", 0x0c0330);
        world_add(&w, "a0000000.virtio_mmio", NULL, 0)->bus = BUS_VIRTIO_MMIO;
        world_ready(&w, LONG_USEC);
        list = drain_to_json(w.drain);
        ck_assert_uint_eq(json_object_array_length(list), 1);
        ck_assert_str_eq(json_object_to_json_string_ext(json_object_array_get_idx(list, 0), JSON_C_TO_STRING_PLAIN),
                        "{\"address\":\"" B "\",\"class\":\"0c0330\",\"driver\":\"xhci_hcd\",\"policy\":\"keep\","
                        "\"busMaster\":true,\"outcome\":\"kept\"}");
        ck_assert_uint_eq(drain_inventory(w.drain)->n, 3);
        world_end(&w);
}
END_TEST

START_TEST(hands_out_its_own_problems) {
        TEMPORARY_ROOT();
        _cleanup_json_ json_object *list = NULL;
        json_object *problems;
        World w;

        world_begin(&w);
        world_add_nic(&w, A, 1);
        world_ready(&w, LONG_USEC);
        ck_assert_int_eq(world_drain(&w, DRAIN_ROUND_EARLY), 0);
        config_write(A, PCI_COMMAND, 0xffff);
        ck_assert_int_eq(world_undo(&w, DRAIN_ROUND_EARLY), -ENODEV);
        list = drain_to_json(w.drain);
        ck_assert_int_eq(json_get_array(json_object_array_get_idx(list, 0), "problems", &problems), 0);
        ck_assert_int_eq(json_object_array_del_idx(problems, 0, 1), 0); /* inventory_compare() writes there */
        ck_assert_str_eq(world_told(&w, A, "problems"), "[ \"it is gone\" ]");
        world_end(&w);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("drain-report");
        TCase *cases = tcase_create("drain-report");

        tcase_add_test(cases, tells_what_a_commit_would_do);
        tcase_add_loop_test(cases, sees_what_disks_are_part_of, 0, 4);
        tcase_add_test(cases, tells_the_phase_of_a_parent);
        tcase_add_test(cases, leaves_bridges_and_other_buses_out);
        tcase_add_test(cases, hands_out_its_own_problems);
        suite_add_tcase(suite, cases);
        return unit_run(suite);
}
