/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>

#include "image-build.h"
#include "image/image.h"
#include "unit.h"

static int open_blob(const Blob *blob, Image **ret) {
        _cleanup_free_ char *detail = NULL;
        _cleanup_fd_ int fd = blob_fd(blob);
        int r = image_open(fd, ret, &detail);

        ck_assert(r <= 0 || detail || r == IMAGE_E_EMPTY);
        return r;
}

static void assert_content(int fd, const uint8_t *data, size_t size) {
        uint8_t found[BLOB_BZIMAGE_BYTES + 1];

        ck_assert_int_eq(lseek(fd, 0, SEEK_CUR), 0);
        ck_assert_int_eq(pread(fd, found, sizeof(found), 0), (ssize_t) size);
        ck_assert_mem_eq(found, data, size);
        ck_assert_int_eq(fcntl(fd, F_GET_SEALS) & (F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL),
                        F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
}

START_TEST(takes_bzimage) {
        _cleanup_(image_freep) Image *image = NULL;
        static Blob blob;

        blob_bzimage(&blob);
        ck_assert_int_eq(open_blob(&blob, &image), 0);
        ck_assert_int_eq(image->kind, IMAGE_BZIMAGE);
        ck_assert_str_eq(image->release, "7.3.4-test");
        ck_assert_ptr_null(image->cmdline);
        ck_assert_int_eq(image->initrd_fd, -EBADF);
        ck_assert_uint_eq(image->kernel_bytes, blob.size);
        assert_content(image->kernel_fd, blob.data, blob.size);
}
END_TEST

START_TEST(takes_bzimage_with_efi_stub) {
        _cleanup_(image_freep) Image *image = NULL;
        static Blob blob;

        blob_bzimage(&blob);
        blob_pe_headers(&blob, 1);
        memcpy(blob.data + BLOB_SECTION(0), ".text", 5);
        ck_assert_int_eq(open_blob(&blob, &image), 0);
        ck_assert_int_eq(image->kind, IMAGE_BZIMAGE);

        image = image_free(image);
        blob.size--;
        ck_assert_int_eq(open_blob(&blob, &image), IMAGE_E_TRUNCATED);
}
END_TEST

START_TEST(takes_odd_but_whole_bzimage) {
        static const struct {
                size_t at;
                uint64_t value;
                const char *release;
        } odd[] = {
                { 0x1f1, 0,      "7.3.4-test" }, /* means 4 */
                { 0x20e, 0,      NULL         }, /* no version */
                { 0x20e, 0xffff, NULL         }, /* one outside of the setup code */
                { 0x600, 0x01,   NULL         }, /* not text */
        };
        static Blob blob;

        for (size_t i = 0; i < ELEMENTSOF(odd); i++) {
                _cleanup_(image_freep) Image *image = NULL;

                blob_bzimage(&blob);
                blob_put(&blob, odd[i].at, odd[i].value, odd[i].at == 0x20e ? 2 : 1);
                ck_assert_int_eq(open_blob(&blob, &image), 0);
                ck_assert(odd[i].release ? strcmp(image->release, odd[i].release) == 0 : !image->release);
        }
}
END_TEST

START_TEST(takes_uki) {
        _cleanup_(image_freep) Image *image = NULL;
        static Blob blob;

        blob_uki(&blob);
        ck_assert_int_eq(open_blob(&blob, &image), 0);
        ck_assert_int_eq(image->kind, IMAGE_UKI);
        ck_assert_str_eq(image->release, "7.3.4-test");
        ck_assert_str_eq(image->os_release, "Test \"OS\" 1");
        ck_assert_str_eq(image->cmdline, "root=/dev/vda quiet");
        ck_assert_uint_eq(image->initrd_bytes, 1500);
        assert_content(image->kernel_fd, blob.data + BLOB_UKI_LINUX, BLOB_BZIMAGE_BYTES);
        assert_content(image->initrd_fd, blob.data + 0xa00, 1500);
}
END_TEST

START_TEST(takes_base_profile_and_uname) {
        _cleanup_(image_freep) Image *image = NULL;
        static Blob kernel, blob;

        blob_bzimage(&kernel);
        blob_put(&kernel, 0x20e, 0, 2);
        blob_pe(&blob,
                        (const BlobSection[]) {
                                        { ".linux", kernel.data, kernel.size },
                                        { ".uname", "6.1.0-x\n", 8 },
                                        { ".profile", "ID=a", 4 },
                                        { ".cmdline", "one", 3 },
                                        { ".profile", "ID=b", 4 },
                                        { ".cmdline", "two", 3 },
                        },
                        6);
        ck_assert_int_eq(open_blob(&blob, &image), 0);
        ck_assert_ptr_null(image->cmdline);
        ck_assert_ptr_null(image->os_release);
        ck_assert_str_eq(image->release, "6.1.0-x");
        ck_assert_int_eq(image->initrd_fd, -EBADF);
}
END_TEST

START_TEST(staged_image_is_independent_of_file) {
        _cleanup_(image_freep) Image *image = NULL;
        _cleanup_free_ char *detail = NULL;
        _cleanup_fd_ int fd = -EBADF;
        static Blob blob;

        blob_bzimage(&blob);
        fd = blob_fd(&blob);
        ck_assert_int_eq(lseek(fd, 77, SEEK_SET), 77);
        ck_assert_int_eq(image_open(fd, &image, &detail), 0);
        ck_assert_int_eq(lseek(fd, 0, SEEK_CUR), 77);
        ck_assert_int_eq(ftruncate(fd, 10), 0);
        assert_content(image->kernel_fd, blob.data, blob.size);
        ck_assert_int_eq(pwrite(image->kernel_fd, "x", 1, 0), -1);
        ck_assert_int_eq(errno, EPERM);
}
END_TEST

START_TEST(refuses_what_is_no_file) {
        static const struct {
                const char *path;
                int flags, error;
        } others[] = {
                { "/",         O_RDONLY | O_DIRECTORY, IMAGE_E_NOT_REGULAR },
                { "/dev/zero", O_RDONLY,               IMAGE_E_NOT_REGULAR },
                { "/dev/null", O_RDONLY,               IMAGE_E_NOT_REGULAR },
        };
        _cleanup_free_ char *detail = NULL;
        Image *image = NULL;
        int pipe_fds[2];

        for (size_t i = 0; i < ELEMENTSOF(others); i++) {
                _cleanup_fd_ int fd = open(others[i].path, others[i].flags | O_CLOEXEC);

                ck_assert_int_ge(fd, 0);
                ck_assert_int_eq(image_open(fd, &image, &detail), others[i].error);
        }
        ck_assert_int_eq(pipe(pipe_fds), 0);
        ck_assert_int_eq(image_open(pipe_fds[0], &image, &detail), IMAGE_E_NOT_REGULAR);
        ck_assert_int_eq(image_open(-EBADF, &image, &detail), -EBADF);
        ck_assert_ptr_null(image);
}
END_TEST

START_TEST(refuses_size_and_mode) {
        char path[] = "/tmp/test-image-XXXXXX";
        _cleanup_fd_ int large = memfd_create("large", MFD_CLOEXEC), write_only = -EBADF;
        _cleanup_free_ char *detail = NULL;
        Image *image = NULL;

        ck_assert_int_eq(ftruncate(large, (off_t) IMAGE_BYTES_MAX + 1), 0);
        ck_assert_int_eq(image_open(large, &image, &detail), IMAGE_E_TOO_LARGE);

        write_only = mkstemp(path);
        ck_assert_int_eq(ftruncate(write_only, 4096), 0);
        fd_close(write_only);
        write_only = open(path, O_WRONLY | O_CLOEXEC);
        unlink(path);
        ck_assert_int_eq(image_open(write_only, &image, &detail), -EBADF);
}
END_TEST

START_TEST(takes_real_kernel) {
        const char *path = getenv("LIVEUPDATE_TEST_BZIMAGE");
        _cleanup_(image_freep) Image *image = NULL;
        _cleanup_free_ char *detail = NULL;
        _cleanup_fd_ int fd = -EBADF;

        if (!path)
                return;
        fd = open(path, O_RDONLY | O_CLOEXEC);
        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(image_open(fd, &image, &detail), 0);
        ck_assert_ptr_nonnull(image->release);
}
END_TEST

START_TEST(every_error_has_its_words) {
        for (int e = IMAGE_E_NOT_REGULAR; e <= IMAGE_E_PARSER_DIED; e++) {
                ck_assert_str_ne(image_error_to_string((ImageError) e), "unknown");
                ck_assert_str_ne(image_error_remedy((ImageError) e), image_error_remedy((ImageError) 0));
        }
        ck_assert_str_eq(image_error_to_string((ImageError) 99), "unknown");
        ck_assert_str_eq(image_kind_to_string(IMAGE_UKI), "uki");
}
END_TEST

UNIT_MAIN("image", takes_bzimage, takes_bzimage_with_efi_stub, takes_odd_but_whole_bzimage, takes_uki,
          takes_base_profile_and_uname, staged_image_is_independent_of_file, refuses_what_is_no_file,
          refuses_size_and_mode, takes_real_kernel, every_error_has_its_words)
