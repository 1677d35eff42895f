/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Kernel images made in memory: the smallest that are whole, at offsets the tests can name. */

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "basic/io.h"

typedef struct Blob {
        uint8_t data[1 << 16];
        size_t size;
} Blob;

typedef struct BlobSection {
        const char *name;
        const void *data;
        size_t size;
} BlobSection;

#define BLOB_PE_HEADER 0x80
#define BLOB_OPTIONAL_HEADER (BLOB_PE_HEADER + 24)
#define BLOB_OPTIONAL_BYTES 240
#define BLOB_CHECKSUM (BLOB_OPTIONAL_HEADER + 64)
#define BLOB_DIRECTORIES (BLOB_OPTIONAL_HEADER + 108)    /* their number */
#define BLOB_CERTIFICATES (BLOB_OPTIONAL_HEADER + 144) /* their offset and size */
#define BLOB_SECTIONS (BLOB_OPTIONAL_HEADER + BLOB_OPTIONAL_BYTES)
#define BLOB_SECTION(i) (BLOB_SECTIONS + (i) * 40)
#define BLOB_ALIGNMENT 512
#define BLOB_BZIMAGE_BYTES (5 * 512 + 1024)

static inline void blob_put(Blob *blob, size_t at, uint64_t value, size_t width) {
        for (size_t i = 0; i < width; i++)
                blob->data[at + i] = (uint8_t) (value >> (8 * i));
}

static inline void blob_bzimage(Blob *blob) {
        static const char version[] = "7.3.4-test (me@here) #1";

        memset(blob, 0, sizeof(*blob));
        blob->size = BLOB_BZIMAGE_BYTES;
        blob_put(blob, 0x1f1, 4, 1);          /* setup_sects */
        blob_put(blob, 0x1f4, 1024 / 16, 4);  /* syssize */
        blob_put(blob, 0x1fe, 0xaa55, 2);     /* boot_flag */
        blob_put(blob, 0x200, 0x6aeb, 2);     /* jump over the header */
        memcpy(blob->data + 0x202, "HdrS", 4);
        blob_put(blob, 0x206, 0x20f, 2);      /* version */
        blob_put(blob, 0x20e, 0x400, 2);      /* kernel_version, less 0x200 */
        blob_put(blob, 0x211, 1, 1);          /* loadflags: LOADED_HIGH */
        blob_put(blob, 0x230, 0x200000, 4);   /* kernel_alignment */
        blob_put(blob, 0x234, 1, 1);          /* relocatable_kernel */
        blob_put(blob, 0x236, 3, 2);          /* xloadflags: KERNEL_64, CAN_BE_LOADED_ABOVE_4G */
        blob_put(blob, 0x238, 2047, 4);       /* cmdline_size */
        blob_put(blob, 0x248, 0x100, 4);      /* payload_offset */
        blob_put(blob, 0x24c, 0x300, 4);      /* payload_length */
        blob_put(blob, 0x258, 0x1000000, 8);  /* pref_address */
        blob_put(blob, 0x260, 0x100000, 4);   /* init_size */
        memcpy(blob->data + 0x600, version, sizeof(version));
        memset(blob->data + 5 * 512, 0x90, 1024);
}

/* Headers only; `header_at` as e_lfanew. Leaves what is around them as it is. */
static inline void blob_pe_headers(Blob *blob, size_t n_sections) {
        memcpy(blob->data, "MZ", 2);
        blob_put(blob, 0x3c, BLOB_PE_HEADER, 4);
        memcpy(blob->data + BLOB_PE_HEADER, "PE\0\0", 4);
        blob_put(blob, BLOB_PE_HEADER + 4, 0x8664, 2);
        blob_put(blob, BLOB_PE_HEADER + 6, n_sections, 2);
        blob_put(blob, BLOB_PE_HEADER + 20, BLOB_OPTIONAL_BYTES, 2);
        blob_put(blob, BLOB_OPTIONAL_HEADER, 0x20b, 2);
        blob_put(blob, BLOB_DIRECTORIES, 16, 4);
}

static inline void blob_section_header(Blob *blob, size_t i, const char *name, size_t size, size_t at) {
        for (size_t j = 0; j < 8 && name[j]; j++)
                blob->data[BLOB_SECTION(i) + j] = (uint8_t) name[j];
        blob_put(blob, BLOB_SECTION(i) + 8, size, 4);
        blob_put(blob, BLOB_SECTION(i) + 12, at, 4);
        blob_put(blob, BLOB_SECTION(i) + 16, (size + BLOB_ALIGNMENT - 1) / BLOB_ALIGNMENT * BLOB_ALIGNMENT, 4);
        blob_put(blob, BLOB_SECTION(i) + 20, at, 4);
}

static inline void blob_pe(Blob *blob, const BlobSection *sections, size_t n) {
        size_t at = (BLOB_SECTION(n) + BLOB_ALIGNMENT - 1) / BLOB_ALIGNMENT * BLOB_ALIGNMENT;

        memset(blob, 0, sizeof(*blob));
        blob_pe_headers(blob, n);
        for (size_t i = 0; i < n; i++) {
                blob_section_header(blob, i, sections[i].name, sections[i].size, at);
                memcpy(blob->data + at, sections[i].data, sections[i].size);
                at += (sections[i].size + BLOB_ALIGNMENT - 1) / BLOB_ALIGNMENT * BLOB_ALIGNMENT;
        }
        blob->size = at;
}

/* .osrel at 0x400, .cmdline 0x600, .uname 0x800, .initrd 0xa00, .linux 0x1000 */
#define BLOB_UKI_CMDLINE 0x600
#define BLOB_UKI_LINUX 0x1000
enum { UKI_OSREL, UKI_CMDLINE, UKI_UNAME, UKI_INITRD, UKI_LINUX, _UKI_MAX };

static inline void blob_uki(Blob *blob) {
        static const char os_release[] = "ID=test\nPRETTY_NAME=\"Test \\\"OS\\\" 1\"\nVERSION_ID=1\n";
        static uint8_t initrd[1500];
        Blob kernel;

        blob_bzimage(&kernel);
        memset(initrd, 'i', sizeof(initrd));
        blob_pe(blob,
                        (const BlobSection[]) {
                                        [UKI_OSREL] = { ".osrel", os_release, sizeof(os_release) - 1 },
                                        [UKI_CMDLINE] = { ".cmdline", "root=/dev/vda\tquiet \n\0", 22 },
                                        [UKI_UNAME] = { ".uname", "7.3.4-other\n", 12 },
                                        [UKI_INITRD] = { ".initrd", initrd, sizeof(initrd) },
                                        [UKI_LINUX] = { ".linux", kernel.data, kernel.size },
                        },
                        _UKI_MAX);
}

/* The compressed kernel at 0x200, .sbat behind it. */
#define BLOB_ZBOOT_PAYLOAD 0x200
#define BLOB_ZBOOT_PAYLOAD_BYTES 700
#define BLOB_ZBOOT_SBAT 0x600

static inline void blob_zboot(Blob *blob) {
        static uint8_t payload[BLOB_ZBOOT_PAYLOAD_BYTES];

        memset(payload, 'z', sizeof(payload));
        blob_pe(blob, (const BlobSection[]) { { ".text", payload, sizeof(payload) }, { ".sbat", "sbat,1\n", 7 } }, 2);
        memcpy(blob->data + 4, "zimg", 4);
        blob_put(blob, 8, BLOB_ZBOOT_PAYLOAD, 4);
        blob_put(blob, 12, sizeof(payload), 4);
        strcpy((char *) blob->data + 24, "zstd");
}

/* A bzImage with an EFI stub, as distributions sign them. */
static inline void blob_pe_bzimage(Blob *blob) {
        blob_bzimage(blob);
        blob_pe_headers(blob, 1);
        blob_section_header(blob, 0, ".text", 1024, 5 * 512);
}

#define BLOB_CERTIFICATE_BYTES 56

/* A table of two certificates behind all else, the first one of a size that needs padding. */
static inline void blob_sign(Blob *blob) {
        static const uint32_t sizes[] = { BLOB_CERTIFICATE_BYTES - 3, 16 };
        size_t at = (blob->size + 7) / 8 * 8;

        blob_put(blob, BLOB_CERTIFICATES, at, 4);
        blob_put(blob, BLOB_CERTIFICATES + 4, BLOB_CERTIFICATE_BYTES + 16, 4);
        for (size_t i = 0; i < 2; i++) {
                blob_put(blob, at, sizes[i], 4);
                blob_put(blob, at + 4, 0x00020200, 4); /* revision 2.0, PKCS#7 */
                at += (sizes[i] + 7) / 8 * 8;
        }
        blob->size = at;
}

static inline int blob_fd(const Blob *blob) {
        int fd = -EBADF;

        return memfd_new_with("blob", blob->data, blob->size, &fd) < 0 ? -EBADF : fd;
}
