/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Settings as they were under the kernel before. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "basic/json.h"
#include "host/settings-internal.h"

#define ROUNDS 2 /* some have bounds in others: net.ipv4.ipfrag_low_thresh, kernel.sched_rt_runtime_us */

typedef struct Wish {
        const char *path, *value; /* the manifest's */
        char *before;             /* NULL: it could not be read */
        unsigned rank;
        int error;
        bool is_set;
} Wish;

typedef struct Wishes {
        Wish *items;
        size_t n;
} Wishes;

static void wishes_done(Wishes *wishes) {
        for (size_t i = 0; i < wishes->n; i++)
                free(wishes->items[i].before);
        free(wishes->items);
}

static int compare(const void *a, const void *b) {
        const Wish *x = a, *y = b;

        if (x->rank != y->rank)
                return x->rank < y->rank ? -1 : 1;
        return strcmp(x->path, y->path);
}

static int problem_of_stranger(json_object *problems, const char *path) {
        bool is_text = strlen(path) <= SETTING_PATH_MAX && setting_value_is_sound(path);

        return json_append_text(problems, "%s is left as it is: no setting that is carried to the next kernel",
                        is_text ? path : "A file whose name is no text");
}

/* What belongs to this pass, in order. */
static int wishes_collect(Wishes *wishes, json_object *wanted, SettingsPass pass, json_object *problems) {
        wishes->items = calloc((size_t) json_object_object_length(wanted) + 1, sizeof(*wishes->items));
        if (!wishes->items)
                return -ENOMEM;
        json_object_object_foreach(wanted, path, member) {
                const char *value;
                int r;

                (void) member;
                if (pass == SETTINGS_PASS_FIRST && setting_pass(path) != pass)
                        continue;
                if (setting_path_is_sound(path) && json_get_string(wanted, path, &value) >= 0 &&
                                setting_value_is_sound(value)) {
                        wishes->items[wishes->n++] = (Wish){ path, value, .rank = setting_rank(path) };
                        continue;
                }
                r = problem_of_stranger(problems, path);
                if (r < 0)
                        return r;
        }
        qsort(wishes->items, wishes->n, sizeof(*wishes->items), compare);
        return 0;
}

static bool is_otherwise(const Wish *wish) {
        return wish->before && !setting_values_are_equal(wish->before, wish->value);
}

/* All before any is set: one sets others. */
static int wishes_look(Wishes *wishes, const char *root) {
        for (size_t i = 0; i < wishes->n; i++) {
                Wish *wish = &wishes->items[i];

                wish->error = setting_read(root, wish->path, &wish->before);
                if (wish->error == -ENOMEM)
                        return -ENOMEM;
        }
        return 0;
}

/* 1: it is by now as it is to be. */
static int wish_is_true(const Wish *wish, const char *root) {
        _cleanup_free_ char *now = NULL;
        int r = setting_read(root, wish->path, &now);

        return r < 0 ? r : setting_values_are_equal(now, wish->value);
}

static int wishes_set(Wishes *wishes, const char *root) {
        for (size_t i = 0; i < wishes->n; i++) {
                Wish *wish = &wishes->items[i];
                int r;

                if (!wish->before || wish->is_set)
                        continue;
                r = wish_is_true(wish, root);
                if (r == 0)
                        r = setting_write(root, wish->path, wish->value);
                if (r == -ENOMEM)
                        return r;
                wish->error = r < 0 ? r : 0;
                wish->is_set = r >= 0;
        }
        return 0;
}

/* A kernel may take a value and make another one of it, or fewer huge pages than it was asked for. */
static int wishes_verify(Wishes *wishes, const char *root) {
        for (size_t i = 0; i < wishes->n; i++) {
                Wish *wish = &wishes->items[i];
                int r = wish->error < 0 ? 1 : wish_is_true(wish, root);

                if (r == -ENOMEM)
                        return r;
                if (r <= 0)
                        wish->error = r < 0 ? r : -ERANGE;
        }
        return 0;
}

static bool is_in_the_same_directory(const char *a, const char *b) {
        size_t length = (size_t) (strrchr(a, '/') - a);

        return (size_t) (strrchr(b, '/') - b) == length && strncmp(a, b, length) == 0;
}

/* One sentence for all that came with one module. */
static int tell_missing(const Wishes *wishes, size_t *i, json_object *problems) {
        const Wish *first = &wishes->items[(*i)++];
        size_t n_others = 0;

        for (; *i < wishes->n && wishes->items[*i].error == -ENOENT &&
                        is_in_the_same_directory(first->path, wishes->items[*i].path);
                        (*i)++)
                n_others++;
        if (n_others == 0)
                return json_append_text(problems, "%s is not there; if it is a module's, load that and set it",
                                first->path);
        return json_append_text(problems, "%s and %zu more beside it are not there; if they are a module's, load that "
                                          "and set them", first->path, n_others);
}

/* Not the value: some are secrets. */
static int tell_one(const Wish *wish, json_object *problems) {
        if (wish->error == -ERANGE)
                return json_append_text(problems, "%s was set, but is not what it was under the kernel before",
                                wish->path);
        return json_append_text(problems, "%s cannot be set as it was under the kernel before: %s", wish->path,
                        wish->error == -EBADMSG ? "It cannot be read and written" : strerror(-wish->error));
}

static int wishes_tell(const Wishes *wishes, json_object *problems) {
        int r = 0;

        for (size_t i = 0; r >= 0 && i < wishes->n;) {
                const Wish *wish = &wishes->items[i];

                if (wish->error == -ENOENT) {
                        r = tell_missing(wishes, &i, problems);
                        continue;
                }
                if (wish->error < 0)
                        r = tell_one(wish, problems);
                i++;
        }
        return r;
}

/* Against that, it is a change again. */
static int wishes_remember(const Wishes *wishes, Settings *baseline) {
        int r = 0;

        for (size_t i = 0; r >= 0 && i < wishes->n; i++)
                if (is_otherwise(&wishes->items[i]))
                        r = settings_put(baseline, wishes->items[i].path, wishes->items[i].before);
        return r;
}

int settings_restore(const char *root, json_object *wanted, SettingsPass pass, Settings *baseline,
                size_t *ret_n_changes, json_object *problems) {
        _cleanup_(wishes_done) Wishes wishes = {};
        size_t n_changes = 0;
        int r;

        if (!json_object_is_type(wanted, json_type_object) ||
                        (size_t) json_object_object_length(wanted) > SETTINGS_MAX)
                return -EBADMSG;
        r = wishes_collect(&wishes, wanted, pass, problems);
        if (r >= 0)
                r = wishes_look(&wishes, root);
        if (r >= 0)
                r = wishes_remember(&wishes, baseline);
        for (size_t i = 0; r >= 0 && i < ROUNDS; i++)
                r = wishes_set(&wishes, root);
        if (r >= 0)
                r = wishes_verify(&wishes, root);
        if (r >= 0)
                r = wishes_tell(&wishes, problems);
        for (size_t i = 0; i < wishes.n; i++)
                n_changes += is_otherwise(&wishes.items[i]) && wishes.items[i].is_set;
        *ret_n_changes = n_changes;
        return r;
}
