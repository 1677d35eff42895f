/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "basic/finding.h"
#include "basic/json.h"
#include "basic/log.h"
#include "luo/luo.h"
#include "update/handover.h"
#include "update/story.h"
#include "update/update-internal.h"

#define STORE_UNREAD_SESSION "unread-session"
#define STORE_UNREAD_MANIFEST "unread-manifest"
#define CLAIM_WAIT_USEC (500ULL * 1000) /* systemd opens the device for a moment, too */

static const char *explain(int error) {
        switch (error) {
        case -EPROTONOSUPPORT:
                return "it is of a version that only a newer liveupdated reads";
        case -EBADMSG:
                return "it is damaged";
        case -EFBIG:
                return "it is larger than any can be";
        default:
                return strerror(-error);
        }
}

static void store(const char *name, int fd) {
        int r = fd >= 0 ? store_keep(name, fd) : 0;

        if (r < 0)
                log_warning_errno(r, "A restart of this daemon would lose the %s: %m", name);
}

void handover_keep(Manager *manager, int session_fd, int manifest_fd, int error) {
        manager->handover = (Handover) {
                .is_unread = true, .session_fd = session_fd, .manifest_fd = manifest_fd, .why = explain(error),
        };
        store(STORE_UNREAD_SESSION, session_fd);
        store(STORE_UNREAD_MANIFEST, manifest_fd);
        story_handover_unread(manager->handover.why);
}

void handover_inherit(Manager *manager, Inheritance *inheritance) {
        int session_fd = inheritance_take(inheritance, STORE_UNREAD_SESSION);
        int manifest_fd = inheritance_take(inheritance, STORE_UNREAD_MANIFEST);

        if (session_fd < 0) {
                fd_close(manifest_fd);
                return;
        }
        manager->handover = (Handover) {
                .is_unread = true, .session_fd = session_fd, .manifest_fd = manifest_fd,
                .why = "the daemon before could not read it",
        };
}

void handover_done(Manager *manager) {
        if (!manager->handover.is_unread)
                return;
        fd_close(manager->handover.session_fd);
        fd_close(manager->handover.manifest_fd);
}

void handover_claim(Manager *manager, const char *name) {
        _cleanup_free_ char *session = NULL;
        _cleanup_fd_ int device_fd = -EBADF;
        Workload *w;
        int fd, r;

        if (!manager->handover.is_unread || registry_get(manager->registry, name))
                return;
        session = workload_session_name(name);
        device_fd = session ? luo_device_open(CLAIM_WAIT_USEC) : -ENOMEM;
        fd = device_fd < 0 ? device_fd : luo_session_retrieve(device_fd, session);
        if (fd == -ENOENT)
                return;
        if (fd < 0) {
                log_error_errno(fd, "Whether %s came over from the previous kernel cannot be found out: %m", name);
                return;
        }
        r = registry_add_preserved(manager->registry, name, fd, &w);
        if (r < 0)
                log_error_errno(r, "%s cannot be restored: %s", name, workload_problem(w) ?: strerror(-r));
        else
                log_notice("%s came over from the previous kernel.", name);
}

int handover_findings(const Manager *manager, json_object *findings) {
        if (!manager->handover.is_unread)
                return 0;
        return findings_say(findings, "handover", "warn",
                        "Start the units of the guests, each is restored from what is preserved of it. What nobody claims "
                        "is kept until the next reboot or commit. Look after the network and settings of the host.",
                        "The manifest of the previous kernel cannot be read, %s: the guests' sessions are kept, the "
                        "host's state is not put back.",
                        manager->handover.why);
}

int handover_add_losses(const Manager *manager, json_object *losses) {
        if (!manager->handover.is_unread)
                return 0;
        return json_append_text(losses, "what the previous kernel preserved and nobody has claimed yet (its manifest "
                                        "cannot be read)");
}
