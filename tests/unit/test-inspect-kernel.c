/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Kernels' payloads, good and bad, through the real program. */

#include "kernel-payload.h"

#define BANNER "Linux version 7.3.4-test (a@b) #1"

static int inspect_file(int fd, uint64_t bytes, KernelContents **ret, char **ret_detail) {
        _cleanup_(inspection_freep) Inspection *inspection = NULL;
        int r;

        r = inspect_kernel_start(fd, BEFORE, bytes, &inspection);
        return r < 0 ? r : inspect_kernel_wait(inspection, ret, ret_detail);
}

static int inspect(const Packed *packed, KernelContents **ret, char **ret_detail) {
        _cleanup_fd_ int fd = file_with(packed);

        return inspect_file(fd, packed->bytes, ret, ret_detail);
}

static void assert_refused(const Packed *packed, int error, const char *why) {
        _cleanup_(kernel_contents_freep) KernelContents *contents = NULL;
        _cleanup_free_ char *detail = NULL;
        int r = inspect(packed, &contents, &detail);

        ck_assert_int_eq(r, error);
        ck_assert_ptr_null(contents);
        ck_assert_ptr_nonnull(detail);
        ck_assert_msg(strstr(detail, why), "'%s' instead of '%s'", detail, why);
}

static void assert_contents(const KernelContents *contents, const char *compression) {
        ck_assert_str_eq(contents->compression, compression);
        ck_assert_str_eq(contents->banner, BANNER);
        ck_assert_uint_eq(contents->n_abi, 3);
        ck_assert_str_eq(contents->abi[0], "kho-v4");
        ck_assert_str_eq(contents->abi[1], "luo-v5");
        ck_assert_str_eq(contents->abi[2], "memfd-v2");
        ck_assert(contents->has_liveupdate);
        ck_assert(contents->has_checksum_skip);
}

/* Larger than a block of lz4. */
START_TEST(reads_all_compressions) {
        _cleanup_(vmlinux_done) Vmlinux vmlinux = vmlinux_new(9 << 20);
        size_t n_fds = count_fds();

        for (size_t i = 0; i < PACKINGS; i++) {
                _cleanup_(kernel_contents_freep) KernelContents *contents = NULL;
                _cleanup_(packed_done) Packed packed = pack(i, vmlinux.data, vmlinux.bytes, true);
                _cleanup_free_ char *detail = NULL;
                int r = inspect(&packed, &contents, &detail);

                ck_assert_msg(r == 0, "%s: %i, %s", packings[i].name, r, detail ?: "");
                assert_contents(contents, packings[i].name);
                ck_assert_ptr_null(detail);
        }
        assert_nothing_left(n_fds);
}
END_TEST

START_TEST(tells_what_is_not_there) {
        static const char nothing[64] = {};
        _cleanup_(packed_done) Packed packed = pack(0, nothing, sizeof(nothing), true);
        _cleanup_(kernel_contents_freep) KernelContents *contents = NULL;
        _cleanup_free_ char *detail = NULL;

        ck_assert_int_eq(inspect(&packed, &contents, &detail), 0);
        ck_assert_ptr_null(contents->banner);
        ck_assert_uint_eq(contents->n_abi, 0);
        ck_assert(!contents->has_liveupdate);
        ck_assert(!contents->has_checksum_skip);
}
END_TEST

/* Cut anywhere, and what is then the last word taken for the size. */
START_TEST(refuses_what_is_cut_short) {
        _cleanup_(vmlinux_done) Vmlinux vmlinux = vmlinux_new(100000);

        for (size_t i = 0; i < PACKINGS; i++) {
                _cleanup_(packed_done) Packed packed = pack(i, vmlinux.data, vmlinux.bytes, true);
                size_t whole = packed.bytes, step = whole / 10;

                if (strcmp(packings[i].name, "none") == 0)
                        continue;
                for (packed.bytes = 6; packed.bytes < whole; packed.bytes += step)
                        assert_refused(&packed, -EBADMSG, packings[i].name);
                packed.bytes = whole - 1;
                assert_refused(&packed, -EBADMSG, packings[i].name);
        }
}
END_TEST

START_TEST(refuses_what_is_damaged) {
        _cleanup_(vmlinux_done) Vmlinux vmlinux = vmlinux_new(100000);

        for (size_t i = 0; i < PACKINGS; i++) {
                _cleanup_(packed_done) Packed packed = pack(i, vmlinux.data, vmlinux.bytes, true);

                /* These have no checksum by which it could be seen. */
                if (strcmp(packings[i].name, "none") == 0 || strcmp(packings[i].name, "lz4") == 0 ||
                                strcmp(packings[i].name, "zstd") == 0 || strcmp(packings[i].name, "lzma") == 0)
                        continue;
                packed.data[packed.bytes / 2] ^= 0x55;
                assert_refused(&packed, -EBADMSG, packings[i].name);
        }
}
END_TEST

START_TEST(refuses_another_size) {
        _cleanup_(vmlinux_done) Vmlinux vmlinux = vmlinux_new(100000);

        for (size_t i = 0; i < PACKINGS; i++) {
                _cleanup_(packed_done) Packed packed = pack(i, vmlinux.data, vmlinux.bytes, true);

                if (!packings[i].has_size_behind)
                        continue;
                put_le32(packed.data + packed.bytes - 4, vmlinux.bytes - 1);
                assert_refused(&packed, -EBADMSG, "it decompresses to 100000 bytes, and should to 99999");
        }
}
END_TEST

START_TEST(refuses_what_follows) {
        _cleanup_(vmlinux_done) Vmlinux vmlinux = vmlinux_new(100000);

        for (size_t i = 0; i < PACKINGS; i++) {
                _cleanup_(packed_done) Packed packed = pack(i, vmlinux.data, vmlinux.bytes, true);
                const char *name = packings[i].name;

                if (strcmp(name, "none") == 0)
                        continue;
                memset(packed.data + packed.bytes, 0xff, 4);
                packed.bytes += 4;
                assert_refused(&packed, -EBADMSG, strcmp(name, "lz4") == 0 ? "lz4 data" : "4 bytes follow");
        }
}
END_TEST

START_TEST(refuses_what_it_does_not_know) {
        uint8_t lzo[64] = "\x89LZO", unknown[64] = "\x12\x34", nothing[] = { 0x1f, 0x8b };

        assert_refused(&(Packed) { lzo, sizeof(lzo) }, -EOPNOTSUPP, "lzo");
        assert_refused(&(Packed) { unknown, sizeof(unknown) }, -EOPNOTSUPP, "12 34");
        assert_refused(&(Packed) { nothing, 0 }, -EBADMSG, "0 bytes");
        assert_refused(&(Packed) { nothing, 2 }, -EBADMSG, "2 bytes");
}
END_TEST

START_TEST(refuses_what_lies_outside) {
        _cleanup_(packed_done) Packed packed = pack(0, TEXTS, sizeof(TEXTS), true);
        _cleanup_fd_ int fd = file_with(&packed);
        KernelContents *contents = NULL;

        for (uint64_t bytes = packed.bytes + 1; bytes < INT64_MAX; bytes *= 16) {
                _cleanup_free_ char *detail = NULL;

                ck_assert_int_eq(inspect_file(fd, bytes, &contents, &detail), -EBADMSG);
                ck_assert_ptr_nonnull(detail);
        }
        ck_assert_ptr_null(contents);
}
END_TEST

START_TEST(refuses_a_bomb) {
        _cleanup_(packed_done) Packed bomb = bomb_new((1ULL << 30) + (1 << 20));

        assert_refused(&bomb, -EFBIG, "more than 1073741824 bytes");
}
END_TEST

/* The only child of the only thread. */
static pid_t child_pid(void) {
        _cleanup_free_ char *text = NULL;
        char path[64];

        snprintf(path, sizeof(path), "/proc/self/task/%i/children", (int) gettid());
        ck_assert_int_eq(read_file_at(-1, path, 4096, &text, NULL), 0);
        return atoi(text);
}

static bool status_has(const char *status, const char *line) {
        return strstr(status, line);
}

/* While it decompresses, which takes long enough to be looked at. */
START_TEST(has_no_rights_while_it_looks) {
        _cleanup_(packed_done) Packed bomb = bomb_new(1ULL << 30);
        _cleanup_(inspection_freep) Inspection *inspection = NULL;
        _cleanup_fd_ int fd = file_with(&bomb);
        _cleanup_free_ char *status = NULL;
        char path[64];

        ck_assert_int_eq(inspect_kernel_start(fd, BEFORE, bomb.bytes, &inspection), 0);
        snprintf(path, sizeof(path), "/proc/%i/status", (int) child_pid());
        do {
                free(TAKE_PTR(status));
                ck_assert_int_eq(read_file_at(-1, path, 65536, &status, NULL), 0);
                ck_assert(!status_has(status, "State:\tZ"));
        } while (!status_has(status, "\nSeccomp:\t2\n"));
        ck_assert(status_has(status, "\nNoNewPrivs:\t1\n"));
        ck_assert(status_has(status, "\nCapEff:\t0000000000000000\n"));
        ck_assert(status_has(status, "\nCapPrm:\t0000000000000000\n"));
        ck_assert(status_has(status, "\nCapInh:\t0000000000000000\n"));
        ck_assert(status_has(status, "\nCapAmb:\t0000000000000000\n"));
}
END_TEST

START_TEST(ends_when_nobody_wants_it) {
        _cleanup_(packed_done) Packed bomb = bomb_new(1ULL << 30);
        _cleanup_fd_ int fd = file_with(&bomb);
        size_t n_fds = count_fds();
        Inspection *inspection = NULL;

        ck_assert_int_eq(inspect_kernel_start(fd, BEFORE, bomb.bytes, &inspection), 0);
        inspection_free(inspection);
        assert_nothing_left(n_fds);
}
END_TEST

static int inspect_played(const char *answer, char **ret_detail) {
        TEMPORARY_ROOT();
        _cleanup_(kernel_contents_freep) KernelContents *contents = NULL;
        _cleanup_fd_ int fd = file_of("x", 1);
        char body[1024];

        snprintf(body, sizeof(body), "printf '%%s' '%s'", answer);
        play(body);
        return inspect_file(fd, 1, &contents, ret_detail);
}

START_TEST(believes_no_senseless_answer) {
        static const char *const senseless[] = {
                "{\"job\":\"kernel\"}",
                "{\"compression\":1,\"abi\":[],\"liveupdate\":true,\"checksumSkip\":true}",
                "{\"compression\":\"gzip\",\"abi\":{},\"liveupdate\":true,\"checksumSkip\":true}",
                "{\"compression\":\"gzip\",\"abi\":[1],\"liveupdate\":true,\"checksumSkip\":true}",
                "{\"compression\":\"gzip\",\"abi\":[\"\"],\"liveupdate\":true,\"checksumSkip\":true}",
                "{\"compression\":\"gzip\",\"abi\":[\"a\\nb\"],\"liveupdate\":true,\"checksumSkip\":true}",
                "{\"compression\":\"gzip\",\"abi\":[\"a\\u0000b\"],\"liveupdate\":true,\"checksumSkip\":true}",
                "{\"compression\":\"gzip\",\"abi\":[\"012345678901234567890123456789012345678901234567\"],"
                "\"liveupdate\":true,\"checksumSkip\":true}",
                "{\"compression\":\"gzip\",\"banner\":\"\\u001b[31m\",\"abi\":[],"
                "\"liveupdate\":true,\"checksumSkip\":true}",
                "{\"compression\":\"gzip\",\"abi\":[],\"liveupdate\":1,\"checksumSkip\":true}",
                "{\"compression\":\"gzip\",\"abi\":[],\"liveupdate\":true}",
        };

        for (size_t i = 0; i < ELEMENTSOF(senseless); i++) {
                char *detail = NULL;
                int r = inspect_played(senseless[i], &detail);

                ck_assert_msg(r == -EPROTO, "%s: %i", senseless[i], r);
                ck_assert_ptr_null(detail);
        }
}
END_TEST

START_TEST(passes_on_a_reason) {
        _cleanup_free_ char *detail = NULL, *no_detail = NULL;

        ck_assert_int_eq(inspect_played("{\"error\":74,\"detail\":\"it hurts\"}", &detail), -EBADMSG);
        ck_assert_str_eq(detail, "it hurts");
        ck_assert_int_eq(inspect_played("{\"error\":74,\"detail\":\"\\u001b[31m\"}", &no_detail), -EBADMSG);
        ck_assert_ptr_null(no_detail);
}
END_TEST

UNIT_MAIN("inspect-kernel", reads_all_compressions, tells_what_is_not_there, refuses_what_is_cut_short,
          refuses_what_is_damaged, refuses_another_size, refuses_what_follows, refuses_what_it_does_not_know,
          refuses_what_lies_outside, refuses_a_bomb, has_no_rights_while_it_looks, ends_when_nobody_wants_it,
          believes_no_senseless_answer, passes_on_a_reason)
