/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "basic/cleanup.h"
#include "privileged/processors.h"

#define BITS (8U * sizeof(unsigned long))

static bool has(const Processors *processors, unsigned long cpu) {
        return cpu < PROCESSORS_MAX && processors->set[cpu / BITS] & 1UL << cpu % BITS;
}

static void add(Processors *processors, unsigned long cpu) {
        processors->set[cpu / BITS] |= 1UL << cpu % BITS;
}

static int parse_number(const char **p, unsigned long *ret) {
        char *end;

        if (!isdigit((unsigned char) **p))
                return -EBADMSG;
        *ret = strtoul(*p, &end, 10);
        *p = end;
        return 0;
}

int processors_parse(const char *text, Processors *ret) {
        unsigned long first, last;
        const char *p = text;

        *ret = (Processors) {};
        for (;; p++) {
                if (parse_number(&p, &first) < 0)
                        return -EBADMSG;
                last = first;
                if (*p == '-' && (p++, parse_number(&p, &last) < 0))
                        return -EBADMSG;
                if (last < first || (*p && *p != ','))
                        return -EBADMSG;
                for (unsigned long cpu = first; cpu <= last && cpu < PROCESSORS_MAX; cpu++)
                        add(ret, cpu);
                if (!*p)
                        return 0;
        }
}

void processors_write(const Processors *processors, char *text, size_t size) {
        size_t length = 0;

        text[0] = 0;
        for (unsigned long first = 0, last; first < PROCESSORS_MAX && length < size; first = last + 1) {
                for (last = first; has(processors, first) && has(processors, last + 1);)
                        last++;
                if (!has(processors, first))
                        continue;
                length += (size_t) snprintf(text + length, size - length, "%s%lu", length > 0 ? "," : "", first);
                if (first < last && length < size)
                        length += (size_t) snprintf(text + length, size - length, "-%lu", last);
        }
}

bool processors_minus(const Processors *a, const Processors *b, Processors *ret) {
        bool any = false;

        for (size_t i = 0; i < ELEMENTSOF(ret->set); i++) {
                ret->set[i] = a->set[i] & ~b->set[i];
                any = any || ret->set[i];
        }
        return any;
}
