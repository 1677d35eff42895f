/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Private to daemon/luo and its tests. */

#include <stdbool.h>
#include <stdint.h>

#include "luo/abi.h"

/* "memfd-v2" taken apart: *ret_family is how long its family's name is. False: that is not a name of an ABI. */
bool abi_name_split(const char *name, size_t *ret_family, uint64_t *ret_version);
bool abi_name_is_of(const char *name, const char *family);

/* What debugfs shows of a tree: its ABI's name is the root's `compatible`, or stands at the very beginning, as in
 * struct luo_ser. False: no name of that family is there. */
bool abi_name_from_tree(const char *blob, size_t size, const char *family, LuoAbiName ret);

/* Of a handler's name. */
bool abi_handler_is_known(const char *name);
bool abi_handler_may_be_module(const char *name);
