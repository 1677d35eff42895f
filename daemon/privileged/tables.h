/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Tables of nftables on their way between processes, in a memfd: a varlink message would be too small. */

#include <json-c/json.h>

int tables_write(int fd, json_object *tables);
int tables_read(int fd, json_object **ret); /* an array; -EBADMSG */
