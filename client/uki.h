/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a boot loader reads of a unified kernel image to show it in a menu: of each profile the texts of .osrel and
 * .profile. Whether the image is sound is for the daemon to say. */

#include <stdbool.h>
#include <stddef.h>

#include "basic/cleanup.h"

#define UKI_PROFILES_MAX 64U
#define UKI_TEXT_BYTES_MAX (64U * 1024)

typedef struct UkiProfile {
        char *os_release; /* NULL: it has none of its own */
        char *profile;    /* NULL: the image has no profiles */
} UkiProfile;

typedef struct Uki {
        UkiProfile base;
        UkiProfile profiles[UKI_PROFILES_MAX];
        size_t n_profiles;
        bool has_kernel; /* .linux */
} Uki;

/* -EBADMSG if it is no PE or its sections cannot be; or what reading says. Borrows `fd`. */
int uki_read(int fd, Uki **ret);
Uki *uki_free(Uki *uki);
DEFINE_CLEANUP(Uki *, uki_free)

/* Whether the file at `path` is one that systemd-stub starts: a PE with a .linux section. */
bool uki_is_at(const char *path);
