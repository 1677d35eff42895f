/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

#include "image/source.h"

#define PE_SECTIONS_MAX 96U /* "the Windows loader limits the number of sections to 96" */

typedef struct PeSection {
        char name[9];
        ImageRange raw;   /* as the file claims: unchecked before pe_check_layout() */
        uint64_t content; /* the raw bytes less the padding */
} PeSection;

typedef struct Pe {
        uint64_t headers_end;
        size_t n_sections;
        PeSection sections[PE_SECTIONS_MAX];
} Pe;

/* Reads the headers of an x86-64 PE32+ file. */
int pe_read(ImageSource *source, Pe *ret);

/* No section with contents runs past the end of the file or shares a byte with the headers or another one.
 */
int pe_check_layout(ImageSource *source, const Pe *pe);

/* A section of the base profile, which ends where the first .profile begins (UKI specification,
 * "Multi-Profile UKIs"). 0 with *ret NULL where there is none; IMAGE_E_SECTION_TWICE. */
int pe_find(ImageSource *source, const Pe *pe, const char *name, const PeSection **ret);
