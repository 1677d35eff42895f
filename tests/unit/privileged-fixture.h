/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* liveupdate-privileged and liveupdate-tmpfs, and programs that play them badly. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "basic/json.h"
#include "privileged/privileged.h"
#include "temporary-root.h"
#include "unit.h"

/* What is run instead, below a TEMPORARY_ROOT(); `body` is shell. */
static inline void play(const char *variable, const char *body) {
        _cleanup_fd_ int fd = root_open("/program");

        ck_assert_int_eq(ftruncate(fd, 0), 0);
        ck_assert_int_gt(dprintf(fd, "#!/bin/sh\n%s\n", body), 0);
        ck_assert_int_eq(fchmod(fd, 0755), 0);
        ck_assert_int_eq(setenv(variable, root_path("/program"), 1), 0);
}

static inline void assert_nothing_runs(void) {
        ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
        ck_assert_int_eq(errno, ECHILD);
}

/* Whether one of the sentences has both. */
static inline bool is_told(json_object *problems, const char *first, const char *second) {
        for (size_t i = 0; i < json_object_array_length(problems); i++) {
                const char *text = json_object_get_string(json_object_array_get_idx(problems, i));

                if (strstr(text, first) && strstr(text, second))
                        return true;
        }
        return false;
}

static inline json_object *json_of(const char *text) {
        json_object *o = json_tokener_parse(text);

        ck_assert_msg(o, "%s", text);
        return o;
}

static inline const char *text_of(json_object *o) {
        return json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
}
