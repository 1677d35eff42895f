/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* io.liveupdate on the control socket. */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <systemd/sd-id128.h>

#include "basic/json.h"
#include "basic/log.h"
#include "luo/luo.h"
#include "schemas/schemas.h"
#include "update/manager.h"
#include "update/requirements.h"
#include "update/update.h"

static int reply_error(VarlinkCall *call, const char *error, const char *reason, const char *message,
                const char *remedy, json_object *losses) {
        _cleanup_json_ json_object *o = json_object_new_object();

        if (!o || json_add_string(o, "reason", reason) < 0 || json_add_string(o, "message", message) < 0 ||
                        json_add_string(o, "remedy", remedy ?: "") < 0 ||
                        (losses && json_add(o, "losses", json_object_get(losses)) < 0))
                return -ENOMEM;
        return varlink_call_error(call, error, TAKE_PTR(o));
}

static int reply_in_progress(VarlinkCall *call) {
        return reply_error(call, "io.liveupdate.UpdateInProgress", NULL, "An update is under way.",
                        "Wait until it is over; liveupdatectl monitor tells.", NULL);
}

static json_object *workloads_to_json(Registry *registry) {
        _cleanup_json_ json_object *list = json_object_new_array();

        for (Workload *w = NULL; list && (w = registry_next(registry, w));) {
                json_object *o = workload_to_json(w);

                if (!o || json_object_array_add(list, o) < 0) {
                        json_object_put(o);
                        return NULL;
                }
        }
        return TAKE_PTR(list);
}

static json_object *strangers_to_json(Registry *registry) {
        _cleanup_json_ json_object *list = json_object_new_array();
        _cleanup_free_ Stranger *strangers = NULL;
        size_t n = 0;

        if (!list || strangers_find(registry, &strangers, &n) < 0)
                return NULL;
        for (size_t i = 0; i < n; i++) {
                json_object *o = json_object_new_object();

                if (!o || json_add_u64(o, "pid", (uint64_t) strangers[i].pid) < 0 ||
                                json_add_string(o, "comm", strangers[i].comm) < 0 ||
                                json_object_array_add(list, o) < 0) {
                        json_object_put(o);
                        return NULL;
                }
        }
        return TAKE_PTR(list);
}

static json_object *support_to_json(void) {
        _cleanup_json_ json_object *o = json_object_new_object();
        LuoSupport support = luo_support();
        _cleanup_free_ char *evidence = luo_support_evidence(support);

        if (!o || json_add_string(o, "id", luo_support_to_string(support)) < 0 ||
                        json_add_string(o, "state", support == LUO_SUPPORTED ? "ok" : "fail") < 0 ||
                        json_add_string(o, "text", luo_support_message(support)) < 0 ||
                        json_add_string(o, "evidence", evidence) < 0 ||
                        json_add_string(o, "remedy", luo_support_remedy(support)) < 0)
                return NULL;
        return TAKE_PTR(o);
}

static int method_status(VarlinkCall *call, json_object *parameters, void *userdata) {
        Manager *manager = userdata;
        _cleanup_json_ json_object *o = manager_progress(manager);
        struct utsname names;
        sd_id128_t boot_id;

        (void) uname(&names);
        if (!o || sd_id128_get_boot(&boot_id) < 0 || json_add_string(o, "version", LIVEUPDATED_VERSION) < 0 ||
                        json_add_string(o, "kernel", names.release) < 0 ||
                        json_add_string(o, "bootId", SD_ID128_TO_STRING(boot_id)) < 0 ||
                        json_add(o, "support", support_to_json()) < 0 ||
                        (manager->staged && json_add(o, "staged", staged_kernel_to_json(manager->staged)) < 0) ||
                        json_add(o, "workloads", workloads_to_json(manager->registry)) < 0 ||
                        json_add(o, "strangers", strangers_to_json(manager->registry)) < 0)
                return -ENOMEM;
        return varlink_call_reply(call, TAKE_PTR(o), NULL, 0);
}

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

static int reply_unreadable(VarlinkCall *call, const char *path, int error) {
        _cleanup_free_ char *message = NULL;

        if (asprintf(&message, "Cannot open %s: %s", path ?: "the file descriptor", strerror(-error)) < 0)
                return -ENOMEM;
        return reply_error(call, "io.liveupdate.ImageRefused", "unreadable", message,
                        "Give the path of a file that the daemon can read.", NULL);
}

static int reply_staged(VarlinkCall *call, Manager *manager) {
        _cleanup_json_ json_object *o = json_object_new_object();

        if (!o || json_add(o, "staged", staged_kernel_to_json(manager->staged)) < 0)
                return -ENOMEM;
        return varlink_call_reply(call, TAKE_PTR(o), NULL, 0);
}

static int stage(VarlinkCall *call, Manager *manager, const StageRequest *request) {
        _cleanup_(stage_problem_done) StageProblem problem = {};
        StagedKernel *staged;
        int r;

        r = staged_kernel_new(request, &staged, &problem);
        if (r < 0)
                return r;
        if (r > 0) {
                char error[64];

                snprintf(error, sizeof(error), "io.liveupdate.%s", problem.error);
                return reply_error(call, error, problem.reason, problem.message, problem.remedy, NULL);
        }

        staged_kernel_free(manager->staged);
        manager->staged = staged;
        log_notice("Staged %s from %s, checksum skip %s.", staged->release ?: "a kernel", staged->origin,
                        checksum_skip_to_string(staged->load.checksum_skip));
        return reply_staged(call, manager);
}

static int method_stage(VarlinkCall *call, json_object *parameters, void *userdata) {
        _cleanup_fd_ int image_fd = -EBADF, initrd_fd = -EBADF;
        const char *path = NULL, *initrd = NULL, *command_line = NULL;
        Manager *manager = userdata;
        int r;

        if (manager->update)
                return reply_in_progress(call);
        r = json_get_string(parameters, "commandLine", &command_line);
        if (r < 0 && r != -ENOENT)
                return varlink_call_invalid_parameter(call, "commandLine");

        image_fd = open_argument(call, parameters, "path", "fileDescriptor", &path);
        if (image_fd == -EBADMSG || image_fd == -ERANGE || (image_fd == -ENOENT && !path))
                return varlink_call_invalid_parameter(call, "path");
        if (image_fd < 0)
                return reply_unreadable(call, path, image_fd);
        initrd_fd = open_argument(call, parameters, "initrd", "initrdFileDescriptor", &initrd);
        if (initrd_fd < 0 && (initrd_fd != -ENOENT || initrd))
                return reply_unreadable(call, initrd, initrd_fd);

        return stage(call, manager,
                        &(StageRequest) { .origin = path ?: "(file descriptor)", .image_fd = image_fd,
                                        .initrd_fd = initrd_fd, .command_line = command_line });
}

static int method_unstage(VarlinkCall *call, json_object *parameters, void *userdata) {
        Manager *manager = userdata;
        int r;

        if (manager->update)
                return reply_in_progress(call);
        if (!manager->staged)
                return reply_error(call, "io.liveupdate.NothingStaged", NULL, "No kernel is staged.", "", NULL);
        r = kexec_unload();
        if (r < 0)
                return reply_error(call, "io.liveupdate.KernelRefused", NULL, strerror(-r), kexec_error_remedy(r),
                                NULL);
        manager->staged = staged_kernel_free(manager->staged);
        return varlink_call_reply(call, NULL, NULL, 0);
}

static int method_commit(VarlinkCall *call, json_object *parameters, void *userdata) {
        _cleanup_(obstacle_done) Obstacle obstacle = {};
        Manager *manager = userdata;
        bool allow_loss = false;
        int r;

        r = json_get_bool(parameters, "allowLoss", &allow_loss);
        if (r < 0 && r != -ENOENT)
                return varlink_call_invalid_parameter(call, "allowLoss");
        r = requirements_check(manager, allow_loss, &obstacle);
        if (r < 0)
                return r;
        if (obstacle.error)
                return reply_error(call, obstacle.error, NULL, obstacle.message, obstacle.remedy, obstacle.losses);
        return update_begin(manager, call);
}

static int method_workloads(VarlinkCall *call, json_object *parameters, void *userdata) {
        _cleanup_json_ json_object *o = json_object_new_object();
        Manager *manager = userdata;

        if (!o || json_add(o, "workloads", workloads_to_json(manager->registry)) < 0)
                return -ENOMEM;
        return varlink_call_reply(call, TAKE_PTR(o), NULL, 0);
}

static int method_report(VarlinkCall *call, json_object *parameters, void *userdata) {
        _cleanup_json_ json_object *o = json_object_new_object();
        Manager *manager = userdata;

        if (!manager->report)
                return reply_error(call, "io.liveupdate.NoReport", NULL, "There has been no update since this boot.",
                                "Stage a kernel and commit.", NULL);
        if (!o || json_add(o, "report", json_object_get(manager->report)) < 0)
                return -ENOMEM;
        return varlink_call_reply(call, TAKE_PTR(o), NULL, 0);
}

static int method_monitor(VarlinkCall *call, json_object *parameters, void *userdata) {
        Manager *manager = userdata;
        int r;

        if (manager->n_monitors == MONITORS_MAX)
                manager_tell(manager, "idle", NULL, NULL); /* weeds out who is gone */
        if (manager->n_monitors == MONITORS_MAX)
                return -EBUSY;
        r = varlink_call_notify(call, manager_progress(manager));
        if (r < 0)
                return r;
        manager->monitors[manager->n_monitors++] = varlink_call_ref(call);
        return 0;
}

static const VarlinkMethod methods[] = {
        { "Status",    method_status                          },
        { "Stage",     method_stage,   .is_privileged = true  },
        { "Unstage",   method_unstage, .is_privileged = true  },
        { "Commit",    method_commit,  .is_privileged = true  },
        { "Workloads", method_workloads                       },
        { "Report",    method_report                          },
        { "Monitor",   method_monitor, .needs_more = true     },
};

const VarlinkInterface liveupdate_interface = {
        .name = "io.liveupdate",
        .description = varlink_description_liveupdate,
        .methods = methods,
        .n_methods = ELEMENTSOF(methods),
};
