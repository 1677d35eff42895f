/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Both sides of the sandbox's pipe: the parser on a hostile file, then the daemon on what the parser said. The first
 * byte of the input says what the rest is: a file, an answer of a parser that was taken over, or changes to an image
 * that is whole, which gets behind what chance would not get past. All files are taken for initrds, too. */

#include <string.h>
#include <sys/mman.h>

#include "../unit/image-build.h"
#include "image/answer.h"
#include "image/parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define PATCH_BYTES 7 /* offset, width, value */

static void blob_profiles(Blob *blob) {
        Blob kernel;

        blob_bzimage(&kernel);
        blob_pe(blob,
                        (const BlobSection[]) { { ".linux", kernel.data, kernel.size },
                                        { ".sbat", "sbat,1\n", 7 },
                                        { ".pcrsig", "{}", 2 },
                                        { ".profile", "ID=a\nTITLE=\"A a\"\n", 17 },
                                        { ".cmdline", "quiet", 5 },
                                        { ".profile", "ID=b\n", 5 },
                                        { ".dtbauto", "d", 1 } },
                        7);
}

static void blob_early_cpio(Blob *blob) {
        static const char entry[] = "070701" "00000001" "000081a4" "00000000" "00000000" "00000001" "00000000"
                        "00000004" "00000000" "00000000" "00000000" "00000000" "00000026" "00000000"
                        "kernel/x86/microcode/AuthenticAMD.bin";

        memset(blob, 0, sizeof(*blob));
        for (size_t i = 0; i < 4; i++)
                memcpy(blob->data + i * 156, entry, sizeof(entry));
        blob->size = 4 * 156;
}

static void (*const builds[])(Blob *) = { blob_bzimage, blob_pe_bzimage, blob_uki, blob_profiles, blob_zboot,
        blob_early_cpio };

static void write_extra(int fd, const Image *image) {
        _cleanup_fd_ int out = memfd_create("extra", MFD_CLOEXEC);
        uint64_t bytes = 0;

        if (image_write_extra(fd, image, out, &bytes) < 0)
                return;
        if (bytes % 4 != 0 || lseek(out, 0, SEEK_CUR) != (off_t) bytes)
                abort();
}

static void take_answer(int fd, const void *data, size_t size, uint64_t file_bytes) {
        _cleanup_(image_freep) Image *image = NULL;
        _cleanup_free_ char *detail = NULL;
        ImageSection left_out[_IMAGE_SECTION_MAX];
        ImageAnswer answer;

        if (image_answer_check(data, size, file_bytes, &answer) < 0 || answer.result != 0)
                return;
        if (image_new_from_answer(fd, file_bytes, &answer, &image, &detail) != 0)
                return;
        (void) image_left_out(image, left_out);
        write_extra(fd, image);
}

static void take_file(const uint8_t *data, size_t size, const char *profile) {
        const ImageQuestion question = { .file_bytes = size, .profile = profile };
        _cleanup_fd_ int fd = -EBADF;
        ImageAnswer answer;

        if (memfd_new_with("fuzz", data, size, &fd) < 0)
                return;
        image_parse(fd, &question, &answer);
        /* What it says itself, it has to believe. */
        if (image_answer_check(&answer, sizeof(answer), size, &answer) < 0)
                abort();
        take_answer(fd, &answer, sizeof(answer), size);
        if (initrd_begins_with_microcode(fd) < 0)
                abort();
}

static void take_patched(Blob *blob, const uint8_t *data, size_t size, const char *profile) {
        for (; size >= PATCH_BYTES; data += PATCH_BYTES, size -= PATCH_BYTES) {
                size_t at = (size_t) (data[0] | data[1] << 8), width = data[2] % 5;
                uint32_t value;

                memcpy(&value, data + 3, sizeof(value));
                if (width == 0)
                        blob->size = at;
                else if (at + width <= sizeof(blob->data))
                        blob_put(blob, at, value, width);
        }
        take_file(blob->data, blob->size, profile);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static const char *const profiles[] = { NULL, "0", "@1", "b" };
        static Blob blob;
        const char *profile;
        size_t mode;

        if (size == 0)
                return 0;
        mode = data[0] & 0xf;
        profile = profiles[data[0] >> 4 & 3];
        if (mode < ELEMENTSOF(builds)) {
                builds[mode](&blob);
                if (data[0] & 0x80 && mode != 0)
                        blob_sign(&blob);
                take_patched(&blob, data + 1, size - 1, profile);
        } else if (mode < 0xf) {
                take_file(data + 1, size - 1, profile);
        } else {
                _cleanup_fd_ int fd = -EBADF;

                blob_profiles(&blob);
                fd = blob_fd(&blob);
                take_answer(fd, data + 1, size - 1, blob.size);
        }
        return 0;
}
