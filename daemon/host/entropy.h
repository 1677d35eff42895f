/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Randomness of the old kernel for the new one. A seed is used once: whoever takes it wipes it first. */

#define ENTROPY_BYTES 64U /* twice what the kernel's generator is keyed with: drivers/char/random.c */
#define ENTROPY_FILE_BYTES 72U /* the memfd has at least that many before it is preserved, which forbids to resize it */

/* Fills the memfd with a seed, behind a mark that tells that it is fresh. */
int entropy_draw(int fd);
/* Makes it useless, whatever is in it. */
int entropy_wipe(int fd);
/* Takes the seed out, wipes it, and only then gives it to the kernel, credited. Of several that try at once one gets
 * it. -ENODATA: there is none, or it was used already; -EPERM: it is mixed in, but not credited; -EACCES: it cannot be
 * wiped, and was not used. */
int entropy_use(int fd);
