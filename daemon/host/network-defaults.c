/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Sysctls of links. Each has more than a hundred, and one that was just made has the defaults, so that only those which
 * differ from these are looked at. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "host/network-links.h"

void defaults_clear(Defaults *defaults) {
        defaults->items = sysctls_free(defaults->items, defaults->n);
        *defaults = (Defaults) {};
}

static int text_compare(const void *a, const void *b) {
        return strcmp(*(char *const *) a, *(char *const *) b);
}

static bool defaults_have(Defaults *defaults, const char *sysctl) {
        if (!defaults->is_read) {
                defaults->is_read = true;
                if (sysctls_read("default", &defaults->items, &defaults->n) >= 0)
                        qsort(defaults->items, defaults->n, sizeof(char *), text_compare);
        }
        return defaults->n > 0 && bsearch(&sysctl, defaults->items, defaults->n, sizeof(char *), text_compare);
}

void restore_sysctls(Restore *r, const Link *then, Defaults *defaults) {
        const NetworkInterface *settings = then->settings;

        for (size_t i = 0; settings && i < settings->n_sysctls; i++) {
                const char *sysctl = settings->sysctls[i];
                int k;

                if (then->is_made && defaults_have(defaults, sysctl))
                        continue;
                k = sysctl_restore(then->now->name, sysctl);
                if (k < 0 && k != -ENOENT) /* this kernel has none */
                        restore_fail(r, k, "Cannot put back %s of %s: %s.", sysctl, then->name, strerror(-k));
                r->n_sent += k > 0;
        }
}
