/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What of the host's own state a commit would not carry, for `check`. */

#include <errno.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>

#include "basic/finding.h"
#include "basic/json.h"
#include "update/host.h"

static int find_tmpfs(const char *path, json_object *findings) {
        struct statfs fs;

        if (statfs(path, &fs) < 0)
                return findings_say(findings, "tmpfs", "warn", "Mount it, or take it out of PreserveTmpfs=.",
                                "%s cannot be carried over: %s.", path, strerror(errno));
        if (fs.f_type != TMPFS_MAGIC)
                return findings_say(findings, "tmpfs", "warn", "Take it out of PreserveTmpfs=.",
                                "%s is no tmpfs, what is in it stays where it is.", path);
        return findings_say(findings, "tmpfs", "ok", NULL, "The contents of %s are carried over: %llu KiB.", path,
                        (unsigned long long) (fs.f_blocks - fs.f_bfree) * (unsigned long long) fs.f_bsize / 1024);
}

static int read_network(Manager *manager, json_object *omitted) {
        _cleanup_free_ pid_t *pids = calloc(registry_size(manager->registry) + 1, sizeof(*pids));
        _cleanup_(network_freep) Network *network = NULL;
        size_t n = 0;

        if (!pids)
                return -ENOMEM;
        for (Workload *w = NULL; (w = registry_next(manager->registry, w));)
                pids[n++] = workload_pid(w);
        return host_network_read(manager->config->reconcile_network, pids, n, omitted, &network);
}

static int find_network(Manager *manager, json_object *findings) {
        _cleanup_json_ json_object *omitted = json_object_new_array();
        int r;

        if (!omitted)
                return -ENOMEM;
        if (manager->config->reconcile_network == RECONCILE_OFF)
                return findings_say(findings, "network", "warn",
                                "Make sure that other services set it up, or set ReconcileNetwork=workloads.",
                                "ReconcileNetwork=off: the network of the guests is not put back.");
        r = read_network(manager, omitted);
        if (r < 0)
                return r == -ENOMEM ? r : findings_say(findings, "network", "fail",
                                "See the log; ReconcileNetwork=off leaves the network out.",
                                "The network cannot be read: %s.", strerror(-r));
        for (size_t i = 0; r >= 0 && i < json_object_array_length(omitted); i++)
                r = findings_say(findings, "network", "warn", "Have it set up at boot.", "Not carried over: %s.",
                                json_object_get_string(json_object_array_get_idx(omitted, i)));
        if (r >= 0 && json_object_array_length(omitted) == 0)
                r = findings_say(findings, "network", "ok", NULL, "The network %scan be carried over.",
                                manager->config->reconcile_network == RECONCILE_ALL ? "" : "of the guests ");
        return r;
}

int host_findings(Manager *manager, json_object *findings) {
        int r = find_network(manager, findings);

        for (size_t i = 0; r >= 0 && i < manager->config->n_preserve_tmpfs; i++)
                r = find_tmpfs(manager->config->preserve_tmpfs[i], findings);
        return r;
}
