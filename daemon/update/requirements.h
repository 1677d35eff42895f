/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What stands in the way of a commit, found before any guest is touched. */

#include "update/manager.h"

typedef struct Obstacle {
        const char *error;     /* of io.liveupdate, without that; NULL: nothing stands in the way */
        char *message;
        const char *remedy;
        json_object *losses;   /* of WouldBeLost: names */
        json_object *findings; /* of CheckFailed */
} Obstacle;

void obstacle_done(Obstacle *obstacle);

/* Negative errno only if it could not be found out. */
int requirements_check(Manager *manager, bool allow_loss, bool is_forced, Obstacle *ret);

/* Only whom a commit would lose: an array of names, or NULL for nobody. */
int requirements_losses(Manager *manager, json_object **ret);
