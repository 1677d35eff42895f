/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "drain/drain-internal.h"

static const struct {
        const char *fails, *lasts;
} stages[_STAGE_MAX] = {
        [STAGE_START] = { "nothing could be done with it", "its turn has not come" },
        [STAGE_LINKS] = { "its interfaces cannot be taken down", "its interfaces are still being taken down" },
        [STAGE_UNBIND] = { "it cannot be unbound from its driver", "its driver does not let go of it" },
        [STAGE_RESET] = { "it cannot be reset", "it is still being reset" },
        [STAGE_MASTER_OFF] = { "its bus mastering cannot be cleared", "its configuration space does not answer" },
        [STAGE_PENDING] = { "its configuration space cannot be read", "transactions are pending" },
        [STAGE_OVERRIDE] = { "its driver_override cannot be set again", "its driver_override is still being set" },
        [STAGE_BIND] = { "it cannot be bound to its driver again", "its driver is still being bound" },
        [STAGE_MASTER_ON] = { "its bus mastering cannot be set again", "its configuration space does not answer" },
};

static const char *const outcomes[_OUTCOME_MAX] = {
        [OUTCOME_PENDING] = "pending",
        [OUTCOME_KEPT] = "kept",
        [OUTCOME_QUIET] = "quiet",
        [OUTCOME_PRESERVED] = "preserved",
        [OUTCOME_GONE] = "gone",
        [OUTCOME_UNSAFE] = "unsafe",
        [OUTCOME_RESTORED] = "restored",
};

const char *drain_outcome_to_string(DrainOutcome outcome) {
        return outcomes[outcome];
}

/* "2 s", "0.25 s" */
static void say_seconds(FILE *f, uint64_t usec) {
        unsigned ms = (unsigned) (usec / 1000 % 1000), digits = 3;

        for (; digits > 0 && ms % 10 == 0; digits--)
                ms /= 10;
        fprintf(f, "%" PRIu64, usec / 1000000);
        if (digits > 0)
                fprintf(f, ".%0*u", (int) digits, ms);
        fputs(" s", f);
}

char *clause_failed(const DrainDevice *d, int error) {
        char *text;

        if (d->work.is_gone)
                return strdup("it is gone");
        if (error == -ETIMEDOUT && d->work.failed_stage == STAGE_PENDING)
                return clause_late(d);
        return asprintf(&text, "%s: %s", stages[d->work.failed_stage].fails, strerror(-error)) < 0 ? NULL : text;
}

char *clause_late(const DrainDevice *d) {
        return strdup(stages[atomic_load(&d->work.stage)].lasts);
}

static void say_subject(FILE *f, const DrainDevice *d, bool is_named) {
        if (is_named)
                fprintf(f, "%s (%s)", d->device->address, d->device->driver ?: "no driver");
        else
                fputs("it", f);
}

/* "0000:00:04.0 (e1000e) did not become quiet within 2 s: transactions are pending" */
char *drain_sentence(const DrainDevice *d, bool is_named, uint64_t limit_usec, const char *clause) {
        char *text = NULL;
        size_t size;
        FILE *f = open_memstream(&text, &size);

        if (!f)
                return NULL;
        say_subject(f, d, is_named);
        fputs(d->drain->pass.is_undo ? " is not as before" : " did not become quiet", f);
        if (limit_usec > 0) {
                fputs(d->drain->pass.is_undo ? " after " : " within ", f);
                say_seconds(f, limit_usec);
        }
        fprintf(f, ": %s", clause);
        fclose(f);
        return text;
}
