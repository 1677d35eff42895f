/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What happens by itself when a package manager installs a kernel. The hooks' units offer its release at once and stage
 * it when the package manager is done; of several that were offered only the newest is wanted then. */

#include <json-c/json.h>
#include <stdint.h>

typedef struct Manager Manager;

typedef struct Automation {
        char *offered; /* the newest release that was offered and is not staged yet; NULL: none */
        /* Why the last attempt came to nothing; NULL action: there was none, or it did not. */
        const char *action; /* "stage", "commit" */
        char *release, *message, *remedy;
        uint64_t failed_usec; /* CLOCK_REALTIME */
        const char *path; /* where all that is kept for a restart of the daemon; NULL: nowhere */
} Automation;

void automation_done(Automation *automation);

/* Remembers `release` if it is wanted. *ret_objection (caller frees) is NULL then, else it says why not. */
int automation_offer(Manager *manager, const char *release, char **ret_objection);
/* Whether it is still wanted now that it is to be staged. */
int automation_object(const Manager *manager, const char *release, char **ret_objection);

void automation_failed(Manager *manager, const char *action, const char *release, const char *message,
                const char *remedy);
/* The same for a commit of what is staged that did not even begin, told to the journal, too. */
void automation_commit_refused(Manager *manager, const char *message, const char *remedy);
void automation_succeeded(Manager *manager);

json_object *automation_to_json(const Manager *manager);
json_object *automation_problem_to_json(const Automation *automation); /* an AutomationProblem of io.liveupdate */

/* automation-file.c: what fails is logged. */

/* Takes what a process before this one kept at `path` (borrowed), and keeps it there from now on. */
void automation_load(Automation *automation, const char *path);
void automation_save(const Automation *automation);
