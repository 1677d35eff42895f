/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Both halves of the look into a kernel: the bytes as a payload, behind the beginning of one that the first byte
 * selects, and as what comes out of one, in pieces of a size that the first byte says. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "basic/cleanup.h"
#include "basic/io.h"
#include "inspect/decompress.h"
#include "inspect/scanner.h"

#define BYTES_MAX (4U << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

DEFINE_CLEANUP(Scanner *, scanner_free)

static void check(const Scanner *scanner) {
        if (strlen(scanner_banner(scanner)) >= SCANNER_BANNER_BYTES)
                abort();
        for (const char *p = scanner_banner(scanner); *p; p++)
                if (*p < ' ' || *p > '~')
                        abort();
        if (scanner_n_names(scanner) > SCANNER_NAMES_MAX)
                abort();
        for (size_t i = 0; i < scanner_n_names(scanner); i++) {
                const char *name = scanner_name(scanner, i), *version = strrchr(name, '-');

                if (strlen(name) >= SCANNER_NAME_BYTES || *name < 'a' || *name > 'z' || !version || version[1] != 'v')
                        abort();
                if (!version[2] || strspn(version + 2, "0123456789") != strlen(version + 2))
                        abort();
                for (size_t j = 0; j < i; j++)
                        if (strcmp(name, scanner_name(scanner, j)) == 0)
                                abort();
        }
}

static int feed(const uint8_t *data, size_t size, void *userdata) {
        scanner_feed(userdata, data, size);
        return 0;
}

static const struct {
        const char *bytes;
        size_t n;
} heads[] = {
        { "", 0 },
        { "\x1f\x8b\x08\0\0\0\0\0\x02\x03", 10 },
        { "BZh91AY&SY", 10 },
        { "\x5d\0\0\0\x04\xff\xff\xff\xff\xff\xff\xff\xff", 13 },
        { "\xfd" "7zXZ\0\0\x01\x69\x22\xde\x36\x03\xc0", 14 },
        { "\x02\x21\x4c\x18", 4 },
        { "\x28\xb5\x2f\xfd", 4 },
        { "\x7f" "ELF", 4 },
};

static void decompress(const uint8_t *data, size_t size, uint8_t head) {
        const char *bytes = heads[head % ELEMENTSOF(heads)].bytes;
        size_t n = heads[head % ELEMENTSOF(heads)].n;
        Payload payload = { .bytes = n + size, .has_size_behind = head & 0x80, .bytes_max = BYTES_MAX };
        _cleanup_(scanner_freep) Scanner *scanner = scanner_new();
        _cleanup_fd_ int fd = -EBADF;

        if (!scanner || memfd_new_with("fuzz", bytes, n, &fd) < 0 || lseek(fd, 0, SEEK_END) < 0 ||
                        write_full(fd, data, size) < 0)
                return;
        payload.fd = fd;
        if (payload_probe(&payload) >= 0)
                (void) payload_decompress(&payload, feed, scanner);
        check(scanner);
}

static void scan(const uint8_t *data, size_t size, size_t piece) {
        _cleanup_(scanner_freep) Scanner *scanner = scanner_new();

        if (!scanner)
                return;
        for (size_t i = 0; i < size; i += piece)
                scanner_feed(scanner, data + i, size - i < piece ? size - i : piece);
        check(scanner);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        if (size == 0)
                return 0;
        decompress(data + 1, size - 1, data[0]);
        scan(data + 1, size - 1, data[0] + 1U);
        return 0;
}
