/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A kernel image as people have it in /boot, looked at: where in the file its parts are, and what its texts say.
 * Nothing is copied. Parsing happens in a sandboxed child that sees nothing but the fd; its word is not trusted
 * either. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "basic/cleanup.h"

typedef enum ImageKind {
        IMAGE_BZIMAGE,
        IMAGE_UKI,
        IMAGE_ZBOOT, /* PE with a compressed kernel inside: Linux, drivers/firmware/efi/libstub/zboot-header.S */
        IMAGE_ADDON, /* PE with some of a UKI's sections, but no kernel */
} ImageKind;

/* The sections of the UKI specification, in the order in which systemd-stub measures them. */
typedef enum ImageSection {
        IMAGE_SECTION_LINUX, /* the kernel, of whatever kind of image: all of a bzImage, the payload of a zboot */
        IMAGE_SECTION_OSREL,
        IMAGE_SECTION_CMDLINE,
        IMAGE_SECTION_INITRD,
        IMAGE_SECTION_UCODE,
        IMAGE_SECTION_SPLASH,
        IMAGE_SECTION_DTB,
        IMAGE_SECTION_UNAME,
        IMAGE_SECTION_SBAT,
        IMAGE_SECTION_PCRSIG, /* never measured */
        IMAGE_SECTION_PCRPKEY,
        IMAGE_SECTION_PROFILE,
        IMAGE_SECTION_DTBAUTO, /* this, the next two and .dtb may be there many times: the first is told */
        IMAGE_SECTION_HWIDS,
        IMAGE_SECTION_EFIFW,
        _IMAGE_SECTION_MAX,
} ImageSection;

/* Why an image is refused. Returned positive by image_look(); the caller must handle them. */
typedef enum ImageError {
        IMAGE_E_NOT_REGULAR = 1, /* a directory, device, socket */
        IMAGE_E_EMPTY,
        IMAGE_E_TOO_LARGE,
        IMAGE_E_UNKNOWN_FORMAT,
        IMAGE_E_WRONG_MACHINE,    /* another architecture, or a 32-bit PE */
        IMAGE_E_TRUNCATED,        /* ends before its own headers say */
        IMAGE_E_SECTION_RANGE,    /* a section runs past the end, overlaps the headers or another one */
        IMAGE_E_SECTION_MISSING,  /* a PE without .linux that is no kernel itself, and no addon either */
        IMAGE_E_SECTION_TWICE,    /* in one profile */
        IMAGE_E_CMDLINE,          /* not text, has a NUL inside, too long */
        IMAGE_E_NOT_RELOCATABLE,  /* bzImage that kexec_file_load would refuse or be harmed by: no 64-bit entry, too old
                                   * a protocol, a setup header that makes no sense */
        IMAGE_E_PARSER_DIED,      /* the sandbox ended without an answer, or with a senseless one */
        IMAGE_E_PROFILE,          /* no profile of that name or number, or two of that name */
        IMAGE_E_CERTIFICATES,     /* the table of signatures is damaged, or has data behind it */
        IMAGE_E_SBAT,             /* not text, or too long: revocations could not be checked */
        _IMAGE_ERROR_MAX,
} ImageError;

#define IMAGE_BYTES_MAX (2ULL << 30)
#define IMAGE_PROFILES_MAX 64U

typedef struct ImageRange {
        uint64_t offset;
        uint64_t bytes; /* 0: the image has no such part */
} ImageRange;

/* One of a UKI's profiles, which its .profile sections begin; the first is the default. */
typedef struct ImageProfile {
        char *id, *title; /* NULL where .profile does not say */
} ImageProfile;

/* What the setup header of a bzImage says: Documentation/arch/x86/boot.rst. All 0 for others. */
typedef struct ImageBoot {
        uint64_t setup_bytes;        /* before the protected-mode kernel */
        uint64_t init_bytes;         /* init_size */
        uint64_t alignment;          /* kernel_alignment */
        uint64_t preferred_address;  /* pref_address */
        uint64_t command_line_bytes; /* cmdline_size: without the NUL */
        ImageRange payload;          /* the compressed vmlinux, from the kernel's beginning */
} ImageBoot;

/* Where a PE has what Authenticode leaves out of its digest: Microsoft's "Windows Authenticode Portable Executable
 * Signature Format", "Calculating the PE Image Hash". */
typedef struct ImageSigning {
        uint64_t checksum_offset;  /* of CheckSum, 4 bytes; 0: the file is no PE */
        uint64_t directory_offset; /* of the Certificate Table's entry, 8 bytes; 0: a PE without it, which has none */
        ImageRange certificates;   /* WIN_CERTIFICATEs, to the end of the file; no bytes: unsigned */
} ImageSigning;

typedef struct Image {
        ImageKind kind;
        uint64_t file_bytes;
        ImageRange sections[_IMAGE_SECTION_MAX]; /* of the profile, and of the base where it has none of its own; of a
                                                  * kernel that is no UKI .linux and .sbat only */
        size_t profile;                          /* which one that is */
        ImageProfile *profiles;
        size_t n_profiles;                       /* 0: not a multi-profile UKI */
        char *cmdline;    /* NULL where it has none */
        char *release;    /* `uname -r` of the kernel: from the bzImage's header, else .uname; NULL unknown */
        char *uname;      /* .uname; an addon that has one counts only for a UKI of the same */
        char *os_release; /* .osrel, PRETTY_NAME only; NULL unknown */
        char *sbat;       /* .sbat as it is, CSV; NULL without */
        char *compression; /* of a zboot, else NULL: "gzip", "zstd", … as its header says */
        ImageBoot boot;
        ImageSigning signing;
} Image;

/* Borrows `fd`, whose position does not matter and stays. `profile` is a profile's number ("0", "@0") or ID; NULL: the
 * default one. 0, a negative errno (-ESTALE: the file was written to in the meantime), or a positive ImageError with
 * *ret_detail (caller frees, may be NULL) saying which part is at fault, e.g. "section .initrd at 0x1000+0x20000 ends
 * past the file's 0x12000 bytes". */
int image_look(int fd, const char *profile, Image **ret, char **ret_detail);
Image *image_free(Image *image);
DEFINE_CLEANUP(Image *, image_free)

const char *image_section_name(ImageSection section); /* ".linux" */

/* Up to _IMAGE_SECTION_MAX of those that this image has and a kexec cannot hand to the next kernel (.dtb, .dtbauto,
 * .hwids, .efifw, .splash); returns how many. */
size_t image_left_out(const Image *image, ImageSection ret[static _IMAGE_SECTION_MAX]);

/* What systemd-stub makes and puts behind .initrd, ahead of the addons': /.extra/tpm2-pcr-signature.json,
 * /.extra/tpm2-pcr-public-key.pem, /.extra/os-release and /.extra/profile, as far as the image has them; here in one
 * (uncompressed) cpio, the same for the same image. Written to `out_fd` at its position. 0 or a negative errno (-EFBIG:
 * one of them is larger than 1 MiB, nothing was written); *ret_bytes is a multiple of 4, 0 where there is nothing. */
int image_write_extra(int fd, const Image *image, int out_fd, uint64_t *ret_bytes);

/* Whether an initrd begins with an uncompressed cpio of microcode, which the kernel finds only ahead of all that is
 * compressed: arch/x86/kernel/cpu/microcode. Its position does not matter and stays. 1, 0 or a negative errno. */
int initrd_begins_with_microcode(int fd);

const char *image_kind_to_string(ImageKind kind);       /* "bzimage", "uki", "zboot", "addon" */
int image_kind_from_string(const char *name);           /* -EINVAL */
const char *image_error_to_string(ImageError error);    /* stable identifier, lower-case-with-dashes */
const char *image_error_message(ImageError error);      /* a sentence for people: what is wrong */
const char *image_error_remedy(ImageError error);       /* a sentence: what to do */
