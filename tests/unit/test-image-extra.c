/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The archives for the initrd: one written, one recognized. */

#include <sys/mman.h>
#include <sys/stat.h>

#include "image-damage.h"

typedef struct Entry {
        const char *name;
        unsigned mode;
        const void *data;
        size_t size;
} Entry;

static unsigned field(const uint8_t *header, size_t i) {
        char text[9] = "";

        memcpy(text, header + 6 + 8 * i, 8);
        return (unsigned) strtoul(text, NULL, 16);
}

static size_t aligned(size_t size) {
        return (size + 3) / 4 * 4;
}

/* Reads an archive back by the kernel's rules: exactly these entries, then the trailer, then nothing. */
static void assert_archive(const uint8_t *data, size_t size, const Entry *entries, size_t n) {
        size_t at = 0;

        for (size_t i = 0; i <= n; i++) {
                const Entry expected = i < n ? entries[i] : (Entry) { .name = "TRAILER!!!" };

                ck_assert_uint_ge(size - at, 110);
                ck_assert_mem_eq(data + at, "070701", 6);
                ck_assert_uint_eq(field(data + at, 0), i < n ? i + 1 : 0);
                ck_assert_uint_eq(field(data + at, 1), expected.mode);
                ck_assert_uint_eq(field(data + at, 4), 1);
                ck_assert_uint_eq(field(data + at, 5), 0);
                ck_assert_uint_eq(field(data + at, 6), expected.size);
                ck_assert_uint_eq(field(data + at, 11), strlen(expected.name) + 1);
                ck_assert_str_eq((const char *) data + at + 110, expected.name);
                at = aligned(at + 110 + strlen(expected.name) + 1);
                ck_assert_uint_le(at + expected.size, size);
                ck_assert_int_eq(memcmp(data + at, expected.data ?: "", expected.size), 0);
                at = aligned(at + expected.size);
        }
        ck_assert_uint_eq(at, size);
}

static size_t write_extra(const Blob *blob, uint8_t data[static 4096]) {
        _cleanup_fd_ int fd = blob_fd(blob), out = memfd_create("extra", MFD_CLOEXEC);
        _cleanup_(image_freep) Image *image = NULL;
        _cleanup_free_ char *detail = NULL;
        uint64_t bytes = UINT64_MAX;

        ck_assert_int_eq(image_look(fd, NULL, &image, &detail), 0);
        ck_assert_int_eq(write_full(out, "before", 6), 0);
        ck_assert_int_eq(image_write_extra(fd, image, out, &bytes), 0);
        ck_assert_int_eq(lseek(out, 0, SEEK_CUR), (off_t) bytes + 6);
        ck_assert_int_eq(pread(out, data, 4096, 6), (ssize_t) bytes);
        return bytes;
}

START_TEST(writes_what_the_stub_would) {
        static Blob kernel, blob;
        uint8_t data[4096], again[4096];
        size_t size;

        blob_bzimage(&kernel);
        blob_pe(&blob,
                        (const BlobSection[]) { { ".linux", kernel.data, kernel.size },
                                        { ".osrel", "ID=x\n", 5 },
                                        { ".pcrsig", "{\"sha256\":[]}", 13 },
                                        { ".pcrpkey", "-----BEGIN", 10 },
                                        { ".profile", "ID=one", 6 } },
                        5);
        size = write_extra(&blob, data);
        assert_archive(data, size,
                        (const Entry[]) { { ".extra", S_IFDIR | 0555, NULL, 0 },
                                        { ".extra/tpm2-pcr-signature.json", S_IFREG | 0444, "{\"sha256\":[]}", 13 },
                                        { ".extra/tpm2-pcr-public-key.pem", S_IFREG | 0444, "-----BEGIN", 10 },
                                        { ".extra/os-release", S_IFREG | 0444, "ID=x\n", 5 },
                                        { ".extra/profile", S_IFREG | 0444, "ID=one", 6 } },
                        5);
        ck_assert_uint_eq(write_extra(&blob, again), size);
        ck_assert_mem_eq(again, data, size);
}
END_TEST

START_TEST(writes_what_there_is) {
        static Blob blob;
        uint8_t data[4096];
        size_t size;

        blob_uki(&blob);
        size = write_extra(&blob, data);
        assert_archive(data, size,
                        (const Entry[]) { { ".extra", S_IFDIR | 0555, NULL, 0 },
                                        { ".extra/os-release", S_IFREG | 0444, blob.data + 0x400, 49 } },
                        2);
        blob_put(&blob, BLOB_SECTION(UKI_OSREL), 'x', 1);
        ck_assert_uint_eq(write_extra(&blob, data), 0);
        blob_pe_bzimage(&blob);
        ck_assert_uint_eq(write_extra(&blob, data), 0);
}
END_TEST

START_TEST(bounds_what_it_writes) {
        _cleanup_fd_ int fd = memfd_create("image", MFD_CLOEXEC), out = memfd_create("extra", MFD_CLOEXEC);
        Image image = { .kind = IMAGE_UKI, .sections = { [IMAGE_SECTION_OSREL] = { 0, (1 << 20) + 1 } } };
        uint64_t bytes = 0;

        ck_assert_int_eq(ftruncate(fd, 2 << 20), 0);
        ck_assert_int_eq(image_write_extra(fd, &image, out, &bytes), -EFBIG);
        ck_assert_int_eq(lseek(out, 0, SEEK_END), 0);
        image.sections[IMAGE_SECTION_OSREL].bytes--;
        ck_assert_int_eq(image_write_extra(fd, &image, out, &bytes), 0);
        ck_assert_uint_gt(bytes, 1 << 20);
        ck_assert_int_eq(ftruncate(fd, 100), 0);
        ck_assert_int_lt(image_write_extra(fd, &image, out, &bytes), 0);
}
END_TEST

static void add(Blob *blob, const char *magic, unsigned mode, const char *name, size_t size) {
        const size_t fields[] = { 1, mode, 0, 0, 1, 0, size, 0, 0, 0, 0, strlen(name) + 1, 0 };

        blob->size += (size_t) sprintf((char *) blob->data + blob->size, "%s", magic);
        for (size_t i = 0; i < ELEMENTSOF(fields); i++)
                blob->size += (size_t) sprintf((char *) blob->data + blob->size, i % 2 ? "%08zX" : "%08zx", fields[i]);
        memcpy(blob->data + blob->size, name, strlen(name) + 1);
        blob->size = aligned(blob->size + strlen(name) + 1);
        memset(blob->data + blob->size, 0xcc, size);
        blob->size = aligned(blob->size + size);
}

#define MICROCODE "kernel/x86/microcode/GenuineIntel.bin"

static int is_microcode(const Blob *blob) {
        _cleanup_fd_ int fd = blob_fd(blob);
        int r;

        ck_assert_int_eq(lseek(fd, 3, SEEK_SET), 3);
        r = initrd_begins_with_microcode(fd);
        ck_assert_int_eq(lseek(fd, 0, SEEK_CUR), 3);
        return r;
}

/* As dracut and mkinitramfs make them. */
static void blob_early(Blob *blob, const char *magic) {
        memset(blob, 0, sizeof(*blob));
        add(blob, magic, S_IFDIR | 0755, ".", 0);
        add(blob, magic, S_IFREG | 0644, "early_cpio", 2);
        add(blob, magic, S_IFDIR | 0755, "kernel", 0);
        add(blob, magic, S_IFDIR | 0755, "kernel/x86", 0);
        add(blob, magic, S_IFDIR | 0755, "kernel/x86/microcode", 0);
}

START_TEST(finds_microcode) {
        static Blob blob;

        blob_early(&blob, "070701");
        ck_assert_int_eq(is_microcode(&blob), 0);
        add(&blob, "070701", S_IFREG | 0644, MICROCODE, 1001);
        ck_assert_int_eq(is_microcode(&blob), 1);
        corpus_write("whole-early-cpio", &blob);

        blob_early(&blob, "070702");
        add(&blob, "070702", S_IFREG | 0644, "kernel/x86/microcode/AuthenticAMD.bin", 7);
        ck_assert_int_eq(is_microcode(&blob), 1);

        /* behind another archive, such as one of ACPI tables */
        blob_early(&blob, "070701");
        add(&blob, "070701", 0, "TRAILER!!!", 0);
        blob.size += 2048;
        add(&blob, "070701", S_IFREG | 0644, MICROCODE, 1);
        ck_assert_int_eq(is_microcode(&blob), 1);
}
END_TEST

START_TEST(finds_no_microcode) {
        static const struct {
                size_t at;
                uint8_t value;
        } damages[] = { { 0, 0x1f }, { 5, '3' }, { 20, 'g' }, { 54, 'f' }, { 94, 'f' } };
        static Blob blob;

        memset(&blob, 0, sizeof(blob));
        ck_assert_int_eq(is_microcode(&blob), 0);
        blob.size = sizeof(blob.data);
        ck_assert_int_eq(is_microcode(&blob), 0);

        for (size_t i = 0; i < ELEMENTSOF(damages); i++) {
                memset(&blob, 0, sizeof(blob));
                add(&blob, "070701", S_IFREG | 0644, MICROCODE, 16);
                blob.data[damages[i].at] = damages[i].value;
                ck_assert_msg(is_microcode(&blob) == 0, "%zu", damages[i].at);
        }

        memset(&blob, 0, sizeof(blob));
        add(&blob, "070701", S_IFDIR | 0755, MICROCODE, 0);
        add(&blob, "070701", S_IFREG | 0755, "kernel/x86/microcode", 9);
        add(&blob, "070701", S_IFREG | 0755, "usr/" MICROCODE, 9);
        ck_assert_int_eq(is_microcode(&blob), 0);
        add(&blob, "070701", S_IFREG | 0755, MICROCODE, 400);
        blob.size -= 4;
        ck_assert_int_eq(is_microcode(&blob), 0);
}
END_TEST

START_TEST(search_for_microcode_ends) {
        _cleanup_fd_ int zeros = memfd_create("zeros", MFD_CLOEXEC), directory = open("/", O_RDONLY | O_CLOEXEC);
        static Blob blob;

        ck_assert_int_eq(ftruncate(zeros, 1LL << 40), 0);
        ck_assert_int_eq(initrd_begins_with_microcode(zeros), 0);
        ck_assert_int_lt(initrd_begins_with_microcode(directory), 0);
        ck_assert_int_eq(initrd_begins_with_microcode(-EBADF), -EBADF);

        memset(&blob, 0, sizeof(blob));
        for (size_t i = 0; i < 256; i++)
                add(&blob, "070701", S_IFREG | 0644, "x", 0);
        add(&blob, "070701", S_IFREG | 0644, MICROCODE, 0);
        ck_assert_int_eq(is_microcode(&blob), 0);
}
END_TEST

UNIT_MAIN("image-extra", writes_what_the_stub_would, writes_what_there_is, bounds_what_it_writes, finds_microcode,
          finds_no_microcode, search_for_microcode_ends)
