/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>

#include "basic/json.h"
#include "host/irqs-internal.h"
#include "temporary-root.h"

#define PCI "/sys/bus/pci/devices"

static json_object *problems;
static size_t n_changes, n_missing;

static void put_device(const char *name, const char *driver, const char *pin) {
        char path[128], target[128];

        snprintf(path, sizeof(path), PCI "/%s/irq", name);
        root_put(path, pin);
        if (!driver)
                return;
        snprintf(path, sizeof(path), PCI "/%s/driver", name);
        snprintf(target, sizeof(target), "../../../../bus/pci/drivers/%s", driver);
        (void) unlink(root_path(path));
        ck_assert_int_eq(symlink(target, root_path(path)), 0);
}

static void put_message(const char *device, unsigned number) {
        char path[128];

        snprintf(path, sizeof(path), PCI "/%s/msi_irqs/%u", device, number);
        root_put(path, "msix\n");
}

static const char *affinity_path(unsigned number) {
        static char path[64];

        snprintf(path, sizeof(path), "/proc/irq/%u/smp_affinity_list", number);
        return path;
}

static void put_affinity(unsigned number, const char *processors) {
        root_put(affinity_path(number), processors);
}

static void is_affinity(unsigned number, const char *expected) {
        char text[64] = {};
        int fd = root_open(affinity_path(number));

        ck_assert_int_ge(read(fd, text, sizeof(text) - 1), 0);
        close(fd);
        ck_assert_int_eq(strncmp(text, expected, strlen(expected)), 0);
}

/* Eight processors, a NIC with four interrupts (one managed, one without handler yet), an old device on a line. */
static void put_host(void) {
        root_put("/sys/devices/system/cpu/online", "0-7\n");
        root_put("/proc/irq/default_smp_affinity", "ffffffff,ffffffff\n");
        put_device("0000:00:08.0", "igb", "0\n");
        for (unsigned i = 0; i < 4; i++)
                put_message("0000:00:08.0", 98 + i); /* 98, 99, 100, 101: as text in another order */
        put_affinity(98, "0-7\n");
        put_affinity(99, "3\n");
        put_affinity(100, "0-1,4\n");
        put_affinity(101, "5\n");
        ck_assert_int_eq(chmod(root_path(affinity_path(101)), 0444), 0);
        put_device("0000:00:1f.3", "i801_smbus", "17\n");
        put_affinity(17, "2\n");
        root_put("/proc/irq/17/i801_smbus/.keep", "");
        put_device("0000:00:1f.4", NULL, "18\n");
        put_affinity(18, "2\n");
}

static json_object *parse(const char *text) {
        json_object *o = json_tokener_parse(text);

        ck_assert_ptr_nonnull(o);
        return o;
}

static int restore(json_object *wanted) {
        json_object_put(problems);
        problems = json_object_new_array();
        return irqs_restore(root, wanted, &n_changes, &n_missing, problems);
}

static void is_captured(const char *expected) {
        _cleanup_json_ json_object *captured = irqs_capture(root);

        ck_assert_str_eq(json_object_to_json_string_ext(captured, JSON_C_TO_STRING_PLAIN), expected);
}

START_TEST(captures_what_is_not_the_default) {
        TEMPORARY_ROOT();

        put_host();
        is_captured("[{\"device\":\"0000:00:08.0\",\"driver\":\"igb\",\"vector\":1,\"processors\":\"3\"},"
                    "{\"device\":\"0000:00:08.0\",\"driver\":\"igb\",\"vector\":2,\"processors\":\"0-1,4\"},"
                    "{\"device\":\"0000:00:1f.3\",\"driver\":\"i801_smbus\",\"vector\":0,\"processors\":\"2\"}]");
        /* A line that two devices have. */
        root_put("/proc/irq/17/ehci_hcd:usb1/.keep", "");
        root_put("/proc/irq/default_smp_affinity", "00000008\n");
        is_captured("[{\"device\":\"0000:00:08.0\",\"driver\":\"igb\",\"vector\":0,\"processors\":\"0-7\"},"
                    "{\"device\":\"0000:00:08.0\",\"driver\":\"igb\",\"vector\":2,\"processors\":\"0-1,4\"}]");
        root_put("/proc/irq/default_smp_affinity", "x\n");
        is_captured("[]");
}
END_TEST

START_TEST(captures_nothing_of_nothing) {
        TEMPORARY_ROOT();

        is_captured("[]");
}
END_TEST

START_TEST(puts_them_back) {
        TEMPORARY_ROOT();
        _cleanup_json_ json_object *wanted = NULL;

        put_host();
        wanted = irqs_capture(root);
        /* The next kernel numbers anew, and has the defaults. */
        ck_assert_int_eq(nftw(root_path(PCI), root_remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
        put_device("0000:00:08.0", "igb", "0\n");
        for (unsigned i = 0; i < 3; i++) {
                put_message("0000:00:08.0", 30 + i);
                put_affinity(30 + i, "0-7\n");
        }
        put_device("0000:00:1f.3", "i801_smbus", "18\n");
        put_affinity(18, "0-7\n");
        ck_assert_int_eq(restore(wanted), 0);
        ck_assert_uint_eq(n_changes, 3);
        ck_assert_uint_eq(n_missing, 0);
        ck_assert_uint_eq(json_object_array_length(problems), 0);
        is_affinity(30, "0-7");
        is_affinity(31, "3");
        is_affinity(32, "0-1,4");
        is_affinity(18, "2");
}
END_TEST

START_TEST(is_idempotent) {
        TEMPORARY_ROOT();
        _cleanup_json_ json_object *wanted = NULL;

        put_host();
        wanted = irqs_capture(root);
        ck_assert_int_eq(restore(wanted), 0);
        ck_assert_uint_eq(n_changes, 0);
}
END_TEST

START_TEST(counts_what_is_missing) {
        TEMPORARY_ROOT();
        _cleanup_json_ json_object *wanted = parse(
                        "[{\"device\": \"0000:00:08.0\", \"driver\": \"igb\", \"vector\": 4, \"processors\": \"1\"},"
                        "{\"device\": \"0000:00:08.0\", \"driver\": \"igb\", \"vector\": 18446744073709551615,"
                        " \"processors\": \"1\"},"
                        "{\"device\": \"0000:00:09.0\", \"driver\": \"igb\", \"vector\": 0, \"processors\": \"1\"},"
                        "{\"device\": \"0000:00:1f.4\", \"driver\": \"igb\", \"vector\": 0, \"processors\": \"1\"},"
                        /* another driver's are none of this one's, managed ones nobody's */
                        "{\"device\": \"0000:00:1f.3\", \"driver\": \"igb\", \"vector\": 0, \"processors\": \"1\"},"
                        "{\"device\": \"0000:00:08.0\", \"driver\": \"igb\", \"vector\": 3, \"processors\": \"1\"},"
                        /* no handler yet */
                        "{\"device\": \"0000:00:08.0\", \"driver\": \"igb\", \"vector\": 0, \"processors\": \"1\"}]");

        put_host();
        ck_assert_int_eq(unlink(root_path(affinity_path(98))), 0);
        ck_assert_int_eq(restore(wanted), 0);
        ck_assert_uint_eq(n_changes, 0);
        ck_assert_uint_eq(n_missing, 5);
        ck_assert_uint_eq(json_object_array_length(problems), 0);
        is_affinity(17, "2");
        is_affinity(101, "5");
}
END_TEST

START_TEST(tells_of_processors_that_are_not_there) {
        TEMPORARY_ROOT();
        _cleanup_json_ json_object *wanted = parse(
                        "[{\"device\": \"0000:00:08.0\", \"driver\": \"igb\", \"vector\": 0, \"processors\": \"6-9\"},"
                        "{\"device\": \"0000:00:08.0\", \"driver\": \"igb\", \"vector\": 1, \"processors\": \"8-9\"}]");

        put_host();
        ck_assert_int_eq(restore(wanted), 0);
        ck_assert_uint_eq(n_changes, 1);
        is_affinity(98, "6-7");
        is_affinity(99, "3");
        ck_assert_uint_eq(json_object_array_length(problems), 2);
        ck_assert_str_eq(json_object_get_string(json_object_array_get_idx(problems, 0)),
                        "Interrupt 0 of 0000:00:08.0 went to processors of which not all are online");
        ck_assert_str_eq(json_object_get_string(json_object_array_get_idx(problems, 1)),
                        "Interrupt 1 of 0000:00:08.0 went to processors of which none is online");
}
END_TEST

START_TEST(refuses_hostile_ones) {
        static const char *const hostile[] = {
                "{}", "[1]", "[{}]",
                "[{\"device\": \"../../..\", \"driver\": \"igb\", \"vector\": 0, \"processors\": \"1\"}]",
                "[{\"device\": \"..:0000:00:08\", \"driver\": \"igb\", \"vector\": 0, \"processors\": \"1\"}]",
                "[{\"device\": \"0000:00:08.0/..\", \"driver\": \"igb\", \"vector\": 0, \"processors\": \"1\"}]",
                "[{\"device\": \"0000:00:08.0\", \"vector\": 0, \"processors\": \"1\"}]",
                "[{\"device\": \"0000:00:08.0\", \"driver\": \"igb\", \"vector\": -1, \"processors\": \"1\"}]",
                "[{\"device\": \"0000:00:08.0\", \"driver\": \"igb\", \"vector\": 0, \"processors\": \"\"}]",
                "[{\"device\": \"0000:00:08.0\", \"driver\": \"igb\", \"vector\": 0, \"processors\": \"1-\"}]",
                "[{\"device\": \"0000:00:08.0\", \"driver\": \"igb\", \"vector\": 0, \"processors\": \"99999\"}]",
                /* one is sound: nothing is done all the same */
                "[{\"device\": \"0000:00:08.0\", \"driver\": \"igb\", \"vector\": 0, \"processors\": \"1\"}, null]",
        };
        TEMPORARY_ROOT();

        put_host();
        for (size_t i = 0; i < ELEMENTSOF(hostile); i++) {
                _cleanup_json_ json_object *wanted = parse(hostile[i]);

                ck_assert_msg(restore(wanted) == -EBADMSG, "%s", hostile[i]);
        }
        is_affinity(98, "0-7");
        ck_assert_int_eq(restore(NULL), -EBADMSG);
}
END_TEST

START_TEST(reads_this_machine) {
        _cleanup_json_ json_object *captured = irqs_capture("");

        ck_assert(json_object_is_type(captured, json_type_array));
}
END_TEST

UNIT_MAIN("irqs", captures_what_is_not_the_default, captures_nothing_of_nothing, puts_them_back, is_idempotent,
        counts_what_is_missing, tells_of_processors_that_are_not_there, refuses_hostile_ones, reads_this_machine)
