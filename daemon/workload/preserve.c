/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "basic/io.h"
#include "luo/luo.h"
#include "workload/workload-internal.h"

#define PRESERVE_TRIES 4U

typedef struct Preserve {
        int session_fd, ram_fd;
        uint64_t ram_bytes;
} Preserve;

static void preserve_free(void *data) {
        Preserve *preserve = data;

        if (!preserve)
                return;
        fd_close(preserve->session_fd);
        fd_close(preserve->ram_fd);
        free(preserve);
}

/* The holes are going to be filled anyway; filled through a mapping that asks for huge pages, they come back in the
 * new kernel a hundred times faster (FACTS: 512 MiB in 0.008 s instead of 0.743 s). */
static void fill_holes_with_huge_folios(const Preserve *preserve) {
        void *p = mmap(NULL, preserve->ram_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE,
                        preserve->ram_fd, 0);

        if (p == MAP_FAILED)
                return;
        (void) madvise(p, preserve->ram_bytes, MADV_HUGEPAGE);
        (void) madvise(p, preserve->ram_bytes, MADV_POPULATE_WRITE);
        (void) munmap(p, preserve->ram_bytes);
}

/* Folios that lie in movable memory (CMA, KHO's scratch area among it) are moved out of it before they are pinned. That
 * can fail for want of a free huge page, or because one was in use just then (mm/gup.c:
 * migrate_longterm_unpinnable_folios()), both of which may pass. */
static int preserve_run(void *data) {
        const Preserve *preserve = data;
        int r;

        fill_holes_with_huge_folios(preserve);
        for (unsigned tries = PRESERVE_TRIES;;) {
                r = luo_session_preserve(preserve->session_fd, TOKEN_RAM, preserve->ram_fd);
                if (r != -ENOMEM || --tries == 0)
                        return r;
                (void) write_file("/proc/sys/vm/compact_memory", "1");
        }
}

int preserve_start(sd_event *event, int session_fd, int ram_fd, uint64_t ram_bytes, TaskDoneFunc done, void *userdata,
                Task **ret) {
        Preserve *preserve = calloc(1, sizeof(*preserve));
        int r;

        if (!preserve)
                return -ENOMEM;
        preserve->ram_bytes = ram_bytes;
        preserve->session_fd = fcntl(session_fd, F_DUPFD_CLOEXEC, 3);
        preserve->ram_fd = fcntl(ram_fd, F_DUPFD_CLOEXEC, 3);
        if (preserve->session_fd < 0 || preserve->ram_fd < 0) {
                r = -errno;
                preserve_free(preserve);
                return r;
        }
        return task_start(event, preserve_run, preserve, preserve_free, done, userdata, ret);
}
