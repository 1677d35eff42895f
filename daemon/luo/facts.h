/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "luo/luo.h"

/* Private to daemon/luo and its tests: what can be learnt of a kernel without a working /dev/liveupdate, and
 * what follows from it. */

typedef enum Fact {
        FACT_UNKNOWN,
        FACT_NO,
        FACT_YES,
} Fact;

typedef struct LuoFacts {
        int open_error;        /* of the device: 0 or negative errno */
        bool has_misc_device;  /* registered with the kernel, whatever /dev has */
        Fact has_kho, has_luo; /* compiled in */
        Fact kho_is_default;   /* CONFIG_KEXEC_HANDOVER_ENABLE_DEFAULT */
        Fact kho, liveupdate;  /* on the command line; unknown: not there */
} LuoFacts;

LuoSupport luo_support_decide(const LuoFacts *facts);

/* All that matters if the device cannot be opened for `open_error`. */
void luo_facts_gather(int open_error, LuoFacts *ret);

/* A boolean early parameter as the kernel understands it: the last valid one wins. */
Fact command_line_bool(const char *command_line, const char *name);
/* /proc/kallsyms: what of KHO and LUO the kernel has; facts are left alone where it shows no symbols. */
void luo_facts_from_symbols(FILE *symbols, LuoFacts *facts);
/* A kernel's .config; fills in what is still unknown. */
void luo_facts_from_config(FILE *config, LuoFacts *facts);
