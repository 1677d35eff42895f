/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "basic/io.h"
#include "basic/json.h"
#include "client/image-order.h"

/* What comes through a pipe has to become a file first. */
static int open_stdin(void) {
        _cleanup_fd_ int fd = -EBADF;
        char buffer[64 * 1024];
        struct stat st;
        ssize_t n;
        int r;

        if (fstat(STDIN_FILENO, &st) >= 0 && S_ISREG(st.st_mode)) {
                fd = dup(STDIN_FILENO);
                return fd < 0 ? -errno : TAKE_FD(fd);
        }
        fd = memfd_create("liveupdate-stdin", MFD_CLOEXEC);
        if (fd < 0)
                return -errno;
        while ((n = read(STDIN_FILENO, buffer, sizeof(buffer))) > 0) {
                r = write_full(fd, buffer, (size_t) n);
                if (r < 0)
                        return r;
        }
        return n < 0 ? -errno : TAKE_FD(fd);
}

static int open_file(const char *path) {
        int fd;

        if (strcmp(path, "-") == 0)
                return open_stdin();
        fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        return fd < 0 ? -errno : fd;
}

/* A File of the interface, added to `o`. */
static int add_file(ImageOrder *order, json_object *o, const char *what, const char *path) {
        _cleanup_free_ char *full = realpath(path, NULL);
        int fd = open_file(path);
        size_t n = order->n_fds;

        if (fd < 0)
                return image_order_fail(order, CTL_USAGE,
                                "Name files that can be read, such as /boot/vmlinuz-VERSION or a UKI.",
                                "Cannot open the %s %s: %s", what, path, strerror(-fd));
        order->fds[order->n_fds++] = fd;
        return json_add_string(o, "path", full ?: path) < 0 || json_add_u64(o, "fileDescriptor", n) < 0 ? CTL_REFUSED :
                                                                                                          CTL_OK;
}

static int add_files(ImageOrder *order, json_object *parameters, const char *key, const char *what,
                const ImageFiles *files) {
        _cleanup_json_ json_object *list = json_object_new_array();
        int r;

        if (files->n == 0)
                return CTL_OK;
        for (size_t i = 0; list && i < files->n; i++) {
                _cleanup_json_ json_object *file = json_object_new_object();

                if (!file)
                        return CTL_REFUSED;
                r = add_file(order, file, what, files->paths[i]);
                if (r != CTL_OK)
                        return r;
                if (json_object_array_add(list, file) < 0)
                        return CTL_REFUSED;
                TAKE_PTR(file);
        }
        return list && json_add(parameters, key, TAKE_PTR(list)) >= 0 ? CTL_OK : CTL_REFUSED;
}

int image_order_open(ImageOrder *order, json_object *parameters) {
        int r;

        r = add_file(order, parameters, "kernel", order->kernel);
        if (r == CTL_OK)
                r = add_files(order, parameters, "addons", "addon", &order->addons);
        if (r == CTL_OK)
                r = add_files(order, parameters, "initrds", "initrd", &order->initrds);
        if (r != CTL_OK)
                return r;
        return json_add_string(parameters, "profile", order->profile) < 0 ||
                                       json_add_string(parameters, "commandLine", order->command_line) < 0 ||
                                       (order->is_from_entry && json_add_bool(parameters, "fromEntry", true) < 0) ||
                                       (order->options->reuse_command_line &&
                                                       json_add_bool(parameters, "reuseCommandLine", true) < 0) ?
                               CTL_REFUSED :
                               CTL_OK;
}
