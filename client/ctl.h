/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the verbs of liveupdatectl share. */

#include <json-c/json.h>
#include <stdbool.h>

#include "basic/cleanup.h"
#include "ipc/varlink.h"

/* Exit codes, documented in liveupdatectl(1). */
enum {
        CTL_OK = 0,
        CTL_REFUSED = 1,     /* the daemon said no, or it failed */
        CTL_USAGE = 2,
        CTL_UNREACHABLE = 3, /* no daemon to talk to */
};

typedef enum JsonMode {
        JSON_OFF,
        JSON_PRETTY,
        JSON_SHORT,
} JsonMode;

typedef struct Ctl {
        const char *socket;
        JsonMode json;
} Ctl;

int status_main(const Ctl *ctl, int argc, char **argv);
int stage_main(const Ctl *ctl, int argc, char **argv);
int unstage_main(const Ctl *ctl, int argc, char **argv);
int commit_main(const Ctl *ctl, int argc, char **argv);
int workloads_main(const Ctl *ctl, int argc, char **argv);
int report_main(const Ctl *ctl, int argc, char **argv);
int monitor_main(const Ctl *ctl, int argc, char **argv);

/* call.c */

/* Answers an exit code, after saying why on stderr. */
int ctl_connect(const Ctl *ctl, VarlinkClient **ret);
/* Explains an error reply: what failed, why, what to do. Answers CTL_REFUSED. */
int ctl_print_error(const VarlinkReply *reply);
int ctl_lost_connection(int error);

/* Sends one call and waits for its one answer. `parameters` is consumed; fds are lent. CTL_OK with *ret, which the
 * caller ends with varlink_reply_done(), or an exit code after saying why. */
int ctl_call(const Ctl *ctl, const char *method, json_object *parameters, const int *fds, size_t n_fds,
                VarlinkReply *ret);

/* To stdout, as the user asked for. */
void ctl_print_json(const Ctl *ctl, json_object *o);
int ctl_no_arguments(int argc, char **argv); /* CTL_OK or CTL_USAGE */

/* Members for display; "-" or 0 where there is none. */
const char *ctl_string(json_object *o, const char *key);
uint64_t ctl_u64(json_object *o, const char *key);
void ctl_print_workloads(json_object *list);
