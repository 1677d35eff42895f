/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The seed has a memfd of its own: what the manifest says may be read and kept, this may not. */

#include <errno.h>
#include <string.h>

#include "basic/io.h"
#include "basic/log.h"
#include "host/entropy.h"
#include "luo/luo.h"
#include "update/host.h"

int host_seed_prepare(Update *update) {
        int r = memfd_new_with("liveupdate-seed", NULL, ENTROPY_FILE_BYTES, &update->seed_fd);

        if (r >= 0)
                r = luo_session_preserve(update->manifest_session_fd, MANIFEST_TOKEN_SEED, update->seed_fd);
        return r;
}

int host_seed_draw(Update *update) {
        int r = entropy_draw(update->seed_fd);

        if (r < 0)
                log_warning_errno(r, "The next kernel gets no seed from this one: %m");
        return 0;
}

void host_seed_wipe(Update *update) {
        if (update->seed_fd >= 0)
                (void) entropy_wipe(update->seed_fd);
}
