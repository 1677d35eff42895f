/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Rounds: what is done with each device, in which order, and what becomes of those that do not go along. */

#include "basic/clock.h"
#include "drain-fixture.h"

#define A "0000:00:02.0"
#define B "0000:00:03.0"
#define C "0000:00:04.0"

START_TEST(does_what_the_policy_says) {
        TEMPORARY_ROOT();
        Device *device;
        World w;

        world_begin(&w);
        device = world_add_nic(&w, A, 1);
        world_add_interface(device, "eth9", 9, false);
        world_add_needed_nic(&w, B, 2);
        world_add(&w, C, NULL, 0x0c0330);
        world_add_nic(&w, "0000:00:05.0", 5);
        world_add(&w, "0000:00:06.0", "igb", 0x020000);
        world_add_nic(&w, "0000:00:07.0", 7);
        world_rule(&w, "address:0000:00:05.0=unbind");
        world_rule(&w, "address:0000:00:06.0=reset");
        world_rule(&w, "address:0000:00:07.0=keep");
        world_ready(&w, LONG_USEC);
        ck_assert_str_eq(world_told(&w, A, "outcome"), "pending");

        ck_assert_int_eq(world_drain(&w, DRAIN_ROUND_EARLY), 0);
        ck_assert(host_was_asked("1 is down"));
        ck_assert(!host_was_asked("down 9"));
        ck_assert(!is_master(A));
        ck_assert_str_eq(world_told(&w, A, "outcome"), "quiet");
        ck_assert_str_eq(world_told(&w, A, "phase"), "quiesce");
        ck_assert_str_eq(world_told(&w, A, "interfaces"), "[ \"eth1\" ]");
        ck_assert_str_eq(world_told(&w, A, "busMaster"), "true");
        ck_assert_int_gt(atoi(world_told(&w, A, "drainUSec")), 0);
        ck_assert(!is_master(C));
        ck_assert_str_eq(root_get("/sys/bus/pci/drivers/e1000e/unbind"), "0000:00:05.0");
        ck_assert(!host_was_asked("down 5"));
        ck_assert(!is_master("0000:00:05.0"));
        ck_assert_str_eq(root_get("/sys/bus/pci/drivers/igb/unbind"), "0000:00:06.0");
        ck_assert_str_eq(root_get("/sys/bus/pci/devices/0000:00:06.0/reset"), "1");
        ck_assert(!is_master("0000:00:06.0"));
        ck_assert(is_master("0000:00:07.0"));
        ck_assert_str_eq(world_told(&w, "0000:00:07.0", "outcome"), "kept");

        ck_assert(is_master(B));
        ck_assert(!host_was_asked("down 2"));
        ck_assert_int_eq(world_drain(&w, DRAIN_ROUND_LATE), 0);
        ck_assert(host_was_asked("2 is down"));
        ck_assert(!is_master(B));
        ck_assert_str_eq(world_told(&w, B, "phase"), "drain");
        world_end(&w);
}
END_TEST

START_TEST(has_nothing_to_do) {
        TEMPORARY_ROOT();
        World w;

        world_begin(&w);
        world_add(&w, A, "xhci_hcd", 0x0c0330);
        world_add(&w, B, "pcieport", 0x060400);
        world_ready(&w, LONG_USEC);
        ck_assert_int_eq(drain_round(w.drain, DRAIN_ROUND_EARLY, on_pass_done, &w), 0);
        ck_assert_int_eq(drain_round(w.drain, DRAIN_ROUND_LATE, on_pass_done, &w), 0);
        ck_assert_int_eq(drain_undo(w.drain, DRAIN_ROUND_LATE, on_pass_done, &w), 0);
        ck_assert_int_eq(sd_event_run(w.event, 0), 0);
        ck_assert(is_master(A));
        ck_assert_str_eq(host.calls, "");
        world_end(&w);

        world_begin(&w); /* no PCI at all */
        world_ready(&w, LONG_USEC);
        ck_assert_int_eq(drain_round(w.drain, DRAIN_ROUND_EARLY, on_pass_done, &w), 0);
        world_end(&w);
}
END_TEST

START_TEST(preserves_or_resets) {
        TEMPORARY_ROOT();
        World w;

        world_begin(&w);
        world_add_user(world_add(&w, A, "vfio-pci", 0x030000), "guest", USE_VFIO);
        world_add_user(world_add(&w, B, "vfio-pci", 0x020000), "guest", USE_VFIO);
        world_add_user(world_add(&w, C, "vfio-pci", 0x020000), "guest", USE_VFIO);
        w.inventory->devices[2].can_reset = false;
        world_ready(&w, LONG_USEC);
        ck_assert_str_eq(drain_next_to_preserve(w.drain, NULL)->address, A);
        ck_assert_str_eq(drain_next_to_preserve(w.drain, A)->address, B);
        ck_assert_str_eq(drain_next_to_preserve(w.drain, B)->address, C);
        ck_assert_ptr_null(drain_next_to_preserve(w.drain, C));
        ck_assert_ptr_null(drain_next_to_preserve(w.drain, "0000:00:1f.0"));
        drain_preserved(w.drain, A);

        ck_assert_int_eq(drain_round(w.drain, DRAIN_ROUND_EARLY, on_pass_done, &w), 0);
        ck_assert_int_eq(world_drain(&w, DRAIN_ROUND_LATE), 0);
        ck_assert(is_master(A));
        ck_assert_str_eq(world_told(&w, A, "outcome"), "preserved");
        ck_assert_str_eq(root_get("/sys/bus/pci/devices/" A "/reset"), "");
        ck_assert(!is_master(B));
        ck_assert_str_eq(root_get("/sys/bus/pci/devices/" B "/reset"), "1");
        ck_assert_str_eq(root_get("/sys/bus/pci/drivers/vfio-pci/unbind"), "");
        ck_assert_str_eq(world_told(&w, B, "policy"), "preserve");
        ck_assert_ptr_nonnull(strstr(world_told(&w, B, "note"), "so it is reset"));
        ck_assert(!is_master(C));
        ck_assert_str_eq(root_get("/sys/bus/pci/devices/" C "/reset"), "");
        ck_assert_ptr_nonnull(strstr(world_told(&w, C, "note"), "bus mastering is cleared"));
        world_end(&w);
}
END_TEST

static void add_family(World *w) {
        world_add_nic(w, A, 1)->n_virtual = 2;
        world_add_nic(w, B, 2)->parent = strdup(A);
        world_add_nic(w, C, 3)->parent = strdup(A);
}

START_TEST(drains_virtual_functions_before_their_parent) {
        TEMPORARY_ROOT();
        World w;

        world_begin(&w);
        add_family(&w);
        world_ready(&w, LONG_USEC);
        gate_make();
        host.gate_index = 2;
        world_begin_round(&w, DRAIN_ROUND_EARLY);
        while (strcmp(world_told(&w, C, "outcome"), "quiet") != 0)
                ck_assert_int_gt(sd_event_run(w.event, LONG_USEC), 0);
        ck_assert_int_eq(sd_event_run(w.event, SHORT_USEC / 5), 0);
        ck_assert(host_was_asked("down 2"));
        ck_assert(!host_was_asked("down 1"));
        ck_assert(is_master(A));
        gate_open();
        world_wait(&w);
        ck_assert_int_eq(w.error, 0);
        ck_assert_ptr_nonnull(strstr(strstr(host.calls, "2 is down"), "down 1"));
        ck_assert(!is_master(A));
        ck_assert_str_eq(world_told(&w, B, "physicalFunction"), A);
        world_end(&w);
}
END_TEST

START_TEST(lets_a_parent_wait_for_who_is_needed) {
        TEMPORARY_ROOT();
        World w;

        world_begin(&w);
        add_family(&w);
        world_add_user(&w.inventory->devices[1], "guest", USE_INTERFACE);
        world_ready(&w, LONG_USEC);
        ck_assert_int_eq(world_drain(&w, DRAIN_ROUND_EARLY), 0);
        ck_assert_str_eq(world_told(&w, C, "outcome"), "quiet");
        ck_assert_str_eq(world_told(&w, A, "outcome"), "pending");
        ck_assert_int_eq(world_drain(&w, DRAIN_ROUND_LATE), 0);
        ck_assert_str_eq(world_told(&w, A, "outcome"), "quiet");
        ck_assert_str_eq(world_told(&w, A, "phase"), "drain");
        world_end(&w);
}
END_TEST

START_TEST(drains_the_parent_of_one_that_hangs) {
        TEMPORARY_ROOT();
        World w;

        world_begin(&w);
        add_family(&w);
        world_ready(&w, SHORT_USEC);
        gate_make();
        host.gate_index = 2;
        ck_assert_int_eq(world_drain(&w, DRAIN_ROUND_EARLY), -ETIMEDOUT);
        ck_assert_str_eq(world_told(&w, B, "outcome"), "unsafe");
        ck_assert_str_eq(world_told(&w, A, "outcome"), "quiet");
        gate_open();
        world_end(&w);
}
END_TEST

START_TEST(gives_up_on_who_never_becomes_quiet) {
        TEMPORARY_ROOT();
        World w;

        world_begin(&w);
        world_add_nic(&w, A, 1);
        world_add_nic(&w, B, 2);
        world_ready(&w, SHORT_USEC);
        set_pending(A, true);
        ck_assert_int_eq(world_drain(&w, DRAIN_ROUND_EARLY), -ETIMEDOUT);
        ck_assert_str_eq(w.why, A " (e1000e) did not become quiet within 0.25 s: transactions are pending");
        ck_assert_str_eq(world_told(&w, A, "outcome"), "unsafe");
        ck_assert(!is_master(A));
        ck_assert_str_eq(world_told(&w, B, "outcome"), "quiet");
        world_end(&w);
}
END_TEST

static void *end_transactions(void *userdata) {
        host_wait("1 is down");
        usleep(20000);
        set_pending(A, false);
        return NULL;
}

START_TEST(waits_for_transactions) {
        TEMPORARY_ROOT();
        pthread_t thread;
        World w;

        world_begin(&w);
        world_add_nic(&w, A, 1);
        world_ready(&w, LONG_USEC);
        set_pending(A, true);
        ck_assert_int_eq(pthread_create(&thread, NULL, end_transactions, NULL), 0);
        ck_assert_int_eq(world_drain(&w, DRAIN_ROUND_EARLY), 0);
        pthread_join(thread, NULL);
        ck_assert_int_ge(atoi(world_told(&w, A, "drainUSec")), 20000);
        world_end(&w);
}
END_TEST

START_TEST(does_not_mind_who_disappears) {
        TEMPORARY_ROOT();
        World w;

        world_begin(&w);
        world_add_nic(&w, A, 1);
        world_add(&w, B, "e1000e", 0x020000);
        world_add_nic(&w, C, 3);
        world_rule(&w, "address:" B "=reset");
        host.goes = A;
        world_ready(&w, LONG_USEC);
        ck_assert_int_eq(unlink(root_path("/sys/bus/pci/devices/" B "/reset")), 0);
        ck_assert_int_eq(unlink(root_path("/sys/bus/pci/devices/" B "/config")), 0);
        ck_assert_int_eq(world_drain(&w, DRAIN_ROUND_EARLY), 0);
        ck_assert_str_eq(world_told(&w, A, "outcome"), "gone");
        ck_assert_str_eq(world_told(&w, B, "outcome"), "gone");
        ck_assert_str_eq(world_told(&w, C, "outcome"), "quiet");
        ck_assert_uint_eq(config_get(A, PCI_COMMAND), 0xffff);
        world_end(&w);
}
END_TEST

START_TEST(does_not_mind_who_is_gone_already) {
        TEMPORARY_ROOT();
        World w;

        world_begin(&w);
        world_add_nic(&w, A, 1);
        world_add_nic(&w, B, 2);
        config_write(A, PCI_COMMAND, 0xffff);
        ck_assert_int_eq(unlink(root_path("/sys/bus/pci/devices/" B "/config")), 0);
        world_ready(&w, LONG_USEC);
        ck_assert_str_eq(world_told(&w, A, "outcome"), "gone");
        ck_assert_str_eq(world_told(&w, B, "outcome"), "gone");
        ck_assert_int_eq(drain_round(w.drain, DRAIN_ROUND_EARLY, on_pass_done, &w), 0);
        world_end(&w);
}
END_TEST

START_TEST(tells_what_is_refused) {
        TEMPORARY_ROOT();
        World w;

        world_begin(&w);
        world_add_nic(&w, A, 1);
        world_rule(&w, "class:02=unbind");
        world_ready(&w, LONG_USEC);
        ck_assert_int_eq(unlink(root_path("/sys/bus/pci/drivers/e1000e/unbind")), 0);
        ck_assert_int_eq(mkdir(root_path("/sys/bus/pci/drivers/e1000e/unbind"), 0700), 0);
        ck_assert_int_eq(world_drain(&w, DRAIN_ROUND_EARLY), -EISDIR);
        ck_assert_str_eq(w.why, A " (e1000e) did not become quiet: it cannot be unbound from its driver: "
                                  "Is a directory");
        ck_assert_str_eq(world_told(&w, A, "outcome"), "unsafe");
        ck_assert(!is_master(A)); /* it does no harm, all the same */
        world_end(&w);
}
END_TEST

START_TEST(does_not_reset_under_a_driver) {
        TEMPORARY_ROOT();
        World w;

        world_begin(&w);
        world_add_nic(&w, A, 1);
        world_add(&w, B, NULL, 0x020000);
        world_rule(&w, "class:02=reset");
        world_ready(&w, LONG_USEC);
        ck_assert_int_eq(unlink(root_path("/sys/bus/pci/drivers/e1000e/unbind")), 0);
        ck_assert_int_eq(mkdir(root_path("/sys/bus/pci/drivers/e1000e/unbind"), 0700), 0);
        ck_assert_int_eq(world_drain(&w, DRAIN_ROUND_EARLY), -EISDIR);
        ck_assert_ptr_nonnull(strstr(w.why, "it cannot be unbound from its driver: "));
        ck_assert_str_eq(root_get("/sys/bus/pci/devices/" A "/reset"), "");
        ck_assert_str_eq(root_get("/sys/bus/pci/devices/" B "/reset"), "1");
        ck_assert(!is_master(A) && !is_master(B));
        world_end(&w);
}
END_TEST

START_TEST(does_not_mind_who_is_unbound_already) {
        TEMPORARY_ROOT();
        World w;

        world_begin(&w);
        world_add_nic(&w, A, 1);
        world_rule(&w, "class:02=unbind");
        world_ready(&w, LONG_USEC);
        driver_unlink(A);
        ck_assert_int_eq(unlink(root_path("/sys/bus/pci/drivers/e1000e/unbind")), 0);
        ck_assert_int_eq(world_drain(&w, DRAIN_ROUND_EARLY), 0);
        ck_assert(!is_master(A));
        world_end(&w);
}
END_TEST

START_TEST(tells_that_configuration_space_is_read_only) {
        TEMPORARY_ROOT();
        World w;

        world_begin(&w);
        world_add_nic(&w, A, 1);
        world_ready(&w, LONG_USEC);
        signal(SIGXFSZ, SIG_IGN);
        ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &(struct rlimit){}), 0);
        ck_assert_int_eq(world_drain(&w, DRAIN_ROUND_EARLY), -EFBIG);
        ck_assert_ptr_nonnull(strstr(w.why, A " (e1000e) did not become quiet: its bus mastering cannot be cleared: "));
        ck_assert(host_was_asked("1 is down"));
        ck_assert(is_master(A));
        world_end(&w);
}
END_TEST

START_TEST(clears_what_it_can_where_links_stay_up) {
        TEMPORARY_ROOT();
        World w;

        world_begin(&w);
        world_add_nic(&w, A, 1);
        world_ready(&w, LONG_USEC);
        host.link_error = -EPERM;
        ck_assert_int_eq(world_drain(&w, DRAIN_ROUND_EARLY), -EPERM);
        ck_assert_ptr_nonnull(strstr(w.why, "its interfaces cannot be taken down: "));
        ck_assert(!is_master(A));
        world_end(&w);

        world_begin(&w); /* one that is gone is as good as down */
        driver_unlink(A);
        world_add_nic(&w, A, 1);
        world_ready(&w, LONG_USEC);
        host.link_error = -ENODEV;
        ck_assert_int_eq(world_drain(&w, DRAIN_ROUND_EARLY), 0);
        world_end(&w);
}
END_TEST

START_TEST(writes_nothing_under_lockdown) {
        TEMPORARY_ROOT();
        World w;

        world_begin(&w);
        root_put("/sys/kernel/security/lockdown", "none [integrity] confidentiality\n");
        world_add_nic(&w, A, 1);
        world_add(&w, B, NULL, 0x0c0330);
        world_add_nic(&w, C, 3);
        world_ready(&w, SHORT_USEC);
        ck_assert_str_eq(world_told(&w, B, "policy"), "keep");
        ck_assert_ptr_nonnull(strstr(world_told(&w, B, "note"), "locked down"));
        set_pending(C, true);
        ck_assert_int_eq(world_drain(&w, DRAIN_ROUND_EARLY), -ETIMEDOUT);
        ck_assert(host_was_asked("1 is down"));
        ck_assert(is_master(A));
        ck_assert_str_eq(world_told(&w, A, "outcome"), "quiet");
        ck_assert_str_eq(world_told(&w, C, "outcome"), "unsafe");
        world_end(&w);
}
END_TEST

START_TEST(does_not_wait_for_a_thread_that_hangs) {
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
        ck_assert_str_eq(w.why, A " (e1000e) did not become quiet within 0.25 s: its driver does not let go of it");
        ck_assert_str_eq(world_told(&w, B, "outcome"), "quiet");
        ck_assert(is_master(A));
        world_end(&w); /* the thread goes on, with all it needs */
        fd = fifo_open("/sys/bus/pci/drivers/e1000e/unbind");
        for (unsigned i = 0; is_master(A); i++) {
                ck_assert_uint_lt(i, 20000);
                usleep(1000);
        }
        close(fd);
}
END_TEST

/* Workloads run: a driver may take its time then, but not in the blackout. */
START_TEST(has_patience_with_drivers_in_the_early_round) {
        TEMPORARY_ROOT();
        World w;
        int fd;

        world_begin(&w);
        world_add_nic(&w, A, 1);
        world_rule(&w, "class:02=unbind");
        fifo_put("/sys/bus/pci/drivers/e1000e/unbind");
        world_ready(&w, SHORT_USEC);
        world_begin_round(&w, DRAIN_ROUND_EARLY);
        for (uint64_t end_usec = now_usec(CLOCK_MONOTONIC) + 2 * SHORT_USEC; now_usec(CLOCK_MONOTONIC) < end_usec;)
                ck_assert_int_ge(sd_event_run(w.event, SHORT_USEC / 5), 0);
        ck_assert(!w.is_over);
        fd = fifo_open("/sys/bus/pci/drivers/e1000e/unbind");
        world_wait(&w);
        ck_assert_int_eq(w.error, 0);
        ck_assert_str_eq(world_told(&w, A, "outcome"), "quiet");
        close(fd);
        world_end(&w);
}
END_TEST

START_TEST(has_no_patience_in_the_late_round) {
        TEMPORARY_ROOT();
        World w;
        int fd;

        world_begin(&w);
        world_add_needed_nic(&w, A, 1);
        world_rule(&w, "class:02=unbind");
        fifo_put("/sys/bus/pci/drivers/e1000e/unbind");
        world_ready(&w, SHORT_USEC);
        ck_assert_int_eq(world_drain(&w, DRAIN_ROUND_LATE), -ETIMEDOUT);
        ck_assert_str_eq(w.why, A " (e1000e) did not become quiet within 0.25 s: its driver does not let go of it");
        fd = fifo_open("/sys/bus/pci/drivers/e1000e/unbind");
        while (w.drain->capture->devices[0].task)
                ck_assert_int_gt(sd_event_run(w.event, LONG_USEC), 0);
        close(fd);
        world_end(&w);
}
END_TEST

/* SPDK and the like serve guests, and are none. */
START_TEST(drains_late_what_anybody_holds) {
        TEMPORARY_ROOT();
        World w;

        world_begin(&w);
        world_add_user(world_add(&w, A, "vfio-pci", 0x010802), NULL, USE_VFIO);
        world_add(&w, B, "vfio-pci", 0x010802);
        world_ready(&w, LONG_USEC);
        ck_assert_str_eq(world_told(&w, A, "phase"), "drain");
        ck_assert_str_eq(world_told(&w, B, "phase"), "quiesce");
        ck_assert_int_eq(world_drain(&w, DRAIN_ROUND_EARLY), 0);
        ck_assert(is_master(A));
        ck_assert(!is_master(B));
        ck_assert_int_eq(world_drain(&w, DRAIN_ROUND_LATE), 0);
        ck_assert(!is_master(A));
        world_end(&w);
}
END_TEST

START_TEST(tells_the_first_error_when_all_are_through) {
        TEMPORARY_ROOT();
        World w;

        world_begin(&w);
        world_add_nic(&w, A, 1);
        world_add_nic(&w, B, 2);
        world_ready(&w, LONG_USEC);
        host.link_error = -EPERM;
        gate_make();
        host.gate_index = 2;
        world_begin_round(&w, DRAIN_ROUND_EARLY);
        ck_assert_int_eq(drain_round(w.drain, DRAIN_ROUND_LATE, on_pass_done, &w), -EBUSY);
        while (strcmp(world_told(&w, A, "outcome"), "unsafe") != 0)
                ck_assert_int_gt(sd_event_run(w.event, LONG_USEC), 0);
        ck_assert_int_eq(sd_event_run(w.event, SHORT_USEC / 5), 0);
        ck_assert(!w.is_over);
        gate_open();
        world_wait(&w);
        ck_assert_int_eq(strncmp(w.why, A, strlen(A)), 0);
        ck_assert_str_eq(world_told(&w, B, "outcome"), "unsafe");
        world_end(&w);
}
END_TEST

static void on_done_free(int error, const char *why, void *userdata) {
        World *w = userdata;

        w->drain = drain_free(w->drain);
        on_pass_done(error, why, w);
}

START_TEST(may_be_freed_where_it_tells) {
        TEMPORARY_ROOT();
        World w;

        world_begin(&w);
        world_add_nic(&w, A, 1);
        world_ready(&w, LONG_USEC);
        host.link_error = -EPERM;
        ck_assert_int_eq(drain_round(w.drain, DRAIN_ROUND_EARLY, on_done_free, &w), 1);
        world_wait(&w);
        ck_assert_int_eq(w.error, -EPERM);
        world_end(&w);
}
END_TEST

START_TEST(drains_a_thousand) {
        TEMPORARY_ROOT();
        struct rlimit files;
        char address[32];
        World w;

        ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &files), 0);
        if (files.rlim_max < 4096)
                return;
        files.rlim_cur = files.rlim_max;
        ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &files), 0);

        world_begin(&w);
        for (unsigned i = 0; i < 1000; i++) {
                snprintf(address, sizeof(address), "0000:%02x:%02x.%u", i / 256, i / 8 % 32, i % 8);
                world_add_nic(&w, address, i);
                if (i % 8 > 0)
                        w.inventory->devices[i].parent = strdup(w.inventory->devices[i - i % 8].address);
                else
                        w.inventory->devices[i].n_virtual = 7;
        }
        world_ready(&w, LONG_USEC);
        ck_assert_int_eq(world_drain(&w, DRAIN_ROUND_EARLY), 0);
        for (unsigned i = 0; i < 1000; i += 111) {
                snprintf(address, sizeof(address), "0000:%02x:%02x.%u", i / 256, i / 8 % 32, i % 8);
                ck_assert(!is_master(address));
        }
        ck_assert_int_eq(world_undo(&w, DRAIN_ROUND_EARLY), 0);
        for (unsigned i = 0; i < 1000; i += 111) {
                snprintf(address, sizeof(address), "0000:%02x:%02x.%u", i / 256, i / 8 % 32, i % 8);
                ck_assert(is_master(address));
        }
        world_end(&w);
}
END_TEST

UNIT_MAIN("drain", does_what_the_policy_says, has_nothing_to_do, preserves_or_resets,
                drains_virtual_functions_before_their_parent, lets_a_parent_wait_for_who_is_needed,
                drains_the_parent_of_one_that_hangs, gives_up_on_who_never_becomes_quiet, waits_for_transactions,
                does_not_mind_who_disappears, does_not_mind_who_is_gone_already, tells_what_is_refused,
                does_not_reset_under_a_driver, does_not_mind_who_is_unbound_already,
                tells_that_configuration_space_is_read_only, clears_what_it_can_where_links_stay_up,
                writes_nothing_under_lockdown, does_not_wait_for_a_thread_that_hangs,
                has_patience_with_drivers_in_the_early_round, has_no_patience_in_the_late_round,
                drains_late_what_anybody_holds,
                tells_the_first_error_when_all_are_through, may_be_freed_where_it_tells, drains_a_thousand)
