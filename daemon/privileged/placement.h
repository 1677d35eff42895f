/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-c/json.h>

/* Gives threads of a process the processors, the scheduling and the I/O priority that they had; the process its OOM
 * score. `threads`: [Placed] of io.liveupdate.Privileged, hostile; `oom_score_adjust` may be NULL. A thread that is
 * none of the process, and whatever else cannot be as it was, is a sentence in `problems`. -ESRCH: there is no such
 * process any more; -EBADMSG: these are too many. */
int placement_apply(int pid_fd, json_object *threads, const int *oom_score_adjust, json_object *problems,
                char **ret_why);
