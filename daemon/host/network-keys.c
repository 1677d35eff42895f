/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Sets of byte strings, to find what is missing among thousands of routes. */

#include <errno.h>
#include <netlink/attr.h>
#include <string.h>

#include "host/network-internal.h"

void key_set_clear(KeySet *set) {
        free(set->bytes);
        free(set->keys);
        *set = (KeySet) {};
}

void key_begin(KeySet *set) {
        if (set->n == set->n_allocated) {
                size_t n = set->n_allocated * 2 + 64;
                struct Key *grown = reallocarray(set->keys, n, sizeof(*grown));

                if (!grown) {
                        set->is_broken = true;
                        return;
                }
                set->keys = grown;
                set->n_allocated = n;
        }
        set->keys[set->n++] = (struct Key) { .offset = set->size };
}

void key_put(KeySet *set, const void *data, size_t size) {
        if (set->is_broken || size == 0)
                return;
        if (set->allocated - set->size < size) {
                size_t allocated = set->allocated * 2 + size + 4096;
                unsigned char *grown = realloc(set->bytes, allocated);

                if (!grown) {
                        set->is_broken = true;
                        return;
                }
                set->bytes = grown;
                set->allocated = allocated;
        }
        memcpy(set->bytes + set->size, data, size);
        set->size += size;
        set->keys[set->n - 1].size += size;
}

void key_put_attribute(KeySet *set, const struct nlattr *attribute) {
        struct {
                uint16_t type, size;
        } head = {
                .type = attribute ? (uint16_t) nla_type(attribute) : 0,
                .size = attribute ? (uint16_t) nla_len(attribute) : 0,
        };

        key_put(set, &head, sizeof(head));
        if (attribute)
                key_put(set, nla_data(attribute), head.size);
}

static int key_compare(const void *a, const void *b, void *bytes) {
        const struct Key *x = a, *y = b;
        size_t size = x->size < y->size ? x->size : y->size;
        int r = memcmp((unsigned char *) bytes + x->offset, (unsigned char *) bytes + y->offset, size);

        return r != 0 ? r : (x->size > y->size) - (x->size < y->size);
}

int key_set_has_last(KeySet *set) {
        struct Key key;
        size_t low = 0, high;

        if (set->is_broken)
                return -ENOMEM;
        key = set->keys[--set->n];
        set->size = key.offset; /* its bytes stay until the next one is begun */
        if (set->n_sorted != set->n)
                qsort_r(set->keys, set->n, sizeof(*set->keys), key_compare, set->bytes);
        set->n_sorted = set->n;

        for (high = set->n; low < high;) {
                size_t middle = low + (high - low) / 2;
                int r = key_compare(&set->keys[middle], &key, set->bytes);

                if (r == 0)
                        return 1;
                if (r < 0)
                        low = middle + 1;
                else
                        high = middle;
        }
        return 0;
}
