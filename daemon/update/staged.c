/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "basic/io.h"
#include "basic/json.h"
#include "update/staged.h"

#define COMMAND_LINE_BYTES_MAX (64U * 1024)
#define KERNEL_RELEASE_MAX 64U /* include/uapi/linux/utsname.h: __NEW_UTS_LEN */

void stage_problem_done(StageProblem *problem) {
        free(TAKE_PTR(problem->message));
}

StagedKernel *staged_kernel_free(StagedKernel *staged) {
        if (!staged)
                return NULL;
        free(staged->origin);
        free(staged->release);
        free(staged->command_line);
        free(staged);
        return NULL;
}

bool kernel_release_is_valid(const char *release) {
        size_t n = strlen(release);

        if (n == 0 || n > KERNEL_RELEASE_MAX)
                return false;
        for (; *release; release++)
                if (!isgraph((unsigned char) *release) || *release == '/')
                        return false;
        return true;
}

/* The last one counts, as for the kernel's early_param(). */
static bool command_line_has_on(const char *line, const char *key) {
        size_t key_length = strlen(key);
        bool on = false;

        for (const char *p = line; *p;) {
                size_t word = strcspn(p, " \t\n");

                if (word > key_length && strncmp(p, key, key_length) == 0)
                        on = strchr("1yYtT", p[key_length]) || strncasecmp(p + key_length, "on", 2) == 0;
                p += word;
                p += strspn(p, " \t\n");
        }
        return on;
}

char *command_line_complete(const char *base) {
        char *line;

        if (asprintf(&line, "%s%s%s", base, command_line_has_on(base, "kho=") ? "" : " kho=on",
                            command_line_has_on(base, "liveupdate=") ? "" : " liveupdate=on") < 0)
                return NULL;
        return line;
}

static int command_line_of_running_kernel(char **ret) {
        int r = read_file_at(AT_FDCWD, "/proc/cmdline", COMMAND_LINE_BYTES_MAX, ret, NULL);

        if (r >= 0)
                (*ret)[strcspn(*ret, "\n")] = 0;
        return r;
}

static int stage_command_line(const StageRequest *request, const Image *image, char **ret) {
        const char *base = request->command_line ?: image->cmdline;
        _cleanup_free_ char *running = NULL;
        int r;

        if (!base) {
                r = command_line_of_running_kernel(&running);
                if (r < 0)
                        return r;
                base = running;
        }
        *ret = command_line_complete(base);
        return *ret ? 0 : -ENOMEM;
}

static int stage_problem_of_image(int error, char *detail, StageProblem *ret) {
        ret->error = "ImageRefused";
        ret->reason = image_error_to_string((ImageError) error);
        ret->remedy = image_error_remedy((ImageError) error);
        if (asprintf(&ret->message, "%s%s%s%s", image_error_message((ImageError) error), detail ? " (" : "",
                            detail ?: "", detail ? ")" : "") < 0)
                return -ENOMEM;
        return 1;
}

static int stage_problem_of_kernel(int error, StageProblem *ret) {
        ret->error = "KernelRefused";
        ret->remedy = kexec_error_remedy(error);
        if (asprintf(&ret->message, "The kernel refused to load the image: %s", strerror(-error)) < 0)
                return -ENOMEM;
        return 1;
}

static int stage_initrd(const StageRequest *request, const Image *image, int *ret_fd, uint64_t *ret_bytes,
                StageProblem *ret_problem) {
        struct stat st;

        *ret_fd = image->initrd_fd;
        *ret_bytes = image->initrd_bytes;
        if (request->initrd_fd < 0)
                return 0;

        *ret_problem = (StageProblem) { .error = "ImageRefused" };
        if (image->initrd_fd >= 0) {
                ret_problem->reason = "initrd-twice";
                ret_problem->message = strdup("The image brings an initrd of its own, and another one was given.");
                ret_problem->remedy = "Stage the UKI without an initrd, or its kernel by itself with yours.";
                return ret_problem->message ? 1 : -ENOMEM;
        }
        if (fstat(request->initrd_fd, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode) || st.st_size == 0) {
                ret_problem->reason = "initrd-not-regular";
                ret_problem->message = strdup("The initrd is not a regular file with something in it.");
                ret_problem->remedy = "Give the path of an initrd, as the boot loader would load it.";
                return ret_problem->message ? 1 : -ENOMEM;
        }
        *ret_fd = request->initrd_fd;
        *ret_bytes = (uint64_t) st.st_size;
        return 0;
}

int staged_kernel_new(const StageRequest *request, StagedKernel **ret, StageProblem *ret_problem) {
        _cleanup_(staged_kernel_freep) StagedKernel *staged = calloc(1, sizeof(*staged));
        _cleanup_(image_freep) Image *image = NULL;
        _cleanup_free_ char *detail = NULL;
        struct timespec now;
        int initrd_fd, r;

        if (!staged)
                return -ENOMEM;
        r = image_open(request->image_fd, &image, &detail);
        if (r > 0)
                return stage_problem_of_image(r, detail, ret_problem);
        if (r < 0)
                return r;

        r = stage_initrd(request, image, &initrd_fd, &staged->initrd_bytes, ret_problem);
        if (r != 0)
                return r;
        r = stage_command_line(request, image, &staged->command_line);
        if (r < 0)
                return r;

        staged->kind = image->kind;
        staged->kernel_bytes = image->kernel_bytes;
        staged->origin = strdup(request->origin);
        staged->release = TAKE_PTR(image->release);
        if (!staged->release && request->release)
                staged->release = strdup(request->release);
        staged->is_automatic = request->is_automatic;
        if (!staged->origin || (request->release && !staged->release))
                return -ENOMEM;

        r = kexec_load(image->kernel_fd, initrd_fd, staged->command_line, &staged->load);
        if (r < 0)
                return stage_problem_of_kernel(r, ret_problem);

        clock_gettime(CLOCK_REALTIME, &now);
        staged->staged_usec = (uint64_t) now.tv_sec * 1000000 + (uint64_t) now.tv_nsec / 1000;
        *ret = TAKE_PTR(staged);
        return 0;
}

json_object *staged_kernel_to_json(const StagedKernel *staged) {
        _cleanup_json_ json_object *o = json_object_new_object();

        if (!o || json_add_string(o, "origin", staged->origin) < 0 ||
                        json_add_string(o, "kind", image_kind_to_string(staged->kind)) < 0 ||
                        json_add_string(o, "release", staged->release) < 0 ||
                        json_add_string(o, "commandLine", staged->command_line) < 0 ||
                        json_add_u64(o, "kernelBytes", staged->kernel_bytes) < 0 ||
                        json_add_u64(o, "initrdBytes", staged->initrd_bytes) < 0 ||
                        json_add_string(o, "checksumSkip", checksum_skip_to_string(staged->load.checksum_skip)) < 0 ||
                        json_add_string(o, "checksumSkipEvidence", staged->load.evidence) < 0 ||
                        json_add_u64(o, "loadUSec", staged->load.load_usec) < 0 ||
                        json_add_u64(o, "stagedUSec", staged->staged_usec) < 0 ||
                        json_add_bool(o, "automatic", staged->is_automatic) < 0)
                return NULL;
        return TAKE_PTR(o);
}
