/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <search.h>
#include <string.h>

#include "basic/io.h"
#include "privileged/modules.h"

/* What udev would have loaded: `modprobe MODALIAS` for each device (80-drivers.rules), which heeds the blacklist. Every
 * device with an alias is of a bus or a class. */
static const char *const device_patterns[] = {
        "/sys/bus/*/devices/*/uevent",
        "/sys/class/*/*/uevent",
};

/* systemd-modules-load.service; a file of the same name in an earlier one is in place of the later one's. */
static const char *const load_directories[] = {
        "/etc/modules-load.d",
        "/run/modules-load.d",
        "/usr/local/lib/modules-load.d",
        "/usr/lib/modules-load.d",
};

#define UEVENT_BYTES_MAX 8192U
#define LOAD_FILE_BYTES_MAX (64U << 10)

typedef struct Asking {
        const ModulesHost *host;
        struct kmod_ctx *kmod;
        NameSet asked; /* aliases */
        NameSet *modules;
} Asking;

static int compare(const void *a, const void *b) {
        return strcmp(a, b);
}

static char *normal(const char *name) {
        char *copy = strdup(name);

        for (char *p = copy; p && *p; p++)
                *p = *p == '-' ? '_' : *p;
        return copy;
}

/* 1: it was not there. */
static int set_put(NameSet *set, char *name) {
        char **node = name ? tsearch(name, &set->root, compare) : NULL;
        bool is_new = node && *node == name;

        if (!is_new)
                free(name);
        return node ? is_new : -ENOMEM;
}

int name_set_add(NameSet *set, const char *name) {
        return set_put(set, normal(name));
}

bool name_set_has(const NameSet *set, const char *name) {
        char text[MODULE_NAME_BYTES_MAX + 1];
        size_t i;

        for (i = 0; name[i] && i < sizeof(text) - 1; i++)
                text[i] = (char) (name[i] == '-' ? '_' : name[i]);
        text[i] = 0;
        return !name[i] && tfind(text, &set->root, compare);
}

void name_set_done(NameSet *set) {
        tdestroy(set->root, free);
        set->root = NULL;
}

static int add_modules(Asking *asking, struct kmod_list *list) {
        const struct kmod_list *item;
        int r = 0;

        kmod_list_foreach(item, list) {
                struct kmod_module *module = kmod_module_get_module(item);

                r = name_set_add(asking->modules, kmod_module_get_name(module));
                kmod_module_unref(module);
                if (r < 0)
                        break;
        }
        return r;
}

/* That it is unknown, or the index unreadable, leaves the module in the list, where it does no harm. */
static int ask(Asking *asking, const char *alias, bool heed_blacklist) {
        struct kmod_list *found = NULL, *allowed = NULL;
        int r = set_put(&asking->asked, strdup(alias));

        if (r <= 0)
                return r;
        if (kmod_module_new_from_lookup(asking->kmod, alias, &found) < 0)
                return 0;
        if (!heed_blacklist)
                r = add_modules(asking, found);
        else if (kmod_module_apply_filter(asking->kmod, KMOD_FILTER_BLACKLIST, found, &allowed) >= 0)
                r = add_modules(asking, allowed);
        kmod_module_unref_list(allowed);
        kmod_module_unref_list(found);
        return r;
}

static int ask_device(Asking *asking, char *uevent) {
        static const char key[] = "MODALIAS=";
        char *state = NULL;

        for (char *line = strtok_r(uevent, "\n", &state); line; line = strtok_r(NULL, "\n", &state))
                if (strncmp(line, key, strlen(key)) == 0)
                        return ask(asking, line + strlen(key), true);
        return 0;
}

static int ask_lines(Asking *asking, char *text) {
        char *state = NULL;
        int r = 0;

        for (char *line = strtok_r(text, "\n", &state); r >= 0 && line; line = strtok_r(NULL, "\n", &state)) {
                char *rest = NULL, *name = strtok_r(line, " \t\r", &rest);

                if (name && !strchr("#;", name[0]))
                        r = ask(asking, name, false);
        }
        return r;
}

static int ask_files(Asking *asking, const char *pattern, size_t max, int (*func)(Asking *, char *)) {
        char path[PATH_MAX];
        glob_t files = {};
        int r;

        (void) snprintf(path, sizeof(path), "%s%s", asking->host->root, pattern);
        r = glob(path, GLOB_NOSORT, NULL, &files);
        for (size_t i = 0; r == 0 && i < files.gl_pathc; i++) {
                _cleanup_free_ char *text = NULL;
                size_t size;

                r = read_file_at(AT_FDCWD, files.gl_pathv[i], max, &text, &size);
                r = r == -ENOMEM ? r : r < 0 ? 0 : func(asking, text);
                r = r < 0 ? r : 0;
        }
        globfree(&files);
        return r < 0 ? r : r == GLOB_NOSPACE ? -ENOMEM : 0;
}

static bool is_overridden(const ModulesHost *host, size_t directory, const char *name) {
        char path[PATH_MAX];

        for (size_t i = 0; i < directory; i++) {
                (void) snprintf(path, sizeof(path), "%s%s/%s", host->root, load_directories[i], name);
                if (faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) >= 0)
                        return true;
        }
        return false;
}

static int ask_load_directory(Asking *asking, size_t index) {
        _cleanup_closedir_ DIR *directory = NULL;
        const struct dirent *entry;
        char path[PATH_MAX];
        int r = 0;

        (void) snprintf(path, sizeof(path), "%s%s", asking->host->root, load_directories[index]);
        directory = opendir(path);
        while (r >= 0 && directory && (entry = readdir(directory))) {
                const char *suffix = strrchr(entry->d_name, '.');
                _cleanup_free_ char *text = NULL;
                size_t size;

                if (!suffix || strcmp(suffix, ".conf") != 0 || is_overridden(asking->host, index, entry->d_name))
                        continue;
                if (read_file_at(dirfd(directory), entry->d_name, LOAD_FILE_BYTES_MAX, &text, &size) >= 0)
                        r = ask_lines(asking, text);
        }
        return r;
}

struct kmod_ctx *modules_open(const ModulesHost *host) {
        struct kmod_ctx *kmod = kmod_new(host->directory, host->modprobe_d);

        if (kmod)
                (void) kmod_load_resources(kmod);
        return kmod;
}

int modules_wanted(const ModulesHost *host, struct kmod_ctx *kmod, NameSet *ret) {
        Asking asking = { .host = host, .kmod = kmod, .modules = ret };
        int r = 0;

        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(device_patterns); i++)
                r = ask_files(&asking, device_patterns[i], UEVENT_BYTES_MAX, ask_device);
        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(load_directories); i++)
                r = ask_load_directory(&asking, i);
        name_set_done(&asking.asked);
        return r < 0 ? r : 0;
}
