/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <endian.h>
#include <errno.h>
#include <string.h>

#include "basic/cleanup.h"
#include "trust/esl.h"

#define GUID_BYTES 16U
#define OWNER_BYTES GUID_BYTES
#define HEADER_BYTES (GUID_BYTES + 3 * sizeof(uint32_t)) /* SignatureType, and the sizes of list, header, signature */

/* UEFI 2.10, 32.4.1: EFI_CERT_SHA256_GUID and so on; the first three fields of a GUID are little-endian. */
static const struct {
        uint8_t guid[GUID_BYTES];
        EslType type;
        size_t data_bytes; /* 0: any */
} types[] = {
        { { 0x26, 0x16, 0xc4, 0xc1, 0x4c, 0x50, 0x92, 0x40, 0xac, 0xa9, 0x41, 0xf9, 0x36, 0x93, 0x43, 0x28 },
          ESL_SHA256, 32 },
        { { 0xa1, 0x59, 0xc0, 0xa5, 0xe4, 0x94, 0xa7, 0x4a, 0x87, 0xb5, 0xab, 0x15, 0x5c, 0x2b, 0xf0, 0x72 },
          ESL_X509, 0 },
        { { 0x92, 0xa4, 0xd2, 0x3b, 0xc0, 0x96, 0x79, 0x40, 0xb4, 0x20, 0xfc, 0xf9, 0x8e, 0xf1, 0x03, 0xed },
          ESL_X509_SHA256, 32 + ESL_TIME_BYTES },
        { { 0x6e, 0x87, 0x76, 0x70, 0xc2, 0x80, 0xe6, 0x4e, 0xaa, 0xd2, 0x28, 0xb3, 0x49, 0xa6, 0x86, 0x5b },
          ESL_X509_SHA384, 48 + ESL_TIME_BYTES },
        { { 0x63, 0xbf, 0x6d, 0x44, 0x02, 0x25, 0xda, 0x4c, 0xbc, 0xfa, 0x24, 0x65, 0xd2, 0xb0, 0xfe, 0x9d },
          ESL_X509_SHA512, 64 + ESL_TIME_BYTES },
};

static uint32_t u32(const uint8_t *p) {
        uint32_t value;

        memcpy(&value, p, sizeof(value));
        return le32toh(value);
}

void esl_begin(Esl *esl, const void *data, size_t size) {
        *esl = (Esl) { .data = data, .size = size };
}

static int broken(Esl *esl) {
        esl->size = 1; /* no list fits, so it stays broken */
        esl->list_bytes = 0;
        return -EBADMSG;
}

static void skip(Esl *esl, size_t bytes) {
        esl->data += bytes;
        esl->size -= bytes;
}

static int take_type(Esl *esl, const uint8_t *guid, size_t header_bytes) {
        esl->type = ESL_OTHER;
        for (size_t i = 0; i < ELEMENTSOF(types); i++) {
                if (memcmp(types[i].guid, guid, GUID_BYTES) != 0)
                        continue;
                esl->type = types[i].type;
                if (header_bytes != 0 ||
                                (types[i].data_bytes != 0 && types[i].data_bytes != esl->signature_bytes - OWNER_BYTES))
                        return -EBADMSG;
        }
        return 0;
}

static int list_begin(Esl *esl) {
        size_t bytes, header_bytes;

        if (esl->size < HEADER_BYTES)
                return -EBADMSG;
        bytes = u32(esl->data + GUID_BYTES);
        header_bytes = u32(esl->data + GUID_BYTES + 4);
        esl->signature_bytes = u32(esl->data + GUID_BYTES + 8);
        if (bytes < HEADER_BYTES || bytes > esl->size || header_bytes > bytes - HEADER_BYTES ||
                        esl->signature_bytes <= OWNER_BYTES ||
                        (bytes - HEADER_BYTES - header_bytes) % esl->signature_bytes != 0 ||
                        take_type(esl, esl->data, header_bytes) < 0)
                return -EBADMSG;
        skip(esl, HEADER_BYTES + header_bytes);
        esl->list_bytes = bytes - HEADER_BYTES - header_bytes;
        return 0;
}

int esl_next(Esl *esl, EslEntry *ret) {
        while (esl->list_bytes == 0) {
                if (esl->size == 0)
                        return 0;
                if (list_begin(esl) < 0)
                        return broken(esl);
        }
        *ret = (EslEntry) { esl->type, esl->data + OWNER_BYTES, esl->signature_bytes - OWNER_BYTES };
        skip(esl, esl->signature_bytes);
        esl->list_bytes -= esl->signature_bytes;
        return 1;
}
