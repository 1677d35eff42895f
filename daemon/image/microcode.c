/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Goes through the entries as lib/earlycpio.c:find_cpio_data() does at boot, which ends at the first that is none: what
 * is compressed. Archives may follow one another, with NULs between. */

#include <errno.h>
#include <sys/stat.h>

#include "image/cpio.h"
#include "image/source.h"

#define DIRECTORY "kernel/x86/microcode/"
#define ENTRIES_MAX 256U                /* distributions have a dozen */
#define PADDING_BYTES_MAX (64ULL << 10) /* in a row; cpio(1) pads archives to 512 */

typedef struct Entry {
        bool is_microcode;
        uint64_t end; /* where the next one may begin */
} Entry;

static bool parse_hex(const uint8_t *text, uint32_t *ret) {
        uint32_t value = 0;

        for (size_t i = 0; i < CPIO_FIELD_BYTES; i++) {
                uint8_t c = text[i], lower = c | 0x20;

                if (c >= '0' && c <= '9')
                        value = value << 4 | (uint32_t) (c - '0');
                else if (lower >= 'a' && lower <= 'f')
                        value = value << 4 | (uint32_t) (lower - 'a' + 10);
                else
                        return false;
        }
        *ret = value;
        return true;
}

static uint64_t aligned(uint64_t offset) {
        return (offset + CPIO_ALIGNMENT - 1) / CPIO_ALIGNMENT * CPIO_ALIGNMENT;
}

/* 0 with *ret_is_entry false where something else begins, or the archive ends. */
static int entry_read(ImageSource *source, uint64_t offset, Entry *ret, bool *ret_is_entry) {
        uint8_t header[CPIO_HEADER_BYTES], name[sizeof(DIRECTORY) - 1];
        uint32_t fields[_CPIO_FIELD_MAX];
        int r;

        *ret_is_entry = false;
        r = source_read(source, offset, header, sizeof(header), "a cpio header");
        if (r != 0)
                return r < 0 ? r : 0;
        if (memcmp(header, CPIO_MAGIC, CPIO_MAGIC_BYTES) != 0 &&
                        memcmp(header, CPIO_MAGIC_CHECKSUM, CPIO_MAGIC_BYTES) != 0)
                return 0;
        for (size_t i = 0; i < ELEMENTSOF(fields); i++)
                if (!parse_hex(header + CPIO_MAGIC_BYTES + i * CPIO_FIELD_BYTES, &fields[i]))
                        return 0;

        /* From 32 bits each, at an offset inside of a file: no overflow. */
        ret->end = aligned(aligned(offset + sizeof(header) + fields[CPIO_NAME_BYTES]) + fields[CPIO_BYTES]);
        if (ret->end > aligned(source->bytes))
                return 0;
        *ret_is_entry = true;
        ret->is_microcode = false;
        if (!S_ISREG(fields[CPIO_MODE]) || fields[CPIO_NAME_BYTES] <= sizeof(name))
                return 0;
        r = source_read(source, offset + sizeof(header), name, sizeof(name), "a cpio name");
        if (r != 0)
                return r < 0 ? r : 0;
        ret->is_microcode = memcmp(name, DIRECTORY, sizeof(name)) == 0;
        return 0;
}

/* 0 with *ret the offset of what comes after the NULs. */
static int padding_skip(ImageSource *source, uint64_t offset, uint64_t *ret) {
        for (uint64_t end = offset + PADDING_BYTES_MAX; offset < source->bytes && offset < end;) {
                uint64_t left = source->bytes - offset;
                uint8_t data[512];
                size_t size = left < sizeof(data) ? (size_t) left : sizeof(data), n = 0;
                int r;

                r = source_read(source, offset, data, size, "padding");
                if (r != 0)
                        return r;
                while (n < size && data[n] == 0)
                        n++;
                offset += n;
                if (n < size)
                        break;
        }
        *ret = offset;
        return 0;
}

int initrd_begins_with_microcode(int fd) {
        ImageSource source = { .fd = fd };
        uint64_t offset = 0;
        struct stat st;

        if (fstat(fd, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode))
                return -EBADF;
        source.bytes = (uint64_t) st.st_size;

        for (size_t i = 0; i < ENTRIES_MAX; i++) {
                bool is_entry = false;
                Entry entry;
                int r;

                r = padding_skip(&source, offset, &offset);
                if (r != 0)
                        return r < 0 ? r : 0;
                if (offset % CPIO_ALIGNMENT != 0)
                        return 0;
                r = entry_read(&source, offset, &entry, &is_entry);
                if (r < 0)
                        return r;
                if (!is_entry)
                        return 0;
                if (entry.is_microcode)
                        return 1;
                offset = entry.end;
        }
        return 0;
}
