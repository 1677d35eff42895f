/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The user's QEMU command line: judged, then completed with what lets the VM survive.
 *
 * -S keeps its meaning for a fresh start. A restored VM is not resumed by QEMU in any case (it was saved
 * paused): the daemon does it, for those that ran before. */

#include <stdbool.h>
#include <stdint.h>

#include "basic/cleanup.h"

typedef struct QemuArgs QemuArgs;

/* `argv` begins with the program and is copied. -EOPNOTSUPP for a VM that could not survive, -EINVAL for a
 * command line that makes no sense; with both, *ret_problem (caller frees) names the option, says why and
 * what to do. It is NULL with any other error. */
int qemu_args_parse(char *const *argv, QemuArgs **ret, char **ret_problem);
QemuArgs *qemu_args_free(QemuArgs *args);
DEFINE_CLEANUP(QemuArgs *, qemu_args_free)

/* As QEMU computes it from -m: 128 MiB without, rounded up to 8 KiB. */
uint64_t qemu_args_ram_bytes(const QemuArgs *args);

/* The command line to execute. `ram_fd` is a memfd of qemu_args_ram_bytes(), `qmp_fd` one end of a stream
 * socket; both must be open, at the same numbers, in the process that executes it. `incoming`: the VM's
 * state is loaded by QMP. *ret is for qemu_argv_free(). */
int qemu_args_compose(const QemuArgs *args, int ram_fd, int qmp_fd, bool incoming, char ***ret);
char **qemu_argv_free(char **argv);
DEFINE_CLEANUP(char **, qemu_argv_free)
