/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "basic/json.h"
#include "update/stage-order.h"

static void files_free(StageFile *files, size_t n) {
        for (size_t i = 0; i < n; i++) {
                free(files[i].path);
                fd_close(files[i].fd);
        }
        free(files);
}

StageOrder *stage_order_free(StageOrder *order) {
        if (!order)
                return NULL;
        free(order->image.path);
        fd_close(order->image.fd);
        files_free(order->addons, order->n_addons);
        files_free(order->initrds, order->n_initrds);
        free(order->profile);
        free(order->command_line);
        free(order->release);
        free(order);
        return NULL;
}

const char *stage_order_origin(const StageOrder *order) {
        return order->image.path ?: "(file descriptor)";
}

static int fail(StageOrderFault *fault, const char *parameter) {
        fault->parameter = parameter;
        return 1;
}

static int copy_string(json_object *parameters, const char *key, char **ret, StageOrderFault *fault) {
        const char *s;
        int r = json_get_string(parameters, key, &s);

        if (r == -ENOENT)
                return 0;
        if (r < 0)
                return fail(fault, key);
        *ret = strdup(s);
        return *ret ? 0 : -ENOMEM;
}

static int read_bool(json_object *parameters, const char *key, bool *ret, StageOrderFault *fault) {
        int r = json_get_bool(parameters, key, ret);

        return r < 0 && r != -ENOENT ? fail(fault, key) : 0;
}

/* The fd beside the message, else the file of the path. What is no regular file is refused later, by its type, so
 * opening must neither block nor take a terminal. */
static int open_file(VarlinkCall *call, json_object *o, const char *parameter, StageFile *ret, StageOrderFault *fault) {
        uint64_t index;
        int r;

        r = copy_string(o, "path", &ret->path, fault);
        if (r != 0)
                return r;
        r = json_get_u64(o, "fileDescriptor", &index);
        if (r >= 0) {
                ret->fd = varlink_call_take_fd(call, index);
                return ret->fd < 0 ? fail(fault, "fileDescriptor") : 0;
        }
        if (r != -ENOENT || !ret->path)
                return fail(fault, parameter);
        ret->fd = open(ret->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        if (ret->fd >= 0)
                return 0;
        fault->error = -errno;
        fault->path = strdup(ret->path);
        return fault->path ? 1 : -ENOMEM;
}

static int open_files(VarlinkCall *call, json_object *parameters, const char *key, StageFile **files, size_t *n_files,
                StageOrderFault *fault) {
        json_object *list;
        int r = json_get_array(parameters, key, &list);

        if (r == -ENOENT)
                return 0;
        if (r < 0 || json_object_array_length(list) > VARLINK_FDS_MAX)
                return fail(fault, key);
        *files = calloc(json_object_array_length(list) + 1, sizeof(**files));
        if (!*files)
                return -ENOMEM;
        r = 0;
        for (size_t i = 0; r == 0 && i < json_object_array_length(list); i++) {
                json_object *o = json_object_array_get_idx(list, i);
                StageFile *file = &(*files)[(*n_files)++];

                file->fd = -EBADF;
                r = json_object_is_type(o, json_type_object) ? open_file(call, o, key, file, fault) : fail(fault, key);
        }
        return r;
}

static int read_strings(json_object *parameters, StageOrder *order, StageOrderFault *fault) {
        int r;

        r = copy_string(parameters, "profile", &order->profile, fault);
        if (r == 0)
                r = copy_string(parameters, "commandLine", &order->command_line, fault);
        if (r == 0)
                r = copy_string(parameters, "release", &order->release, fault);
        if (r == 0)
                r = read_bool(parameters, "fromEntry", &order->from_entry, fault);
        if (r == 0)
                r = read_bool(parameters, "reuseCommandLine", &order->reuses_command_line, fault);
        if (r == 0)
                r = read_bool(parameters, "force", &order->is_forced, fault);
        if (r == 0)
                r = read_bool(parameters, "automatic", &order->is_automatic, fault);
        if (r != 0)
                return r;
        if (order->command_line && order->reuses_command_line)
                return fail(fault, "reuseCommandLine");
        if (order->release ? !kernel_release_is_valid(order->release) : order->is_automatic)
                return fail(fault, "release");
        return 0;
}

static int order_fill(VarlinkCall *call, json_object *parameters, StageOrder *order, StageOrderFault *fault) {
        int r;

        r = read_strings(parameters, order, fault);
        if (r == 0)
                r = open_file(call, parameters, "path", &order->image, fault);
        if (r == 0)
                r = open_files(call, parameters, "initrds", &order->initrds, &order->n_initrds, fault);
        if (r == 0)
                r = open_files(call, parameters, "addons", &order->addons, &order->n_addons, fault);
        return r;
}

int stage_order_read(VarlinkCall *call, json_object *parameters, StageOrder **ret, StageOrderFault *ret_fault) {
        _cleanup_(stage_order_freep) StageOrder *order = calloc(1, sizeof(*order));
        int r;

        *ret_fault = (StageOrderFault) {};
        if (!order)
                return -ENOMEM;
        order->image.fd = -EBADF;
        r = order_fill(call, parameters, order, ret_fault);
        if (r >= 0)
                *ret = TAKE_PTR(order);
        return r;
}

bool stage_order_names_image(json_object *parameters) {
        return json_object_object_get(parameters, "path") || json_object_object_get(parameters, "fileDescriptor");
}
