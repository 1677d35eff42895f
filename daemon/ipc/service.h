/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* org.varlink.service, by which every varlink service describes itself. Its userdata is the server. */

#include "ipc/varlink.h"

#define SERVICE_ERROR(name) "org.varlink.service." name

extern const VarlinkInterface service_interface;
