/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The methods of io.liveupdate about the kernel that is to come. */

#include "ipc/varlink.h"

int method_stage(VarlinkCall *call, json_object *parameters, void *userdata);
int method_unstage(VarlinkCall *call, json_object *parameters, void *userdata);
int method_offer(VarlinkCall *call, json_object *parameters, void *userdata);
int method_stage_failed(VarlinkCall *call, json_object *parameters, void *userdata);
