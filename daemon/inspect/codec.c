/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "basic/cleanup.h"
#include "inspect/codec.h"

/* An ELF image as it is. */
static int none_open(void **ret_state) {
        *ret_state = NULL;
        return 0;
}

static int none_step(void *state, const uint8_t **in, size_t *in_bytes, uint8_t **out, size_t *out_bytes,
                bool is_last) {
        size_t n = *in_bytes < *out_bytes ? *in_bytes : *out_bytes;

        memcpy(*out, *in, n);
        *in += n;
        *in_bytes -= n;
        *out += n;
        *out_bytes -= n;
        return is_last && *in_bytes == 0;
}

static const Codec codec_none = { "none", { 0x7f, 'E' }, false, none_open, none_step };
static const Codec codec_lzo = { "lzo", { 0x89, 'L' }, true };

static const Codec *const codecs[] = {
        &codec_bzip2, &codec_gzip, &codec_lz4, &codec_lzma, &codec_lzo, &codec_none, &codec_xz, &codec_zstd,
};

const Codec *codec_by_magic(const uint8_t magic[static 2]) {
        for (size_t i = 0; i < ELEMENTSOF(codecs); i++)
                if (memcmp(codecs[i]->magic, magic, sizeof(codecs[i]->magic)) == 0)
                        return codecs[i];
        return NULL;
}

/* drivers/firmware/efi/libstub/Makefile.zboot has named them after the rules that make them. */
const Codec *codec_by_name(const char *name) {
        if (strcmp(name, "xzkern") == 0)
                return &codec_xz;
        if (strcmp(name, "zstd22") == 0)
                return &codec_zstd;
        for (size_t i = 0; i < ELEMENTSOF(codecs); i++)
                if (strcmp(codecs[i]->name, name) == 0)
                        return codecs[i];
        return NULL;
}
