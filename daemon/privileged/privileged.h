/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the daemon's own sandbox forbids, or takes libraries that it would have to load in the blackout, is done by two
 * other programs, so that neither has the rights of the other: liveupdate-privileged, which speaks
 * io.liveupdate.Privileged (schemas/), and liveupdate-tmpfs, which speaks io.liveupdate.Tmpfs, on the socket that it is
 * started with. With the units installed, systemd starts one for each connection to PRIVILEGED_SOCKET or
 * PRIVILEGED_TMPFS_SOCKET, with just the rights that this takes; without, this starts it itself.
 *
 * Every function here blocks until it is done, for 10 s at most (modules: 30 s, tmpfs: 30 s and as much for each GiB,
 * 10 min in all), and is for threads (basic/task.h). They answer a negative errno with a sentence in *ret_why (the caller
 * frees it; NULL if there is no memory). */

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "timeline/wall-clock.h"

#define PRIVILEGED_SOCKET "/run/liveupdate/io.liveupdate.Privileged"
#define PRIVILEGED_UNIT "liveupdate-privileged.socket" /* of systemd's, which listens on it */
#define PRIVILEGED_TMPFS_SOCKET "/run/liveupdate/io.liveupdate.Tmpfs"

/* wall_clock_set() */
int privileged_set_clock(const WallClock *clock, int64_t *ret_step_nsec, char **ret_why);

/* [{"name", "parameters": {"name": "value"}}]: modules that are loaded though no device, no other module and no
 * modules-load.d asks for them, in the order in which they were loaded, with what sysfs shows of their parameters. */
int privileged_list_modules(json_object **ret, char **ret_why);
/* Loads those that are not; then sets the parameters that differ and can be set. `problems` gets a sentence for each
 * module or parameter that is not as it was. */
int privileged_load_modules(json_object *modules, size_t *ret_n_changes, json_object *problems, char **ret_why);

/* Packs a tmpfs into the memfd as a pax archive, with owners, modes, times, links, extended attributes; what is no file
 * system of that type is -ENOTSUP. {"files", "bytes", "options", "problems"}: the archive's size, the mount's options,
 * sentences on what is left out (sockets, other file systems) or changed meanwhile. More than `bytes_max`: -E2BIG. */
int privileged_pack_tmpfs(const char *path, int fd, uint64_t bytes_max, json_object **ret, char **ret_why);
/* Unpacks it. Nothing that is there is touched, each such file is a sentence in `problems`, unless it is the same.
 * Where no tmpfs is mounted: with `may_mount` it is mounted with `options`, else -ENOTCONN and nothing is done. */
int privileged_unpack_tmpfs(const char *path, int fd, const char *options, bool may_mount, size_t *ret_n_changes,
                json_object *problems, char **ret_why);

/* Threads of the process as they were: {"threads": [Placed], "oomScoreAdjust"} of the varlink interface. */
int privileged_place(int pid_fd, json_object *placement, json_object *problems, char **ret_why);

/* [{"family", "name", "text"}] for each table of nftables: firewall_capture(). Not with other rights than the daemon's:
 * see firewall-main.c. */
int privileged_capture_firewall(json_object **ret, char **ret_why);
/* firewall_reconcile(), after the services had their turn (`is_later`) or before. */
int privileged_reconcile_firewall(json_object *tables, bool is_later, size_t *ret_n_changes, json_object *problems,
                char **ret_why);
