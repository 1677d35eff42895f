/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A method call from its message to its answer. It may outlive its connection. */

#include "ipc/connection.h"

/* Takes the message at the head of the connection's input. -EBADMSG if it is no call. */
int call_new(Connection *connection, VarlinkCall **ret);

/* Finds the method and enters it, or answers why not. */
void call_dispatch(VarlinkCall *call);

/* Its connection is gone. */
void call_disconnect(VarlinkCall *call);

/* The error with which this method refuses before it is entered, NULL if it does not. */
const char *call_refusal(const VarlinkMethod *method, uid_t uid, bool wants_more);
