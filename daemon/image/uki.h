/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "image/pe.h"

bool uki_has_section(const Pe *pe, ImageSection section);

/* The sections of one profile, and where all profiles are: UKI specification, "Multi-Profile UKIs". `profile` as for
 * image_look(). */
int uki_parse(ImageSource *source, const Pe *pe, const char *profile, ImageAnswer *ret);

/* The sections of a PE without .linux: IMAGE_E_SECTION_MISSING where it is no addon. */
int addon_parse(ImageSource *source, const Pe *pe, ImageAnswer *ret);
