/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#include "basic/log.h"
#include "store/store.h"

#define NAME_MAX_BYTES 255U /* src/basic/fd-util.c:fdname_is_valid(), FDNAME_MAX */

static bool name_is_valid(const char *name) {
        size_t n = strlen(name);

        if (n == 0 || n > NAME_MAX_BYTES)
                return false;
        for (const char *p = name; *p; p++)
                if (*p < ' ' || *p >= 127 || *p == ':')
                        return false;
        return true;
}

int store_keep(const char *name, int fd) {
        char text[sizeof("FDSTORE=1\nFDNAME=") + NAME_MAX_BYTES];
        int r;

        if (!name_is_valid(name))
                return -EINVAL;
        snprintf(text, sizeof(text), "FDSTORE=1\nFDNAME=%s", name);
        r = sd_pid_notify_with_fds(0, /* unset_environment= */ 0, text, &fd, 1);
        return r < 0 ? r : 0;
}

void store_drop(const char *name) {
        char text[sizeof("FDSTOREREMOVE=1\nFDNAME=") + NAME_MAX_BYTES];
        int r;

        if (!name_is_valid(name))
                return;
        snprintf(text, sizeof(text), "FDSTOREREMOVE=1\nFDNAME=%s", name);
        r = sd_notify(/* unset_environment= */ 0, text);
        if (r < 0)
                log_warning_errno(r, "The service manager cannot be told to drop %s: %m", name);
}
