/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The stub of a UKI, which would measure what it boots, does not run under kexec: so the daemon has systemd extend
 * the same PCRs before the jump. Each event is a text, since systemd-pcrextend takes no digests, and an initrd is too
 * large for a message: "liveupdate:.linux:sha256=HEX". */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MEASURE_PCR_KERNEL_IMAGE 11U  /* sections: systemd, src/fundamental/tpm2-pcr.h: TPM2_PCR_KERNEL_BOOT */
#define MEASURE_PCR_KERNEL_CONFIG 12U /* command line, addons, initrds from elsewhere: TPM2_PCR_KERNEL_CONFIG */

#define MEASURE_SOCKET "/run/systemd/io.systemd.PCRExtend"

/* Whether this machine has a TPM2 and systemd's service for it; *ret_why (static) says what is missing. */
bool measure_is_possible(const char *root, const char **ret_why);

/* io.systemd.PCRExtend.Extend, waiting for its answer up to `timeout_usec` (blocks: for a thread). 0 or a negative
 * errno: -ENOENT and -ECONNREFUSED without a service, -ETIMEDOUT, -EREMOTEIO where it answers that it failed: then
 * *ret_error (caller frees; ret_error may be NULL) is its own word, or NULL. */
int measure_extend(const char *socket, unsigned pcr, const char *text, uint64_t timeout_usec, char **ret_error);
