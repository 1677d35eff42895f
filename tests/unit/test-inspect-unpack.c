/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The kernel in a zboot, unpacked by the real program. */

#include <fcntl.h>

#include "kernel-payload.h"

static int unpack(const Packed *packed, const char *compression, uint64_t max, int *ret_fd) {
        _cleanup_fd_ int fd = file_with(packed), out = -EBADF;
        int r;

        ck_assert_int_eq(memfd_new_with("out", NULL, 0, &out), 0);
        r = inspect_unpack(fd, BEFORE, packed->bytes, compression, out, max);
        *ret_fd = TAKE_FD(out);
        return r;
}

START_TEST(unpacks) {
        _cleanup_(vmlinux_done) Vmlinux vmlinux = vmlinux_new(3 << 20);

        for (size_t i = 0; i < PACKINGS; i++) {
                _cleanup_(packed_done) Packed packed = pack(i, vmlinux.data, vmlinux.bytes, false);
                _cleanup_free_ char *unpacked = NULL;
                _cleanup_fd_ int out = -EBADF, small = -EBADF, other = -EBADF;
                size_t bytes, skip = strcmp(packings[i].name, "none") == 0 ? 4 : 0;

                ck_assert_int_eq(unpack(&packed, packings[i].name, vmlinux.bytes, &out), 0);
                ck_assert_int_eq(read_fd(out, SIZE_MAX - 2, &unpacked, &bytes), 0);
                ck_assert_uint_eq(bytes, vmlinux.bytes);
                ck_assert_mem_eq(unpacked + skip, vmlinux.data + skip, bytes - skip);

                ck_assert_int_eq(unpack(&packed, packings[i].name, vmlinux.bytes - 1, &small), -EFBIG);
                ck_assert_int_eq(unpack(&packed, i == 0 ? "xz" : "gzip", vmlinux.bytes, &other), -EBADMSG);
        }
}
END_TEST

START_TEST(unpacks_only_what_it_should) {
        _cleanup_(packed_done) Packed packed = pack(5, TEXTS, sizeof(TEXTS), false), bomb = bomb_new(64 << 20);
        _cleanup_fd_ int unknown = -EBADF, huge = -EBADF, out = -EBADF, in = file_with(&packed), sealed = -EBADF;
        struct stat st;

        ck_assert_int_eq(unpack(&packed, "brotli", 1000, &unknown), -EOPNOTSUPP);
        ck_assert_int_eq(unpack(&packed, "zstd22", (2ULL << 30) + 1, &huge), -EINVAL);
        bomb.bytes -= 4;
        ck_assert_int_eq(unpack(&bomb, "zstd22", 1 << 20, &out), -EFBIG);
        ck_assert_int_eq(fstat(out, &st), 0);
        ck_assert_int_le(st.st_size, 1 << 20);

        ck_assert_int_eq(memfd_new_with("sealed", NULL, 0, &sealed), 0);
        ck_assert_int_eq(fcntl(sealed, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW), 0);
        ck_assert_int_eq(inspect_unpack(in, BEFORE, packed.bytes, "zstd", sealed, 1000), -EPERM);
}
END_TEST

UNIT_MAIN("inspect-unpack", unpacks, unpacks_only_what_it_should)
