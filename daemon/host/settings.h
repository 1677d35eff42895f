/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the operator told the running kernel: sysctls, transparent huge pages, KSM, pools of huge pages. What was
 * changed is what differs from a baseline, taken when the daemon starts first under a kernel. `root` is "" but in
 * tests. Everything blocks, in the kernel and nowhere else. */

#include <json-c/json.h>
#include <stddef.h>

#include "basic/cleanup.h"

/* Values of files, by path ("/proc/sys/vm/swappiness"). */
typedef struct Settings Settings;

/* Some 1,000 files: tens of milliseconds, so on a thread, and not while a boot is in a hurry. Left out is what counts
 * or tells instead of being set, what this daemon sets itself (kernel.printk, kernel.kexec_load_limit_reboot), what
 * other parts carry (the settings of each network interface), what is for one process or call, and the identity of the
 * host (hostname); settings-table.c lists all with the reason. -E2BIG: more than SETTINGS_MAX, or 4 MiB. */
#define SETTINGS_MAX 8192U
int settings_read(const char *root, Settings **ret);
/* Empty. */
int settings_new(Settings **ret);
Settings *settings_free(Settings *settings);
DEFINE_CLEANUP(Settings *, settings_free)

/* The values of `from` in `to`, in place of those there, or beside them. -E2BIG. */
int settings_adopt(Settings *to, const Settings *from);

/* A memfd for the store of the service manager, and back, from hostile bytes (-EBADMSG); what this version
 * would not read is passed over. */
int settings_to_fd(const Settings *settings, int *ret);
int settings_from_fd(int fd, Settings **ret);

/* {"/proc/sys/vm/swappiness": "10"}: what in `now` is otherwise than in `baseline`, or not there at all (modules bring
 * settings), and what would become otherwise by setting that (net.ipv4.ip_forward resets others). NULL: no memory. */
json_object *settings_changed(const Settings *baseline, const Settings *now);

typedef enum SettingsPass {
        SETTINGS_PASS_FIRST, /* before the guests run: all but */
        SETTINGS_PASS_LATER, /* all once more, since systemd-sysctl.service may have come between; and what takes long
                              * (pools of huge pages) or closes a door (kernel.modules_disabled) */
} SettingsPass;

/* Sets what of `wanted` (hostile: a path that settings_read() would not read is a problem, nothing else) is otherwise,
 * and belongs to this pass. What it was before becomes the value in `baseline`, so that the next update carries it
 * again; `baseline` may be an empty one, whose values settings_adopt() puts into one that is read later. A sentence in
 * `problems` for each that this kernel does not take or makes something else of, or for all of one directory that are
 * not there (yet). Idempotent. Setting "all" and "default" of net.ipv[46].conf sets interfaces, too: before their own
 * are put back. */
int settings_restore(const char *root, json_object *wanted, SettingsPass pass, Settings *baseline,
                size_t *ret_n_changes, json_object *problems);
