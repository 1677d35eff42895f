/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Payloads of kernels as scripts/Makefile.lib makes them: compressed, and but for gzip the size behind. */

#include <bzlib.h>
#include <lz4.h>
#include <lzma.h>
#include <stdint.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "inspect-fixture.h"

#define LZ4_BLOCK_BYTES (8U << 20)

typedef struct Packed {
        uint8_t *data;
        size_t bytes;
} Packed;

static inline void packed_done(Packed *packed) {
        free(packed->data);
}

static inline void put_le32(uint8_t *p, size_t value) {
        for (int i = 0; i < 4; i++)
                p[i] = (uint8_t) (value >> 8 * i);
}

static inline size_t pack_gzip(const uint8_t *data, size_t bytes, uint8_t *out, size_t room) {
        z_stream stream = { .next_in = (uint8_t *) data, .avail_in = (unsigned) bytes, .next_out = out,
                            .avail_out = (unsigned) room };

        ck_assert_int_eq(deflateInit2(&stream, 1, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
        ck_assert_int_eq(deflate(&stream, Z_FINISH), Z_STREAM_END);
        ck_assert_int_eq(deflateEnd(&stream), Z_OK);
        return room - stream.avail_out;
}

static inline size_t pack_bzip2(const uint8_t *data, size_t bytes, uint8_t *out, size_t room) {
        unsigned n = (unsigned) room;

        ck_assert_int_eq(BZ2_bzBuffToBuffCompress((char *) out, &n, (char *) data, (unsigned) bytes, 9, 0, 0), BZ_OK);
        return n;
}

static inline size_t pack_xz(const uint8_t *data, size_t bytes, uint8_t *out, size_t room) {
        lzma_options_lzma options;
        lzma_filter filters[] = {
                { LZMA_FILTER_X86, NULL }, { LZMA_FILTER_LZMA2, &options }, { LZMA_VLI_UNKNOWN, NULL },
        };
        size_t n = 0;

        ck_assert(!lzma_lzma_preset(&options, 1));
        ck_assert_int_eq(lzma_stream_buffer_encode(filters, LZMA_CHECK_CRC32, NULL, data, bytes, out, &n, room),
                        LZMA_OK);
        return n;
}

static inline size_t pack_lzma(const uint8_t *data, size_t bytes, uint8_t *out, size_t room) {
        lzma_stream stream = LZMA_STREAM_INIT;
        lzma_options_lzma options;

        ck_assert(!lzma_lzma_preset(&options, 1));
        ck_assert_int_eq(lzma_alone_encoder(&stream, &options), LZMA_OK);
        stream.next_in = data;
        stream.avail_in = bytes;
        stream.next_out = out;
        stream.avail_out = room;
        ck_assert_int_eq(lzma_code(&stream, LZMA_FINISH), LZMA_STREAM_END);
        lzma_end(&stream);
        return room - stream.avail_out;
}

static inline size_t pack_lz4(const uint8_t *data, size_t bytes, uint8_t *out, size_t room) {
        uint8_t *p = out;

        put_le32(p, 0x184c2102);
        p += 4;
        while (bytes > 0) {
                size_t piece = bytes < LZ4_BLOCK_BYTES ? bytes : LZ4_BLOCK_BYTES;
                int n = LZ4_compress_default((const char *) data, (char *) p + 4, (int) piece,
                                (int) (room - (size_t) (p + 4 - out)));

                ck_assert_int_gt(n, 0);
                put_le32(p, (size_t) n);
                p += 4 + n;
                data += piece;
                bytes -= piece;
        }
        return (size_t) (p - out);
}

static inline size_t pack_zstd(const uint8_t *data, size_t bytes, uint8_t *out, size_t room) {
        size_t n = ZSTD_compress(out, room, data, bytes, 1);

        ck_assert(!ZSTD_isError(n));
        return n;
}

static inline size_t pack_none(const uint8_t *data, size_t bytes, uint8_t *out, size_t room) {
        memcpy(out, data, bytes);
        memcpy(out, "\x7f" "ELF", 4);
        return bytes;
}

static const struct {
        const char *name;
        size_t (*pack)(const uint8_t *data, size_t bytes, uint8_t *out, size_t room);
        bool has_size_behind;
} packings[] = {
        { "gzip",  pack_gzip,  false },
        { "bzip2", pack_bzip2, true  },
        { "lzma",  pack_lzma,  true  },
        { "xz",    pack_xz,    true  },
        { "lz4",   pack_lz4,   true  },
        { "zstd",  pack_zstd,  true  },
        { "none",  pack_none,  false },
};

#define PACKINGS (sizeof(packings) / sizeof(packings[0]))

/* With room for 4 bytes more. */
static inline Packed pack(size_t packing, const void *data, size_t bytes, bool with_size) {
        size_t room = bytes + bytes / 50 + 4096;
        Packed packed = { .data = malloc(room + 8) };

        ck_assert_ptr_nonnull(packed.data);
        packed.bytes = packings[packing].pack(data, bytes, packed.data, room);
        if (with_size && packings[packing].has_size_behind) {
                put_le32(packed.data + packed.bytes, bytes);
                packed.bytes += 4;
        }
        return packed;
}

#define TEXTS "\0Linux version 7.3.4-test (a@b) #1\n\0kho-v4\0luo-v5\0\xff" \
              "memfd-v2\0\0kexec_file: disabling checksum verification in purgatory\n"
#define BEFORE 13 /* bytes of something else in the file */

typedef struct Vmlinux {
        uint8_t *data;
        size_t bytes;
} Vmlinux;

static inline void vmlinux_done(Vmlinux *vmlinux) {
        free(vmlinux->data);
}

/* Compressible, but not to nothing; the texts in the middle. */
static inline Vmlinux vmlinux_new(size_t bytes) {
        Vmlinux vmlinux = { calloc(1, bytes), bytes };
        uint32_t x = 1;

        ck_assert_ptr_nonnull(vmlinux.data);
        for (size_t i = 0; i < bytes && i < 400000; i++) {
                x = x * 1664525 + 1013904223;
                vmlinux.data[i] = (uint8_t) (x >> 24 & 0x87);
        }
        memcpy(vmlinux.data + bytes / 2, TEXTS, sizeof(TEXTS));
        return vmlinux;
}

static inline int file_with(const Packed *packed) {
        _cleanup_fd_ int fd = -EBADF;

        ck_assert_int_eq(memfd_new_with("kernel", NULL, 0, &fd), 0);
        ck_assert_int_eq(write_full(fd, "something els", BEFORE), 0);
        ck_assert_int_eq(write_full(fd, packed->data, packed->bytes), 0);
        return TAKE_FD(fd);
}

static inline void compress_zeros(ZSTD_CStream *stream, ZSTD_outBuffer *out, uint64_t bytes) {
        static const uint8_t zeros[1 << 20];
        ZSTD_inBuffer end = {};

        ck_assert(!ZSTD_isError(ZSTD_initCStream(stream, 1)));
        for (; bytes > 0; bytes -= sizeof(zeros)) {
                ZSTD_inBuffer in = { zeros, sizeof(zeros), 0 };

                while (in.pos < in.size)
                        ck_assert(!ZSTD_isError(ZSTD_compressStream(stream, out, &in)));
        }
        ck_assert_uint_eq(ZSTD_compressStream2(stream, out, &end, ZSTD_e_end), 0);
}

/* Many zeros, which are not much when compressed. */
static inline Packed bomb_new(uint64_t bytes) {
        ZSTD_CStream *stream = ZSTD_createCStream();
        ZSTD_outBuffer out = { malloc(1 << 20), 1 << 20, 0 };

        compress_zeros(stream, &out, bytes);
        ck_assert_uint_lt(out.pos, 1 << 18);
        ZSTD_freeCStream(stream);
        put_le32((uint8_t *) out.dst + out.pos, bytes);
        return (Packed) { out.dst, out.pos + 4 };
}
