/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The small texts inside a UKI. All take exactly `size` hostile bytes; what they answer is valid UTF-8 without control
 * characters (but for .sbat's line ends), caller frees. 0, -ENOMEM, or -EBADMSG when there is no such text in there. */

#include <stddef.h>

#define TEXT_VALUE_BYTES_MAX 255
#define TEXT_UNAME_BYTES_MAX 255

/* Up to trailing NULs and white space, which section padding and editors leave; white space inside becomes spaces, as
 * systemd-stub does. *ret_fault (static) finishes a sentence on why not. */
int text_cmdline(const char *data, size_t size, char **ret, const char **ret_fault);

/* The first line of .uname. */
int text_release(const char *data, size_t size, char **ret);

/* All of .uname up to a NUL or trailing white space, to be compared with another: what is not printable is there as
 * '?', so that a .uname never goes for none. */
int text_uname(const char *data, size_t size, char **ret);

/* Lines of CSV. */
int text_sbat(const char *data, size_t size, char **ret);

/* What the last line `key` ("ID=") of a file like os-release(5) has, without its quotes: without the heap, -EBADMSG
 * also where it does not fit into `ret_size` bytes. */
int text_value(const char *data, size_t size, const char *key, char *ret, size_t ret_size);

/* PRETTY_NAME= of os-release(5). */
int text_pretty_name(const char *data, size_t size, char **ret);

/* ID= (printable ASCII) and TITLE= of .profile. */
int text_profile_id(const char *data, size_t size, char **ret);
int text_profile_title(const char *data, size_t size, char **ret);
