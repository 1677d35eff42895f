/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "basic/json.h"
#include "privileged/modules.h"
#include "privileged/why.h"

typedef struct Loading {
        const ModulesHost *host;
        struct kmod_ctx *kmod;
        json_object *problems;
        size_t n_changes;
} Loading;

/* libkmod would have a shell run what modprobe.d has in place of the module. */
static int run_install(struct kmod_module *module, const char *command, void *userdata) {
        return -EPERM;
}

static bool is_loaded(struct kmod_module *module) {
        int state = kmod_module_get_initstate(module);

        return state == KMOD_MODULE_LIVE || state == KMOD_MODULE_BUILTIN || state == KMOD_MODULE_COMING;
}

/* "rd_nr=1 name=\"a b\"", as on the kernel's command line (kernel/params.c:next_arg()). What that cannot say is left
 * out, and told when it is found to be otherwise. Caller frees; NULL: there is none, or no memory. */
static char *options_of(json_object *parameters) {
        char *text = NULL;
        size_t size;
        FILE *f = open_memstream(&text, &size);

        if (!f)
                return NULL;
        json_object_object_foreach(parameters, name, o) {
                const char *value = json_object_is_type(o, json_type_string) ? json_object_get_string(o) : "\"";

                if (module_name_is_valid(name) && *value && !strpbrk(value, "\"\n"))
                        fprintf(f, strpbrk(value, " \t") ? "%s=\"%s\" " : "%s=%s ", name, value);
        }
        if (fclose(f) == 0 && size > 0)
                return text;
        free(text);
        return NULL;
}

static int probe(struct kmod_module *module, const char *options) {
        return kmod_module_probe_insert_module(module, 0, options, run_install, NULL, NULL);
}

/* The blacklist is for what loads by itself: this was loaded in spite of it. Most parameters can be given now or never;
 * a kernel that does not take them gets none. 1: it was not loaded before. */
static int insert(struct kmod_module *module, json_object *parameters) {
        _cleanup_free_ char *options = parameters ? options_of(parameters) : NULL;
        int r = -EINVAL;

        if (is_loaded(module))
                return 0;
        if (options)
                r = probe(module, options);
        if (r < 0)
                r = probe(module, NULL);
        return r < 0 ? r : 1;
}

static int tell(Loading *loading, struct kmod_module *module, const char *name, int error) {
        if (error == -ENOENT)
                return problem_add(loading->problems, "Module %s is not loaded: this kernel does not have it.", name);
        if (error == -EPERM && kmod_module_get_install_commands(module))
                return problem_add(loading->problems,
                                "Module %s is not loaded: modprobe.d has a command in its place.", name);
        return problem_add(loading->problems, "Module %s is not loaded: %s", name, strerror(-error));
}

static int set_parameter(Loading *loading, const char *module, const char *name, const char *value) {
        _cleanup_free_ char *is = NULL;
        int r;

        r = module_parameter_read(loading->host, module, name, &is);
        if (r == -EBADMSG)
                return problem_add(loading->problems, "A parameter of module %s is malformed.", module);
        if (r < 0)
                return problem_add(loading->problems, "Parameter %s of module %s was %s, and cannot be read: %s", name,
                                module, value, strerror(-r));
        if (strcmp(is, value) == 0)
                return 0;
        r = module_parameter_write(loading->host, module, name, value);
        if (r < 0)
                return problem_add(loading->problems, "Parameter %s of module %s is %s, was %s, and cannot be set: %s. "
                                "Set it in modprobe.d.", name, module, is, value, strerror(-r));
        loading->n_changes++;
        return 0;
}

static int set_parameters(Loading *loading, const char *module, json_object *parameters) {
        struct json_object_iterator i = json_object_iter_begin(parameters), end = json_object_iter_end(parameters);
        int r = 0;

        for (; r >= 0 && !json_object_iter_equal(&i, &end); json_object_iter_next(&i)) {
                const char *name = json_object_iter_peek_name(&i), *value;

                r = json_get_string(parameters, name, &value);
                if (r < 0 || strlen(value) > MODULE_PARAMETER_BYTES_MAX)
                        r = problem_add(loading->problems, "A parameter of module %s is malformed.", module);
                else
                        r = set_parameter(loading, module, name, value);
        }
        return r;
}

static int load_named(Loading *loading, const char *name, json_object *parameters) {
        struct kmod_module *module;
        int r;

        r = kmod_module_new_from_name(loading->kmod, name, &module);
        if (r < 0)
                return problem_add(loading->problems, "Module %s is not loaded: %s", name, strerror(-r));
        r = insert(module, parameters);
        if (r < 0)
                r = tell(loading, module, name, r);
        else {
                loading->n_changes += (size_t) r;
                r = parameters ? set_parameters(loading, name, parameters) : 0;
        }
        kmod_module_unref(module);
        return r;
}

static int load_one(Loading *loading, json_object *o) {
        json_object *parameters = NULL;
        const char *name;
        int r;

        r = json_get_object(o, "parameters", &parameters);
        if ((r < 0 && r != -ENOENT) || json_get_string(o, "name", &name) < 0 || !module_name_is_valid(name) ||
                        (parameters && json_object_object_length(parameters) > (int) MODULE_PARAMETERS_MAX))
                return problem_add(loading->problems, "One of the modules is malformed.");
        return load_named(loading, name, parameters);
}

int modules_load(const ModulesHost *host, json_object *modules, size_t *ret_n_changes, json_object *problems,
                char **ret_why) {
        _cleanup_(kmod_unrefp) struct kmod_ctx *kmod = NULL;
        Loading loading = { .host = host, .problems = problems };
        int r = 0;

        if (json_object_array_length(modules) > MODULES_MAX)
                return why_set(ret_why, -EBADMSG, "These are more than %u modules.", MODULES_MAX);
        kmod = loading.kmod = modules_open(host);
        if (!kmod)
                return why_set(ret_why, -ENOMEM, "libkmod does not start.");
        for (size_t i = 0; r >= 0 && i < json_object_array_length(modules); i++)
                r = load_one(&loading, json_object_array_get_idx(modules, i));
        *ret_n_changes = loading.n_changes;
        return r;
}
