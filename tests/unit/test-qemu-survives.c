/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The recipe as a whole, without a kexec: a QEMU started by the composed command line is paused and saved,
 * another one takes its memory and state and goes on. */

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "basic/io.h"
#include "basic/json.h"
#include "client/qemu-args.h"
#include "qemu-process.h"
#include "unit.h"
#include "workload/qmp.h"

#define RAM_BYTES (64UL << 20)
#define MARK_OFFSET (32L << 20)
#define TIMEOUT_USEC (40U * 1000 * 1000)
#define CAPABILITIES \
        "{\"capabilities\":[{\"capability\":\"x-ignore-shared\",\"state\":true}," \
        "{\"capability\":\"events\",\"state\":true}]}"

typedef struct Vm {
        sd_event *event;
        Qmp *qmp;
        pid_t pid;
        unsigned n_replies;
        bool is_migrated, is_closed;
        char answer[4096];
} Vm;

static void on_reply(Qmp *qmp, int error, const char *message, json_object *value, void *userdata) {
        Vm *vm = userdata;

        ck_assert_msg(error == 0, "%s", message);
        vm->n_replies++;
        snprintf(vm->answer, sizeof(vm->answer), "%s",
                        json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN));
}

static void on_event(Qmp *qmp, const char *event, json_object *data, void *userdata) {
        Vm *vm = userdata;
        const char *status;

        if (strcmp(event, "MIGRATION") != 0)
                return;
        ck_assert_int_eq(json_get_string(data, "status", &status), 0);
        ck_assert_str_ne(status, "failed");
        vm->is_migrated = strcmp(status, "completed") == 0;
}

static void on_closed(Qmp *qmp, int error, void *userdata) {
        Vm *vm = userdata;

        vm->is_closed = true;
}

static void vm_start(Vm *vm, const char *qemu, int ram_fd, bool incoming) {
        const char *const words[] = { qemu, "-M", "q35", "-m", "64", "-nodefaults", "-display", "none",
                "-accel", "tcg", NULL };
        _cleanup_(qemu_args_freep) QemuArgs *args = NULL;
        _cleanup_(qemu_argv_freep) char **argv = NULL;
        _cleanup_free_ char *problem = NULL;
        int fds[2];

        ck_assert_int_eq(qemu_args_parse((char *const *) words, &args, &problem), 0);
        ck_assert_uint_eq(qemu_args_ram_bytes(args), RAM_BYTES);
        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
        ck_assert_int_eq(qemu_args_compose(args, ram_fd, fds[1], incoming, &argv), 0);
        vm->pid = qemu_spawn(argv, (int[]){ ram_fd, fds[1] }, 2);
        ck_assert_int_gt(vm->pid, 0);
        fd_close(fds[1]);
        ck_assert_int_ge(sd_event_new(&vm->event), 0);
        ck_assert_int_eq(qmp_new(vm->event, fds[0], on_event, on_closed, vm, &vm->qmp), 0);
}

static void vm_run_until(Vm *vm, const bool *what) {
        while (!*what)
                ck_assert_int_ge(sd_event_run(vm->event, UINT64_MAX), 0);
}

static void vm_end(Vm *vm) {
        ck_assert_int_eq(qmp_execute(vm->qmp, "quit", NULL, -EBADF, TIMEOUT_USEC, NULL, NULL), 0);
        vm_run_until(vm, &vm->is_closed);
        ck_assert_int_eq(waitpid(vm->pid, NULL, 0), vm->pid);
        qmp_free(vm->qmp);
        sd_event_unref(vm->event);
}

static const char *vm_ask(Vm *vm, const char *command, const char *arguments, int fd) {
        unsigned n = vm->n_replies;
        json_object *o = NULL;

        if (arguments)
                ck_assert_int_eq(json_parse_object(arguments, strlen(arguments), &o), 0);
        ck_assert_int_eq(qmp_execute(vm->qmp, command, o, fd, TIMEOUT_USEC, on_reply, vm), 0);
        while (vm->n_replies == n)
                ck_assert_int_ge(sd_event_run(vm->event, UINT64_MAX), 0);
        return vm->answer;
}

/* QEMU says "completed" a moment before it lets the VM be resumed. */
static void vm_ask_until(Vm *vm, const char *status) {
        while (!strstr(vm_ask(vm, "query-status", NULL, -EBADF), status))
                usleep(1000);
}

/* fd: until 8.2; then file:, which asks for a fd of exactly the access mode it will use. */
static void vm_migrate(Vm *vm, const char *command, int state_fd, int access_mode) {
        char path[64];
        _cleanup_fd_ int fd = -EBADF;

        vm_ask(vm, "migrate-set-capabilities", CAPABILITIES, -EBADF);
        if (qmp_version(vm->qmp) < (8 << 16 | 2 << 8)) {
                ck_assert_int_eq((int) lseek(state_fd, 0, SEEK_SET), 0);
                vm_ask(vm, "getfd", "{\"fdname\":\"state\"}", state_fd);
                vm_ask(vm, command, "{\"uri\":\"fd:state\"}", -EBADF);
        } else {
                snprintf(path, sizeof(path), "/proc/self/fd/%i", state_fd);
                fd = open(path, access_mode | O_CLOEXEC);
                ck_assert_int_ge(fd, 0);
                vm_ask(vm, "add-fd", "{\"fdset-id\":1}", fd);
                vm_ask(vm, command, "{\"uri\":\"file:/dev/fdset/1\"}", -EBADF);
        }
        vm_run_until(vm, &vm->is_migrated);
}

START_TEST(a_guest_survives_its_process) {
        static const char mark[] = "the guest's own";
        const char *qemu = qemu_find();
        _cleanup_fd_ int ram_fd = -EBADF, state_fd = -EBADF;
        char found[sizeof(mark)] = "";
        Vm old = {}, new = {};

        if (!qemu)
                return;
        ck_assert_int_eq(memfd_new_with("ram", NULL, RAM_BYTES, &ram_fd), 0);
        ck_assert_int_eq(memfd_new_with("state", NULL, 0, &state_fd), 0);

        vm_start(&old, qemu, ram_fd, false);
        ck_assert_ptr_nonnull(strstr(vm_ask(&old, "query-status", NULL, -EBADF), "\"running\":true"));
        ck_assert_ptr_nonnull(
                        strstr(vm_ask(&old, "query-memdev", NULL, -EBADF), "\"id\":\"liveupdate-ram\""));
        ck_assert_ptr_nonnull(strstr(vm_ask(&old, "query-memory-size-summary", NULL, -EBADF),
                        "\"base-memory\":67108864"));
        ck_assert_ptr_nonnull(strstr(
                        vm_ask(&old, "qom-get", "{\"path\":\"/machine\",\"property\":\"type\"}", -EBADF),
                        "q35"));
        vm_ask(&old, "stop", NULL, -EBADF);
        ck_assert_int_eq((int) pwrite(ram_fd, mark, sizeof(mark), MARK_OFFSET), (int) sizeof(mark));
        vm_migrate(&old, "migrate", state_fd, O_WRONLY);
        vm_ask_until(&old, "postmigrate");

        /* Where the commit is rolled back, it can go on. */
        vm_ask(&old, "cont", NULL, -EBADF);
        ck_assert_ptr_nonnull(strstr(vm_ask(&old, "query-status", NULL, -EBADF), "\"running\":true"));
        vm_ask(&old, "stop", NULL, -EBADF);
        vm_end(&old);

        /* The memory is not part of the state. */
        ck_assert_int_lt((int) lseek(state_fd, 0, SEEK_END), 4 << 20);
        ck_assert_int_gt((int) lseek(state_fd, 0, SEEK_END), 10000);

        vm_start(&new, qemu, ram_fd, true);
        vm_migrate(&new, "migrate-incoming", state_fd, O_RDONLY);
        vm_ask_until(&new, "\"paused\"");
        ck_assert_int_eq((int) pread(ram_fd, found, sizeof(found), MARK_OFFSET), (int) sizeof(found));
        ck_assert_str_eq(found, mark);
        vm_ask(&new, "cont", NULL, -EBADF);
        ck_assert_ptr_nonnull(strstr(vm_ask(&new, "query-status", NULL, -EBADF), "\"running\":true"));
        vm_end(&new);
}
END_TEST

UNIT_MAIN("qemu-survives", a_guest_survives_its_process)
