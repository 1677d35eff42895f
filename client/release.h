/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Kernel releases (uname -r), and where distributions put the files of one. */

#include <stdbool.h>

#include "basic/cleanup.h"

typedef struct KernelFiles {
        char *kernel;
        char *initrd; /* NULL: there is none, or the kernel is a UKI, which brings its own */
} KernelFiles;

void kernel_files_done(KernelFiles *files);

/* One to 64 bytes (include/linux/utsname.h: __NEW_UTS_LEN), printable, without a slash. */
bool release_is_valid(const char *release);

/* The release that is meant by a word that names no file. A slash in it stands for a dash: systemd's %I unescapes a
 * release that nobody escaped. That of a kernel's path is what follows vmlinuz- in its last part, else that part.
 * -EINVAL if it cannot be one. *ret is the caller's. */
int release_from_word(const char *word, char **ret);
int release_from_path(const char *path, char **ret);

/* Looks below `root` ("" for the real one), in the order of liveupdatectl(1). -ENOENT without a kernel; *ret is for
 * kernel_files_done(). */
int release_find(const char *root, const char *release, KernelFiles *ret);

/* Only the initrd that belongs to a kernel of the form …/vmlinuz-RELEASE; -ENOENT without one. *ret is the caller's. */
int release_find_initrd(const char *root, const char *kernel, char **ret);
bool kernel_is_uki(const char *path); /* by its name */
