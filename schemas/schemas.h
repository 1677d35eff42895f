/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The text of the interfaces, from the files beside this one. */
extern const char varlink_description_liveupdate[];
extern const char varlink_description_liveupdate_workload[];
