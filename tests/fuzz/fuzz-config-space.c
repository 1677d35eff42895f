/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <linux/pci_regs.h>
#include <stdint.h>
#include <stdlib.h>

#include "basic/io.h"
#include "drain/device.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is read anew says the same. */
static void check_read(const uint8_t *data, size_t size, const PciState *state, size_t status_offset) {
        _cleanup_fd_ int fd = -EBADF;
        PciState again;

        if (memfd_new_with("fuzz", data, size, &fd) < 0 || pci_state_read(fd, status_offset, &again) < 0)
                abort();
        /* An all-ones status is of a device that went meanwhile. */
        if (again.is_gone ? again.bus_master || again.is_pending
                          : again.bus_master != state->bus_master || again.is_pending != state->is_pending)
                abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        MessageInterrupts msi;
        size_t status_offset;
        bool has_status;
        PciState state;

        pci_state_parse(data, size, &state, &msi, &has_status, &status_offset);
        if (state.is_gone && (state.bus_master || state.is_pending || has_status || msi != MSI_NONE))
                abort();
        if (has_status != (status_offset > 0) || (state.is_pending && !has_status))
                abort();
        if (has_status && (status_offset < PCI_STD_HEADER_SIZEOF || status_offset + 2 > size ||
                                          status_offset + 2 > PCI_CFG_SPACE_SIZE))
                abort();
        if (!state.is_gone)
                check_read(data, size, &state, status_offset);
        return 0;
}
