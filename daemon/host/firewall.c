/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "basic/cleanup.h"
#include "basic/json.h"
#include "basic/log.h"
#include "host/firewall-internal.h"
#include "host/firewall-library.h"
#include "host/firewall.h"

#define TABLES_MAX 4096U

/* capturing */

static int table_list(Firewall *firewall, const char *family, const char *name, char **ret) {
        _cleanup_free_ char *command = NULL;
        const char *output;
        int r;

        if (asprintf(&command, "list table %s %s", family, name) < 0) {
                command = NULL;
                return -ENOMEM;
        }
        r = firewall_run(firewall, command, &output);
        if (r < 0)
                return r;
        *ret = strdup(output);
        if (!*ret)
                return -ENOMEM;
        firewall_text_strip(*ret);
        return 0;
}

static int add_table(Firewall *firewall, const char *family, const char *name, json_object *tables, size_t *size) {
        _cleanup_json_ json_object *o = json_object_new_object();
        _cleanup_free_ char *text = NULL;
        int r = table_list(firewall, family, name, &text);

        if (r == -ENOMEM || !o)
                return -ENOMEM;
        if (r < 0) /* it went meanwhile */
                return 0;
        if (firewall_text_has_owner(text)) {
                log_info("The firewall's table %s %s belongs to a program that makes it anew: it is not carried.",
                                family, name);
                return 0;
        }
        *size += strlen(text);
        if (*size > FIREWALL_BYTES_MAX || json_object_array_length(tables) >= TABLES_MAX)
                return -E2BIG;
        if (json_add_string(o, "family", family) < 0 || json_add_string(o, "name", name) < 0 ||
                        json_add_string(o, "text", text) < 0)
                return -ENOMEM;
        if (json_object_array_add(tables, o) < 0)
                return -ENOMEM;
        o = NULL;
        return 0;
}

/* "table inet filter" */
static bool parse_line(char *line, const char **ret_family, const char **ret_name) {
        char *state = NULL, *word = strtok_r(line, " ", &state);

        *ret_family = strtok_r(NULL, " ", &state);
        *ret_name = strtok_r(NULL, " ", &state);
        return word && strcmp(word, "table") == 0 && *ret_family && *ret_name && firewall_family_is_sound(*ret_family);
}

static int capture_tables(Firewall *firewall, json_object *tables) {
        _cleanup_free_ char *list = NULL;
        const char *output, *family, *name;
        char *state = NULL;
        size_t size = 0;
        int r;

        r = firewall_run(firewall, "list tables", &output);
        if (r < 0) {
                log_warning("The firewall cannot be read, and is not carried: %s.", firewall_error(firewall));
                return -EOPNOTSUPP;
        }
        list = strdup(output);
        if (!list)
                return -ENOMEM;
        for (char *line = strtok_r(list, "\n", &state); r >= 0 && line; line = strtok_r(NULL, "\n", &state)) {
                if (!parse_line(line, &family, &name))
                        continue;
                if (firewall_name_is_sound(name))
                        r = add_table(firewall, family, name, tables, &size);
                else
                        log_warning("The firewall's table %s %s has a name that nft cannot read: it is not carried.",
                                        family, name);
        }
        return r;
}

int firewall_capture(json_object **ret) {
        _cleanup_json_ json_object *tables = json_object_new_array();
        _cleanup_(firewall_closep) Firewall *firewall = NULL;
        int r;

        if (!tables)
                return -ENOMEM;
        r = firewall_open(&firewall);
        if (r >= 0)
                r = capture_tables(firewall, tables);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(tables);
        return 0;
}

/* putting back */

typedef struct Table {
        const char *family, *name, *text;
        const char *now; /* NULL: it is missing */
} Table;

static int table_from_json(json_object *o, Table *ret) {
        *ret = (Table) {};
        if (!json_object_is_type(o, json_type_object) || json_get_string(o, "family", &ret->family) < 0 ||
                        json_get_string(o, "name", &ret->name) < 0 || json_get_string(o, "text", &ret->text) < 0)
                return -EBADMSG;
        return firewall_family_is_sound(ret->family) && firewall_name_is_sound(ret->name) ? 0 : -EBADMSG;
}

/* What nft itself would not read again (rules of iptables' extensions) is in none of them. */
static int take_table(json_object *o, Table *tables, size_t *n, json_object *problems) {
        Table table;
        int r = table_from_json(o, &table);

        if (r < 0)
                return r;
        if (!firewall_text_is_sound(table.text, table.family, table.name))
                return json_append_text(problems, "The firewall's table %s %s is not put back: there is more in it than "
                                "nft reads. Load it from where it is configured.", table.family, table.name);
        tables[(*n)++] = table;
        return 0;
}

static const char *find_text(json_object *tables, const Table *table) {
        for (size_t i = 0; i < json_object_array_length(tables); i++) {
                json_object *o = json_object_array_get_idx(tables, i);
                const char *family, *name, *text;

                if (json_get_string(o, "family", &family) >= 0 && json_get_string(o, "name", &name) >= 0 &&
                                json_get_string(o, "text", &text) >= 0 && strcmp(family, table->family) == 0 &&
                                strcmp(name, table->name) == 0)
                        return text;
        }
        return NULL;
}

/* "create": should it have come meanwhile, it is not to be mixed with what it was. Some versions take no notice of what
 * else is in the block then, so it has only what a table cannot be given later. */
static int put_table(FILE *f, const Table *table) {
        fprintf(f, "create table %s %s {\n", table->family, table->name);
        firewall_text_put_own(f, table->text);
        return fprintf(f, "}\n%s\n", table->text) < 0 ? -ENOMEM : 0;
}

/* `only` NULL: all that are missing. */
static int create_tables(Firewall *firewall, const Table *tables, size_t n, const Table *only) {
        _cleanup_free_ char *commands = NULL;
        size_t size;
        FILE *f = open_memstream(&commands, &size);
        int r = f ? 0 : -ENOMEM;

        for (size_t i = 0; r >= 0 && i < n; i++)
                if (!tables[i].now && (!only || only == &tables[i]))
                        r = put_table(f, &tables[i]);
        if (f && fclose(f) != 0)
                r = -ENOMEM;
        return r < 0 ? r : firewall_run(firewall, commands, NULL);
}

static int create_one(Firewall *firewall, const Table *tables, size_t n, const Table *table, size_t *n_changes,
                json_object *problems) {
        int r = create_tables(firewall, tables, n, table);

        *n_changes += r >= 0;
        if (r != -EIO)
                return r;
        return json_append_text(problems, "Cannot put back the firewall's table %s %s: %s. Load it from where it is "
                        "configured (nft -f).", table->family, table->name, firewall_error(firewall));
}

/* In one transaction; where that fails, each by itself, so that one that cannot be does not take the others along. */
static int create_missing(Firewall *firewall, const Table *tables, size_t n, size_t *n_changes, json_object *problems) {
        size_t n_missing = 0;
        int r;

        for (size_t i = 0; i < n; i++)
                n_missing += !tables[i].now;
        if (n_missing == 0)
                return 0;
        r = create_tables(firewall, tables, n, NULL);
        if (r >= 0)
                *n_changes = n_missing;
        if (r != -EIO)
                return r;
        r = 0;
        for (size_t i = 0; r >= 0 && i < n; i++)
                if (!tables[i].now)
                        r = create_one(firewall, tables, n, &tables[i], n_changes, problems);
        return r;
}

static int tell_different(const Table *table, json_object *problems) {
        _cleanup_free_ char *then = firewall_text_without_state(table->text);
        _cleanup_free_ char *now = firewall_text_without_state(table->now);

        if (!then || !now)
                return -ENOMEM;
        if (strcmp(then, now) == 0)
                return 0;
        return json_append_text(problems, "The firewall's table %s %s is otherwise than it was before the update, and "
                        "left so: somebody else made it since.", table->family, table->name);
}

static int reconcile(Firewall *firewall, Table *tables, size_t n, NetworkPass pass, size_t *n_changes,
                json_object *problems) {
        _cleanup_json_ json_object *now = json_object_new_array();
        int r;

        if (!now)
                return -ENOMEM;
        r = capture_tables(firewall, now);
        for (size_t i = 0; r >= 0 && i < n; i++) {
                tables[i].now = find_text(now, &tables[i]);
                if (tables[i].now && pass == NETWORK_PASS_LATER)
                        r = tell_different(&tables[i], problems);
        }
        return r < 0 ? r : create_missing(firewall, tables, n, n_changes, problems);
}

int firewall_reconcile(json_object *wanted, NetworkPass pass, size_t *ret_n_changes, json_object *problems) {
        _cleanup_(firewall_closep) Firewall *firewall = NULL;
        _cleanup_free_ Table *tables = NULL;
        size_t n_wanted, n = 0, n_changes = 0, size = 0;
        int r = 0;

        if (!json_object_is_type(wanted, json_type_array) || json_object_array_length(wanted) > TABLES_MAX)
                return -EBADMSG;
        n_wanted = json_object_array_length(wanted);
        tables = calloc(n_wanted + 1, sizeof(*tables));
        if (!tables)
                return -ENOMEM;
        for (size_t i = 0; r >= 0 && i < n_wanted; i++)
                r = take_table(json_object_array_get_idx(wanted, i), tables, &n, problems);
        for (size_t i = 0; i < n; i++)
                size += strlen(tables[i].text);
        if (r < 0 || size > FIREWALL_BYTES_MAX)
                return r < 0 ? r : -EBADMSG;
        if (n > 0)
                r = firewall_open(&firewall);
        if (n > 0 && r >= 0)
                r = reconcile(firewall, tables, n, pass, &n_changes, problems);
        *ret_n_changes = n_changes;
        return r;
}
