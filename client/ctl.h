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
        CTL_SAID = -1,       /* help was asked for and given: nothing is left to be done, which is CTL_OK */
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

/* argv begins with the verb. They answer an exit code, after saying why on stderr if it is not CTL_OK. */
int status_main(Ctl *ctl, int argc, char **argv);
int check_main(Ctl *ctl, int argc, char **argv);
int stage_main(Ctl *ctl, int argc, char **argv);
int unstage_main(Ctl *ctl, int argc, char **argv);
int commit_main(Ctl *ctl, int argc, char **argv);
int workloads_main(Ctl *ctl, int argc, char **argv);
int devices_main(Ctl *ctl, int argc, char **argv);
int report_main(Ctl *ctl, int argc, char **argv);
int monitor_main(Ctl *ctl, int argc, char **argv);
int config_main(Ctl *ctl, int argc, char **argv);

/* options.c */

#define CTL_LIST_MAX 16U

/* What an option brought that may be given several times, in order. */
typedef struct CtlList {
        const char *values[CTL_LIST_MAX];
        size_t n;
} CtlList;

typedef enum CtlOptionKind {
        CTL_OPTION_VALUE, /* target: const char ** */
        CTL_OPTION_FLAG,  /* bool * */
        CTL_OPTION_LIST,  /* CtlList * */
} CtlOptionKind;

typedef struct CtlOption {
        const char *name;     /* without the dashes */
        const char *argument; /* its name in the help; NULL for a flag */
        const char *help;     /* further lines are indented by ctl_options() */
        void *target;
        CtlOptionKind kind;
} CtlOption;

typedef struct CtlUsage {
        const char *synopsis; /* after "liveupdatectl " */
        const char *text;     /* what it does */
        const char *takes;    /* the one argument that it has to have, such as "one image"; NULL: it has none */
        bool may_go_without;  /* that argument */
        void (*help)(void);   /* the program's own: printed instead, and the first argument ends the options */
} CtlUsage;

/* Reads the options of a verb, and those that every verb has, into their targets and into *ctl. What is not set is left
 * as it was. With CTL_OK optind is that of the first argument. */
int ctl_options(Ctl *ctl, const CtlUsage *usage, const CtlOption *options, size_t n_options, int argc, char **argv);

/* call.c */

/* Sends one call on a connection of its own. `parameters` is consumed; fds are lent. */
int ctl_send(const Ctl *ctl, const char *method, json_object *parameters, bool more, const int *fds, size_t n_fds,
                VarlinkClient **ret);
/* The same, and waits for its one answer, which may be an error that the caller is to look at. */
int ctl_ask(const Ctl *ctl, const char *method, json_object *parameters, const int *fds, size_t n_fds,
                VarlinkReply *ret);
/* The same, where an error is explained and ends it. */
int ctl_call(const Ctl *ctl, const char *method, json_object *parameters, const int *fds, size_t n_fds,
                VarlinkReply *ret);

/* Whether it is the error of that name of io.liveupdate. */
bool ctl_error_is(const VarlinkReply *reply, const char *name);
/* Explains an error reply: what failed, why (with the findings that fail, where it brings some), what to do. Answers
 * CTL_REFUSED. */
int ctl_print_error(const VarlinkReply *reply);
int ctl_lost_connection(int error); /* CTL_UNREACHABLE */

/* To stdout, as the user asked for. */
void ctl_print_json(const Ctl *ctl, json_object *o);

/* Members for display; "-" or 0 (false) where there is none. */
const char *ctl_string(json_object *o, const char *key);
uint64_t ctl_u64(json_object *o, const char *key);
bool ctl_bool(json_object *o, const char *key);
void ctl_print_workloads(json_object *list);
