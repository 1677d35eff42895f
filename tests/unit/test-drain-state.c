/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a killed daemon leaves behind, and what its successor makes of it. */

#include "basic/io.h"
#include "drain-fixture.h"

#define A "0000:00:02.0"
#define B "0000:00:03.0"
#define C "0000:00:04.0"

/* The process dies: only the state is left. */
static void die(World *w) {
        int fd = fcntl(drain_state_fd(w->drain), F_DUPFD_CLOEXEC, 0);

        ck_assert_int_ge(fd, 0);
        w->drain = drain_free(w->drain);
        host.calls[0] = 0;
        ck_assert_int_eq(drain_inherit_with(&setup, w->event, fd, &w->drain), 0);
        ck_assert_int_eq(drain_state_fd(w->drain), fd);
}

START_TEST(is_undone_by_a_successor) {
        TEMPORARY_ROOT();
        World w;

        world_begin(&w);
        world_add_nic(&w, A, 1);
        world_add_needed_nic(&w, B, 2);
        world_add(&w, C, "vfio-pci", 0x030000);
        root_put("/sys/bus/pci/devices/" C "/driver_override", "vfio-pci\n");
        world_add(&w, "0000:00:05.0", "xhci_hcd", 0x0c0330);
        world_rule(&w, "address:" C "=unbind");
        world_ready(&w, LONG_USEC);
        ck_assert_int_eq(world_drain(&w, DRAIN_ROUND_EARLY), 0);
        ck_assert_int_eq(world_drain(&w, DRAIN_ROUND_LATE), 0);
        die(&w);
        driver_unlink(C);
        root_put("/sys/bus/pci/devices/" C "/driver_override", "\n");

        ck_assert_str_eq(world_told(&w, A, "outcome"), "pending");
        ck_assert_str_eq(world_told(&w, A, "interfaces"), "[ \"eth1\" ]");
        ck_assert_str_eq(world_told(&w, A, "class"), "020000");
        ck_assert_str_eq(world_told(&w, B, "policy"), "quiet");
        ck_assert_str_eq(world_told(&w, "0000:00:05.0", "outcome"), "kept");
        ck_assert_int_eq(drain_round(w.drain, DRAIN_ROUND_EARLY, on_pass_done, &w), -EOPNOTSUPP);

        for (unsigned i = 0; i < 2; i++) {
                ck_assert_int_eq(world_undo(&w, DRAIN_ROUND_LATE), 0);
                ck_assert_str_eq(host.calls, "restore " B ", ");
                host.calls[0] = 0;
                ck_assert_int_eq(world_undo(&w, DRAIN_ROUND_EARLY), 0);
                ck_assert_str_eq(host.calls, "restore " A ", ");
                host.calls[0] = 0;
                ck_assert(is_master(A) && is_master(B) && is_master(C));
                ck_assert_str_eq(root_get("/sys/bus/pci/drivers/vfio-pci/bind"), C);
                ck_assert_int_eq(strncmp(root_get("/sys/bus/pci/devices/" C "/driver_override"), "vfio-pci", 8), 0);
                ck_assert_str_eq(world_told(&w, C, "outcome"), "restored");
        }
        ck_assert_str_eq(world_told(&w, "0000:00:05.0", "outcome"), "kept");
        world_end(&w);
}
END_TEST

START_TEST(tells_who_was_reset_by_the_one_before) {
        TEMPORARY_ROOT();
        World w;

        world_begin(&w);
        world_add_user(world_add(&w, A, "vfio-pci", 0x020000), "guest", USE_VFIO);
        world_ready(&w, LONG_USEC);
        if (_i == 1)
                ck_assert_int_eq(world_drain(&w, DRAIN_ROUND_LATE), 0);
        die(&w);
        for (unsigned i = 0; i < 2; i++) {
                ck_assert_int_eq(world_undo(&w, DRAIN_ROUND_LATE), 0);
                ck_assert(is_master(A));
                ck_assert_str_eq(world_told(&w, A, "outcome"), "restored");
                ck_assert((_i == 1) == (strstr(world_told(&w, A, "problems"), "was reset while") != NULL));
        }
        world_end(&w);
}
END_TEST

START_TEST(is_undone_before_anything_was_done) {
        TEMPORARY_ROOT();
        World w;

        world_begin(&w);
        world_add_nic(&w, A, 1);
        world_ready(&w, LONG_USEC);
        die(&w);
        ck_assert_int_eq(world_undo(&w, DRAIN_ROUND_EARLY), 0);
        ck_assert(is_master(A));
        ck_assert_str_eq(root_get("/sys/bus/pci/drivers/e1000e/bind"), "");
        world_end(&w);
}
END_TEST

START_TEST(brings_the_parent_back_first) {
        TEMPORARY_ROOT();
        World w;
        int fd;

        world_begin(&w);
        world_add(&w, A, "igb", 0x020000)->n_virtual = 1;
        world_add(&w, B, "igbvf", 0x020000)->parent = strdup(A);
        world_ready(&w, LONG_USEC);
        ck_assert_int_eq(world_drain(&w, DRAIN_ROUND_EARLY), 0);
        die(&w);
        driver_unlink(A);
        fifo_put("/sys/bus/pci/drivers/igb/bind");
        w.is_over = false;
        ck_assert_int_eq(drain_undo(w.drain, DRAIN_ROUND_EARLY, on_pass_done, &w), 1);
        ck_assert_int_eq(sd_event_run(w.event, SHORT_USEC / 5), 0);
        ck_assert(!is_master(B));
        fd = fifo_open("/sys/bus/pci/drivers/igb/bind");
        world_wait(&w);
        close(fd);
        ck_assert(is_master(A) && is_master(B));
        world_end(&w);
}
END_TEST

/* `%s` of the text is a device that is right. */
#define RIGHT "\"address\":\"0000:00:02.0\",\"class\":131072,\"driver\":\"e1000e\",\"driverOverride\":\"\"," \
        "\"virtualFunctions\":0,\"policy\":\"quiet\",\"round\":\"early\",\"busMaster\":true,\"canReset\":true," \
        "\"held\":false," \
        "\"interfaces\":[{\"name\":\"eth0\",\"up\":true}]"
#define THIS_BOOT "00000000000000000000000000000000" /* in its place */
#define STATE_OF(boot, devices, more) \
        "{\"version\":1,\"bootId\":\"" boot "\",\"timeoutUSec\":1000000,\"locked\":false," \
        "\"devices\":[" devices "]" more "}"
#define STATE(devices, more) STATE_OF(THIS_BOOT, devices, more)

static int inherit(const char *text, size_t size) {
        _cleanup_(drain_freep) Drain *drain = NULL;
        _cleanup_free_ char *copy = malloc(size + 1);
        char boot_id[SD_ID128_STRING_MAX], *place;
        sd_event *event;
        sd_id128_t boot;
        int fd, r;

        memcpy(copy, text, size);
        copy[size] = 0;
        ck_assert_int_ge(sd_id128_get_boot(&boot), 0);
        place = strstr(copy, THIS_BOOT);
        if (place)
                memcpy(place, sd_id128_to_string(boot, boot_id), strlen(THIS_BOOT));
        ck_assert_int_eq(memfd_new_with("state", copy, size, &fd), 0);
        ck_assert_int_ge(sd_event_new(&event), 0);
        r = drain_inherit_with(&setup, event, fd, &drain);
        ck_assert((r >= 0) == (drain != NULL));
        ck_assert(r >= 0 || fcntl(fd, F_GETFD) < 0); /* it was taken */
        sd_event_unref(event);
        return r;
}

START_TEST(takes_what_is_right) {
        static const char *const texts[] = {
                STATE("", ""),
                STATE("{" RIGHT "}", ""),
                STATE("{" RIGHT "}", ",\"network\":{\"links\":\"some\"},\"later\":[1,2]"),
        };

        for (size_t i = 0; i < ELEMENTSOF(texts); i++)
                ck_assert_int_eq(inherit(texts[i], strlen(texts[i])), 0);
}
END_TEST

START_TEST(refuses_a_later_version) {
        static const char text[] = "{\"version\":2,\"devices\":\"who knows\"}";

        ck_assert_int_eq(inherit(text, strlen(text)), -EPROTONOSUPPORT);
}
END_TEST

/* What was drained then is not drained any more. */
START_TEST(refuses_what_is_of_another_boot) {
        static const char text[] = STATE_OF("0123456789abcdef0123456789abcdef", "{" RIGHT "}", "");

        ck_assert_int_eq(inherit(text, strlen(text)), -ESTALE);
}
END_TEST

START_TEST(refuses_what_is_wrong) {
        static const char *const texts[] = {
                "", "null", "[]", "{", "{}", "{\"version\":0}", "{\"version\":\"1\"}", "{\"version\":1}",
                "{\"version\":1,\"timeoutUSec\":1,\"locked\":false,\"devices\":{}}",
                "{\"version\":1,\"locked\":false,\"devices\":[]}",
                "{\"version\":1,\"timeoutUSec\":-1,\"locked\":false,\"devices\":[]}",
                "{\"version\":1,\"timeoutUSec\":18446744073709551615,\"locked\":false,\"devices\":[]}",
                "{\"version\":1,\"timeoutUSec\":1,\"devices\":[]}",
                "{\"version\":1,\"timeoutUSec\":1,\"locked\":false,\"devices\":[]}",
                STATE_OF("yesterday", "", ""),
                STATE("", ",\"bootId\":7"),
                STATE("", ",\"network\":[]"),
                STATE("", ",\"network\":{}"),
                STATE("null", ""),
                STATE("{}", ""),
                STATE("{" RIGHT "},{" RIGHT "}", ""),
        };

        for (size_t i = 0; i < ELEMENTSOF(texts); i++) {
                ck_assert_msg(inherit(texts[i], strlen(texts[i])) == -EBADMSG, "%s", texts[i]);
        }
}
END_TEST

/* Names become paths. */
START_TEST(refuses_a_device_that_is_wrong) {
        static const char *const members[] = {
                "\"address\":null", "\"address\":\"../../../etc\"", "\"address\":\"0000:00:02\"",
                "\"address\":\"0000:00:02.0/\"", "\"address\":\"0000:00:02.0\\u0000/..\"", "\"address\":7",
                "\"driver\":\"..\"", "\"driver\":\"a/b\"", "\"driver\":\"\"", "\"driver\":[]",
                "\"driver\":\"a\\nb\"", "\"parent\":\"..\"", "\"class\":16777216", "\"class\":-1", "\"class\":\"02\"",
                "\"virtualFunctions\":65536", "\"policy\":\"shoot\"", "\"policy\":null", "\"round\":\"never\"",
                "\"round\":1", "\"driverOverride\":null", "\"driverOverride\":7", "\"busMaster\":1",
                "\"busMaster\":null", "\"canReset\":\"no\"", "\"interfaces\":null", "\"interfaces\":[7]",
                "\"interfaces\":[{}]", "\"interfaces\":[{\"name\":\"eth0\"}]", "\"interfaces\":[{\"up\":true}]",
                "\"note\":7", "\"held\":null", "\"held\":1",
        };

        for (size_t i = 0; i < ELEMENTSOF(members); i++) { /* the later of two members of a name counts */
                char text[2048];

                snprintf(text, sizeof(text), STATE("{" RIGHT ",%s}", ""), members[i]);
                ck_assert_msg(inherit(text, strlen(text)) == -EBADMSG, "%s", members[i]);
        }
}
END_TEST

START_TEST(survives_any_cut) {
        TEMPORARY_ROOT();
        _cleanup_free_ char *text = NULL;
        size_t size;
        World w;

        world_begin(&w);
        world_add_nic(&w, A, 1);
        world_add_needed_nic(&w, B, 2);
        world_ready(&w, LONG_USEC);
        ck_assert_int_eq(read_fd(drain_state_fd(w.drain), 1U << 20, &text, &size), 0);
        for (size_t cut = 0; cut < size; cut++)
                ck_assert_int_eq(inherit(text, cut), -EBADMSG);
        ck_assert_int_eq(inherit(text, size), 0);
        world_end(&w);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("drain-state");
        TCase *cases = tcase_create("drain-state");

        tcase_add_test(cases, is_undone_by_a_successor);
        tcase_add_loop_test(cases, tells_who_was_reset_by_the_one_before, 0, 2);
        tcase_add_test(cases, is_undone_before_anything_was_done);
        tcase_add_test(cases, brings_the_parent_back_first);
        tcase_add_test(cases, takes_what_is_right);
        tcase_add_test(cases, refuses_a_later_version);
        tcase_add_test(cases, refuses_what_is_of_another_boot);
        tcase_add_test(cases, refuses_what_is_wrong);
        tcase_add_test(cases, refuses_a_device_that_is_wrong);
        tcase_add_test(cases, survives_any_cut);
        suite_add_tcase(suite, cases);
        return unit_run(suite);
}
