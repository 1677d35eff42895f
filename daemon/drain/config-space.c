/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <linux/pci_regs.h>
#include <unistd.h>

#include "drain/device.h"

#define CAPABILITIES_MAX 48 /* drivers/pci/pci.h:PCI_FIND_CAP_TTL */

static unsigned get_u16(const unsigned char *p) {
        return p[0] | (unsigned) p[1] << 8;
}

/* A device that does not answer reads as all ones, and the upper bits of its command are zero otherwise. Its IDs would
 * not do: those of a virtual function are all ones by specification (drivers/pci/iov.c:pci_iov_scan_device() takes them
 * from the parent). */
static bool is_gone(unsigned command) {
        return command == 0xffff;
}

static size_t first_capability(const unsigned char *config) {
        unsigned type = config[PCI_HEADER_TYPE] & PCI_HEADER_TYPE_MASK;

        if (!(get_u16(config + PCI_STATUS) & PCI_STATUS_CAP_LIST))
                return 0;
        return config[type == PCI_HEADER_TYPE_CARDBUS ? PCI_CB_CAPABILITY_LIST : PCI_CAPABILITY_LIST] & ~3U;
}

void pci_state_parse(const unsigned char *config, size_t size, PciState *ret_state, MessageInterrupts *ret_msi,
                bool *ret_has_status, size_t *ret_status_offset) {
        *ret_state = (PciState) { .is_gone = true };
        *ret_msi = MSI_NONE;
        *ret_has_status = false;
        *ret_status_offset = 0;
        if (size < PCI_STD_HEADER_SIZEOF || is_gone(get_u16(config + PCI_COMMAND)))
                return;

        ret_state->is_gone = false;
        ret_state->bus_master = get_u16(config + PCI_COMMAND) & PCI_COMMAND_MASTER;
        if (size > PCI_CFG_SPACE_SIZE)
                size = PCI_CFG_SPACE_SIZE;
        for (size_t at = first_capability(config), n = 0; n < CAPABILITIES_MAX; n++) {
                if (at < PCI_STD_HEADER_SIZEOF || at + PCI_CAP_SIZEOF > size || config[at] == 0xff)
                        break;
                if (config[at] == PCI_CAP_ID_MSI && (get_u16(config + at + PCI_MSI_FLAGS) & PCI_MSI_FLAGS_ENABLE))
                        *ret_msi = MSI_MSI;
                if (config[at] == PCI_CAP_ID_MSIX && (get_u16(config + at + PCI_MSIX_FLAGS) & PCI_MSIX_FLAGS_ENABLE))
                        *ret_msi = MSI_MSIX;
                if (config[at] == PCI_CAP_ID_EXP && !*ret_has_status && at + PCI_EXP_DEVSTA + 2 <= size) {
                        *ret_has_status = true;
                        *ret_status_offset = at + PCI_EXP_DEVSTA;
                        ret_state->is_pending = get_u16(config + at + PCI_EXP_DEVSTA) & PCI_EXP_DEVSTA_TRPND;
                }
                at = config[at + PCI_CAP_LIST_NEXT] & ~3U;
        }
}

/* 0: there is no such device any more. */
static int read_u16(int config_fd, size_t offset, unsigned *ret) {
        unsigned char bytes[2];
        ssize_t n = pread(config_fd, bytes, sizeof(bytes), (off_t) offset);

        if (n < 0)
                return errno == ENODEV || errno == ENOENT || errno == ENXIO ? 0 : -errno;
        if (n != sizeof(bytes))
                return -EIO;
        *ret = get_u16(bytes);
        return 1;
}

int pci_state_read(int config_fd, size_t status_offset, PciState *ret) {
        unsigned command, status = 0;
        int r;

        r = read_u16(config_fd, PCI_COMMAND, &command);
        if (r > 0 && status_offset > 0 && !is_gone(command))
                r = read_u16(config_fd, status_offset, &status);
        if (r < 0)
                return r;
        *ret = (PciState) { .is_gone = r == 0 || is_gone(command) || status == 0xffff };
        if (!ret->is_gone) {
                ret->bus_master = command & PCI_COMMAND_MASTER;
                ret->is_pending = status & PCI_EXP_DEVSTA_TRPND;
        }
        return 0;
}
