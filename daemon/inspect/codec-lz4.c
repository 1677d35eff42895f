/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What `lz4 -l` makes, which the kernel calls lz4: a magic number, then blocks, each behind its size, none of more than
 * 8 MiB when decompressed. There is no end but that of the data. lz4's doc/lz4_Frame_format.md, "Legacy frame". */

#include <errno.h>
#include <lz4.h>
#include <stdlib.h>
#include <string.h>

#include "basic/cleanup.h"
#include "inspect/codec.h"

#define MAGIC 0x184c2102U
#define BLOCK_BYTES_MAX (8U << 20)
#define WORD_BYTES 4U

typedef struct Lz4 {
        size_t have, want; /* of the word or block that is coming in */
        bool is_block;
        size_t begin, end; /* of `plain`, not handed out yet */
        uint8_t packed[LZ4_COMPRESSBOUND(BLOCK_BYTES_MAX)];
        uint8_t plain[BLOCK_BYTES_MAX];
} Lz4;

static int lz4_open(void **ret_state) {
        Lz4 *lz4 = malloc(sizeof(*lz4));

        if (!lz4)
                return -ENOMEM;
        lz4->have = lz4->begin = lz4->end = 0;
        lz4->want = WORD_BYTES;
        lz4->is_block = false;
        *ret_state = lz4;
        return 0;
}

static int take_word(Lz4 *lz4) {
        uint32_t word = lz4->packed[0] | (uint32_t) lz4->packed[1] << 8 | (uint32_t) lz4->packed[2] << 16 |
                        (uint32_t) lz4->packed[3] << 24;

        lz4->have = 0;
        if (word == MAGIC) /* another frame may follow */
                return 0;
        if (word == 0 || word > sizeof(lz4->packed))
                return -EBADMSG;
        lz4->want = word;
        lz4->is_block = true;
        return 0;
}

static int take_block(Lz4 *lz4) {
        int n = LZ4_decompress_safe((const char *) lz4->packed, (char *) lz4->plain, (int) lz4->want,
                        sizeof(lz4->plain));

        if (n < 0)
                return -EBADMSG;
        lz4->begin = 0;
        lz4->end = (size_t) n;
        lz4->have = 0;
        lz4->want = WORD_BYTES;
        lz4->is_block = false;
        return 0;
}

static size_t least(size_t a, size_t b) {
        return a < b ? a : b;
}

static void hand_out(Lz4 *lz4, uint8_t **out, size_t *out_bytes) {
        size_t n = least(lz4->end - lz4->begin, *out_bytes);

        memcpy(*out, lz4->plain + lz4->begin, n);
        lz4->begin += n;
        *out += n;
        *out_bytes -= n;
}

static int lz4_step(void *state, const uint8_t **in, size_t *in_bytes, uint8_t **out, size_t *out_bytes,
                bool is_last) {
        Lz4 *lz4 = state;

        for (;;) {
                size_t n;
                int r;

                hand_out(lz4, out, out_bytes);
                if (lz4->begin < lz4->end)
                        return 0;
                if (*in_bytes == 0)
                        return is_last && lz4->have == 0 && !lz4->is_block;

                n = least(lz4->want - lz4->have, *in_bytes);
                memcpy(lz4->packed + lz4->have, *in, n);
                lz4->have += n;
                *in += n;
                *in_bytes -= n;
                if (lz4->have < lz4->want)
                        continue;
                r = lz4->is_block ? take_block(lz4) : take_word(lz4);
                if (r < 0)
                        return r;
        }
}

const Codec codec_lz4 = { "lz4", { 0x02, 0x21 }, true, lz4_open, lz4_step, free };
