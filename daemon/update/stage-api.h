/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The methods of io.liveupdate about the kernel that is to come. */

#include "ipc/varlink.h"
#include "update/staging.h"

typedef struct Manager Manager;

int method_stage(VarlinkCall *call, json_object *parameters, void *userdata);
int method_check(VarlinkCall *call, json_object *parameters, void *userdata);
int method_unstage(VarlinkCall *call, json_object *parameters, void *userdata);

/* automation-api.c */
int method_offer(VarlinkCall *call, json_object *parameters, void *userdata);
int method_stage_failed(VarlinkCall *call, json_object *parameters, void *userdata);
int method_commit_failed(VarlinkCall *call, json_object *parameters, void *userdata);
/* Whether there is reason for a commit that is asked for by itself. 0: there is; 1: answered. */
int automation_check_commit(Manager *manager, VarlinkCall *call);

/* A staging is over, with `result`: the call is answered. 1: there is a new staged kernel. */
int stage_api_done(Manager *manager, VarlinkCall *call, Staging *staging, int result);
