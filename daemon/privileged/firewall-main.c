/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* liveupdate-firewall: reads and makes tables of nftables by libnftables, which ends its process (exit(), abort()) when
 * it has no memory or does not know itself. */

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "basic/io.h"
#include "basic/json.h"
#include "host/firewall.h"
#include "privileged/serve.h"
#include "privileged/tables.h"
#include "schemas/schemas.h"

#define INTERFACE "io.liveupdate.Firewall"
#define FAILED INTERFACE ".Failed"

static int take_tables(VarlinkCall *call, json_object *parameters) {
        uint64_t index;

        return json_get_u64(parameters, "tables", &index) < 0 ? -EBADF : varlink_call_take_fd(call, index);
}

static int method_capture(VarlinkCall *call, json_object *parameters, void *userdata) {
        _cleanup_fd_ int fd = take_tables(call, parameters);
        _cleanup_json_ json_object *tables = NULL;
        int r;

        if (fd < 0)
                return varlink_call_invalid_parameter(call, "tables");
        r = firewall_capture(&tables);
        if (r >= 0)
                r = tables_write(fd, tables);
        return serve_answer(call, FAILED, r, r < 0 ? strerror(-r) : NULL, json_object_new_object());
}

static int method_reconcile(VarlinkCall *call, json_object *parameters, void *userdata) {
        _cleanup_json_ json_object *answer = json_object_new_object(), *problems = json_object_new_array();
        _cleanup_json_ json_object *tables = NULL;
        _cleanup_fd_ int fd = take_tables(call, parameters);
        size_t n_changes = 0;
        bool is_later;
        int r;

        if (fd < 0)
                return varlink_call_invalid_parameter(call, "tables");
        if (json_get_bool(parameters, "later", &is_later) < 0)
                return varlink_call_invalid_parameter(call, "later");
        if (!answer || !problems)
                return -ENOMEM;
        r = tables_read(fd, &tables);
        if (r >= 0)
                r = firewall_reconcile(tables, is_later ? NETWORK_PASS_LATER : NETWORK_PASS_FIRST, &n_changes,
                                problems);
        if (json_add_u64(answer, "changes", n_changes) < 0 || json_add(answer, "problems", TAKE_PTR(problems)) < 0)
                return -ENOMEM;
        return serve_answer(call, FAILED, r, r < 0 ? strerror(-r) : NULL, TAKE_PTR(answer));
}

static const VarlinkMethod methods[] = {
        { "Capture", method_capture, .is_privileged = true },
        { "Reconcile", method_reconcile, .is_privileged = true },
};

static const VarlinkInterface interface = {
        .name = INTERFACE,
        .description = varlink_description_liveupdate_firewall,
        .methods = methods,
        .n_methods = ELEMENTSOF(methods),
};

int main(void) {
        return serve(&interface);
}
