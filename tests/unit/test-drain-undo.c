/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* An undo makes everything as it was, whatever was done of a round, and as often as it is asked for. */

#include "drain-fixture.h"

#define A "0000:00:02.0"
#define B "0000:00:03.0"
#define C "0000:00:04.0"

START_TEST(restores_what_was_made_quiet) {
        TEMPORARY_ROOT();
        World w;

        world_begin(&w);
        world_add_nic(&w, A, 1);
        world_add_nic(&w, B, 2);
        function_put(B, 0x020000, false);
        world_add_needed_nic(&w, C, 3);
        world_ready(&w, LONG_USEC);
        ck_assert_int_eq(world_drain(&w, DRAIN_ROUND_EARLY), 0);
        ck_assert_int_eq(world_drain(&w, DRAIN_ROUND_LATE), 0);
        host.calls[0] = 0;

        for (unsigned i = 0; i < 2; i++) {
                ck_assert_int_eq(world_undo(&w, DRAIN_ROUND_LATE), 0);
                ck_assert(is_master(C));
                ck_assert_str_eq(host.calls, "restore " C ", ");
                ck_assert_str_eq(world_told(&w, C, "outcome"), "restored");
                ck_assert_str_eq(world_told(&w, A, "outcome"), i == 0 ? "quiet" : "restored");
                host.calls[0] = 0;

                ck_assert_int_eq(world_undo(&w, DRAIN_ROUND_EARLY), 0);
                ck_assert(is_master(A));
                ck_assert(!is_master(B)); /* nor was it */
                ck_assert_str_eq(host.calls, "restore " A " " B ", ");
                ck_assert_str_eq(world_told(&w, A, "outcome"), "restored");
                ck_assert_str_eq(world_told(&w, A, "problems"), "");
                host.calls[0] = 0;
        }
        ck_assert_str_eq(root_get("/sys/bus/pci/drivers/e1000e/bind"), "");
        world_end(&w);
}
END_TEST

START_TEST(leaves_alone_what_was_never_touched) {
        TEMPORARY_ROOT();
        World w;

        world_begin(&w);
        world_add_nic(&w, A, 1);
        world_ready(&w, LONG_USEC);
        config_write(A, PCI_COMMAND, 0); /* whoever it was */
        ck_assert_int_eq(drain_undo(w.drain, DRAIN_ROUND_EARLY, on_pass_done, &w), 0);
        ck_assert_int_eq(sd_event_run(w.event, 0), 0);
        ck_assert(!is_master(A));
        ck_assert_str_eq(world_told(&w, A, "outcome"), "restored");
        world_end(&w);
}
END_TEST

START_TEST(binds_drivers_again) {
        TEMPORARY_ROOT();
        World w;

        world_begin(&w);
        world_add(&w, A, "vfio-pci", 0x020000);
        root_put("/sys/bus/pci/devices/" A "/driver_override", "vfio-pci\n");
        world_add(&w, B, "igb", 0x020000);
        world_add(&w, C, "igb", 0x020000);
        world_rule(&w, "driver:vfio-pci=unbind");
        world_rule(&w, "driver:igb=unbind");
        world_ready(&w, LONG_USEC);
        ck_assert_int_eq(world_drain(&w, DRAIN_ROUND_EARLY), 0);
        driver_unlink(A);
        driver_unlink(B);
        root_put("/sys/bus/pci/devices/" A "/driver_override", "(null)\n");
        root_put("/sys/bus/pci/devices/" B "/driver_override", "other\n");
        ck_assert_int_eq(world_undo(&w, DRAIN_ROUND_EARLY), 0);
        ck_assert_str_eq(root_get("/sys/bus/pci/drivers/vfio-pci/bind"), A);
        ck_assert_str_eq(root_get("/sys/bus/pci/drivers/igb/bind"), B); /* not C, which is bound */
        ck_assert_int_eq(strncmp(root_get("/sys/bus/pci/devices/" A "/driver_override"), "vfio-pci", 8), 0);
        ck_assert_int_eq(root_get("/sys/bus/pci/devices/" B "/driver_override")[0], '\n');
        ck_assert(is_master(A) && is_master(B) && is_master(C));
        world_end(&w);
}
END_TEST

START_TEST(tells_what_is_not_as_before) {
        TEMPORARY_ROOT();
        World w;

        world_begin(&w);
        world_add(&w, A, "igb", 0x020000);
        world_add(&w, B, "igb", 0x020000);
        world_add(&w, C, "e1000e", 0x020000);
        world_rule(&w, "driver:igb=unbind");
        world_ready(&w, LONG_USEC);
        ck_assert_int_eq(world_drain(&w, DRAIN_ROUND_EARLY), 0);
        driver_unlink(A);
        ck_assert_int_eq(unlink(root_path("/sys/bus/pci/drivers/igb/bind")), 0);
        driver_unlink(B);
        driver_link(B, "other");

        ck_assert_int_lt(world_undo(&w, DRAIN_ROUND_EARLY), 0);
        ck_assert_ptr_nonnull(strstr(w.why, " (igb) is not as before: it cannot be bound to its driver again: "));
        ck_assert_str_eq(world_told(&w, A, "problems"),
                        "[ \"it cannot be bound to its driver again: No such file or directory\" ]");
        ck_assert_str_eq(world_told(&w, B, "problems"),
                        "[ \"it cannot be bound to its driver again: Device or resource busy\" ]");
        ck_assert(!is_master(A)); /* nobody drives it */
        ck_assert(is_master(C));

        driver_link(A, "igb"); /* somebody helped */
        driver_unlink(B);
        driver_link(B, "igb");
        ck_assert_int_eq(world_undo(&w, DRAIN_ROUND_EARLY), 0);
        ck_assert_str_eq(world_told(&w, A, "problems"), "");
        ck_assert(is_master(A) && is_master(B));
        world_end(&w);
}
END_TEST

START_TEST(names_who_is_gone) {
        TEMPORARY_ROOT();
        World w;

        world_begin(&w);
        world_add_nic(&w, A, 1);
        world_add_nic(&w, B, 2);
        world_ready(&w, LONG_USEC);
        ck_assert_int_eq(world_drain(&w, DRAIN_ROUND_EARLY), 0);
        if (_i == 0)
                config_write(A, PCI_COMMAND, 0xffff);
        else
                ck_assert_int_eq(unlink(root_path("/sys/bus/pci/devices/" A "/config")), 0);
        ck_assert_int_eq(world_undo(&w, DRAIN_ROUND_EARLY), -ENODEV);
        ck_assert_str_eq(w.why, A " (e1000e) is not as before: it is gone");
        ck_assert_str_eq(world_told(&w, A, "outcome"), "gone");
        ck_assert_str_eq(world_told(&w, A, "problems"), "[ \"it is gone\" ]");
        ck_assert(is_master(B));
        ck_assert(host_was_asked("restore " B ", "));
        world_end(&w);
}
END_TEST

START_TEST(tells_what_the_network_lacks) {
        TEMPORARY_ROOT();
        World w;

        world_begin(&w);
        world_add_nic(&w, A, 1);
        world_add(&w, B, NULL, 0x020000);
        world_ready(&w, LONG_USEC);
        ck_assert_int_eq(world_drain(&w, DRAIN_ROUND_EARLY), 0);
        host.restore_error = -EADDRNOTAVAIL;
        ck_assert_int_eq(world_undo(&w, DRAIN_ROUND_EARLY), -EADDRNOTAVAIL);
        ck_assert_str_eq(w.why, "eth0 has no address any more");
        ck_assert_str_eq(world_told(&w, A, "problems"), "[ \"eth0 has no address any more\" ]");
        ck_assert_str_eq(world_told(&w, B, "problems"), "");
        world_end(&w);
}
END_TEST

START_TEST(does_not_wait_for_a_network_that_hangs) {
        TEMPORARY_ROOT();
        World w;

        world_begin(&w);
        setup.network_usec = SHORT_USEC;
        world_add_nic(&w, A, 1);
        world_add_needed_nic(&w, B, 2);
        world_ready(&w, LONG_USEC);
        ck_assert_int_eq(world_drain(&w, DRAIN_ROUND_EARLY), 0);
        ck_assert_int_eq(world_drain(&w, DRAIN_ROUND_LATE), 0);
        gate_make();
        host.gates_restore = true;
        ck_assert_int_eq(world_undo(&w, DRAIN_ROUND_LATE), -ETIMEDOUT);
        ck_assert_ptr_nonnull(strstr(world_told(&w, B, "problems"), "still being made"));

        ck_assert_int_eq(world_undo(&w, DRAIN_ROUND_EARLY), -ETIMEDOUT); /* one at a time */
        ck_assert(!host_was_asked("restore " A));
        setup.network_usec = LONG_USEC;
        w.is_over = false;
        ck_assert_int_eq(drain_undo(w.drain, DRAIN_ROUND_EARLY, on_pass_done, &w), 1);
        gate_open();
        world_wait(&w);
        ck_assert_int_eq(w.error, 0);
        ck_assert(host_was_asked("restore " A));
        world_end(&w);
}
END_TEST

START_TEST(brings_the_parent_back_first) {
        TEMPORARY_ROOT();
        World w;
        int fd;

        world_begin(&w);
        world_add(&w, A, "igb", 0x020000);
        world_rule(&w, "driver:igb=unbind");
        world_add_nic(&w, B, 2)->parent = strdup(A);
        world_add_nic(&w, C, 3)->parent = strdup(A);
        fifo_put("/sys/bus/pci/drivers/igb/bind");
        world_ready(&w, LONG_USEC);
        w.drain->capture->inventory->devices[0].n_virtual = 2; /* else it would not be unbound */
        ck_assert_int_eq(world_drain(&w, DRAIN_ROUND_EARLY), 0);
        driver_unlink(A);
        w.is_over = false;
        ck_assert_int_eq(drain_undo(w.drain, DRAIN_ROUND_EARLY, on_pass_done, &w), 1);
        ck_assert_int_eq(drain_undo(w.drain, DRAIN_ROUND_EARLY, on_pass_done, &w), -EBUSY);
        ck_assert_int_eq(sd_event_run(w.event, SHORT_USEC / 5), 0);
        ck_assert(!is_master(A) && !is_master(B) && !is_master(C));
        fd = fifo_open("/sys/bus/pci/drivers/igb/bind");
        world_wait(&w);
        close(fd);
        ck_assert_int_eq(w.error, 0);
        ck_assert(is_master(A) && is_master(B) && is_master(C));
        world_end(&w);
}
END_TEST

START_TEST(does_not_fight_with_a_thread_that_hangs) {
        TEMPORARY_ROOT();
        World w;
        int fd;

        world_begin(&w);
        world_add_nic(&w, A, 1);
        world_add_nic(&w, B, 2);
        world_rule(&w, "address:" A "=unbind");
        fifo_put("/sys/bus/pci/drivers/e1000e/unbind");
        setup.restore_usec = SHORT_USEC;
        world_ready(&w, SHORT_USEC);
        ck_assert_int_eq(world_drain(&w, DRAIN_ROUND_EARLY), -ETIMEDOUT);
        ck_assert_int_eq(world_undo(&w, DRAIN_ROUND_EARLY), -ETIMEDOUT);
        ck_assert_str_eq(w.why, A " (e1000e) is not as before after 0.25 s: its driver does not let go of it");
        ck_assert_str_eq(world_told(&w, A, "problems"),
                        "[ \"it did not become quiet within 0.25 s: its driver does not let go of it\", "
                        "\"its driver does not let go of it\" ]");
        ck_assert(host_was_asked("restore " B ", "));
        ck_assert(is_master(B));

        fd = fifo_open("/sys/bus/pci/drivers/e1000e/unbind");
        while (w.drain->capture->devices[0].task)
                ck_assert_int_gt(sd_event_run(w.event, LONG_USEC), 0);
        ck_assert(is_master(A)); /* the thread did no more */
        driver_unlink(A);
        setup.restore_usec = LONG_USEC;
        ck_assert_int_eq(world_undo(&w, DRAIN_ROUND_EARLY), 0);
        ck_assert_str_eq(root_get("/sys/bus/pci/drivers/e1000e/bind"), A);
        ck_assert_str_eq(world_told(&w, A, "outcome"), "restored"); /* and yet it is told why it came to that */
        ck_assert_str_eq(world_told(&w, A, "problems"),
                        "[ \"it did not become quiet within 0.25 s: its driver does not let go of it\" ]");
        ck_assert_str_eq(world_told(&w, B, "problems"), "");
        close(fd);
        world_end(&w);
}
END_TEST

static void *open_unbind_later(void *userdata) {
        int *fd = userdata;

        usleep(2 * SHORT_USEC);
        driver_unlink(A);
        *fd = fifo_open("/sys/bus/pci/drivers/e1000e/unbind");
        return NULL;
}

/* The time to drain is over, that of the undo is not. */
START_TEST(restores_who_is_drained_too_late) {
        TEMPORARY_ROOT();
        pthread_t thread;
        World w;
        int fd;

        world_begin(&w);
        world_add_needed_nic(&w, A, 1);
        world_rule(&w, "address:" A "=unbind");
        fifo_put("/sys/bus/pci/drivers/e1000e/unbind");
        world_ready(&w, SHORT_USEC);
        ck_assert_int_eq(world_drain(&w, DRAIN_ROUND_LATE), -ETIMEDOUT);
        ck_assert_int_eq(pthread_create(&thread, NULL, open_unbind_later, &fd), 0);
        ck_assert_int_eq(world_undo(&w, DRAIN_ROUND_LATE), 0);
        pthread_join(thread, NULL);
        ck_assert_str_eq(root_get("/sys/bus/pci/drivers/e1000e/bind"), A);
        ck_assert_str_eq(world_told(&w, A, "outcome"), "restored");
        ck_assert(host_was_asked("restore " A));
        ck_assert(is_master(A));
        close(fd);
        world_end(&w);
}
END_TEST

START_TEST(tells_who_lost_its_state_by_a_reset) {
        static const char told[] = "[ \"it was reset while a process had it: who uses it must set it up anew\" ]";
        TEMPORARY_ROOT();
        World w;

        world_begin(&w);
        world_add_user(world_add(&w, A, "vfio-pci", 0x020000), "guest", USE_VFIO);
        world_add_user(world_add(&w, B, "vfio-pci", 0x020000), "guest", USE_VFIO);
        w.inventory->devices[1].can_reset = false;
        world_add_user(world_add(&w, C, "vfio-pci", 0x020000), "guest", USE_VFIO);
        world_ready(&w, LONG_USEC);
        drain_preserved(w.drain, C);
        ck_assert_int_eq(world_drain(&w, DRAIN_ROUND_LATE), 0);
        ck_assert_str_eq(world_told(&w, A, "problems"), "");
        for (unsigned i = 0; i < 2; i++) {
                ck_assert_int_eq(world_undo(&w, DRAIN_ROUND_LATE), 0);
                ck_assert_str_eq(world_told(&w, A, "outcome"), "restored");
                ck_assert_str_eq(world_told(&w, A, "problems"), told);
                ck_assert_str_eq(world_told(&w, B, "outcome"), "restored");
                ck_assert_str_eq(world_told(&w, B, "problems"), ""); /* only its bit was cleared */
                ck_assert_str_eq(world_told(&w, C, "problems"), "");
        }
        world_end(&w);
}
END_TEST

START_TEST(does_not_wait_for_a_driver_that_hangs) {
        TEMPORARY_ROOT();
        World w;
        int fd;

        world_begin(&w);
        setup.restore_usec = SHORT_USEC;
        world_add_nic(&w, A, 1);
        world_rule(&w, "class:02=unbind");
        fifo_put("/sys/bus/pci/drivers/e1000e/bind");
        world_ready(&w, LONG_USEC);
        ck_assert_int_eq(world_drain(&w, DRAIN_ROUND_EARLY), 0);
        driver_unlink(A);
        ck_assert_int_eq(world_undo(&w, DRAIN_ROUND_EARLY), -ETIMEDOUT);
        ck_assert_str_eq(w.why, A " (e1000e) is not as before after 0.25 s: its driver is still being bound");
        ck_assert(!host_was_asked("restore"));

        setup.restore_usec = LONG_USEC;
        w.is_over = false;
        ck_assert_int_eq(drain_undo(w.drain, DRAIN_ROUND_EARLY, on_pass_done, &w), 1);
        fd = fifo_open("/sys/bus/pci/drivers/e1000e/bind");
        world_wait(&w);
        ck_assert_int_eq(w.error, 0);
        ck_assert(host_was_asked("restore " A));
        ck_assert(is_master(A));
        close(fd);
        world_end(&w);
}
END_TEST

static void *open_gate_soon(void *userdata) {
        usleep(SHORT_USEC / 5);
        gate_open();
        return NULL;
}

START_TEST(waits_for_a_thread_that_ends) {
        TEMPORARY_ROOT();
        pthread_t thread;
        World w;

        world_begin(&w);
        world_add_nic(&w, A, 1);
        world_ready(&w, LONG_USEC);
        gate_make();
        host.gate_index = 1;
        world_begin_round(&w, DRAIN_ROUND_EARLY);
        host_wait("down 1");
        ck_assert_int_eq(pthread_create(&thread, NULL, open_gate_soon, NULL), 0);
        ck_assert_int_eq(world_undo(&w, DRAIN_ROUND_EARLY), 0); /* of the round nobody hears any more */
        pthread_join(thread, NULL);
        ck_assert(host_was_asked("1 is down, restore " A));
        ck_assert(is_master(A));
        ck_assert_str_eq(world_told(&w, A, "outcome"), "restored");
        world_end(&w);
}
END_TEST

START_TEST(breaks_off_another_round) {
        TEMPORARY_ROOT();
        World w;

        world_begin(&w);
        world_add_nic(&w, A, 1);
        world_ready(&w, LONG_USEC);
        gate_make();
        host.gate_index = 1;
        world_begin_round(&w, DRAIN_ROUND_EARLY);
        ck_assert_int_eq(drain_undo(w.drain, DRAIN_ROUND_LATE, on_pass_done, &w), 0);
        gate_open();
        while (w.drain->capture->devices[0].task)
                ck_assert_int_gt(sd_event_run(w.event, LONG_USEC), 0);
        ck_assert(!w.is_over);
        ck_assert_int_eq(world_undo(&w, DRAIN_ROUND_EARLY), 0);
        ck_assert(is_master(A));
        world_end(&w);
}
END_TEST

START_TEST(breaks_off_a_round_at_its_end) {
        TEMPORARY_ROOT();
        World w;

        world_begin(&w);
        world_add_nic(&w, A, 1);
        world_ready(&w, LONG_USEC);
        world_begin_round(&w, DRAIN_ROUND_EARLY);
        while (w.drain->capture->devices[0].task)
                ck_assert_int_gt(sd_event_run(w.event, LONG_USEC), 0);
        ck_assert(!w.is_over); /* but about to be */
        ck_assert_int_eq(world_undo(&w, DRAIN_ROUND_EARLY), 0);
        ck_assert(is_master(A));
        ck_assert(host_was_asked("restore " A));
        world_end(&w);
}
END_TEST

START_TEST(undoes_after_each_failure) {
        TEMPORARY_ROOT();
        World w;

        world_begin(&w);
        world_add_nic(&w, A, 1);
        world_add_needed_nic(&w, B, 2);
        world_ready(&w, SHORT_USEC);
        host.link_error = _i == 0 ? -EPERM : 0;
        set_pending(A, _i == 1);
        set_pending(B, _i == 2);
        (void) world_drain(&w, DRAIN_ROUND_EARLY);
        (void) world_drain(&w, DRAIN_ROUND_LATE);
        ck_assert_str_eq(world_told(&w, A, "outcome"), _i == 2 ? "quiet" : "unsafe");
        ck_assert_str_eq(world_told(&w, B, "outcome"), _i == 1 ? "quiet" : "unsafe");
        ck_assert_int_eq(world_undo(&w, DRAIN_ROUND_LATE), 0);
        ck_assert_int_eq(world_undo(&w, DRAIN_ROUND_EARLY), 0);
        ck_assert(is_master(A) && is_master(B));
        ck_assert(host_was_asked("restore " A) && host_was_asked("restore " B));
        world_end(&w);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("drain-undo");
        TCase *cases = tcase_create("drain-undo");

        tcase_add_test(cases, restores_what_was_made_quiet);
        tcase_add_test(cases, leaves_alone_what_was_never_touched);
        tcase_add_test(cases, binds_drivers_again);
        tcase_add_test(cases, tells_what_is_not_as_before);
        tcase_add_loop_test(cases, names_who_is_gone, 0, 2);
        tcase_add_test(cases, tells_what_the_network_lacks);
        tcase_add_test(cases, does_not_wait_for_a_network_that_hangs);
        tcase_add_test(cases, brings_the_parent_back_first);
        tcase_add_test(cases, does_not_fight_with_a_thread_that_hangs);
        tcase_add_test(cases, restores_who_is_drained_too_late);
        tcase_add_test(cases, tells_who_lost_its_state_by_a_reset);
        tcase_add_test(cases, does_not_wait_for_a_driver_that_hangs);
        tcase_add_test(cases, waits_for_a_thread_that_ends);
        tcase_add_test(cases, breaks_off_another_round);
        tcase_add_test(cases, breaks_off_a_round_at_its_end);
        tcase_add_loop_test(cases, undoes_after_each_failure, 0, 3);
        suite_add_tcase(suite, cases);
        return unit_run(suite);
}
