/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* liveupdate-run NAME -- qemu-system-… : makes the RAM and the QMP connection of a VM, registers both with liveupdated,
 * and becomes QEMU. After a live update the same command line comes up with what was preserved. */

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "basic/json.h"
#include "client/qemu-args.h"
#include "ipc/varlink.h"
#include "workload/memory-policy.h"
#include "workload/workload.h"

enum {
        RUN_FAILED = 1,
        RUN_USAGE = 2,
        RUN_UNREACHABLE = 3,
};

typedef struct Run {
        const char *name, *socket;
        char **argv;
} Run;

static void help(void) {
        puts("liveupdate-run [OPTIONS...] NAME -- qemu-system-ARCH ARGUMENTS...\n\n"
             "Starts a QEMU virtual machine that survives a live update of the kernel, or brings it back after one.\n\n"
             "  -h --help         Show this help\n"
             "     --version      Show the version\n"
             "     --socket=PATH  Talk to this socket instead of /run/liveupdate/io.liveupdate\n\n"
             "NAME is the workload's, one to 40 of A-Z a-z 0-9 _ . -, and has to stay the same over the update.\n"
             "Exit codes before QEMU takes over: 1 refused, 2 wrong usage, 3 liveupdated cannot be reached.");
}

/* 0: go on; -1: all is said; else an exit code. */
static int parse_options(int argc, char **argv, Run *ret) {
        enum { OPTION_VERSION = 0x100, OPTION_SOCKET };
        static const struct option options[] = {
                { "help",    no_argument,       NULL, 'h'            },
                { "version", no_argument,       NULL, OPTION_VERSION },
                { "socket",  required_argument, NULL, OPTION_SOCKET  },
                {}
        };

        for (int c; (c = getopt_long(argc, argv, "+h", options, NULL)) >= 0;)
                switch (c) {
                case 'h':
                        help();
                        return -1;
                case OPTION_VERSION:
                        puts("liveupdate-run " LIVEUPDATED_VERSION);
                        return -1;
                case OPTION_SOCKET:
                        ret->socket = optarg;
                        break;
                default:
                        return RUN_USAGE;
                }

        if (argc - optind < 3 || strcmp(argv[optind + 1], "--") != 0) {
                fputs("liveupdate-run: Usage: liveupdate-run NAME -- qemu-system-ARCH ARGUMENTS...\n", stderr);
                return RUN_USAGE;
        }
        ret->name = argv[optind];
        ret->argv = argv + optind + 2;
        if (!workload_name_is_valid(ret->name)) {
                fprintf(stderr, "liveupdate-run: '%s' is no name for a workload: one to %i of A-Z a-z 0-9 _ . -\n",
                                ret->name, WORKLOAD_NAME_MAX);
                return RUN_USAGE;
        }
        return 0;
}

/* The memory as a fresh VM has it. Open in QEMU, too. */
static int create_ram(const char *name, uint64_t bytes) {
        _cleanup_free_ char *label = NULL;
        _cleanup_fd_ int fd = -EBADF;

        if (asprintf(&label, "liveupdate-ram-%s", name) < 0) {
                label = NULL;
                return -ENOMEM;
        }
        fd = memfd_create(label, 0);
        if (fd < 0 || ftruncate(fd, (off_t) bytes) < 0)
                return -errno;
        return TAKE_FD(fd);
}

static int explain(const VarlinkReply *reply) {
        const char *message = reply->error, *remedy = "";

        (void) json_get_string(reply->parameters, "message", &message);
        (void) json_get_string(reply->parameters, "remedy", &remedy);
        fprintf(stderr, "liveupdate-run: %s\n%s\n", message, remedy);
        return RUN_FAILED;
}

/* Not starting is safer than starting afresh: the memory of this very VM may be waiting, its disk is in use then. */
static int explain_unreachable(const Run *run, int error) {
        fprintf(stderr, "liveupdate-run: Cannot register %s with liveupdated at %s: %s\n", run->name, run->socket,
                        strerror(-error));
        fputs(error == -EACCES ? "Its socket is for root and members of the group liveupdate: see User= and "
                                 "SupplementaryGroups= of the unit.\n" :
                                 "Start it: systemctl start liveupdated.service\n", stderr);
        return RUN_UNREACHABLE;
}

static int send_registration(const Run *run, VarlinkClient *client, uint64_t ram_bytes, int ram_fd, int qmp_fd) {
        _cleanup_json_ json_object *o = json_object_new_object();

        if (!o || json_add_string(o, "name", run->name) < 0 || json_add_string(o, "kind", "qemu") < 0 ||
                        json_add_u64(o, "ramBytes", ram_bytes) < 0 || json_add_u64(o, "ram", 0) < 0 ||
                        json_add_u64(o, "qmp", 1) < 0)
                return -ENOMEM;
        return varlink_client_send(client, "io.liveupdate.Workload.Register", TAKE_PTR(o), /* more= */ false,
                        (const int[]) { ram_fd, qmp_fd }, 2);
}

/* Puts the preserved RAM in the place of the fresh one, at the same number, open across exec. */
static int take_preserved_ram(VarlinkReply *reply, int ram_fd, bool *ret_is_preserved) {
        const char *state = "";
        uint64_t index = 0;

        if (json_get_string(reply->parameters, "state", &state) < 0)
                return -EBADMSG;
        *ret_is_preserved = strcmp(state, "preserved") == 0;
        if (!*ret_is_preserved)
                return 0;
        if (json_get_u64(reply->parameters, "ram", &index) < 0 || index >= reply->n_fds)
                return -EBADMSG;
        return dup2(reply->fds[index], ram_fd) < 0 ? -errno : 0;
}

/* Inherited by QEMU and all of its threads. A guest elsewhere in the memory is better than none. */
static void take_memory_policy(const Run *run, json_object *parameters) {
        _cleanup_free_ char *lost = NULL;
        MemoryPolicy policy;
        json_object *o;
        IndexSet gone = {};
        int r = json_get_object(parameters, "memoryPolicy", &o);

        if (r == -ENOENT)
                return;
        if (r >= 0)
                r = memory_policy_from_json(o, &policy);
        if (r >= 0)
                r = memory_policy_set(&policy, &gone);
        lost = index_set_to_string(&gone);
        if (r < 0)
                fprintf(stderr, "liveupdate-run: Warning: The NUMA policy that %s had before the update cannot be set: "
                                "%s\nIts new memory comes from where its unit says: see NUMAPolicy= of the unit.\n",
                                run->name, r == -ENXIO ? "none of its nodes has memory" : strerror(-r));
        else if (lost && *lost)
                fprintf(stderr, "liveupdate-run: Warning: The NUMA policy that %s had before the update is set without "
                                "the nodes %s, which have no memory.\n", run->name, lost);
}

static int do_register(const Run *run, uint64_t ram_bytes, int ram_fd, int qmp_fd, bool *ret_is_preserved) {
        _cleanup_(varlink_client_freep) VarlinkClient *client = NULL;
        _cleanup_(varlink_reply_done) VarlinkReply reply = {};
        int r;

        r = varlink_client_connect(run->socket, &client);
        if (r >= 0)
                r = send_registration(run, client, ram_bytes, ram_fd, qmp_fd);
        if (r >= 0)
                r = varlink_client_receive(client, &reply);
        if (r >= 0 && reply.error)
                return explain(&reply);
        if (r >= 0)
                r = take_preserved_ram(&reply, ram_fd, ret_is_preserved);
        if (r >= 0 && *ret_is_preserved)
                take_memory_policy(run, reply.parameters);
        return r < 0 ? explain_unreachable(run, r) : 0;
}

static int become_qemu(const Run *run, const QemuArgs *args) {
        _cleanup_(qemu_argv_freep) char **argv = NULL;
        _cleanup_fd_ int ram_fd = -EBADF, daemon_end = -EBADF, qemu_end = -EBADF;
        bool is_preserved = false;
        int ends[2], r;

        ram_fd = create_ram(run->name, qemu_args_ram_bytes(args));
        if (ram_fd < 0) {
                fprintf(stderr, "liveupdate-run: Cannot make the memory of %s: %s\n", run->name, strerror(-ram_fd));
                return RUN_FAILED;
        }
        if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) < 0) {
                fprintf(stderr, "liveupdate-run: Cannot make a QMP connection: %s\n", strerror(errno));
                return RUN_FAILED;
        }
        qemu_end = ends[0];
        daemon_end = ends[1];
        (void) fcntl(daemon_end, F_SETFD, FD_CLOEXEC);

        r = do_register(run, qemu_args_ram_bytes(args), ram_fd, daemon_end, &is_preserved);
        if (r != 0)
                return r;
        r = qemu_args_compose(args, ram_fd, qemu_end, is_preserved, &argv);
        if (r < 0) {
                fprintf(stderr, "liveupdate-run: %s\n", strerror(-r));
                return RUN_FAILED;
        }

        execvp(argv[0], argv);
        fprintf(stderr, "liveupdate-run: Cannot execute %s: %s\n", argv[0], strerror(errno));
        return RUN_FAILED;
}

int main(int argc, char **argv) {
        _cleanup_(qemu_args_freep) QemuArgs *args = NULL;
        _cleanup_free_ char *problem = NULL;
        Run run = { .socket = "/run/liveupdate/io.liveupdate" };
        int r;

        r = parse_options(argc, argv, &run);
        if (r != 0)
                return r < 0 ? 0 : r;

        r = qemu_args_parse(run.argv, &args, &problem);
        if (r < 0) {
                fprintf(stderr, "liveupdate-run: %s\n", problem ?: strerror(-r));
                return RUN_USAGE;
        }
        return become_qemu(&run, args);
}
