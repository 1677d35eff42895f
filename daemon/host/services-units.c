/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "basic/io.h"
#include "host/services-internal.h"

#define UNIT_NAME_SIZE_MAX 255U /* UNIT_NAME_MAX of systemd, src/basic/unit-name.h, less the NUL */
#define UNIT_NAME_CHARACTERS "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ@:-_.\\"
#define STARTING " starting"

/* Mounts, swaps, devices, slices and scopes are left alone by an isolation: IgnoreOnIsolate= is set for them from the
 * start (src/core/mount.c, mount_init(), and the like). */
static bool is_of_stoppable_type(const char *name) {
        static const char *const types[] = {
                ".service", ".socket", ".target", ".timer", ".path", ".automount",
        };

        for (size_t i = 0; i < ELEMENTSOF(types); i++)
                if (text_ends_with(name, types[i]))
                        return true;
        return false;
}

static bool is_valid_name(const char *name) {
        size_t n = strlen(name);

        return n > 0 && n <= UNIT_NAME_SIZE_MAX && strspn(name, UNIT_NAME_CHARACTERS) == n;
}

static void unit_clear(Unit *unit) {
        sd_bus_slot_unref(unit->call);
        free(unit->name);
}

void units_clear(Units *units) {
        for (size_t i = 0; i < units->n; i++)
                unit_clear(&units->items[i]);
        free(units->items);
        *units = (Units){};
}

static int units_add(Units *units, const char *name, bool was_starting) {
        Unit *items = reallocarray(units->items, units->n + 1, sizeof(*items));

        if (!items)
                return -ENOMEM;
        units->items = items;
        items[units->n] = (Unit){ .name = strdup(name), .was_starting = was_starting };
        if (!items[units->n].name)
                return -ENOMEM;
        units->n++;
        return 0;
}

static int compare_units(const void *a, const void *b) {
        return strcmp(((const Unit *) a)->name, ((const Unit *) b)->name);
}

static void units_sort(Units *units) {
        if (units->n > 0)
                qsort(units->items, units->n, sizeof(*units->items), compare_units);
}

Unit *units_find(const Units *units, const char *name) {
        Unit key = { .name = (char *) name };

        return units->n > 0 ? bsearch(&key, units->items, units->n, sizeof(key), compare_units) : NULL;
}

static int units_add_listed(Units *units, const char *name, const char *state, const char *job) {
        bool is_starting = strcmp(state, "activating") == 0;
        bool is_up = strcmp(state, "active") == 0 || strcmp(state, "reloading") == 0 ||
                        strcmp(state, "refreshing") == 0;

        if (!is_valid_name(name) || !(is_up || is_starting) || strcmp(job, "stop") == 0)
                return 0;
        return units_add(units, name, is_starting);
}

int units_read(sd_bus_message *m, Units *units) {
        const char *name, *state, *job;
        int r;

        r = sd_bus_message_enter_container(m, 'a', "(ssssssouso)");
        if (r < 0)
                return r;
        while ((r = sd_bus_message_read(m, "(ssssssouso)", &name, NULL, NULL, &state, NULL, NULL, NULL, NULL, &job,
                                NULL)) > 0) {
                r = units_add_listed(units, name, state, job);
                if (r < 0)
                        return r;
        }
        units_sort(units);
        return r < 0 ? r : 0;
}

/* An instance that a socket with Accept=yes made for one connection, which is gone with it. */
static bool is_of_connection(const Units *units, const char *name) {
        const char *at = strchr(name, '@');
        char socket[UNIT_NAME_SIZE_MAX + sizeof(".socket")];

        if (!at || !text_ends_with(name, ".service"))
                return false;
        snprintf(socket, sizeof(socket), "%.*s.socket", (int) (at - name), name);
        return units_find(units, socket);
}

/* Our own services do one thing and end. Done again, a commit that was rolled back would be committed for ever. */
static bool is_ours(const char *name) {
        return strcmp(name, LIVEUPDATE_TARGET) == 0 ||
                        (strncmp(name, "liveupdate-", strlen("liveupdate-")) == 0 && text_ends_with(name, ".service"));
}

/* Backwards, so that instances are judged before the socket they belong to is gone: '.' sorts before '@'. */
void units_keep_restartable(Units *units, const char *directory) {
        for (size_t i = units->n; i-- > 0;) {
                Unit *unit = &units->items[i];

                if (is_of_stoppable_type(unit->name) && !is_ours(unit->name) &&
                                !is_of_connection(units, unit->name) && !links_has(directory, unit->name))
                        continue;
                unit_clear(unit);
                memmove(unit, unit + 1, (--units->n - i) * sizeof(*unit));
        }
}

int units_to_memfd(const Units *units, int *ret_fd) {
        _cleanup_free_ char *text = NULL;
        size_t size = 0;
        FILE *file = open_memstream(&text, &size);

        if (!file)
                return -ENOMEM;
        for (size_t i = 0; i < units->n; i++)
                fprintf(file, "%s%s\n", units->items[i].name, units->items[i].was_starting ? STARTING : "");
        if (fclose(file) != 0)
                return -ENOMEM;
        return memfd_new_with("liveupdated-services", text, size, ret_fd);
}

int units_from_text(const char *text, size_t size, Units *units) {
        const char *end = text + size;

        while (text < end) {
                const char *newline = memchr(text, '\n', (size_t) (end - text));
                _cleanup_free_ char *line = newline ? strndup(text, (size_t) (newline - text)) : NULL;
                bool was_starting;
                int r;

                if (!newline)
                        return -EBADMSG;
                if (!line)
                        return -ENOMEM;
                was_starting = text_ends_with(line, STARTING);
                if (was_starting)
                        line[strlen(line) - strlen(STARTING)] = 0;
                if (!is_valid_name(line) || !is_of_stoppable_type(line))
                        return -EBADMSG;
                r = units_add(units, line, was_starting);
                if (r < 0)
                        return r;
                text = newline + 1;
        }
        units_sort(units);
        return 0;
}
