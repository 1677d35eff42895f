/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "drain/inventory-internal.h"

/* Partitions have an attribute of that name. */
static bool is_partition(const Reading *reading, const Block *block) {
        _cleanup_free_ char *path = NULL, *number = NULL;

        if (asprintf(&path, "%s/partition", block->path) < 0) {
                path = NULL;
                return false;
        }
        return attribute_read(reading->sys_fd, path, &number) >= 0;
}

static bool is_mapped(const Block *block) {
        return strstr(block->path, "virtual/block/");
}

int blocks_attach(Reading *reading) {
        for (size_t i = 0; i < reading->n_blocks; i++) {
                _cleanup_(device_set_done) DeviceSet below = {};
                Block *block = &reading->blocks[i];
                int r;

                if (is_partition(reading, block) || is_mapped(block))
                        continue;
                r = device_set_new(reading, &below);
                if (r >= 0)
                        r = block_collect(reading, block, &below);
                for (size_t j = 0; r >= 0 && j < reading->inventory->n; j++)
                        if (below.members[j])
                                r = strings_add(&reading->inventory->devices[j].blocks, block->name);
                if (r < 0)
                        return r;
        }
        return 0;
}
