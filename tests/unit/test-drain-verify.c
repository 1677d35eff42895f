/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Only what configuration space says counts. */

#include "drain-fixture.h"

#define A "0000:00:02.0"
#define B "0000:00:03.0"
#define C "0000:00:04.0"
#define NEW "0000:00:1f.0"

/* What it says; static, "" if all is well. */
static const char *verify(World *w) {
        static char text[4096];
        char *why;
        int r = drain_verify(w->drain, &why);

        ck_assert_int_eq(r, why ? -EBUSY : 0);
        snprintf(text, sizeof(text), "%s", why ?: "");
        free(why);
        return text;
}

static void begin_drained(World *w) {
        world_begin(w);
        world_add_nic(w, A, 1);
        world_add(w, B, NULL, 0x0c0330);
        world_add(w, C, "xhci_hcd", 0x0c0330);
        world_add(w, "0000:00:1c.0", "pcieport", 0x060400);
        world_ready(w, SHORT_USEC);
        ck_assert_int_eq(world_drain(w, DRAIN_ROUND_EARLY), 0);
}

START_TEST(names_who_is_not_quiet) {
        TEMPORARY_ROOT();
        World w;

        begin_drained(&w);
        ck_assert_str_eq(verify(&w), "");
        config_write(A, PCI_COMMAND, PCI_COMMAND_MASTER); /* whoever did it */
        ck_assert_str_eq(verify(&w), A " (e1000e) has bus mastering on");
        ck_assert_str_eq(world_told(&w, A, "outcome"), "unsafe");
        set_pending(A, true);
        set_pending(B, true);
        ck_assert_str_eq(verify(&w), A " (e1000e) has bus mastering on and transactions pending, " B
                                       " (no driver) has transactions pending");
        config_write(A, PCI_COMMAND, 0);
        set_pending(A, false);
        set_pending(B, false);
        ck_assert_str_eq(verify(&w), "");
        ck_assert_str_eq(world_told(&w, A, "outcome"), "quiet");
        world_end(&w);
}
END_TEST

START_TEST(names_who_was_not_drained) {
        TEMPORARY_ROOT();
        World w;

        world_begin(&w);
        world_add_nic(&w, A, 1);
        world_ready(&w, LONG_USEC);
        ck_assert_str_eq(verify(&w), A " (e1000e) has bus mastering on");
        world_end(&w);
}
END_TEST

START_TEST(leaves_out_what_was_preserved) {
        TEMPORARY_ROOT();
        World w;

        world_begin(&w);
        world_add_user(world_add(&w, A, "vfio-pci", 0x020000), "guest", USE_VFIO);
        world_add_user(world_add(&w, B, "vfio-pci", 0x020000), "guest", USE_VFIO);
        world_ready(&w, LONG_USEC);
        drain_preserved(w.drain, A);
        ck_assert_str_eq(verify(&w), B " (vfio-pci) has bus mastering on");
        world_end(&w);
}
END_TEST

START_TEST(looks_at_who_came_since) {
        TEMPORARY_ROOT();
        World w;

        begin_drained(&w);
        function_put(NEW, 0x0c0330, true); /* a driver that is left to the kernel */
        driver_link(NEW, "xhci_hcd");
        ck_assert_str_eq(verify(&w), "");
        driver_unlink(NEW);
        ck_assert_str_eq(verify(&w), NEW " (no driver) has bus mastering on");
        driver_link(NEW, "e1000e");
        function_put(NEW, 0x020000, true);
        ck_assert_str_eq(verify(&w), NEW " (e1000e) has bus mastering on");
        driver_unlink(NEW);
        driver_link(NEW, "nvme"); /* who knows who needs it */
        function_put(NEW, 0x010802, true);
        ck_assert_str_eq(verify(&w), "");
        driver_unlink(NEW);
        driver_link(NEW, "e1000e");
        function_put(NEW, 0x020000, false);
        ck_assert_str_eq(verify(&w), "");
        set_pending(NEW, true);
        ck_assert_str_eq(verify(&w), NEW " (e1000e) has transactions pending");
        function_put(NEW, 0x060400, true); /* a bridge */
        ck_assert_str_eq(verify(&w), "");
        root_put("/sys/bus/pci/devices/" NEW "/config", "short");
        ck_assert_str_eq(verify(&w), NEW " (no driver) has a configuration space that cannot be read");
        ck_assert_int_eq(unlink(root_path("/sys/bus/pci/devices/" NEW "/config")), 0);
        ck_assert_str_eq(verify(&w), "");
        world_end(&w);
}
END_TEST

START_TEST(looks_at_who_came_by_its_rule) {
        TEMPORARY_ROOT();
        World w;

        world_begin(&w);
        world_rule(&w, "class:02=unbind");
        world_rule(&w, "class:01=unbind");
        world_ready(&w, LONG_USEC);
        function_put(NEW, 0x020000, true);
        driver_link(NEW, "igb");
        ck_assert_str_eq(verify(&w), NEW " (igb) has bus mastering on");
        driver_unlink(NEW);
        driver_link(NEW, "nvme"); /* who knows what its disks are part of */
        function_put(NEW, 0x010802, true);
        ck_assert_str_eq(verify(&w), "");
        world_end(&w);
}
END_TEST

START_TEST(looks_at_who_came_in_the_place_of_another) {
        TEMPORARY_ROOT();
        World w;

        begin_drained(&w);
        config_write(A, PCI_COMMAND, 0xffff);
        ck_assert_str_eq(verify(&w), "");
        ck_assert_int_eq(unlink(root_path("/sys/bus/pci/devices/" A "/config")), 0);
        ck_assert_str_eq(verify(&w), "");
        function_put(A, 0x020000, true);
        ck_assert_str_eq(verify(&w), A " (e1000e) has bus mastering on");
        world_end(&w);
}
END_TEST

START_TEST(counts_what_is_pending_under_lockdown) {
        TEMPORARY_ROOT();
        World w;

        root_put("/sys/kernel/security/lockdown", "none integrity [confidentiality]\n");
        begin_drained(&w);
        ck_assert(is_master(A));
        ck_assert_str_eq(verify(&w), "");
        set_pending(A, true);
        ck_assert_str_eq(verify(&w), A " (e1000e) has transactions pending");
        world_end(&w);
}
END_TEST

START_TEST(reads_nothing_of_who_hangs) {
        TEMPORARY_ROOT();
        World w;

        world_begin(&w);
        world_add_nic(&w, A, 1);
        world_ready(&w, SHORT_USEC);
        gate_make();
        host.gate_index = 1;
        ck_assert_int_eq(world_drain(&w, DRAIN_ROUND_EARLY), -ETIMEDOUT);
        ck_assert_str_eq(verify(&w), A " (e1000e) is still being made quiet");
        gate_open();
        while (w.drain->capture->devices[0].task)
                ck_assert_int_gt(sd_event_run(w.event, LONG_USEC), 0);
        ck_assert_str_eq(world_told(&w, A, "outcome"), "unsafe");
        ck_assert_str_eq(verify(&w), ""); /* late, but not too late */
        ck_assert_str_eq(world_told(&w, A, "outcome"), "quiet");
        world_end(&w);
}
END_TEST

START_TEST(names_the_first_of_many) {
        TEMPORARY_ROOT();
        char address[32];
        const char *why;
        World w;

        world_begin(&w);
        for (unsigned i = 0; i < 20; i++) {
                snprintf(address, sizeof(address), "0000:00:%02x.0", i);
                world_add(&w, address, NULL, 0x020000);
        }
        world_ready(&w, LONG_USEC);
        why = verify(&w);
        ck_assert_ptr_nonnull(strstr(why, "0000:00:0f.0"));
        ck_assert_ptr_null(strstr(why, "0000:00:10.0"));
        ck_assert_str_eq(why + strlen(why) - 11, " and 4 more");
        world_end(&w);
}
END_TEST

UNIT_MAIN("drain-verify", names_who_is_not_quiet, names_who_was_not_drained, leaves_out_what_was_preserved,
                looks_at_who_came_since, looks_at_who_came_by_its_rule,
                looks_at_who_came_in_the_place_of_another, counts_what_is_pending_under_lockdown,
                reads_nothing_of_who_hangs, names_the_first_of_many)
