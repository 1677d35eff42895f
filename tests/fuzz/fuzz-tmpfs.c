/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A hostile archive, unpacked into a directory of its own. Run it as nobody: it makes what it is told to. */

#include <fcntl.h>
#include <ftw.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "basic/io.h"
#include "basic/json.h"
#include "privileged/tmpfs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char directory[] = "/tmp/fuzz-tmpfs-XXXXXX/root";

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw) {
        return remove(path);
}

/* Nothing may come to be beside it. */
static void remove_all(void) {
        if (nftw(directory, remove_one, 64, FTW_DEPTH | FTW_PHYS) < 0)
                __builtin_trap();
        *strrchr(directory, '/') = 0;
        if (rmdir(directory) < 0)
                __builtin_trap();
}

static int make(void) {
        strcpy(directory, "/tmp/fuzz-tmpfs-XXXXXX");
        if (!mkdtemp(directory))
                return -1;
        strcat(directory, "/root");
        return mkdir(directory, 0700) < 0 ? -1 : open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_json_ json_object *problems = json_object_new_array();
        _cleanup_fd_ int archive_fd = -EBADF, root_fd = make();
        _cleanup_free_ char *why = NULL;
        size_t n_changes;

        if (root_fd < 0 || memfd_new_with("archive", data, size, &archive_fd) < 0)
                abort();
        (void) tmpfs_unpack(root_fd, archive_fd, true, &n_changes, problems, &why);
        remove_all();
        return 0;
}
