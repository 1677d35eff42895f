/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "basic/json.h"
#include "basic/log.h"
#include "update/manager.h"
#include "update/reply.h"
#include "update/stage-api.h"
#include "update/story.h"

/* What Stage was asked for, beside the files. */
typedef struct StageOrder {
        const char *path, *initrd, *command_line, *release;
        bool is_automatic;
} StageOrder;

/* The file of a path, or the fd beside the message. What is no regular file is refused later, by its type, so opening
 * must neither block nor take a terminal. */
static int open_argument(VarlinkCall *call, json_object *parameters, const char *path_key, const char *fd_key,
                const char **ret_path) {
        uint64_t index;
        int r, fd;

        r = json_get_string(parameters, path_key, ret_path);
        if (r < 0 && r != -ENOENT)
                return r;
        r = json_get_u64(parameters, fd_key, &index);
        if (r >= 0)
                return varlink_call_take_fd(call, index);
        if (r != -ENOENT || !*ret_path)
                return r;
        fd = open(*ret_path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        return fd < 0 ? -errno : fd;
}

static const char *order_origin(const StageOrder *order) {
        return order->path ?: "(file descriptor)";
}

/* Told to the caller, to the journal, and to the status if nobody else hears of it. */
static int refuse(VarlinkCall *call, Manager *manager, const StageOrder *order, const StageProblem *problem) {
        story_stage_failed(order_origin(order), problem->message, problem->remedy);
        if (order->is_automatic)
                automation_failed(manager, "stage", order->release, problem->message, problem->remedy);
        return reply_error(call, problem->error, problem->reason, problem->message, problem->remedy, NULL);
}

static int refuse_unreadable(VarlinkCall *call, Manager *manager, const StageOrder *order, const char *path,
                int error) {
        _cleanup_(stage_problem_done) StageProblem problem = {
                .error = "ImageRefused",
                .reason = "unreadable",
                .remedy = "Give the path of a file that the daemon can read.",
        };

        if (asprintf(&problem.message, "Cannot open %s: %s", path ?: "the file descriptor", strerror(-error)) < 0)
                return -ENOMEM;
        return refuse(call, manager, order, &problem);
}

static int reply_staged(VarlinkCall *call, Manager *manager) {
        _cleanup_json_ json_object *o = json_object_new_object();

        if (!o || json_add(o, "staged", staged_kernel_to_json(manager->staged)) < 0 ||
                        json_add_string(o, "autoCommit", auto_commit_to_string(manager->config->auto_commit)) < 0)
                return -ENOMEM;
        return varlink_call_reply(call, TAKE_PTR(o), NULL, 0);
}

static int stage(VarlinkCall *call, Manager *manager, const StageOrder *order, int image_fd, int initrd_fd) {
        _cleanup_(stage_problem_done) StageProblem problem = {};
        const StageRequest request = {
                .origin = order_origin(order),
                .image_fd = image_fd,
                .initrd_fd = initrd_fd,
                .command_line = order->command_line,
                .release = order->release,
                .is_automatic = order->is_automatic,
        };
        StagedKernel *staged;
        int r;

        r = staged_kernel_new(&request, &staged, &problem);
        if (r < 0)
                return r;
        if (r > 0)
                return refuse(call, manager, order, &problem);

        staged_kernel_free(manager->staged);
        manager->staged = staged;
        staged_kernel_save(staged);
        automation_succeeded(manager);
        story_staged(staged);
        if (manager->config->checksum_skip != CHECKSUM_SKIP_OFF && staged->load.checksum_skip != CHECKSUM_SKIP_PROVEN)
                log_warning("The jump will compute a checksum over all segments, which makes the blackout longer: %s",
                                staged->load.evidence);
        return reply_staged(call, manager);
}

static int refuse_while_updating(VarlinkCall *call, Manager *manager, const StageOrder *order) {
        if (order->is_automatic)
                automation_failed(manager, "stage", order->release, "An update was under way.",
                                "Stage it now: liveupdatectl stage RELEASE.");
        return reply_in_progress(call);
}

/* 0: go on; 1: answered. */
static int check_wanted(VarlinkCall *call, Manager *manager, const StageOrder *order) {
        _cleanup_free_ char *objection = NULL;
        int r;

        if (!order->is_automatic)
                return 0;
        r = automation_object(manager, order->release, &objection);
        if (r < 0 || !objection)
                return r;
        r = reply_error(call, "NotWanted", NULL, objection,
                        "Stage it by hand if it is meant: liveupdatectl stage RELEASE.", NULL);
        return r < 0 ? r : 1;
}

/* NULL, or the parameter that is wrong. */
static const char *read_order(json_object *parameters, StageOrder *ret) {
        int r;

        r = json_get_string(parameters, "commandLine", &ret->command_line);
        if (r < 0 && r != -ENOENT)
                return "commandLine";
        r = json_get_bool(parameters, "automatic", &ret->is_automatic);
        if (r < 0 && r != -ENOENT)
                return "automatic";
        r = json_get_string(parameters, "release", &ret->release);
        if (r < 0 && (r != -ENOENT || ret->is_automatic))
                return "release";
        return NULL;
}

int method_stage(VarlinkCall *call, json_object *parameters, void *userdata) {
        _cleanup_fd_ int image_fd = -EBADF, initrd_fd = -EBADF;
        Manager *manager = userdata;
        StageOrder order = {};
        const char *wrong;
        int r;

        wrong = read_order(parameters, &order);
        if (wrong)
                return varlink_call_invalid_parameter(call, wrong);
        if (manager->update)
                return refuse_while_updating(call, manager, &order);
        r = check_wanted(call, manager, &order);
        if (r != 0)
                return r < 0 ? r : 0;

        image_fd = open_argument(call, parameters, "path", "fileDescriptor", &order.path);
        if (image_fd == -EBADMSG || image_fd == -ERANGE || (image_fd == -ENOENT && !order.path))
                return varlink_call_invalid_parameter(call, "path");
        if (image_fd < 0)
                return refuse_unreadable(call, manager, &order, order.path, image_fd);
        initrd_fd = open_argument(call, parameters, "initrd", "initrdFileDescriptor", &order.initrd);
        if (initrd_fd < 0 && (initrd_fd != -ENOENT || order.initrd))
                return refuse_unreadable(call, manager, &order, order.initrd, initrd_fd);
        return stage(call, manager, &order, image_fd, initrd_fd);
}

static int reply_unstaged(VarlinkCall *call, bool unstaged) {
        _cleanup_json_ json_object *o = json_object_new_object();

        if (!o || json_add_bool(o, "unstaged", unstaged) < 0)
                return -ENOMEM;
        return varlink_call_reply(call, TAKE_PTR(o), NULL, 0);
}

static bool is_staged(const Manager *manager, const char *release) {
        return manager->staged && manager->staged->release && strcmp(manager->staged->release, release) == 0;
}

int method_unstage(VarlinkCall *call, json_object *parameters, void *userdata) {
        Manager *manager = userdata;
        const char *release = NULL;
        int r;

        r = json_get_string(parameters, "release", &release);
        if (r < 0 && r != -ENOENT)
                return varlink_call_invalid_parameter(call, "release");
        if (manager->update)
                return reply_in_progress(call);
        if (release && !is_staged(manager, release))
                return reply_unstaged(call, false);
        if (!manager->staged)
                return reply_error(call, "NothingStaged", NULL, "No kernel is staged.", "", NULL);

        r = kexec_unload();
        if (r < 0)
                return reply_error(call, "KernelRefused", NULL, strerror(-r), kexec_error_remedy(r), NULL);
        story_unstaged(manager->staged);
        manager->staged = staged_kernel_free(manager->staged);
        staged_kernel_forget();
        return reply_unstaged(call, true);
}

int method_offer(VarlinkCall *call, json_object *parameters, void *userdata) {
        _cleanup_json_ json_object *o = json_object_new_object();
        _cleanup_free_ char *objection = NULL;
        Manager *manager = userdata;
        const char *release;
        int r;

        if (json_get_string(parameters, "release", &release) < 0 || !kernel_release_is_valid(release))
                return varlink_call_invalid_parameter(call, "release");
        r = automation_offer(manager, release, &objection);
        if (r < 0)
                return r;
        if (!o || json_add_bool(o, "wanted", !objection) < 0 || json_add_string(o, "reason", objection) < 0)
                return -ENOMEM;
        return varlink_call_reply(call, TAKE_PTR(o), NULL, 0);
}

int method_stage_failed(VarlinkCall *call, json_object *parameters, void *userdata) {
        const char *release, *message, *remedy;

        if (json_get_string(parameters, "release", &release) < 0 || !kernel_release_is_valid(release))
                return varlink_call_invalid_parameter(call, "release");
        if (json_get_string(parameters, "message", &message) < 0)
                return varlink_call_invalid_parameter(call, "message");
        if (json_get_string(parameters, "remedy", &remedy) < 0)
                return varlink_call_invalid_parameter(call, "remedy");
        story_stage_failed(release, message, remedy);
        automation_failed(userdata, "stage", release, message, remedy);
        return varlink_call_reply(call, NULL, NULL, 0);
}
