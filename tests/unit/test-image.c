/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>

#include "image-damage.h"

static void assert_range(const Image *image, ImageSection section, uint64_t offset, uint64_t bytes) {
        ck_assert_uint_eq(image->sections[section].offset, offset);
        ck_assert_uint_eq(image->sections[section].bytes, bytes);
}

START_TEST(takes_bzimage) {
        _cleanup_(image_freep) Image *image = NULL;
        static Blob blob;

        blob_bzimage(&blob);
        ck_assert_int_eq(look_blob(&blob, NULL, &image), 0);
        ck_assert_int_eq(image->kind, IMAGE_BZIMAGE);
        ck_assert_uint_eq(image->file_bytes, blob.size);
        ck_assert_str_eq(image->release, "7.3.4-test");
        ck_assert_ptr_null(image->cmdline);
        ck_assert_uint_eq(image->n_profiles, 0);
        assert_range(image, IMAGE_SECTION_LINUX, 0, blob.size);
        assert_range(image, IMAGE_SECTION_INITRD, 0, 0);
        ck_assert_uint_eq(image->boot.setup_bytes, 5 * 512);
        ck_assert_uint_eq(image->boot.init_bytes, 0x100000);
        ck_assert_uint_eq(image->boot.alignment, 0x200000);
        ck_assert_uint_eq(image->boot.preferred_address, 0x1000000);
        ck_assert_uint_eq(image->boot.command_line_bytes, 2047);
        ck_assert_uint_eq(image->boot.payload.offset, 5 * 512 + 0x100);
        ck_assert_uint_eq(image->boot.payload.bytes, 0x300);
        ck_assert_uint_eq(image->signing.checksum_offset, 0);
        ck_assert_uint_eq(image->signing.certificates.bytes, 0);
}
END_TEST

START_TEST(takes_bzimage_with_efi_stub) {
        _cleanup_(image_freep) Image *image = NULL;
        static Blob blob;

        blob_pe_bzimage(&blob);
        ck_assert_int_eq(look_blob(&blob, NULL, &image), 0);
        ck_assert_int_eq(image->kind, IMAGE_BZIMAGE);
        ck_assert_uint_eq(image->signing.checksum_offset, BLOB_CHECKSUM);
        ck_assert_uint_eq(image->signing.directory_offset, BLOB_CERTIFICATES);
        ck_assert_uint_eq(image->signing.certificates.bytes, 0);

        image = image_free(image);
        blob.size--;
        ck_assert_int_eq(look_blob(&blob, NULL, &image), IMAGE_E_TRUNCATED);
        blob_pe_bzimage(&blob);
        blob_put(&blob, BLOB_PE_HEADER + 4, 0x14c, 2);
        ck_assert_int_eq(look_blob(&blob, NULL, &image), IMAGE_E_WRONG_MACHINE);
}
END_TEST

START_TEST(finds_sbat_of_bzimage) {
        _cleanup_(image_freep) Image *image = NULL;
        static Blob blob;

        blob_pe_bzimage(&blob);
        memcpy(blob.data + BLOB_SECTION(0), ".sbat", 6);
        memset(blob.data + 5 * 512, 'x', 1024);
        ck_assert_int_eq(look_blob(&blob, NULL, &image), 0);
        ck_assert_uint_eq(strlen(image->sbat), 1024);
        assert_range(image, IMAGE_SECTION_SBAT, 5 * 512, 1024);

        image = image_free(image);
        blob.data[5 * 512] = 0xff;
        ck_assert_int_eq(look_blob(&blob, NULL, &image), IMAGE_E_SBAT);
        blob_put(&blob, BLOB_SECTION(0) + 16, 1025, 4);
        ck_assert_int_eq(look_blob(&blob, NULL, &image), IMAGE_E_SECTION_RANGE);
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
                ck_assert_int_eq(look_blob(&blob, NULL, &image), 0);
                ck_assert(odd[i].release ? strcmp(image->release, odd[i].release) == 0 : !image->release);
        }
}
END_TEST

START_TEST(takes_uki) {
        _cleanup_(image_freep) Image *image = NULL;
        static Blob blob;

        blob_uki(&blob);
        ck_assert_int_eq(look_blob(&blob, NULL, &image), 0);
        ck_assert_int_eq(image->kind, IMAGE_UKI);
        ck_assert_str_eq(image->release, "7.3.4-test");
        ck_assert_str_eq(image->uname, "7.3.4-other");
        ck_assert_str_eq(image->os_release, "Test \"OS\" 1");
        ck_assert_str_eq(image->cmdline, "root=/dev/vda quiet");
        ck_assert_ptr_null(image->sbat);
        assert_range(image, IMAGE_SECTION_INITRD, 0xa00, 1500);
        assert_range(image, IMAGE_SECTION_LINUX, BLOB_UKI_LINUX, BLOB_BZIMAGE_BYTES);
        ck_assert_uint_eq(image->boot.payload.offset, 5 * 512 + 0x100);
        ck_assert_uint_eq(image->signing.directory_offset, BLOB_CERTIFICATES);
}
END_TEST

/* Every section there is; those that may repeat do. */
START_TEST(takes_all_sections) {
        _cleanup_(image_freep) Image *image = NULL;
        ImageSection left_out[_IMAGE_SECTION_MAX];
        static Blob kernel, blob;
        const BlobSection sections[] = {
                { ".text", "x", 1 },         { ".osrel", "ID=x\n", 5 },  { ".cmdline", "quiet", 5 },
                { ".initrd", "i", 1 },       { ".ucode", "u", 1 },       { ".splash", "s", 1 },
                { ".dtb", "d1", 2 },         { ".dtb", "d", 1 },         { ".uname", "6.1", 3 },
                { ".sbat", "sbat,1\n\0", 8 }, { ".pcrsig", "{}", 2 },    { ".pcrpkey", "k", 1 },
                { ".dtbauto", "a1", 2 },     { ".dtbauto", "a", 1 },     { ".hwids", "h1", 2 },
                { ".hwids", "h", 1 },        { ".efifw", "e1", 2 },      { ".efifw", "e", 1 },
                { ".linux", kernel.data, BLOB_BZIMAGE_BYTES },
        };

        blob_bzimage(&kernel);
        blob_pe(&blob, sections, ELEMENTSOF(sections));
        ck_assert_int_eq(look_blob(&blob, NULL, &image), 0);
        for (size_t i = 0; i < _IMAGE_SECTION_MAX; i++)
                ck_assert_msg((image->sections[i].bytes > 0) == (i != IMAGE_SECTION_PROFILE), "%s",
                                image_section_name((ImageSection) i));
        ck_assert_uint_eq(image->sections[IMAGE_SECTION_DTBAUTO].bytes, 2);
        ck_assert_uint_eq(image->sections[IMAGE_SECTION_EFIFW].bytes, 2);
        ck_assert_str_eq(image->sbat, "sbat,1\n");

        ck_assert_uint_eq(image_left_out(image, left_out), 5);
        ck_assert_int_eq(left_out[0], IMAGE_SECTION_SPLASH);
        ck_assert_int_eq(left_out[4], IMAGE_SECTION_EFIFW);
}
END_TEST

START_TEST(fd_is_only_looked_at) {
        _cleanup_(image_freep) Image *image = NULL;
        _cleanup_free_ char *detail = NULL;
        _cleanup_fd_ int fd = -EBADF;
        static Blob blob;

        blob_bzimage(&blob);
        fd = blob_fd(&blob);
        ck_assert_int_eq(lseek(fd, 77, SEEK_SET), 77);
        ck_assert_int_eq(image_look(fd, NULL, &image, &detail), 0);
        ck_assert_int_eq(lseek(fd, 0, SEEK_CUR), 77);
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
                ck_assert_int_eq(image_look(fd, NULL, &image, &detail), others[i].error);
        }
        ck_assert_int_eq(pipe(pipe_fds), 0);
        ck_assert_int_eq(image_look(pipe_fds[0], NULL, &image, &detail), IMAGE_E_NOT_REGULAR);
        ck_assert_int_eq(image_look(-EBADF, NULL, &image, &detail), -EBADF);
        ck_assert_ptr_null(image);
}
END_TEST

START_TEST(refuses_size_and_mode) {
        char path[] = "/tmp/test-image-XXXXXX";
        _cleanup_fd_ int large = memfd_create("large", MFD_CLOEXEC), write_only = -EBADF;
        _cleanup_free_ char *detail = NULL;
        Image *image = NULL;

        ck_assert_int_eq(ftruncate(large, (off_t) IMAGE_BYTES_MAX + 1), 0);
        ck_assert_int_eq(image_look(large, NULL, &image, &detail), IMAGE_E_TOO_LARGE);

        write_only = mkstemp(path);
        ck_assert_int_eq(ftruncate(write_only, 4096), 0);
        fd_close(write_only);
        write_only = open(path, O_WRONLY | O_CLOEXEC);
        unlink(path);
        ck_assert_int_eq(image_look(write_only, NULL, &image, &detail), -EBADF);
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
        ck_assert_int_eq(image_look(fd, NULL, &image, &detail), 0);
        ck_assert_ptr_nonnull(image->release);
}
END_TEST

START_TEST(every_error_has_its_words) {
        for (int e = IMAGE_E_NOT_REGULAR; e < _IMAGE_ERROR_MAX; e++) {
                ck_assert_str_ne(image_error_to_string((ImageError) e), "unknown");
                ck_assert_str_ne(image_error_remedy((ImageError) e), image_error_remedy((ImageError) 0));
        }
        ck_assert_str_eq(image_error_to_string((ImageError) 99), "unknown");
        for (int kind = IMAGE_BZIMAGE; kind <= IMAGE_ADDON; kind++)
                ck_assert_int_eq(image_kind_from_string(image_kind_to_string((ImageKind) kind)), kind);
        ck_assert_int_eq(image_kind_from_string("unknown"), -EINVAL);
        ck_assert_str_eq(image_section_name(IMAGE_SECTION_PCRPKEY), ".pcrpkey");
}
END_TEST

UNIT_MAIN("image", takes_bzimage, takes_bzimage_with_efi_stub, finds_sbat_of_bzimage, takes_odd_but_whole_bzimage,
          takes_uki, takes_all_sections, fd_is_only_looked_at, refuses_what_is_no_file, refuses_size_and_mode,
          takes_real_kernel, every_error_has_its_words)
