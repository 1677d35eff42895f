/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* liveupdate-tmpfs: packs and unpacks what is in a tmpfs. */

#include <errno.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/statvfs.h>

#include "basic/json.h"
#include "privileged/serve.h"
#include "privileged/tmpfs.h"
#include "privileged/why.h"
#include "schemas/schemas.h"

#define INTERFACE "io.liveupdate.Tmpfs"
#define FAILED INTERFACE ".Failed"

static int take_archive(VarlinkCall *call, json_object *parameters) {
        uint64_t index;

        return json_get_u64(parameters, "archive", &index) < 0 ? -EBADF : varlink_call_take_fd(call, index);
}

static int pack(const char *path, int archive_fd, uint64_t bytes_max, json_object *answer, char **ret_why) {
        _cleanup_json_ json_object *problems = json_object_new_array();
        _cleanup_free_ char *options = NULL;
        _cleanup_fd_ int fd = -EBADF;
        TmpfsCount count;
        int r;

        if (!problems)
                return -ENOMEM;
        r = tmpfs_open(path, &fd, &options, ret_why);
        if (r >= 0)
                r = tmpfs_pack(fd, archive_fd, bytes_max, &count, problems, ret_why);
        if (r < 0)
                return r == -ENOTCONN ? -ENOTSUP : r;
        if (json_add_u64(answer, "files", count.n_files) < 0 || json_add_u64(answer, "bytes", count.n_bytes) < 0 ||
                        json_add_string(answer, "options", options) < 0 ||
                        json_add(answer, "problems", TAKE_PTR(problems)) < 0)
                return -ENOMEM;
        return 0;
}

static int method_pack(VarlinkCall *call, json_object *parameters, void *userdata) {
        _cleanup_json_ json_object *answer = json_object_new_object();
        _cleanup_free_ char *why = NULL;
        _cleanup_fd_ int archive_fd = -EBADF;
        uint64_t bytes_max;
        const char *path;
        int r;

        if (json_get_string(parameters, "path", &path) < 0)
                return varlink_call_invalid_parameter(call, "path");
        if (json_get_u64(parameters, "bytesMax", &bytes_max) < 0)
                return varlink_call_invalid_parameter(call, "bytesMax");
        archive_fd = take_archive(call, parameters);
        if (archive_fd < 0)
                return varlink_call_invalid_parameter(call, "archive");
        if (!answer)
                return -ENOMEM;
        r = pack(path, archive_fd, bytes_max, answer, &why);
        return serve_answer(call, FAILED, r, why, TAKE_PTR(answer));
}

typedef struct Unpack {
        const char *path, *options;
        bool may_mount;
        int archive_fd;
} Unpack;

/* Files of others' making are in it by now, so it stays as it is mounted. */
static int tell_laxer(const Unpack *wanted, int fd, json_object *problems) {
        char data[TMPFS_OPTIONS_BYTES_MAX];
        unsigned long then;
        struct statvfs now;
        bool lacks_nosuid, lacks_nodev;

        tmpfs_parse_options(wanted->options, &then, data);
        if (fstatvfs(fd, &now) < 0)
                return -errno;
        lacks_nosuid = then & MS_NOSUID && !(now.f_flag & ST_NOSUID);
        lacks_nodev = then & MS_NODEV && !(now.f_flag & ST_NODEV);
        if (!lacks_nosuid && !lacks_nodev)
                return 0;
        return problem_add(problems, "%s was mounted %s%s%s, and is not any more.", wanted->path,
                        lacks_nosuid ? "nosuid" : "", lacks_nosuid && lacks_nodev ? "," : "",
                        lacks_nodev ? "nodev" : "");
}

static int unpack(const Unpack *wanted, json_object *problems, size_t *ret_n_changes, char **ret_why) {
        _cleanup_fd_ int fd = -EBADF, mounted_fd = -EBADF;
        int r;

        r = tmpfs_open(wanted->path, &fd, NULL, ret_why);
        if (r == -ENOTCONN && wanted->may_mount)
                r = tmpfs_mount(wanted->path, fd, wanted->options, &mounted_fd, ret_why);
        if (r < 0)
                return r;
        if (mounted_fd < 0) {
                r = tell_laxer(wanted, fd, problems);
                return r < 0 ? r : tmpfs_unpack(fd, wanted->archive_fd, false, ret_n_changes, problems,
                                ret_why);
        }
        r = tmpfs_unpack(mounted_fd, wanted->archive_fd, true, ret_n_changes, problems, ret_why);
        *ret_n_changes += 1;
        return r < 0 ? r : tmpfs_seal(wanted->path, mounted_fd, wanted->options, ret_why);
}

static int method_unpack(VarlinkCall *call, json_object *parameters, void *userdata) {
        _cleanup_json_ json_object *answer = json_object_new_object(), *problems = json_object_new_array();
        _cleanup_free_ char *why = NULL;
        _cleanup_fd_ int archive_fd = -EBADF;
        size_t n_changes = 0;
        Unpack wanted = {};
        int r;

        if (json_get_string(parameters, "path", &wanted.path) < 0)
                return varlink_call_invalid_parameter(call, "path");
        if (json_get_string(parameters, "options", &wanted.options) < 0)
                return varlink_call_invalid_parameter(call, "options");
        if (json_get_bool(parameters, "mayMount", &wanted.may_mount) < 0)
                return varlink_call_invalid_parameter(call, "mayMount");
        wanted.archive_fd = archive_fd = take_archive(call, parameters);
        if (archive_fd < 0)
                return varlink_call_invalid_parameter(call, "archive");
        if (!answer || !problems)
                return -ENOMEM;
        r = unpack(&wanted, problems, &n_changes, &why);
        if (json_add_u64(answer, "changes", n_changes) < 0 || json_add(answer, "problems", TAKE_PTR(problems)) < 0)
                return -ENOMEM;
        return serve_answer(call, FAILED, r, why, TAKE_PTR(answer));
}

static const VarlinkMethod methods[] = {
        { "Pack", method_pack, .is_privileged = true },
        { "Unpack", method_unpack, .is_privileged = true },
};

static const VarlinkInterface interface = {
        .name = INTERFACE,
        .description = varlink_description_liveupdate_tmpfs,
        .methods = methods,
        .n_methods = ELEMENTSOF(methods),
};

int main(void) {
        return serve(&interface);
}
