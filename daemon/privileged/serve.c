/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/json.h"
#include "basic/log.h"
#include "privileged/serve.h"

static int on_dispatched(sd_event_source *source, void *userdata) {
        VarlinkServer *server = userdata;

        return varlink_server_has_connections(server) ? 0 : sd_event_exit(sd_event_source_get_event(source), 0);
}

static int serve_input(sd_event *event, VarlinkServer *server, const VarlinkInterface *interface) {
        int r;

        r = varlink_server_add_interface(server, interface, NULL);
        if (r < 0)
                return r;
        if (fcntl(STDIN_FILENO, F_SETFL, O_RDWR | O_NONBLOCK) < 0)
                return -errno;
        r = varlink_server_take_connection_fd(server, STDIN_FILENO);
        if (r < 0)
                return r;
        r = sd_event_add_post(event, NULL, on_dispatched, server);
        return r < 0 ? r : sd_event_loop(event);
}

static int serve_with(sd_event *event, const VarlinkInterface *interface) {
        _cleanup_(varlink_server_freep) VarlinkServer *server = NULL;
        int r = varlink_server_new(event, "liveupdated", LIVEUPDATED_VERSION, &server);

        return r < 0 ? r : serve_input(event, server, interface);
}

int serve(const VarlinkInterface *interface) {
        sd_event *event = NULL;
        struct stat st;
        int r;

        if (fstat(STDIN_FILENO, &st) < 0 || !S_ISSOCK(st.st_mode)) {
                fputs("This is a part of liveupdated, which runs it.\n", stderr);
                return EXIT_FAILURE;
        }
        r = sd_event_new(&event);
        if (r >= 0)
                r = serve_with(event, interface);
        sd_event_unref(event);
        if (r < 0)
                log_error_errno(r, "Cannot serve the connection: %m");
        return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

int serve_answer(VarlinkCall *call, const char *failed, int r, const char *why, json_object *answer) {
        _cleanup_json_ json_object *error = NULL;

        if (r >= 0)
                return varlink_call_reply(call, answer, NULL, 0);
        json_object_put(answer);
        error = json_object_new_object();
        if (!error || json_add_u64(error, "errno", (uint64_t) -r) < 0 ||
                        json_add_string(error, "message", why ?: "There is no memory for more.") < 0)
                return -ENOMEM;
        return varlink_call_error(call, failed, TAKE_PTR(error));
}
