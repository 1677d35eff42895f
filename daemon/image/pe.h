/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

#include "image/source.h"

#define PE_SECTIONS_MAX 96U /* "the Windows loader limits the number of sections to 96" */

typedef struct PeSection {
        char name[9];
        ImageRange raw;       /* as the file claims: unchecked before pe_check_layout() */
        uint64_t content;     /* the raw bytes less the padding */
        ImageRange in_memory; /* as the file claims */
} PeSection;

typedef struct Pe {
        uint64_t optional_offset;      /* of the optional header */
        bool has_certificate_directory;
        ImageRange certificates;       /* as that entry claims: unchecked before pe_read_signing() */
        uint64_t headers_end;
        size_t n_sections;
        PeSection sections[PE_SECTIONS_MAX];
} Pe;

/* Reads the headers of an x86-64 PE32+ file. */
int pe_read(ImageSource *source, Pe *ret);

/* No section with contents runs past the end of the file or shares a byte with the headers or another one; */
int pe_check_layout(ImageSource *source, const Pe *pe);

/* or this one at least. */
int pe_check_section(ImageSource *source, const Pe *pe, size_t i);

/* The section among those from `from` to before `to`: 0 with *ret NULL where there is none, IMAGE_E_SECTION_TWICE. */
int pe_find(ImageSource *source, const Pe *pe, size_t from, size_t to, ImageSection section, const PeSection **ret);

/* Where the signatures are; IMAGE_E_CERTIFICATES. */
int pe_read_signing(ImageSource *source, const Pe *pe, ImageSigning *ret);
