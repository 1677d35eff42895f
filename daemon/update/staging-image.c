/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the files are, and their parts out of them. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "basic/io.h"
#include "update/staging-internal.h"

static int look(Staging *staging, const StageFile *file, const char *profile, Image **ret) {
        const char *name = file != &staging->order->image && file->path ? file->path : ""; /* what is not the image */
        _cleanup_free_ char *detail = NULL;
        int r = image_look(file->fd, profile, ret, &detail);

        if (r == -ESTALE)
                return staging_refuse(staging, "ImageRefused", "changed", "Stage it again when it is written.",
                                "%s was written to while it was read.", file->path ?: "The image");
        if (r <= 0)
                return r;
        return staging_refuse(staging, "ImageRefused", image_error_to_string((ImageError) r),
                        image_error_remedy((ImageError) r), "%s%s%s%s%s%s", name, *name ? ": " : "",
                        image_error_message((ImageError) r), detail ? " (" : "", detail ?: "", detail ? ")" : "");
}

static int look_at_image(Staging *staging) {
        int r = look(staging, &staging->order->image, staging->order->profile, &staging->image);

        if (r != 0)
                return r;
        if (staging->image->kind == IMAGE_ADDON)
                return staging_refuse(staging, "ImageRefused", "addon", "Stage the UKI it belongs to, with --addon=.",
                                "This is an addon, which has no kernel.");
        staging->file = (ImageFile) { staging->order->image.fd, staging->image };
        return 0;
}

/* systemd-stub takes no addon that was made for another kernel: its .uname has to be the UKI's, if it has one. */
static int look_at_addon(Staging *staging, size_t i) {
        const StageFile *file = &staging->order->addons[i];
        const Image *addon;
        int r = look(staging, file, NULL, &staging->addon_images[i]);

        if (r != 0)
                return r;
        addon = staging->addon_images[i];
        if (addon->kind != IMAGE_ADDON)
                return staging_refuse(staging, "ImageRefused", "not-addon", "Give it as the image, not as an addon.",
                                "%s is no addon, but a kernel itself.", file->path ?: "An addon");
        if (addon->uname && (!staging->image->uname || strcmp(addon->uname, staging->image->uname) != 0))
                return staging_refuse(staging, "ImageRefused", "addon-uname",
                                "Leave it out, or take the one that was made for this kernel.",
                                "%s is an addon for %s, not for %s.", file->path ?: "An addon", addon->uname,
                                staging->image->uname ?: "this kernel");
        staging->addon_files[i] = (ImageFile) { file->fd, addon };
        return 0;
}

int staging_look(Staging *staging) {
        int r = look_at_image(staging);

        for (size_t i = 0; r == 0 && i < staging->order->n_addons; i++)
                r = look_at_addon(staging, i);
        return r;
}

static int inspect(Staging *staging, int fd, const Image *kernel) {
        const ImageRange *payload = &kernel->boot.payload;
        int r;

        if (payload->bytes == 0)
                return 0;
        r = inspect_kernel_start(fd, kernel->sections[IMAGE_SECTION_LINUX].offset + payload->offset, payload->bytes,
                        &staging->inspection);
        return r == -ENOMEM ? r : 0; /* what else fails is found when its answer is missed */
}

int staging_copy(Staging *staging) {
        const StageOrder *order = staging->order;
        _cleanup_free_ int *fds = calloc(order->n_initrds + 1, sizeof(*fds));
        size_t bad = 0;
        int r;

        if (!fds)
                return -ENOMEM;
        for (size_t i = 0; i < order->n_initrds; i++)
                fds[i] = order->initrds[i].fd;
        r = parts_new(&staging->file, staging->addon_files, order->n_addons, fds, order->n_initrds, &staging->parts,
                        &bad);
        if (r > 0)
                return staging_refuse(staging, "ImageRefused", "initrd-not-regular",
                                "Give the path of an initrd, as the boot loader would load it.",
                                "The initrd %s is not a regular file with something in it.",
                                order->initrds[bad].path ?: "");
        if (r == -ENODATA)
                return staging_refuse(staging, "ImageRefused", "changed", "Stage it again when it is written.",
                                "A file became shorter while it was copied.");
        return r;
}

int staging_inspect(Staging *staging) {
        return staging->image->kind == IMAGE_ZBOOT ? 0 : inspect(staging, staging->order->image.fd, staging->image);
}

static int unpack(Staging *staging, int *ret_fd) {
        const Image *image = staging->image;
        const ImageRange *payload = &image->sections[IMAGE_SECTION_LINUX];
        _cleanup_fd_ int fd = -EBADF;
        int r;

        r = memfd_new_with("liveupdate-kernel", NULL, 0, &fd);
        if (r >= 0)
                r = inspect_unpack(staging->order->image.fd, payload->offset, payload->bytes, image->compression, fd,
                                IMAGE_BYTES_MAX);
        if (r >= 0)
                *ret_fd = TAKE_FD(fd);
        return r;
}

/* What is inside of a zboot has to be a kernel of its own. */
int staging_unpack(Staging *staging) {
        _cleanup_free_ char *detail = NULL;
        _cleanup_fd_ int fd = -EBADF;
        int r;

        if (staging->image->kind != IMAGE_ZBOOT)
                return 0;
        r = unpack(staging, &fd);
        if (r < 0)
                return staging_refuse(staging, "ImageRefused", "unpack", "Write the image again, or use another build.",
                                "The kernel inside of the EFI zboot image (%s) cannot be unpacked: %s",
                                staging->image->compression ?: "unknown compression", strerror(-r));
        r = image_look(fd, NULL, &staging->unpacked, &detail);
        if (r < 0)
                return r;
        if (r > 0 || staging->unpacked->kind != IMAGE_BZIMAGE)
                return staging_refuse(staging, "ImageRefused", r > 0 ? image_error_to_string((ImageError) r) : "nested",
                                "Use a kernel for this machine.",
                                "What is inside of the EFI zboot image is no kernel that can be started here.");
        r = parts_take_kernel(staging->parts, TAKE_FD(fd));
        return r < 0 ? r : inspect(staging, staging->parts->kernel_fd, staging->unpacked);
}
