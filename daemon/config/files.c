/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>

#include "config/config-internal.h"
#include "config/files.h"

const char *const config_directories[] = { "/etc/liveupdate", "/run/liveupdate", "/usr/lib/liveupdate" };

static int read_main(Config *config, const char *root) {
        int r = 0;

        for (size_t i = 0; i < N_CONFIG_DIRECTORIES && r == 0; i++) {
                _cleanup_free_ char *path = NULL;

                if (asprintf(&path, "%s%s/" CONFIG_FILE_NAME, root, config_directories[i]) < 0)
                        return -ENOMEM;
                r = config_read_file(config, path);
        }
        return r;
}

int config_read_files(Config *config, const char *root) {
        int r = read_main(config, root);

        return r < 0 ? r : config_read_drop_ins(config, root);
}
