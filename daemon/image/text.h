/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The small texts inside a UKI. All take exactly `size` hostile bytes; what they answer is valid UTF-8
 * without control characters, caller frees. 0, -ENOMEM, or -EBADMSG when there is no such text in there. */

#include <stddef.h>

/* Up to trailing NULs and white space, which section padding and editors leave; white space inside becomes
 * spaces, as systemd-stub does. *ret_fault (static) finishes a sentence on why not. */
int text_cmdline(const char *data, size_t size, char **ret, const char **ret_fault);

/* The first line of .uname. */
int text_release(const char *data, size_t size, char **ret);

/* PRETTY_NAME= of an os-release(5) file. */
int text_pretty_name(const char *data, size_t size, char **ret);
