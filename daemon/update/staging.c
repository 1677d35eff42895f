/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "basic/clock.h"
#include "update/digests.h"
#include "update/staging-internal.h"

static void free_staging(Staging *staging) {
        inspection_free(staging->inspection);
        kernel_contents_free(staging->contents);
        parts_free(staging->parts);
        for (size_t i = 0; staging->addon_images && i < staging->order->n_addons; i++)
                image_free(staging->addon_images[i]);
        free(staging->addon_images);
        free(staging->addon_files);
        image_free(staging->image);
        image_free(staging->unpacked);
        staged_kernel_free(staging->staged);
        stage_order_free(staging->order);
        free(staging->problem.message);
        free(staging->digest);
        free(staging);
}

Staging *staging_ref(Staging *staging) {
        atomic_fetch_add(&staging->n_refs, 1);
        return staging;
}

Staging *staging_unref(Staging *staging) {
        if (staging && atomic_fetch_sub(&staging->n_refs, 1) == 1)
                free_staging(staging);
        return NULL;
}

int staging_new(StageOrder *order, const RunningKernel *running, Staging **ret) {
        _cleanup_(staging_unrefp) Staging *staging = calloc(1, sizeof(*staging));

        if (!staging) {
                stage_order_free(order);
                return -ENOMEM;
        }
        staging->n_refs = 1;
        staging->order = order;
        staging->running = *running;
        staging->staged = staged_kernel_new();
        staging->addon_images = calloc(order->n_addons + 1, sizeof(*staging->addon_images));
        staging->addon_files = calloc(order->n_addons + 1, sizeof(*staging->addon_files));
        if (!staging->staged || !staging->addon_images || !staging->addon_files)
                return -ENOMEM;
        *ret = TAKE_PTR(staging);
        return 0;
}

const Image *staging_kernel(const Staging *staging) {
        return staging->unpacked ?: staging->image;
}

int staging_refuse(Staging *staging, const char *error, const char *reason, const char *remedy, const char *format,
                ...) {
        va_list ap;
        int n;

        va_start(ap, format);
        n = vasprintf(&staging->problem.message, format, ap);
        va_end(ap);
        if (n < 0) {
                staging->problem.message = NULL;
                return -ENOMEM;
        }
        staging->problem.error = error;
        staging->problem.reason = reason;
        staging->problem.remedy = remedy;
        return 1;
}

static int add_names(json_object *array, const StageFile *files, size_t n) {
        for (size_t i = 0; i < n; i++) {
                json_object *name = json_object_new_string(files[i].path ?: "(file descriptor)");

                if (!name || json_object_array_add(array, name) < 0) {
                        json_object_put(name);
                        return -ENOMEM;
                }
        }
        return 0;
}

static char *profile_name(const Image *image) {
        char *name;

        if (image->n_profiles == 0)
                return NULL;
        if (image->profiles[image->profile].id)
                return strdup(image->profiles[image->profile].id);
        return asprintf(&name, "%zu", image->profile) < 0 ? NULL : name;
}

static int run_describe(Staging *staging) {
        const StageOrder *order = staging->order;
        StagedKernel *staged = staging->staged;
        const Image *image = staging->image;
        const char *release = staging_kernel(staging)->release ?: image->release ?: order->release;

        staged->kind = image->kind;
        staged->kernel_bytes = staging->parts->kernel_bytes;
        staged->initrd_bytes = staging->parts->initrd_bytes;
        staged->is_automatic = order->is_automatic;
        staged->origin = strdup(stage_order_origin(order));
        staged->release = release ? strdup(release) : NULL;
        staged->os_release = image->os_release ? strdup(image->os_release) : NULL;
        staged->profile = profile_name(image);
        if (!staged->origin || (release && !staged->release) || (image->os_release && !staged->os_release) ||
                        (image->n_profiles > 0 && !staged->profile) ||
                        add_names(staged->addons, order->addons, order->n_addons) < 0 ||
                        add_names(staged->initrds, order->initrds, order->n_initrds) < 0)
                return -ENOMEM;
        return staging_find_of_image(staging);
}

static int run_load(Staging *staging) {
        StagedKernel *staged = staging->staged;
        int r;

        if (staging->order->is_check)
                return 0;
        r = kexec_load(staging->parts->kernel_fd, staging->parts->initrd_fd, staged->command_line, &staged->load);
        if (r < 0)
                return staging_refuse(staging, "KernelRefused", NULL, kexec_error_remedy(r),
                                "The kernel refused to load the image: %s", strerror(-r));
        staged->staged_usec = now_usec(CLOCK_REALTIME);
        return 0;
}

/* In this order: what is cheap and refuses first, the inspection beside all that follows it, nothing loaded that must
 * not be. */
int staging_run(Staging *staging) {
        static int (*const steps[])(Staging *) = {
                staging_look,
                staging_inspect,
                staging_copy,
                staging_unpack,
                run_describe,
                staging_verify,
                staging_command_line,
                staging_find_room,
                staging_measure,
                run_load,
                staging_find_of_contents,
                staging_find_of_load,
        };
        int r = 0;

        for (size_t i = 0; r == 0 && i < ELEMENTSOF(steps); i++)
                r = steps[i](staging);
        return r;
}

const StageOrder *staging_order(const Staging *staging) {
        return staging->order;
}

const RunningKernel *staging_running(const Staging *staging) {
        return &staging->running;
}

const StageProblem *staging_problem(const Staging *staging) {
        return &staging->problem;
}

json_object *staging_findings(const Staging *staging) {
        return staging->staged->findings;
}

const KexecLoadResult *staging_load(const Staging *staging) {
        return &staging->staged->load;
}

StagedKernel *staging_take(Staging *staging) {
        return TAKE_PTR(staging->staged);
}

int staging_digest(Staging *staging) {
        char hex[INSPECT_SHA256_HEX_BYTES];
        int r = digest_file(staging->parts, &staging->file, hex);

        if (r < 0)
                return r;
        staging->digest = strdup(hex);
        return staging->digest ? 0 : -ENOMEM;
}

char *staging_take_digest(Staging *staging) {
        return TAKE_PTR(staging->digest);
}
