/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Measures what is about to be started into the PCRs, by systemd. What is extended cannot be taken back, so this
 * happens once all else is ready, in the last phase in which the guests run, and before the services stop, systemd's
 * among them. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "basic/json.h"
#include "basic/log.h"
#include "trust/measure.h"
#include "update/manager.h"
#include "update/update-internal.h"

#define EXTEND_TIMEOUT_USEC (10ULL * 1000 * 1000) /* a TPM takes up to a second for one, and the service has to start */

typedef struct Event {
        unsigned pcr;
        char *text;
} Event;

typedef struct Extension {
        Event *events;
        size_t n_events;
} Extension;

static void extension_free(void *data) {
        Extension *extension = data;

        for (size_t i = 0; i < extension->n_events; i++)
                free(extension->events[i].text);
        free(extension->events);
        free(extension);
}

static int extension_run(void *data) {
        const Extension *extension = data;

        for (size_t i = 0; i < extension->n_events; i++) {
                _cleanup_free_ char *error = NULL;
                int r = measure_extend(MEASURE_SOCKET, extension->events[i].pcr, extension->events[i].text,
                                EXTEND_TIMEOUT_USEC, &error);

                if (r < 0)
                        return log_warning_errno(r, "Cannot extend PCR %u: %s", extension->events[i].pcr,
                                        error ?: strerror(-r));
        }
        return 0;
}

static int extension_fill(Extension *extension, json_object *measurements) {
        size_t n = json_object_array_length(measurements);

        extension->events = calloc(n + 1, sizeof(*extension->events));
        if (!extension->events)
                return -ENOMEM;
        for (size_t i = 0; i < n; i++) {
                json_object *o = json_object_array_get_idx(measurements, i);
                Event *event = &extension->events[i];
                const char *text;
                uint64_t pcr;

                if (json_get_string(o, "text", &text) < 0 || json_get_u64(o, "pcr", &pcr) < 0)
                        return -EBADMSG;
                event->pcr = (unsigned) pcr;
                event->text = strdup(text);
                if (!event->text)
                        return -ENOMEM;
                extension->n_events++;
        }
        return 0;
}

int update_extend_pcrs(Update *update, TaskDoneFunc done) {
        const Manager *manager = update->manager;
        Extension *extension;
        int r;

        if (manager->config->measure_image == MEASURE_NO)
                return 0;
        extension = calloc(1, sizeof(*extension));
        if (!extension)
                return -ENOMEM;
        r = extension_fill(extension, manager->staged->measurements);
        if (r < 0 || extension->n_events == 0) {
                extension_free(extension);
                return r < 0 || manager->config->measure_image != MEASURE_REQUIRE ? r : -ENODATA;
        }
        r = task_start(manager->event, extension_run, extension, extension_free, done, update, &update->extension);
        return r < 0 ? r : 1;
}
