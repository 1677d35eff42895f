/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* An entry of a cpio archive as the kernel reads them: Documentation/driver-api/early-userspace/buffer-format.rst. A
 * magic and fields of 8 hexadecimal digits, the name with its NUL, the data; name and data padded to 4 bytes each. */

#define CPIO_MAGIC "070701" /* newc; with checksums 070702 */
#define CPIO_MAGIC_CHECKSUM "070702"
#define CPIO_MAGIC_BYTES 6U
#define CPIO_FIELD_BYTES 8U
#define CPIO_ALIGNMENT 4U
#define CPIO_TRAILER "TRAILER!!!"

enum {
        CPIO_INODE,
        CPIO_MODE,
        CPIO_UID,
        CPIO_GID,
        CPIO_LINKS,
        CPIO_MTIME,
        CPIO_BYTES,
        CPIO_MAJOR,
        CPIO_MINOR,
        CPIO_DEVICE_MAJOR,
        CPIO_DEVICE_MINOR,
        CPIO_NAME_BYTES,
        CPIO_CHECKSUM,
        _CPIO_FIELD_MAX,
};

#define CPIO_HEADER_BYTES (CPIO_MAGIC_BYTES + _CPIO_FIELD_MAX * CPIO_FIELD_BYTES)
