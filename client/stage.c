/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "basic/io.h"
#include "basic/json.h"
#include "client/automatic.h"
#include "client/ctl.h"
#include "client/release.h"

typedef struct Stage {
        const Ctl *ctl;
        const char *word, *initrd, *command_line; /* as given */
        bool is_automatic;
        char *release; /* NULL: an image is staged by hand, and says itself what it is */
        KernelFiles files;
        int fds[2];
        size_t n_fds;
} Stage;

static void stage_done(Stage *stage) {
        free(stage->release);
        kernel_files_done(&stage->files);
        for (size_t i = 0; i < stage->n_fds; i++)
                fd_close(stage->fds[i]);
}

static int fail(const Stage *stage, const char *message, const char *remedy) {
        if (stage->is_automatic)
                return automatic_failed(stage->ctl, stage->release, message, remedy);
        fprintf(stderr, "liveupdatectl: %s\n%s\n", message, remedy);
        return CTL_USAGE;
}

/* A name without a slash is a release unless a file is there; one with a slash is an image's, but for a release out of
 * a unit's instance. */
static bool is_image(const Stage *stage) {
        struct stat st;

        if (strcmp(stage->word, "-") == 0 || *stage->word == '/')
                return true;
        if (stat(stage->word, &st) >= 0 && !S_ISDIR(st.st_mode))
                return true;
        return strchr(stage->word, '/') && !stage->is_automatic;
}

static int identify(Stage *stage, bool by_image) {
        int r;

        if (by_image && !stage->is_automatic)
                return CTL_OK;
        r = (by_image ? release_from_path : release_from_word)(stage->word, &stage->release);
        if (r >= 0 && strcmp(stage->release, "-") != 0)
                return CTL_OK;
        fprintf(stderr, "liveupdatectl: '%s' names no kernel release.\nSee liveupdatectl stage --help.\n", stage->word);
        return CTL_USAGE;
}

static int find_release(Stage *stage) {
        _cleanup_free_ char *message = NULL;
        int r;

        r = release_find("", stage->release, &stage->files);
        if (r >= 0)
                return CTL_OK;
        if (asprintf(&message, "Cannot find a kernel of release %s: %s", stage->release, strerror(-r)) < 0)
                message = NULL;
        return fail(stage, message ?: strerror(ENOMEM),
                        "See where kernels are looked for in liveupdatectl(1), or stage one by its path.");
}

/* An image that came by hand has the initrd that was given by hand; a hook gives none. */
static int find_image(Stage *stage) {
        stage->files.kernel = strdup(stage->word);
        if (stage->is_automatic && !kernel_is_uki(stage->word))
                (void) release_find_initrd("", stage->word, &stage->files.initrd);
        return stage->files.kernel ? CTL_OK : CTL_REFUSED;
}

static int find(Stage *stage, bool by_image) {
        int r;

        r = by_image ? find_image(stage) : find_release(stage);
        if (r != CTL_OK)
                return r;
        if (stage->initrd) {
                free(stage->files.initrd);
                stage->files.initrd = strdup(stage->initrd);
                return stage->files.initrd ? CTL_OK : CTL_REFUSED;
        }
        if (stage->release && !stage->files.initrd && !kernel_is_uki(stage->files.kernel))
                fprintf(stderr, "Note: There is no initrd of %s, it is staged without one.\n", stage->release);
        return CTL_OK;
}

/* What comes through a pipe has to become a file first. */
static int open_stdin(void) {
        _cleanup_fd_ int fd = -EBADF;
        char buffer[64 * 1024];
        struct stat st;
        ssize_t n;
        int r;

        if (fstat(STDIN_FILENO, &st) >= 0 && S_ISREG(st.st_mode))
                return dup(STDIN_FILENO);
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

/* Opens `path` and names it in the parameters by `path_key` and `fd_key`. */
static int add_file(Stage *stage, json_object *parameters, const char *path, const char *path_key, const char *fd_key) {
        _cleanup_free_ char *full = realpath(path, NULL), *message = NULL;
        int fd = open_file(path);
        size_t n = stage->n_fds;

        if (fd < 0) {
                if (asprintf(&message, "Cannot open %s: %s", path, strerror(-fd)) < 0)
                        message = NULL;
                return fail(stage, message ?: strerror(ENOMEM),
                                "Name a kernel image that can be read, such as /boot/vmlinuz-VERSION or a UKI.");
        }
        stage->fds[stage->n_fds++] = fd;
        return json_add_string(parameters, path_key, full ?: path) < 0 || json_add_u64(parameters, fd_key, n) < 0 ?
                               CTL_REFUSED :
                               CTL_OK;
}

static int send(Stage *stage, VarlinkReply *ret) {
        _cleanup_json_ json_object *parameters = json_object_new_object();
        int r;

        r = add_file(stage, parameters, stage->files.kernel, "path", "fileDescriptor");
        if (r == CTL_OK && stage->files.initrd)
                r = add_file(stage, parameters, stage->files.initrd, "initrd", "initrdFileDescriptor");
        if (r != CTL_OK)
                return r;
        if (json_add_string(parameters, "commandLine", stage->command_line) < 0 ||
                        json_add_string(parameters, "release", stage->release) < 0 ||
                        (stage->is_automatic && json_add_bool(parameters, "automatic", true) < 0))
                return CTL_REFUSED;
        r = ctl_ask(stage->ctl, "io.liveupdate.Stage", TAKE_PTR(parameters), stage->fds, stage->n_fds, ret);
        if (r != CTL_OK || !ret->error)
                return r;
        if (!stage->is_automatic || !ctl_error_is(ret, "NotWanted"))
                return ctl_print_error(ret);
        fprintf(stderr, "%s is not staged: %s\n", stage->release, ctl_string(ret->parameters, "message"));
        return CTL_SAID;
}

static void print_staged(json_object *staged) {
        printf("Staged %s, %s from %s\n", ctl_string(staged, "release"), ctl_string(staged, "kind"),
                        ctl_string(staged, "origin"));
        printf("  Command line   %s\n", ctl_string(staged, "commandLine"));
        printf("  Checksum skip  %s: %s\n", ctl_string(staged, "checksumSkip"),
                        ctl_string(staged, "checksumSkipEvidence"));
}

static int run(Stage *stage) {
        _cleanup_(varlink_reply_done) VarlinkReply reply = {};
        bool by_image = is_image(stage);
        json_object *staged;
        int r;

        r = identify(stage, by_image);
        if (r == CTL_OK && stage->is_automatic)
                r = automatic_begin(stage->ctl, stage->release);
        if (r == CTL_OK)
                r = find(stage, by_image);
        if (r == CTL_OK)
                r = send(stage, &reply);
        if (r != CTL_OK)
                return r;

        if (stage->ctl->json != JSON_OFF)
                ctl_print_json(stage->ctl, reply.parameters);
        else if (json_get_object(reply.parameters, "staged", &staged) >= 0)
                print_staged(staged);
        return stage->is_automatic ? automatic_follow(stage->ctl, reply.parameters) : CTL_OK;
}

int stage_main(Ctl *ctl, int argc, char **argv) {
        static const CtlUsage usage = {
                .synopsis = "stage [OPTIONS...] IMAGE|RELEASE",
                .text = "Loads a kernel, so that commit can change to it. What was staged before is replaced.\n\n"
                        "IMAGE is a bzImage or a unified kernel image; - reads it from standard input. It gets no initrd\n"
                        "but its own or that of --initrd=. RELEASE is that of an installed kernel, as uname -r has it;\n"
                        "its initrd is found with it.",
                .takes = "one image or kernel release",
        };
        _cleanup_(stage_done) Stage stage = { .ctl = ctl };
        const CtlOption options[] = {
                { "initrd",    "PATH", "The initrd, for an image that brings none", &stage.initrd },
                { "cmdline",   "LINE", "The command line, instead of the image's own or the running kernel's",
                        &stage.command_line },
                { "automatic", NULL,   "For a package manager's hook: only if it is wanted, when the package manager\n"
                                       "                          is done, and with what AutoCommit= says to follow",
                        &stage.is_automatic },
        };
        int r;

        r = ctl_options(ctl, &usage, options, ELEMENTSOF(options), argc, argv);
        if (r != CTL_OK)
                return r;
        stage.word = argv[optind];
        return run(&stage);
}
