/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Kernel modules that nothing but somebody's hand would load, by libkmod. The JSON is [Module] of
 * io.liveupdate.Privileged. */

#include <json-c/json.h>
#include <libkmod.h>
#include <stdbool.h>
#include <stddef.h>

#include "basic/cleanup.h"

#define MODULES_MAX 1024U
#define MODULE_NAME_BYTES_MAX 55U /* MODULE_NAME_LEN of include/linux/moduleparam.h, without the NUL */
#define MODULE_PARAMETERS_MAX 256U
#define MODULE_PARAMETER_BYTES_MAX 4096U /* a page, as sysfs has it */

/* Where the tests have a tree of their own. */
typedef struct ModulesHost {
        const char *root;                /* "" for the real one: /proc, /sys, modules-load.d */
        const char *directory;           /* of the modules; NULL: of the running kernel */
        const char *const *modprobe_d;   /* NULL: where libkmod looks */
} ModulesHost;
extern const ModulesHost modules_host;

/* -ENOSYS in a kernel without modules is no error here: the list is empty. */
int modules_list(const ModulesHost *host, json_object **ret, char **ret_why);
int modules_load(const ModulesHost *host, json_object *modules, size_t *ret_n_changes, json_object *problems,
                char **ret_why);

/* A set of module names, with '-' as '_'. */
typedef struct NameSet {
        void *root;
} NameSet;

int name_set_add(NameSet *set, const char *name);
bool name_set_has(const NameSet *set, const char *name);
void name_set_done(NameSet *set);

/* Those that a device, or a file in modules-load.d, asks for. */
int modules_wanted(const ModulesHost *host, struct kmod_ctx *kmod, NameSet *ret);

/* /proc/modules, of which each name is given with whether another module uses it, newest first. `text` is changed.
 * -EBADMSG: it is no such file. */
typedef int (*LoadedFunc)(const char *name, bool is_held, void *userdata);
int modules_parse_loaded(char *text, LoadedFunc func, void *userdata);

bool module_name_is_valid(const char *name);
/* The parameters that can be read, by name. -ENOMEM; a module without is {}. */
int module_parameters_read(const ModulesHost *host, const char *module, json_object **ret);
/* -ENOENT, -EACCES: it cannot be written. */
int module_parameter_read(const ModulesHost *host, const char *module, const char *name, char **ret);
int module_parameter_write(const ModulesHost *host, const char *module, const char *name, const char *value);

struct kmod_ctx *modules_open(const ModulesHost *host);
static inline void kmod_unrefp(struct kmod_ctx **kmod) {
        if (*kmod)
                kmod_unref(*kmod);
}
