/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <ctype.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "trust/sbat.h"

#define NAME_BYTES_MAX 128
#define BYTE_ORDER_MARK "\xef\xbb\xbf" /* shim passes over it */

typedef struct Component {
        const char *name;
        size_t name_bytes;
        uint32_t generation;
} Component;

static const char *text_begin(const char *text) {
        return strncmp(text, BYTE_ORDER_MARK, strlen(BYTE_ORDER_MARK)) == 0 ? text + strlen(BYTE_ORDER_MARK) : text;
}

/* A number from 1 on that ends with the field. */
static int generation_parse(const char **text, uint32_t *ret) {
        const char *p = *text;
        uint64_t value = 0;

        for (; *p >= '0' && *p <= '9'; p++) {
                value = value * 10 + (uint64_t) (*p - '0');
                if (value > UINT32_MAX)
                        return -EBADMSG;
        }
        if (value == 0 || !strchr(",\r\n", *p)) /* finds the NUL, too */
                return -EBADMSG;
        *text = p;
        *ret = (uint32_t) value;
        return 0;
}

/* 1, 0 at the end, -EBADMSG. */
static int component_next(const char **text, Component *ret) {
        const char *p = *text;

        p += strspn(p, "\r\n");
        if (!*p)
                return 0;
        ret->name = p;
        while (isgraph((unsigned char) *p) && *p != ',')
                p++;
        ret->name_bytes = (size_t) (p - ret->name);
        if (*p != ',' || ret->name_bytes == 0 || ret->name_bytes > NAME_BYTES_MAX)
                return -EBADMSG;
        p++;
        if (generation_parse(&p, &ret->generation) < 0)
                return -EBADMSG;
        *text = p + strcspn(p, "\r\n");
        return 1;
}

int sbat_check_section(const char *section) {
        Component component;
        int r;

        section = text_begin(section);
        while ((r = component_next(&section, &component)) > 0)
                ;
        return r;
}

int sbat_check_level(const char *level) {
        const char *p = text_begin(level);
        Component first;

        if (component_next(&p, &first) <= 0 || first.name_bytes != strlen("sbat") ||
                        strncmp(first.name, "sbat", first.name_bytes) != 0)
                return -EBADMSG;
        return sbat_check_section(level);
}

static uint32_t least_generation(const char *level, const Component *component) {
        uint32_t least = 0;
        Component needed;

        level = text_begin(level);
        while (component_next(&level, &needed) > 0)
                if (needed.name_bytes == component->name_bytes &&
                                memcmp(needed.name, component->name, needed.name_bytes) == 0 &&
                                needed.generation > least)
                        least = needed.generation;
        return least;
}

int sbat_is_revoked(const char *section, const char *level, char **ret_detail) {
        Component component;

        section = text_begin(section);
        while (component_next(&section, &component) > 0) {
                uint32_t least = least_generation(level, &component);

                if (component.generation >= least)
                        continue;
                if (asprintf(ret_detail, "its component %.*s is of generation %u, and SbatLevelRT asks for %u at least",
                                    (int) component.name_bytes, component.name, component.generation, least) < 0)
                        return -ENOMEM;
                return 1;
        }
        return 0;
}
