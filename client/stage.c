/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "basic/io.h"
#include "basic/json.h"
#include "client/ctl.h"

typedef struct StageArguments {
        const char *image, *initrd, *command_line;
} StageArguments;

static void help(void) {
        puts("liveupdatectl stage [OPTIONS...] IMAGE\n\n"
             "Loads a kernel, so that commit can change to it. IMAGE is a bzImage or a unified kernel image;\n"
             "- reads it from standard input. What was staged before is replaced.\n\n"
             "  -h --help          Show this help\n"
             "     --initrd=PATH   The initrd, for an image that brings none\n"
             "     --cmdline=LINE  The command line, instead of the image's own or the running kernel's");
}

static int parse_options(int argc, char **argv, StageArguments *ret) {
        enum { OPTION_INITRD = 0x100, OPTION_CMDLINE };
        static const struct option options[] = {
                { "help",    no_argument,       NULL, 'h'            },
                { "initrd",  required_argument, NULL, OPTION_INITRD  },
                { "cmdline", required_argument, NULL, OPTION_CMDLINE },
                {}
        };

        for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) >= 0;)
                switch (c) {
                case 'h':
                        help();
                        return -1;
                case OPTION_INITRD:
                        ret->initrd = optarg;
                        break;
                case OPTION_CMDLINE:
                        ret->command_line = optarg;
                        break;
                default:
                        return CTL_USAGE;
                }
        if (optind != argc - 1) {
                fputs("liveupdatectl: stage takes one image.\nSee liveupdatectl stage --help.\n", stderr);
                return CTL_USAGE;
        }
        ret->image = argv[optind];
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

/* Opens `path` into fds[*n] and names it in the parameters by `path_key` and `fd_key`. */
static int add_file(json_object *parameters, const char *path, const char *path_key, const char *fd_key, int *fds,
                size_t *n) {
        _cleanup_free_ char *full = realpath(path, NULL);
        int fd = open_file(path);

        if (fd < 0) {
                fprintf(stderr, "liveupdatectl: Cannot open %s: %s\n"
                                "Name a kernel image that can be read, such as /boot/vmlinuz-VERSION or a UKI.\n",
                                path, strerror(-fd));
                return CTL_USAGE;
        }
        fds[*n] = fd;
        if (json_add_string(parameters, path_key, full ?: path) < 0 || json_add_u64(parameters, fd_key, *n) < 0)
                return CTL_REFUSED;
        (*n)++;
        return CTL_OK;
}

static void print_staged(json_object *staged) {
        printf("Staged %s, %s from %s\n", ctl_string(staged, "release"), ctl_string(staged, "kind"),
                        ctl_string(staged, "origin"));
        printf("  Command line   %s\n", ctl_string(staged, "commandLine"));
        printf("  Checksum skip  %s: %s\n", ctl_string(staged, "checksumSkip"),
                        ctl_string(staged, "checksumSkipEvidence"));
}

int stage_main(const Ctl *ctl, int argc, char **argv) {
        _cleanup_json_ json_object *parameters = json_object_new_object();
        _cleanup_(varlink_reply_done) VarlinkReply reply = {};
        StageArguments arguments = {};
        int fds[2] = { -EBADF, -EBADF };
        json_object *staged;
        size_t n_fds = 0;
        int r;

        r = parse_options(argc, argv, &arguments);
        if (r != CTL_OK)
                return r < 0 ? CTL_OK : r;

        r = add_file(parameters, arguments.image, "path", "fileDescriptor", fds, &n_fds);
        if (r == CTL_OK && arguments.initrd)
                r = add_file(parameters, arguments.initrd, "initrd", "initrdFileDescriptor", fds, &n_fds);
        if (r == CTL_OK && json_add_string(parameters, "commandLine", arguments.command_line) < 0)
                r = CTL_REFUSED;
        if (r == CTL_OK)
                r = ctl_call(ctl, "io.liveupdate.Stage", TAKE_PTR(parameters), fds, n_fds, &reply);
        fd_close(fds[0]);
        fd_close(fds[1]);
        if (r != CTL_OK)
                return r;

        if (ctl->json != JSON_OFF)
                ctl_print_json(ctl, reply.parameters);
        else if (json_get_object(reply.parameters, "staged", &staged) >= 0)
                print_staged(staged);
        return CTL_OK;
}

int unstage_main(const Ctl *ctl, int argc, char **argv) {
        _cleanup_(varlink_reply_done) VarlinkReply reply = {};
        int r;

        r = ctl_no_arguments(argc, argv);
        return r != CTL_OK ? r : ctl_call(ctl, "io.liveupdate.Unstage", NULL, NULL, 0, &reply);
}
