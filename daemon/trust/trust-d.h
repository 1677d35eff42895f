/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The files of liveupdate/trust.d in /etc, /run and /usr/lib, as certificates. 0 or -ENOMEM. */

#include "trust/material.h"

int trust_d_add(Material *material, const char *root);
