/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>

/* Private to daemon/luo and its tests. One property of the root node of a flattened devicetree, hostile as it may be:
 * the Devicetree Specification, chapter 5. Not by libfdt: this little is all that is needed of it, and every library
 * is loaded again when the daemon starts within the blackout. *ret points into `blob`, at any alignment. -ENOENT:
 * there is no such property; -ENODATA: the blob ends before the names, which stand behind all else; -EBADMSG: that is no
 * devicetree. */
int fdt_root_property(const void *blob, size_t size, const char *name, const char **ret, size_t *ret_bytes);

/* The first one, whatever its name. */
int fdt_root_first_property(const void *blob, size_t size, const char **ret, size_t *ret_bytes);
