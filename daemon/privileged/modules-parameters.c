/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>

#include "basic/io.h"
#include "basic/json.h"
#include "privileged/modules.h"

bool module_name_is_valid(const char *name) {
        size_t length = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-");

        return length > 0 && length <= MODULE_NAME_BYTES_MAX && !name[length];
}

/* sysfs has '_' where a name may have '-'; in names of parameters either. A dot is in some of them, as of drm. */
static int parameter_path(const ModulesHost *host, const char *module, const char *name, char path[static PATH_MAX]) {
        char *p;
        int n;

        if (strchr(name, '/') || name[0] == '.' || !name[0] || strlen(name) > NAME_MAX)
                return -EBADMSG;
        n = snprintf(path, PATH_MAX, "%s/sys/module/%s", host->root, module);
        if (n < 0 || n >= PATH_MAX)
                return -ENAMETOOLONG;
        for (p = path + n - strlen(module); *p; p++)
                *p = *p == '-' ? '_' : *p;
        n += snprintf(path + n, (size_t) (PATH_MAX - n), "/parameters/%s", name);
        return n < PATH_MAX ? 0 : -ENAMETOOLONG;
}

static bool is_text(const char *text, size_t size) {
        for (size_t i = 0; i < size; i++)
                if (!isprint((unsigned char) text[i]))
                        return false;
        return true;
}

int module_parameter_read(const ModulesHost *host, const char *module, const char *name, char **ret) {
        _cleanup_free_ char *text = NULL;
        char path[PATH_MAX];
        size_t size;
        int r;

        r = parameter_path(host, module, name, path);
        if (r >= 0)
                r = read_file_at(AT_FDCWD, path, MODULE_PARAMETER_BYTES_MAX, &text, &size);
        if (r < 0)
                return r;
        if (size > 0 && text[size - 1] == '\n')
                text[--size] = 0;
        if (!is_text(text, size))
                return -EBADMSG;
        *ret = TAKE_PTR(text);
        return 0;
}

int module_parameter_write(const ModulesHost *host, const char *module, const char *name, const char *value) {
        char path[PATH_MAX];
        int r = parameter_path(host, module, name, path);

        return r < 0 ? r : write_file(path, value);
}

static int read_all(const ModulesHost *host, const char *module, DIR *directory, json_object *parameters) {
        const struct dirent *entry;

        while ((entry = readdir(directory)) && json_object_object_length(parameters) < (int) MODULE_PARAMETERS_MAX) {
                _cleanup_free_ char *value = NULL;
                int r;

                if (entry->d_name[0] == '.' || !is_text(entry->d_name, strlen(entry->d_name)))
                        continue;
                r = module_parameter_read(host, module, entry->d_name, &value);
                if (r == -ENOMEM || (r >= 0 && json_add_string(parameters, entry->d_name, value) < 0))
                        return -ENOMEM;
        }
        return 0;
}

int module_parameters_read(const ModulesHost *host, const char *module, json_object **ret) {
        _cleanup_json_ json_object *parameters = json_object_new_object();
        _cleanup_closedir_ DIR *directory = NULL;
        char path[PATH_MAX];

        if (!parameters)
                return -ENOMEM;
        (void) snprintf(path, sizeof(path), "%s/sys/module/%s/parameters", host->root, module);
        directory = opendir(path);
        if (directory && read_all(host, module, directory, parameters) < 0)
                return -ENOMEM;
        *ret = TAKE_PTR(parameters);
        return 0;
}
