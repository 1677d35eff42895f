/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The inside of tmpfs_pack(). */

#include <limits.h>

#include "privileged/tmpfs.h"

typedef struct Packing {
        struct archive *archive;
        struct archive_entry_linkresolver *links;
        dev_t dev;
        int archive_fd, error; /* of writing to it */
        bool is_unread; /* not all of the present file could be read */
        uint64_t bytes_max, n_bytes, n_files;
        char *buffer; /* TMPFS_BUFFER_BYTES */
        char path[PATH_MAX]; /* of what is being packed, below the root */
        json_object *problems;
} Packing;

int packing_write(Packing *packing, const void *data, size_t size);

/* Tells the entry where a file has data, unless it has no holes. */
int packing_find_data(int fd, off_t size, struct archive_entry *entry);
/* All `size` bytes; what is missing by now, or cannot be read (`is_unread`), is zero. */
int packing_write_file(Packing *packing, int fd, off_t size, struct archive_entry *entry);
