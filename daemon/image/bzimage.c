/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The setup header of Documentation/arch/x86/boot.rst. Offsets are those of struct boot_params in
 * arch/x86/include/uapi/asm/bootparam.h. */

#include <inttypes.h>

#include "image/bzimage.h"

#define SECTOR_BYTES 512U
#define HEADER_BYTES_MIN (2 * SECTOR_BYTES) /* what bzImage64_probe() wants to see at least */
#define SETUP_SECTORS_DEFAULT 4             /* 0 means 4, "for backwards compatibility" */

#define AT_SETUP_SECTS 0x1f1
#define AT_SYSSIZE 0x1f4
#define AT_BOOT_FLAG 0x1fe
#define AT_HEADER_BYTES 0x201 /* the jump's distance, from AT_MAGIC */
#define AT_MAGIC 0x202
#define AT_VERSION 0x206
#define AT_KERNEL_VERSION 0x20e
#define AT_LOADFLAGS 0x211
#define AT_ALIGNMENT 0x230
#define AT_RELOCATABLE 0x234
#define AT_XLOADFLAGS 0x236
#define AT_CMDLINE_BYTES 0x238
#define AT_PAYLOAD 0x248
#define AT_PAYLOAD_BYTES 0x24c
#define AT_PREFERRED_ADDRESS 0x258
#define AT_INIT_BYTES 0x260
#define KEXEC_HEADER_END 0x264U /* of what bzImage64_load() and the kernel's decompressor take from it */

#define PROTOCOL_MIN 0x020c
#define LOADFLAG_LOADED_HIGH (1U << 0)
#define XLOADFLAG_KERNEL_64 (1U << 0)
#define XLOADFLAG_ABOVE_4G (1U << 1)

#define PAGE_BYTES 4096ULL
#define CMDLINE_BYTES_EXTRA 30U /* MAX_ELFCOREHDR_STR_LEN of arch/x86/kernel/kexec-bzimage64.c, kept free always */

int bzimage_probe(ImageSource *source, const ImageRange *range, bool *ret) {
        uint8_t header[AT_MAGIC + 4];
        int r;

        if (range->bytes < sizeof(header)) {
                *ret = false;
                return 0;
        }
        r = source_read(source, range->offset, header, sizeof(header), "the kernel's boot sector");
        if (r != 0)
                return r;
        *ret = get_le16(header + AT_BOOT_FLAG) == 0xaa55 && memcmp(header + AT_MAGIC, "HdrS", 4) == 0;
        return 0;
}

static int features_check(ImageSource *source, const uint8_t *header) {
        unsigned protocol = get_le16(header + AT_VERSION), xloadflags = get_le16(header + AT_XLOADFLAGS);
        const char *lack;

        if (protocol < PROTOCOL_MIN)
                return source_refuse(source, IMAGE_E_NOT_RELOCATABLE,
                                "boot protocol %u.%u is older than 2.12", protocol >> 8, protocol & 0xff);

        if (!(header[AT_LOADFLAGS] & LOADFLAG_LOADED_HIGH))
                lack = "is a zImage";
        else if (!(xloadflags & XLOADFLAG_KERNEL_64))
                lack = "has no 64-bit entry point (XLF_KERNEL_64)";
        else if (!(xloadflags & XLOADFLAG_ABOVE_4G))
                lack = "cannot be loaded above 4 GiB (XLF_CAN_BE_LOADED_ABOVE_4G)";
        else if (!header[AT_RELOCATABLE])
                lack = "is not relocatable";
        else
                return 0;
        return source_refuse(source, IMAGE_E_NOT_RELOCATABLE, "the kernel %s", lack);
}

/* Only the first word is `uname -r`; a header without a sensible one is a kernel all the same. */
static int release_read(ImageSource *source, const ImageRange *range, uint64_t setup_bytes, unsigned pointer,
                char *release) {
        uint64_t at = (uint64_t) pointer + SECTOR_BYTES;
        size_t size = IMAGE_RELEASE_BYTES_MAX + 1, length = 0;
        uint8_t text[IMAGE_RELEASE_BYTES_MAX + 1];
        int r;

        if (pointer == 0 || at >= setup_bytes)
                return 0;
        if (size > setup_bytes - at)
                size = (size_t) (setup_bytes - at);
        r = source_read(source, range->offset + at, text, size, "the kernel's version");
        if (r != 0)
                return r;

        while (length < size && text[length] > 0x20 && text[length] < 0x7f)
                length++;
        if (length == size || (text[length] != ' ' && text[length] != 0))
                return 0;
        memcpy(release, text, length);
        release[length] = 0;
        return 0;
}

static void boot_read(const uint8_t *header, ImageBoot *ret) {
        ret->setup_bytes = ((header[AT_SETUP_SECTS] ?: SETUP_SECTORS_DEFAULT) + 1ULL) * SECTOR_BYTES;
        ret->init_bytes = get_le32(header + AT_INIT_BYTES);
        ret->alignment = get_le32(header + AT_ALIGNMENT);
        ret->preferred_address = get_le64(header + AT_PREFERRED_ADDRESS);
        ret->command_line_bytes = get_le32(header + AT_CMDLINE_BYTES);
        ret->payload.offset = ret->setup_bytes + get_le32(header + AT_PAYLOAD);
        ret->payload.bytes = get_le32(header + AT_PAYLOAD_BYTES);
}

static int extent_check(ImageSource *source, uint64_t kernel_bytes, const uint8_t *header, const ImageBoot *boot) {
        uint64_t bytes = boot->setup_bytes + get_le32(header + AT_SYSSIZE) * 16ULL;

        if (bytes > kernel_bytes)
                return source_refuse(source, IMAGE_E_TRUNCATED,
                                "the kernel is 0x%" PRIx64 " bytes by its header, but 0x%" PRIx64 " are there", bytes,
                                kernel_bytes);
        if (!range_is_within(&boot->payload, bytes))
                return source_refuse(source, IMAGE_E_TRUNCATED,
                                "the compressed kernel at 0x%" PRIx64 "+0x%" PRIx64 " ends past the 0x%" PRIx64
                                " bytes there are by the header", boot->payload.offset, boot->payload.bytes, bytes);
        return 0;
}

/* bzImage64_load() copies the header by the distance of its jump, a signed char that it does not check: one below zero
 * would overrun memory of the running kernel. */
static int header_check(ImageSource *source, const uint8_t *header) {
        unsigned bytes = header[AT_HEADER_BYTES];

        if (bytes > INT8_MAX || AT_MAGIC + bytes < KEXEC_HEADER_END)
                return source_refuse(source, IMAGE_E_NOT_RELOCATABLE,
                                "the jump over the setup header goes 0x%x bytes, not 0x%x to 0x%x", bytes,
                                KEXEC_HEADER_END - AT_MAGIC, (unsigned) INT8_MAX);
        return 0;
}

static int boot_check(ImageSource *source, const ImageRange *range, const ImageBoot *boot) {
        uint64_t loaded = range->bytes - boot->setup_bytes, end;

        if (boot->alignment == 0 || (boot->alignment & (boot->alignment - 1)) != 0)
                return source_refuse(source, IMAGE_E_NOT_RELOCATABLE,
                                "an alignment (kernel_alignment) of 0x%" PRIx64 " is no power of two", boot->alignment);
        /* kernel/kexec_core.c:sanity_check_segment_list(): EINVAL */
        if ((boot->init_bytes + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES < loaded)
                return source_refuse(source, IMAGE_E_NOT_RELOCATABLE,
                                "the memory it wants (init_size), 0x%" PRIx64 " bytes, is less than its own 0x%" PRIx64,
                                boot->init_bytes, loaded);
        if (__builtin_add_overflow(boot->preferred_address, boot->init_bytes, &end))
                return source_refuse(source, IMAGE_E_NOT_RELOCATABLE,
                                "there is no memory at its address (pref_address) 0x%" PRIx64, boot->preferred_address);
        if (boot->command_line_bytes <= CMDLINE_BYTES_EXTRA)
                return source_refuse(source, IMAGE_E_NOT_RELOCATABLE,
                                "a command line (cmdline_size) of %" PRIu64 " bytes leaves no room for any",
                                boot->command_line_bytes);
        return 0;
}

int bzimage_check(ImageSource *source, const ImageRange *range, uint64_t certificate_bytes, ImageBoot *ret,
                char release[IMAGE_RELEASE_BYTES_MAX + 1]) {
        uint8_t header[HEADER_BYTES_MIN];
        bool is_bzimage = false;
        int r;

        r = bzimage_probe(source, range, &is_bzimage);
        if (r != 0)
                return r;
        if (!is_bzimage)
                return source_refuse(source, IMAGE_E_UNKNOWN_FORMAT,
                                "at 0x%" PRIx64 " there is no bzImage header", range->offset);
        if (range->bytes < sizeof(header))
                return source_refuse(source, IMAGE_E_TRUNCATED,
                                "0x%" PRIx64 " bytes are less than the kernel's header", range->bytes);
        r = source_read(source, range->offset, header, sizeof(header), "the kernel's header");
        if (r != 0)
                return r;
        r = features_check(source, header);
        if (r != 0)
                return r;
        r = header_check(source, header);
        if (r != 0)
                return r;

        boot_read(header, ret);
        r = extent_check(source, range->bytes - certificate_bytes, header, ret);
        if (r != 0)
                return r;
        r = boot_check(source, range, ret);
        if (r != 0)
                return r;
        return release_read(source, range, ret->setup_bytes, get_le16(header + AT_KERNEL_VERSION), release);
}
