/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "client/qemu-args.h"
#include "unit.h"

#define MIB (1ULL << 20)
#define WORDS(...) \
        { "qemu-system-x86_64", __VA_ARGS__, NULL }

typedef struct Case {
        const char *argv[8];
        uint64_t ram_bytes;
        const char *names; /* what the problem must name; NULL where there is none */
} Case;

static void check_case(const Case *c) {
        _cleanup_(qemu_args_freep) QemuArgs *args = NULL;
        _cleanup_free_ char *problem = NULL;
        int r = qemu_args_parse((char *const *) c->argv, &args, &problem);

        if (!c->names) {
                ck_assert_msg(r == 0, "%s %s: %s", c->argv[1], c->argv[2], problem);
                ck_assert_ptr_null(problem);
                ck_assert_msg(qemu_args_ram_bytes(args) == c->ram_bytes, "%s %s", c->argv[1], c->argv[2]);
                return;
        }
        ck_assert_msg(r == -EOPNOTSUPP || r == -EINVAL, "%s %s was let through", c->argv[1], c->argv[2]);
        ck_assert_ptr_null(args);
        ck_assert_ptr_nonnull(problem);
        ck_assert_msg(strstr(problem, c->names) == problem, "'%s' instead of '%s'", problem, c->names);
        ck_assert_ptr_nonnull(strchr(problem, ';')); /* why; what to do */
}

static const Case sizes[] = {
        { { "qemu-system-x86_64", NULL }, 128 * MIB },
        { WORDS("-m", "512"), 512 * MIB },
        { WORDS("--m", "512M"), 512 * MIB },
        { WORDS("-m", "512m"), 512 * MIB },
        { WORDS("-m", "2G"), 2048 * MIB },
        { WORDS("-m", "2g"), 2048 * MIB },
        { WORDS("-m", "1T"), MIB *MIB },
        { WORDS("-m", "65536k"), 64 * MIB },
        { WORDS("-m", "1048576B"), MIB },
        { WORDS("-m", "1048577b"), MIB + 8192 },
        { WORDS("-m", "1.5G"), 1536 * MIB },
        { WORDS("-m", "0"), 128 * MIB },
        { WORDS("-m", "size=512M"), 512 * MIB },
        { WORDS("-m", "1G", "-m", "256"), 256 * MIB },
        { WORDS("-name", "-m", "-m", "64"), 64 * MIB },
        { WORDS("-append", "-m 5G", "disk.img", "-m", "64"), 64 * MIB },
        { WORDS("-m", ""), 0, "-m " },
        { WORDS("-m", "lots"), 0, "-m lots" },
        { WORDS("-m", "-5"), 0, "-m -5" },
        { WORDS("-m", "5X"), 0, "-m 5X" },
        { WORDS("-m", "5MB"), 0, "-m 5MB" },
        { WORDS("-m", "0x100"), 0, "-m 0x100" },
        { WORDS("-m", "99999999999G"), 0, "-m 99999999999G" },
        { WORDS("-m", "99999999999999999999999"), 0, "-m 9999" },
        { WORDS("-m", "512,slots=2,maxmem=1G"), 0, "-m maxmem=1G" },
        { WORDS("-m", "512,slots=2"), 0, "-m slots=2" },
        { { NULL }, 0, "no command" },
};

static const Case accepted[] = {
        { WORDS("-S", "-nodefaults", "-nographic", "-no-reboot", "-mem-prealloc"), 128 * MIB },
        { WORDS("-name", "-daemonize"), 128 * MIB },
        { WORDS("-append", "-incoming -snapshot", "-no-user-config"), 128 * MIB },
        { WORDS("-machine", "q35,accel=kvm", "-M", "smm=off"), 128 * MIB },
        { WORDS("-drive", "file=vfio-pci,,snapshot=on,if=virtio"), 128 * MIB },
        { WORDS("-drive", "file=a,snapshot=off"), 128 * MIB },
        { WORDS("-device", "virtio-net-pci,id=vfio-pci"), 128 * MIB },
        { WORDS("-device", "{\"driver\":\"virtio-blk-pci\",\"id\":\"d\"}"), 128 * MIB },
        { WORDS("-object", "rng-random,id=memory-backend-ram"), 128 * MIB },
        { WORDS("-netdev", "tap,id=n,vhost=on", "-runas", "qemu", "-chroot", "/var/empty"), 128 * MIB },
        { WORDS("-new-option", "value", "-m", "64"), 64 * MIB },
        { WORDS("-new-flag", "-m", "64", "-"), 64 * MIB },
        { WORDS("-daemonize-not", "-m", "64", "--"), 64 * MIB },
};

static const Case refused[] = {
        { WORDS("-daemonize"), 0, "-daemonize:" },
        { WORDS("--daemonize"), 0, "-daemonize:" },
        { WORDS("--preconfig"), 0, "-preconfig:" },
        { WORDS("-snapshot"), 0, "-snapshot:" },
        { WORDS("-incoming", "defer"), 0, "-incoming:" },
        { WORDS("-incoming"), 0, "-incoming:" },
        { WORDS("-loadvm", "a"), 0, "-loadvm:" },
        { WORDS("-mem-path", "/dev/hugepages"), 0, "-mem-path:" },
        { WORDS("-readconfig", "x"), 0, "-readconfig:" },
        { WORDS("-set", "drive.d.snapshot=on"), 0, "-set:" },
        { WORDS("-machine", "q35,memory-backend=ram"), 0, "-machine memory-backend=ram:" },
        { WORDS("-M", "q35,memory.size=1G"), 0, "-M memory.size=1G:" },
        { WORDS("-M", "q35,confidential-guest-support=sev0"), 0, "-M confidential-guest-support=sev0:" },
        { WORDS("-numa", "node,memdev=ram"), 0, "-numa memdev=ram:" },
        { WORDS("-object", "memory-backend-ram,id=r,size=1G"), 0, "-object memory-backend-ram:" },
        { WORDS("-object", "id=r,qom-type=memory-backend-file"), 0, "-object memory-backend-file:" },
        { WORDS("-object", "{\"qom-type\":\"memory-backend-memfd\"}"), 0, "-object memory-backend-memfd:" },
        { WORDS("-object", "{'qom-type':'memory-backend-memfd'}"), 0, "-object {" },
        { WORDS("-device", "vfio-pci,host=01:00.0"), 0, "-device vfio-pci:" },
        { WORDS("-device", "host=01:00.0,driver=vfio-pci-nohotplug"), 0, "-device vfio-pci-nohotplug:" },
        { WORDS("-device", "{\"driver\":\"vfio-pci\"}"), 0, "-device vfio-pci:" },
        { WORDS("-device", "vfio-ccw"), 0, "-device vfio-ccw:" },
        { WORDS("-device", "vhost-vdpa-device-pci"), 0, "-device vhost-vdpa-device-pci:" },
        { WORDS("-device", "vhost-user-fs-pci,chardev=c"), 0, "-device vhost-user-fs-pci:" },
        { WORDS("-device", "ivshmem-plain"), 0, "-device ivshmem-plain:" },
        { WORDS("-device", "virtio-mem-pci"), 0, "-device virtio-mem-pci:" },
        { WORDS("-device", "nvdimm"), 0, "-device nvdimm:" },
        { WORDS("-netdev", "vhost-user,id=n,chardev=c"), 0, "-netdev vhost-user:" },
        { WORDS("-nic", "type=vhost-vdpa"), 0, "-nic vhost-vdpa:" },
        { WORDS("-drive", "file=a,snapshot=on"), 0, "-drive snapshot=on:" },
        { WORDS("-drive", "file=a,snapshot"), 0, "-drive snapshot=on:" },
};

#define CHECK_TABLE(table) \
        for (size_t i = 0; i < ELEMENTSOF(table); i++) \
        check_case(table + i)

START_TEST(reads_the_size_as_qemu_does) {
        CHECK_TABLE(sizes);
}
END_TEST

START_TEST(lets_through_what_survives) {
        CHECK_TABLE(accepted);
}
END_TEST

START_TEST(refuses_what_does_not) {
        CHECK_TABLE(refused);
}
END_TEST

START_TEST(composes_a_command_line) {
        static const char *const want[] = {
                "qemu",
                "-m",
                "64",
                "-object",
                "memory-backend-file,id=liveupdate-ram,size=67108864,mem-path=/proc/self/fd/11,share=on,align=2M",
                "-machine",
                "memory-backend=liveupdate-ram",
                "-chardev",
                "socket,id=liveupdate-qmp,fd=12,server=off",
                "-mon",
                "chardev=liveupdate-qmp,mode=control",
                "-incoming",
                "defer",
        };
        const char *const words[] = { "qemu", "-m", "64", NULL };
        _cleanup_(qemu_args_freep) QemuArgs *args = NULL;
        _cleanup_free_ char *problem = NULL;

        ck_assert_int_eq(qemu_args_parse((char *const *) words, &args, &problem), 0);
        for (unsigned incoming = 0; incoming < 2; incoming++) {
                _cleanup_(qemu_argv_freep) char **argv = NULL;
                size_t n = incoming ? ELEMENTSOF(want) : ELEMENTSOF(want) - 2;

                ck_assert_int_eq(qemu_args_compose(args, 11, 12, incoming, &argv), 0);
                for (size_t i = 0; i < n; i++)
                        ck_assert_str_eq(argv[i], want[i]);
                ck_assert_ptr_null(argv[n]);
        }
}
END_TEST

UNIT_MAIN("qemu-args", reads_the_size_as_qemu_does, lets_through_what_survives, refuses_what_does_not,
                composes_a_command_line)
