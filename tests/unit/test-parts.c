/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "image-build.h"
#include "image/parts.h"
#include "unit.h"
#include "update/digests.h"

/* An image in a file, looked at. */
typedef struct Example {
        int fd;
        Image *image;
} Example;

static void example_done(Example *example) {
        fd_close(example->fd);
        image_free(example->image);
}

static Example example_new(const Blob *blob) {
        Example example = { .fd = blob_fd(blob) };
        _cleanup_free_ char *detail = NULL;
        int r = image_look(example.fd, NULL, &example.image, &detail);

        ck_assert_msg(r == 0, "image_look() answers %i: %s", r, detail ?: "");
        return example;
}

static Example uki_new(const char *initrd, const char *microcode) {
        Blob kernel, blob;

        blob_bzimage(&kernel);
        blob_pe(&blob,
                        (const BlobSection[]) {
                                        { ".cmdline", "quiet", 5 },
                                        { ".initrd", initrd, strlen(initrd) },
                                        { ".ucode", microcode, strlen(microcode) },
                                        { ".linux", kernel.data, kernel.size },
                        },
                        4);
        return example_new(&blob);
}

static Example addon_new(const char *initrd, const char *microcode) {
        Blob blob;

        blob_pe(&blob,
                        (const BlobSection[]) {
                                        { ".initrd", initrd, strlen(initrd) },
                                        { ".ucode", microcode, strlen(microcode) },
                        },
                        2);
        return example_new(&blob);
}

static int file_new(const void *data, size_t size) {
        int fd = -EBADF;

        ck_assert_int_eq(memfd_new_with("file", data, size, &fd), 0);
        return fd;
}

/* The beginning of what every distribution's microcode archive is. */
static int microcode_file_new(void) {
        static const char name[] = "kernel/x86/microcode/AuthenticAMD.bin";
        char archive[256] = "";

        snprintf(archive, sizeof(archive), "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08zx%08x", 1U, 0100644U, 0U,
                        0U, 1U, 0U, 4U, 0U, 0U, 0U, 0U, sizeof(name), 0U);
        memcpy(archive + 110, name, sizeof(name));
        memcpy(archive + 148, "code", 4);
        return file_new(archive, sizeof(archive));
}

static char *content(int fd) {
        char *data = NULL;

        ck_assert_int_eq(read_fd(fd, 1 << 20, &data, NULL), 0);
        return data;
}

START_TEST(initrds_come_in_the_order_of_the_stub) {
        _cleanup_(example_done) Example uki = uki_new("IMAGE", "UCODE"), addon = addon_new("ADDON", "AUCODE");
        _cleanup_fd_ int plain = file_new("PLAINFILE", 9), microcode = microcode_file_new();
        _cleanup_(parts_freep) Parts *parts = NULL;
        _cleanup_free_ char *data = NULL;
        size_t bad;

        ck_assert_int_eq(parts_new(&(ImageFile) { uki.fd, uki.image }, &(ImageFile) { addon.fd, addon.image }, 1,
                                         (const int[]) { plain, microcode }, 2, &parts, &bad), 0);
        data = content(parts->initrd_fd);
        ck_assert_mem_eq(data, "AUCODE\0\0UCODE\0\0\0" "070701", 22);
        ck_assert_mem_eq(data + 16 + 256, "IMAGE\0\0\0", 8);
        ck_assert_mem_eq(data + parts->initrd_bytes - 20, "ADDON\0\0\0PLAINFILE\0\0\0", 20);
        ck_assert_uint_eq(parts->initrd_bytes % 4, 0);
}
END_TEST

START_TEST(copies_do_not_change) {
        _cleanup_(example_done) Example uki = uki_new("IMAGE", "UCODE");
        const ImageFile file = { uki.fd, uki.image };
        _cleanup_(parts_freep) Parts *parts = NULL;
        char before[INSPECT_SHA256_HEX_BYTES], after[INSPECT_SHA256_HEX_BYTES];
        struct stat st;
        size_t bad;

        ck_assert_int_eq(parts_new(&file, NULL, 0, NULL, 0, &parts, &bad), 0);
        ck_assert_int_eq(fstat(parts->kernel_fd, &st), 0);
        ck_assert_int_eq(st.st_size, BLOB_BZIMAGE_BYTES);
        ck_assert_int_eq(pwrite(parts->kernel_fd, "x", 1, 0), -1);
        ck_assert_int_eq(pwrite(parts->initrd_fd, "x", 1, 0), -1);

        ck_assert_int_eq(digest_file(parts, &file, before), 0);
        for (size_t i = 0; i < parts->n_copies; i++)
                ck_assert_int_eq(pwrite(uki.fd, "???", 3, (off_t) parts->copies[i].file_offset), 3);
        ck_assert_int_eq(digest_file(parts, &file, after), 0);
        ck_assert_str_eq(before, after);

        ck_assert_int_eq(pwrite(uki.fd, "x", 1, 2), 1); /* what was not copied is the file's */
        ck_assert_int_eq(digest_file(parts, &file, after), 0);
        ck_assert_str_ne(before, after);
}
END_TEST

START_TEST(digest_is_that_of_the_file) {
        _cleanup_(example_done) Example uki = uki_new("IMAGE", "UCODE");
        const ImageFile file = { uki.fd, uki.image };
        _cleanup_(parts_freep) Parts *parts = NULL;
        char whole[INSPECT_SHA256_HEX_BYTES], of_parts[INSPECT_SHA256_HEX_BYTES], section[INSPECT_SHA256_HEX_BYTES];
        size_t bad;

        ck_assert_int_eq(parts_new(&file, NULL, 0, NULL, 0, &parts, &bad), 0);
        ck_assert_int_eq(inspect_digest(&(InspectSpan) { uki.fd, 0, uki.image->file_bytes }, 1, whole), 0);
        ck_assert_int_eq(digest_file(parts, &file, of_parts), 0);
        ck_assert_str_eq(whole, of_parts);

        /* printf quiet | sha256sum */
        ck_assert_int_eq(digest_section(parts, &file, IMAGE_SECTION_CMDLINE, section), 0);
        ck_assert_str_eq(section, "008f0747f4e27c8462baa991a538025bcc2dd143e78422f1afbdfcd9e757a20f");
}
END_TEST

START_TEST(authenticode_leaves_out_what_a_signature_changes) {
        _cleanup_(example_done) Example uki = uki_new("IMAGE", "UCODE");
        const ImageFile file = { uki.fd, uki.image };
        const ImageSigning *signing = &uki.image->signing;
        _cleanup_(parts_freep) Parts *parts = NULL;
        char before[INSPECT_SHA256_HEX_BYTES], after[INSPECT_SHA256_HEX_BYTES];
        size_t bad;

        ck_assert_int_eq(parts_new(&file, NULL, 0, NULL, 0, &parts, &bad), 0);
        ck_assert_int_eq(digest_authenticode(parts, &file, before), 0);
        ck_assert_int_eq(pwrite(uki.fd, "1234", 4, (off_t) signing->checksum_offset), 4);
        ck_assert_int_eq(pwrite(uki.fd, "12345678", 8, (off_t) signing->directory_offset), 8);
        ck_assert_int_eq(digest_authenticode(parts, &file, after), 0);
        ck_assert_str_eq(before, after);

        ck_assert_int_eq(pwrite(uki.fd, "1", 1, (off_t) signing->directory_offset + 8), 1);
        ck_assert_int_eq(digest_authenticode(parts, &file, after), 0);
        ck_assert_str_ne(before, after);
}
END_TEST

START_TEST(initrd_that_is_none) {
        _cleanup_(example_done) Example uki = uki_new("IMAGE", "UCODE");
        _cleanup_fd_ int good = file_new("GOOD", 4), empty = file_new(NULL, 0), pipe_fd = open("/dev/null", O_RDONLY);
        const ImageFile file = { uki.fd, uki.image };
        _cleanup_(parts_freep) Parts *parts = NULL;
        size_t bad = 9;

        ck_assert_int_eq(parts_new(&file, NULL, 0, (const int[]) { good, empty }, 2, &parts, &bad), 1);
        ck_assert_uint_eq(bad, 1);
        ck_assert_int_eq(parts_new(&file, NULL, 0, (const int[]) { pipe_fd, good }, 2, &parts, &bad), 1);
        ck_assert_uint_eq(bad, 0);
        ck_assert_ptr_null(parts);
}
END_TEST

START_TEST(kernel_without_initrd) {
        _cleanup_(parts_freep) Parts *parts = NULL;
        _cleanup_(example_done) Example kernel = {};
        Blob blob;
        size_t bad;

        blob_bzimage(&blob);
        kernel = example_new(&blob);
        ck_assert_int_eq(parts_new(&(ImageFile) { kernel.fd, kernel.image }, NULL, 0, NULL, 0, &parts, &bad), 0);
        ck_assert_int_lt(parts->initrd_fd, 0);
        ck_assert_uint_eq(parts->initrd_bytes, 0);
        ck_assert_uint_eq(parts->kernel_bytes, blob.size);
}
END_TEST

UNIT_MAIN("parts", initrds_come_in_the_order_of_the_stub, copies_do_not_change, digest_is_that_of_the_file,
          authenticode_leaves_out_what_a_signature_changes, initrd_that_is_none, kernel_without_initrd)
