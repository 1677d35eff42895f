/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A kernel image as people have it in /boot, taken apart: a bare bzImage, or a UKI (PE with .linux and friends).
 * Parsing happens in a sandboxed child that sees nothing but the fd; its word is not trusted either. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "basic/cleanup.h"

typedef enum ImageKind {
        IMAGE_BZIMAGE,
        IMAGE_UKI,
} ImageKind;

/* Why an image is refused. Returned positive by image_open(); the caller must handle them. */
typedef enum ImageError {
        IMAGE_E_NOT_REGULAR = 1, /* a directory, device, socket */
        IMAGE_E_EMPTY,
        IMAGE_E_TOO_LARGE,
        IMAGE_E_UNKNOWN_FORMAT,
        IMAGE_E_WRONG_MACHINE,
        IMAGE_E_TRUNCATED,        /* ends before its own headers say */
        IMAGE_E_SECTION_RANGE,    /* a section runs past the end, overlaps the headers or another one */
        IMAGE_E_SECTION_MISSING,  /* a PE without .linux that is no kernel itself */
        IMAGE_E_SECTION_TWICE,
        IMAGE_E_CMDLINE,          /* not text, has a NUL inside, too long */
        IMAGE_E_NOT_RELOCATABLE,  /* bzImage that kexec_file_load would refuse: no 64-bit entry, too old a protocol */
        IMAGE_E_PARSER_DIED,      /* the sandbox ended without an answer, or with a senseless one */
} ImageError;

#define IMAGE_BYTES_MAX (2ULL << 30)

typedef struct Image {
        ImageKind kind;
        int kernel_fd;     /* sealed memfd, so that what happens to the file later changes nothing */
        int initrd_fd;     /* sealed memfd or -EBADF */
        char *cmdline;     /* of the UKI; NULL where it has none */
        char *release;     /* `uname -r` of the kernel: from the bzImage's header, else .uname; NULL unknown */
        char *os_release;  /* .osrel, PRETTY_NAME only; NULL unknown */
        uint64_t kernel_bytes, initrd_bytes;
} Image;

/* Borrows `fd`, whose position does not matter and stays. 0, a negative errno (-ESTALE: the file was written to in
 * the meantime), or a positive ImageError with
 * *ret_detail (caller frees, may be NULL) saying which part is at fault, e.g. "section .initrd at 0x1000+0x20000
 * ends past the file's 0x12000 bytes". */
int image_open(int fd, Image **ret, char **ret_detail);
Image *image_free(Image *image);
DEFINE_CLEANUP(Image *, image_free)

const char *image_kind_to_string(ImageKind kind);       /* "bzimage", "uki" */
int image_kind_from_string(const char *name);           /* -EINVAL */
const char *image_error_to_string(ImageError error);    /* stable identifier, lower-case-with-dashes */
const char *image_error_message(ImageError error);      /* a sentence for people: what is wrong */
const char *image_error_remedy(ImageError error);       /* a sentence: what to do */
