/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Elements of DER one after another, where a whole template would be more than what is asked for. */

#include <openssl/asn1.h>
#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <stdint.h>

typedef struct Der {
        const uint8_t *data;
        size_t size;
} Der;

/* Takes an element of that universal tag from the beginning: its contents. 0 or -EBADMSG. */
static inline int der_take(Der *der, int tag, Der *ret) {
        const uint8_t *p = der->data;
        int found, class, form;
        long size;

        if (der->size == 0 || der->size > LONG_MAX)
                return -EBADMSG;
        form = ASN1_get_object(&p, &size, &found, &class, (long) der->size);
        /* 0x80: an error; 0x01: of indefinite length, which DER does not have */
        if ((form & 0x81) != 0 || found != tag || class != V_ASN1_UNIVERSAL)
                return -EBADMSG;
        *ret = (Der) { p, (size_t) size };
        der->size -= (size_t) (p - der->data) + (size_t) size;
        der->data = p + size;
        return 0;
}
