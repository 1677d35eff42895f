/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The text of the interfaces, from the files beside this one. */
extern const char varlink_description_liveupdate[];
extern const char varlink_description_liveupdate_firewall[];
extern const char varlink_description_liveupdate_privileged[];
extern const char varlink_description_liveupdate_tmpfs[];
extern const char varlink_description_liveupdate_workload[];
