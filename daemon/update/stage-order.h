/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What Stage and Check are asked for, out of their parameters and the fds beside the message. */

#include "ipc/varlink.h"
#include "update/staging.h"

typedef struct StageOrderFault {
        const char *parameter; /* that makes no sense; or NULL, and a file cannot be opened */
        char *path;            /* caller frees */
        int error;
} StageOrderFault;

/* 0; 1 with a fault; -ENOMEM. *ret is set with a fault, too, as far as it was understood, for those who are to be
 * told. */
int stage_order_read(VarlinkCall *call, json_object *parameters, StageOrder **ret, StageOrderFault *ret_fault);

/* Whether there is an image at all. */
bool stage_order_names_image(json_object *parameters);
