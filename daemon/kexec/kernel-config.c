/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "basic/cleanup.h"
#include "basic/io.h"
#include "kexec/kernel-config.h"

#define CONFIG_BYTES_MAX (4U << 20)
#define RELEASE_BYTES_MAX 256U

static const char *const places[][2] = {
        { "boot/config-", "" },
        { "lib/modules/", "/config" },
        { "usr/lib/modules/", "/config" },
};

int kernel_config_read(int root_fd, char **ret) {
        _cleanup_free_ char *release = NULL;
        int r;

        r = read_file_at(root_fd, "proc/sys/kernel/osrelease", RELEASE_BYTES_MAX, &release, NULL);
        if (r < 0)
                return r;
        release[strcspn(release, "\n")] = 0;
        for (size_t i = 0; i < ELEMENTSOF(places); i++) {
                _cleanup_free_ char *path = NULL;

                if (asprintf(&path, "%s%s%s", places[i][0], release, places[i][1]) < 0) {
                        path = NULL;
                        return -ENOMEM;
                }
                r = read_file_at(root_fd, path, CONFIG_BYTES_MAX, ret, NULL);
                if (r != -ENOENT)
                        return r;
        }
        return -ENOENT;
}

const char *kernel_config_value(const char *config, const char *name) {
        size_t n = strlen(name);

        for (const char *line = config; line; line = strchr(line, '\n')) {
                line += *line == '\n';
                if (strncmp(line, name, n) == 0 && line[n] == '=')
                        return line + n + 1;
        }
        return "";
}

bool kernel_config_has(const char *config, const char *name) {
        const char *value = kernel_config_value(config, name);

        return value[0] == 'y' && (value[1] == '\n' || !value[1]);
}
