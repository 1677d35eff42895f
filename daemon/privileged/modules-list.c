/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>

#include "basic/io.h"
#include "basic/json.h"
#include "privileged/modules.h"
#include "privileged/why.h"

#define LOADED_BYTES_MAX (4U << 20)
#define FIELDS 4 /* name, size, uses, users */

const ModulesHost modules_host = { .root = "" };

static int parse_line(char *line, LoadedFunc func, void *userdata) {
        char *fields[FIELDS], *state = NULL;

        for (size_t i = 0; i < FIELDS; i++) {
                fields[i] = strtok_r(i == 0 ? line : NULL, " ", &state);
                if (!fields[i])
                        return -EBADMSG;
        }
        if (!module_name_is_valid(fields[0]))
                return -EBADMSG;
        /* kernel/module/procfs.c: "-", or each with a comma after it; "[permanent]," is no module. */
        return func(fields[0], strcmp(fields[3], "-") != 0 && strcmp(fields[3], "[permanent],") != 0, userdata);
}

int modules_parse_loaded(char *text, LoadedFunc func, void *userdata) {
        char *state = NULL;
        int r = 0;

        for (char *line = strtok_r(text, "\n", &state); r >= 0 && line; line = strtok_r(NULL, "\n", &state))
                r = parse_line(line, func, userdata);
        return r;
}

typedef struct Listing {
        const ModulesHost *host;
        NameSet wanted;
        json_object *modules; /* newest first */
} Listing;

static int add_loaded(const char *name, bool is_held, void *userdata) {
        _cleanup_json_ json_object *module = NULL;
        json_object *parameters;
        Listing *listing = userdata;

        if (is_held || name_set_has(&listing->wanted, name))
                return 0;
        if (json_object_array_length(listing->modules) >= MODULES_MAX)
                return -E2BIG;
        module = json_object_new_object();
        if (!module || json_add_string(module, "name", name) < 0 ||
                        module_parameters_read(listing->host, name, &parameters) < 0 ||
                        json_add(module, "parameters", parameters) < 0)
                return -ENOMEM;
        return json_object_array_add(listing->modules, TAKE_PTR(module)) < 0 ? -ENOMEM : 0;
}

static int reversed(json_object *list, json_object **ret) {
        _cleanup_json_ json_object *backward = json_object_new_array();

        for (size_t i = json_object_array_length(list); backward && i > 0; i--)
                if (json_object_array_add(backward, json_object_get(json_object_array_get_idx(list, i - 1))) < 0)
                        return -ENOMEM;
        if (!backward)
                return -ENOMEM;
        *ret = TAKE_PTR(backward);
        return 0;
}

static int list(Listing *listing, char *loaded, char **ret_why) {
        _cleanup_(kmod_unrefp) struct kmod_ctx *kmod = modules_open(listing->host);
        int r;

        if (!kmod)
                return why_set(ret_why, -ENOMEM, "libkmod does not start.");
        r = modules_wanted(listing->host, kmod, &listing->wanted);
        if (r < 0)
                return why_set(ret_why, r, "Cannot tell which modules devices ask for: %s", strerror(-r));
        r = modules_parse_loaded(loaded, add_loaded, listing);
        return r < 0 ? why_set(ret_why, r, "Cannot list the loaded modules: %s", strerror(-r)) : 0;
}

int modules_list(const ModulesHost *host, json_object **ret, char **ret_why) {
        Listing listing = { .host = host, .modules = json_object_new_array() };
        _cleanup_free_ char *loaded = NULL;
        char path[PATH_MAX];
        size_t size;
        int r;

        (void) snprintf(path, sizeof(path), "%s/proc/modules", host->root);
        r = listing.modules ? read_file_at(AT_FDCWD, path, LOADED_BYTES_MAX, &loaded, &size) : -ENOMEM;
        if (r < 0 && r != -ENOENT)
                r = why_set(ret_why, r, "Cannot read %s: %s", path, strerror(-r));
        else if (r >= 0)
                r = list(&listing, loaded, ret_why);
        if (r >= 0 || r == -ENOENT)
                r = reversed(listing.modules, ret);
        json_object_put(listing.modules);
        name_set_done(&listing.wanted);
        return r;
}
