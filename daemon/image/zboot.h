/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "image/pe.h"

/* Whether the file begins like a PE with a compressed kernel inside. */
int zboot_probe(ImageSource *source, bool *ret);

/* Where the compressed kernel is, and how it is compressed. */
int zboot_parse(ImageSource *source, const Pe *pe, ImageAnswer *ret);
