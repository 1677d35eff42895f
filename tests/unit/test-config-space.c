/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "inventory-fixture.h"

static PciState state;
static MessageInterrupts msi;
static bool has_status;
static size_t status_offset;

/* A copy of exactly that size, so that a sanitizer sees what is read beyond. */
static void parse(const unsigned char *config, size_t size) {
        _cleanup_free_ unsigned char *copy = malloc(size);

        ck_assert(copy || size == 0);
        memcpy(copy, config, size);
        pci_state_parse(copy, size, &state, &msi, &has_status, &status_offset);
}

START_TEST(reads_the_capabilities) {
        unsigned char config[256];

        config_build(config, PCI_COMMAND_MASTER, true);
        parse(config, sizeof(config));
        ck_assert(!state.is_gone && state.bus_master && state.is_pending && has_status);
        ck_assert_uint_eq(status_offset, 0x4a);
        ck_assert_int_eq(msi, MSI_MSIX);

        config_build(config, 0, false);
        config[0x80] = PCI_CAP_ID_MSI;
        config[0x80 + PCI_MSI_FLAGS] = PCI_MSI_FLAGS_ENABLE;
        parse(config, sizeof(config));
        ck_assert(!state.is_gone && !state.bus_master && !state.is_pending && has_status);
        ck_assert_int_eq(msi, MSI_MSI);
        config[0x80 + PCI_MSI_FLAGS] = 0;
        parse(config, sizeof(config));
        ck_assert_int_eq(msi, MSI_NONE);
}
END_TEST

START_TEST(survives_hostile_capabilities) {
        unsigned char config[256];

        config_build(config, PCI_COMMAND_MASTER, true);
        config[0x81] = 0x80; /* a loop */
        parse(config, sizeof(config));
        ck_assert(has_status && msi == MSI_MSIX);
        config[0x41] = 0x83; /* not aligned */
        parse(config, sizeof(config));
        ck_assert(has_status && msi == MSI_MSIX);
        config[0x41] = 0x3c; /* in the header */
        config[0x3c] = PCI_CAP_ID_MSIX;
        config[0x3c + PCI_MSIX_FLAGS + 1] = PCI_MSIX_FLAGS_ENABLE >> 8;
        parse(config, sizeof(config));
        ck_assert(has_status && msi == MSI_NONE);
        config[PCI_CAPABILITY_LIST] = 0xfc; /* without room for the status */
        config[0xfc] = PCI_CAP_ID_EXP;
        parse(config, sizeof(config));
        ck_assert(!has_status && status_offset == 0);
        config[PCI_STATUS] = 0; /* no list */
        config[PCI_CAPABILITY_LIST] = 0x40;
        parse(config, sizeof(config));
        ck_assert(!has_status && state.bus_master);
}
END_TEST

START_TEST(takes_what_a_short_read_has) {
        unsigned char config[256];

        config_build(config, PCI_COMMAND_MASTER, true);
        parse(config, 64);
        ck_assert(!state.is_gone && state.bus_master && !has_status && msi == MSI_NONE);
        for (size_t size = 64; size < sizeof(config); size++)
                parse(config, size);
        parse(config, 0x4c);
        ck_assert(has_status && state.is_pending);
        parse(config, 0x4b);
        ck_assert(!has_status && !state.is_pending);
        parse(config, 63);
        ck_assert(state.is_gone);
        parse(config, 0);
        ck_assert(state.is_gone);
}
END_TEST

START_TEST(tells_a_virtual_function_from_one_that_is_gone) {
        unsigned char config[256];

        memset(config, 0xff, sizeof(config));
        parse(config, sizeof(config));
        ck_assert(state.is_gone && !state.bus_master && !has_status);
        config_build(config, PCI_COMMAND_MASTER, false);
        memset(config, 0xff, 4);
        parse(config, sizeof(config));
        ck_assert(!state.is_gone && state.bus_master);
}
END_TEST

START_TEST(reads_the_state_anew) {
        TEMPORARY_ROOT();
        unsigned char config[256];
        _cleanup_fd_ int fd = -EBADF;

        config_build(config, PCI_COMMAND_MASTER, true);
        root_put_bytes("/config", config, sizeof(config));
        fd = open(root_path("/config"), O_RDONLY | O_CLOEXEC);
        ck_assert_int_eq(pci_state_read(fd, 0x4a, &state), 0);
        ck_assert(!state.is_gone && state.bus_master && state.is_pending);
        ck_assert_int_eq(pci_state_read(fd, 0, &state), 0);
        ck_assert(!state.is_gone && state.bus_master && !state.is_pending);
        config_build(config, 0, false);
        root_put_bytes("/config", config, sizeof(config));
        ck_assert_int_eq(pci_state_read(fd, 0x4a, &state), 0);
        ck_assert(!state.is_gone && !state.bus_master && !state.is_pending);
        memset(config + 0x4a, 0xff, 2); /* it went between the two reads */
        root_put_bytes("/config", config, sizeof(config));
        ck_assert_int_eq(pci_state_read(fd, 0x4a, &state), 0);
        ck_assert(state.is_gone && !state.is_pending);
        memset(config, 0xff, sizeof(config));
        root_put_bytes("/config", config, sizeof(config));
        ck_assert_int_eq(pci_state_read(fd, 0x4a, &state), 0);
        ck_assert(state.is_gone && !state.bus_master && !state.is_pending);
        root_put_bytes("/config", config, 4);
        ck_assert_int_eq(pci_state_read(fd, 0x4a, &state), -EIO);
        ck_assert_int_eq(pci_state_read(-EBADF, 0x4a, &state), -EBADF);
}
END_TEST

UNIT_MAIN("config-space", reads_the_capabilities, survives_hostile_capabilities, takes_what_a_short_read_has,
                tells_a_virtual_function_from_one_that_is_gone, reads_the_state_anew)
