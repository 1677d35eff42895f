/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What happened by itself, kept in /run for the next process of this daemon: why the last attempt came to nothing, and
 * what a package manager is still at. There is no file when there is nothing to be told. */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "basic/io.h"
#include "basic/json.h"
#include "basic/log.h"
#include "update/automation.h"
#include "update/staged.h"

#define AUTOMATION_BYTES_MAX (64U * 1024)

static json_object *to_record(const Automation *automation) {
        _cleanup_json_ json_object *o = json_object_new_object();

        if (!o || json_add_string(o, "offered", automation->offered) < 0 ||
                        (automation->action && json_add(o, "problem", automation_problem_to_json(automation)) < 0))
                return NULL;
        return TAKE_PTR(o);
}

static int write_record(const Automation *automation) {
        _cleanup_json_ json_object *o = to_record(automation);

        return o ? write_file_atomic(automation->path, json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN), 0644) :
                   -ENOMEM;
}

void automation_save(const Automation *automation) {
        int r;

        if (!automation->path)
                return;
        if (!automation->action && !automation->offered) {
                (void) unlink(automation->path);
                return;
        }
        r = write_record(automation);
        if (r < 0)
                log_warning_errno(r, "A restart of this daemon will forget what became of automatic updates, cannot "
                                     "write %s: %m", automation->path);
}

/* A copy of a member, NULL where there is none. */
static int copy_string(json_object *o, const char *key, char **ret) {
        const char *text;
        int r;

        r = json_get_string(o, key, &text);
        if (r < 0)
                return r == -ENOENT ? 0 : r;
        *ret = strdup(text);
        return *ret ? 0 : -ENOMEM;
}

static int problem_from_record(json_object *o, Automation *automation) {
        static const char *const actions[] = { "stage", "commit" };
        const char *text;
        int r;

        r = json_get_string(o, "action", &text);
        if (r >= 0)
                r = json_get_u64(o, "usec", &automation->failed_usec);
        if (r >= 0)
                r = copy_string(o, "release", &automation->release);
        if (r >= 0)
                r = copy_string(o, "message", &automation->message);
        if (r >= 0)
                r = copy_string(o, "remedy", &automation->remedy);
        if (r < 0)
                return r == -ENOENT ? -EBADMSG : r;
        for (size_t i = 0; i < ELEMENTSOF(actions); i++)
                if (strcmp(text, actions[i]) == 0)
                        automation->action = actions[i];
        return automation->action && automation->message ? 0 : -EBADMSG;
}

static int from_record(json_object *o, Automation *ret) {
        json_object *problem;
        int r;

        r = copy_string(o, "offered", &ret->offered);
        if (r >= 0 && ret->offered && !kernel_release_is_valid(ret->offered))
                r = -EBADMSG;
        if (r < 0)
                return r;
        r = json_get_object(o, "problem", &problem);
        return r >= 0 ? problem_from_record(problem, ret) : r == -ENOENT ? 0 : r;
}

void automation_load(Automation *automation, const char *path) {
        _cleanup_(automation_done) Automation found = {};
        _cleanup_json_ json_object *o = NULL;
        _cleanup_free_ char *text = NULL;
        size_t size;
        int r;

        automation->path = path;
        r = read_file_at(AT_FDCWD, path, AUTOMATION_BYTES_MAX, &text, &size);
        if (r == -ENOENT)
                return;
        if (r >= 0)
                r = json_parse_object(text, size, &o);
        if (r >= 0)
                r = from_record(o, &found);
        if (r < 0) {
                log_warning_errno(r, "Cannot read what became of automatic updates in %s: %m", path);
                return;
        }
        found.path = path;
        automation_done(automation);
        *automation = TAKE(found, (Automation) {});
}
