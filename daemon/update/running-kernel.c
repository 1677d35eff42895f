/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "basic/io.h"
#include "image/image.h"
#include "inspect/inspect.h"
#include "update/running-kernel.h"

#define VERSION_BYTES_MAX 4096U

/* What stands before and behind the release. */
static const char *const places[][2] = {
        { "/boot/vmlinuz-", "" },
        { "/usr/lib/modules/", "/vmlinuz" },
        { "/lib/modules/", "/vmlinuz" },
};

static int image_contents(int fd, KernelContents **ret) {
        _cleanup_(inspection_freep) Inspection *inspection = NULL;
        _cleanup_(image_freep) Image *image = NULL;
        _cleanup_free_ char *detail = NULL, *why = NULL;
        const ImageRange *kernel;
        int r;

        r = image_look(fd, NULL, &image, &detail);
        if (r != 0)
                return r < 0 ? r : -EBADMSG;
        if (image->boot.payload.bytes == 0)
                return -EOPNOTSUPP;
        kernel = &image->sections[IMAGE_SECTION_LINUX];
        r = inspect_kernel_start(fd, kernel->offset + image->boot.payload.offset, image->boot.payload.bytes,
                        &inspection);
        return r < 0 ? r : inspect_kernel_wait(inspection, ret, &why);
}

/* An image of the same name can be of another build. */
static bool is_running(const KernelContents *contents, const char *version) {
        size_t n = strcspn(version, "\n");

        return contents->banner && strlen(contents->banner) == n && memcmp(contents->banner, version, n) == 0;
}

static int add_handlers(LuoAbi *abi, const char *path, const char *version) {
        _cleanup_(kernel_contents_freep) KernelContents *contents = NULL;
        _cleanup_fd_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        LuoAbi found;
        int r;

        if (fd < 0)
                return -errno;
        r = image_contents(fd, &contents);
        if (r < 0)
                return r;
        if (!is_running(contents, version))
                return -ESTALE;
        luo_abi_from_strings(contents->abi, contents->n_abi, &found);
        memcpy(abi->handlers, found.handlers, sizeof(found.handlers));
        abi->n_handlers = found.n_handlers;
        abi->knows_handlers = found.knows_handlers;
        return 0;
}

static void look_for_image(LuoAbi *abi, const char *root) {
        _cleanup_free_ char *version_path = NULL, *version = NULL;
        struct utsname names;

        if (asprintf(&version_path, "%s/proc/version", root) < 0) {
                version_path = NULL;
                return;
        }
        if (uname(&names) < 0 || read_file_at(AT_FDCWD, version_path, VERSION_BYTES_MAX, &version, NULL) < 0)
                return;
        for (size_t i = 0; i < ELEMENTSOF(places); i++) {
                _cleanup_free_ char *path = NULL;

                if (asprintf(&path, "%s%s%s%s", root, places[i][0], names.release, places[i][1]) < 0) {
                        path = NULL;
                        return;
                }
                if (add_handlers(abi, path, version) >= 0)
                        return;
        }
}

const LuoAbi *running_kernel_abi(RunningKernel *running, const char *root) {
        if (!running->is_known) {
                luo_abi_of_running_kernel(root, &running->abi);
                if (!running->abi.knows_handlers)
                        look_for_image(&running->abi, root);
                running->is_known = true;
        }
        return &running->abi;
}
