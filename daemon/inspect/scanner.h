/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Looks for the few strings of a kernel's image that tell what it is, as the image goes by. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SCANNER_NAMES_MAX 256U
#define SCANNER_NAME_BYTES 48U     /* with the NUL: LIVEUPDATE_HNDL_COMPAT_LENGTH of include/linux/kho/abi/luo.h */
#define SCANNER_BANNER_BYTES 1024U /* with the NUL */

typedef struct Scanner Scanner;

Scanner *scanner_new(void); /* NULL: no memory */
Scanner *scanner_free(Scanner *scanner);

/* The next bytes, however many. */
void scanner_feed(Scanner *scanner, const uint8_t *data, size_t size);

/* linux_banner without its newline, printable ASCII; "" not found. */
const char *scanner_banner(const Scanner *scanner);

/* The names of ABIs, "kho-v4": each once, in the order of the image. */
size_t scanner_n_names(const Scanner *scanner);
const char *scanner_name(const Scanner *scanner, size_t i);

bool scanner_has_liveupdate(const Scanner *scanner);
bool scanner_has_checksum_skip(const Scanner *scanner);
