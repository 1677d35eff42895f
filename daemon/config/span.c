/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "basic/cleanup.h"
#include "config/span.h"

#define WHITE_SPACE " \t"
#define DIGITS "0123456789"
#define FRACTION_PER_UNIT UINT64_C(1000000) /* times a week in µs still fits */

#define MSEC UINT64_C(1000)
#define SEC UINT64_C(1000000)
#define MINUTE (60 * SEC)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
#define WEEK (7 * DAY)

typedef struct Unit {
        const char *name;
        uint64_t usec;
} Unit;

static const Unit units[] = {
        { "usec", 1 },
        { "us", 1 },
        { "\xc2\xb5s", 1 }, /* micro sign */
        { "\xce\xbcs", 1 }, /* Greek mu */
        { "msec", MSEC },
        { "ms", MSEC },
        { "seconds", SEC },
        { "second", SEC },
        { "sec", SEC },
        { "s", SEC },
        { "minutes", MINUTE },
        { "minute", MINUTE },
        { "min", MINUTE },
        { "m", MINUTE },
        { "hours", HOUR },
        { "hour", HOUR },
        { "hr", HOUR },
        { "h", HOUR },
        { "days", DAY },
        { "day", DAY },
        { "d", DAY },
        { "weeks", WEEK },
        { "week", WEEK },
        { "w", WEEK },
};

static int take_whole(const char **text, uint64_t *ret) {
        uint64_t whole = 0;

        for (; **text >= '0' && **text <= '9'; (*text)++)
                if (__builtin_mul_overflow(whole, 10, &whole) ||
                                __builtin_add_overflow(whole, (uint64_t) (**text - '0'), &whole))
                        return -ERANGE;
        *ret = whole;
        return 0;
}

/* In parts of FRACTION_PER_UNIT; digits behind its last one are read and dropped. */
static uint64_t take_fraction(const char **text) {
        uint64_t fraction = 0;

        for (uint64_t weight = FRACTION_PER_UNIT / 10; **text >= '0' && **text <= '9';
                        weight /= 10, (*text)++)
                fraction += (uint64_t) (**text - '0') * weight;
        return fraction;
}

/* A unit ends where the next number, white space or the text does. */
static int take_unit(const char **text, uint64_t *ret) {
        size_t size = strcspn(*text, WHITE_SPACE DIGITS ".");

        if (size == 0) {
                *ret = SEC;
                return 0;
        }
        for (size_t i = 0; i < ELEMENTSOF(units); i++)
                if (strlen(units[i].name) == size && memcmp(*text, units[i].name, size) == 0) {
                        *ret = units[i].usec;
                        *text += size;
                        return 0;
                }
        return -EINVAL;
}

/* One number and its unit, and the white space behind. */
static int take_term(const char **text, uint64_t *ret) {
        uint64_t whole, fraction = 0, unit, usec;
        bool has_digits = strspn(*text, DIGITS) > 0;
        int r;

        r = take_whole(text, &whole);
        if (r < 0)
                return r;
        if (**text == '.') {
                (*text)++;
                has_digits = strspn(*text, DIGITS) > 0;
                fraction = take_fraction(text);
        }
        if (!has_digits || **text == '.')
                return -EINVAL;

        *text += strspn(*text, WHITE_SPACE);
        r = take_unit(text, &unit);
        if (r < 0)
                return r;
        if (__builtin_mul_overflow(whole, unit, &usec) ||
                        __builtin_add_overflow(usec, fraction * unit / FRACTION_PER_UNIT, &usec))
                return -ERANGE;

        *text += strspn(*text, WHITE_SPACE);
        *ret = usec;
        return 0;
}

int span_parse(const char *text, uint64_t *ret_usec) {
        uint64_t sum = 0, usec;
        int r;

        text += strspn(text, WHITE_SPACE);
        if (!*text)
                return -EINVAL;
        if (strncmp(text, "infinity", strlen("infinity")) == 0) {
                text += strlen("infinity");
                if (text[strspn(text, WHITE_SPACE)])
                        return -EINVAL;
                *ret_usec = SPAN_INFINITY;
                return 0;
        }

        while (*text) {
                r = take_term(&text, &usec);
                if (r < 0)
                        return r;
                if (__builtin_add_overflow(sum, usec, &sum) || sum == SPAN_INFINITY)
                        return -ERANGE;
        }
        *ret_usec = sum;
        return 0;
}

void span_format(uint64_t usec, char ret[static SPAN_TEXT_MAX]) {
        static const Unit written[] = {
                { "w", WEEK },
                { "d", DAY },
                { "h", HOUR },
                { "min", MINUTE },
                { "s", SEC },
                { "ms", MSEC },
                { "us", 1 },
        };
        int n = 0;

        if (usec == SPAN_INFINITY || usec == 0) {
                snprintf(ret, SPAN_TEXT_MAX, "%s", usec == 0 ? "0" : "infinity");
                return;
        }
        for (size_t i = 0; i < ELEMENTSOF(written); i++) {
                if (usec >= written[i].usec)
                        n += snprintf(ret + n, SPAN_TEXT_MAX - (size_t) n, "%s%" PRIu64 "%s",
                                        n > 0 ? " " : "", usec / written[i].usec, written[i].name);
                usec %= written[i].usec;
        }
}
