/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the service manager keeps for this process while it is restarted: its fd store (FDSTORE=1 of sd_notify(3)).
 * Without such a manager nothing is kept, which is no error. No call waits for an answer; it waits for room where the
 * manager has not read hundreds of messages yet (net.unix.max_dgram_qlen), rather than lose a descriptor. */

#include <stddef.h>

#include "basic/cleanup.h"

/* `name` is one to 255 printable ASCII characters without a colon. The manager duplicates `fd` and drops it by itself
 * once it hangs up. The same name again adds another fd to it: store_drop() first to replace one. What it keeps already
 * it does not take once more, under whatever name. */
int store_keep(const char *name, int fd);
void store_drop(const char *name);

/* What this process was started with, by name. Whatever is not taken is closed with it, and dropped from the store. */
typedef struct Inheritance Inheritance;

int inheritance_new(Inheritance **ret); /* takes $LISTEN_FDS out of the environment; all become close-on-exec */
int inheritance_add(Inheritance *inheritance, const char *name, int fd); /* one more; `fd` is taken, on failure too */
Inheritance *inheritance_free(Inheritance *inheritance);
DEFINE_CLEANUP(Inheritance *, inheritance_free)

/* The fd, now the caller's, or -ENOENT. Of several of one name the first not yet taken. */
int inheritance_take(Inheritance *inheritance, const char *name);
/* Name of the first one not yet taken that begins with `prefix`, or NULL. Borrowed, until it is taken. */
const char *inheritance_find(const Inheritance *inheritance, const char *prefix);
/* One not yet taken that is a listening stream socket, or -ENOENT: those come from socket units. */
int inheritance_take_listening(Inheritance *inheritance);
