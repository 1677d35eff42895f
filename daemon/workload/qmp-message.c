/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What QEMU says, a line at a time. QEMU is not trusted: every member is checked for its type, and what fits
 * no rule ends the connection. */

#include <errno.h>
#include <string.h>

#include "basic/json.h"
#include "workload/qmp-internal.h"

static int qmp_set_version(Qmp *q, json_object *version) {
        uint64_t major, minor, micro;
        json_object *qemu;

        if (json_get_object(version, "qemu", &qemu) < 0 || json_get_u64(qemu, "major", &major) < 0 ||
                        json_get_u64(qemu, "minor", &minor) < 0 || json_get_u64(qemu, "micro", &micro) < 0 ||
                        major > 0x7fff || minor > 0xff || micro > 0xff)
                return -EBADMSG;

        q->version = (uint32_t) (major << 16 | minor << 8 | micro);
        return 0;
}

static int qmp_dispatch_greeting(Qmp *q, json_object *line) {
        json_object *greeting, *version;

        if (json_get_object(line, "QMP", &greeting) < 0 ||
                        json_get_object(greeting, "version", &version) < 0)
                return -EBADMSG;
        return qmp_set_version(q, version);
}

static int qmp_dispatch_event(Qmp *q, json_object *line) {
        json_object *data = NULL;
        const char *event;
        int r;

        r = json_get_string(line, "event", &event);
        if (r < 0)
                return -EBADMSG;
        r = json_get_object(line, "data", &data);
        if (r < 0 && r != -ENOENT)
                return -EBADMSG;

        if (q->on_event)
                q->on_event(q, event, data, q->userdata);
        return 0;
}

static int qmp_dispatch_negotiation(Qmp *q, const QmpCommand *c, json_object *value, json_object *error) {
        const char *class;
        int r;

        if (strcmp(c->name, "query-version") == 0) {
                r = qmp_set_version(q, value);
                if (r < 0)
                        return r;
        } else if (error &&
                        (json_get_string(error, "class", &class) < 0 ||
                                        strcmp(class, "CommandNotFound") != 0))
                /* That is what QEMU answers where it was negotiated before
                 * (monitor/qmp-cmds-control.c:qmp_capabilities()). */
                return -EBADMSG;
        else if (q->version == 0)
                return qmp_negotiate(q, "query-version");

        q->state = QMP_READY;
        return 0;
}

static int qmp_dispatch_reply(Qmp *q, json_object *line) {
        _cleanup_(qmp_command_freep) QmpCommand *c = NULL;
        const char *id, *message = "QEMU refused without saying why";
        json_object *value = NULL, *error = NULL;
        bool has_value = json_object_object_get_ex(line, "return", &value);

        if (has_value == json_object_object_get_ex(line, "error", &error))
                return -EBADMSG;
        if (!has_value && !json_object_is_type(error, json_type_object))
                return -EBADMSG;
        if (json_get_string(line, "id", &id) < 0 || strncmp(id, q->id_prefix, strlen(q->id_prefix)) != 0)
                return 0;
        if (!q->commands || !qmp_command_is_sent(q->commands) || strcmp(id, q->commands->id) != 0)
                return -EBADMSG;

        c = qmp_pop(q);
        if (c->is_negotiation)
                return qmp_dispatch_negotiation(q, c, value, error);
        if (!c->func)
                return 0;
        if (has_value) {
                c->func(q, 0, NULL, value, c->userdata);
                return 0;
        }
        (void) json_get_string(error, "desc", &message);
        c->func(q, -EREMOTEIO, message, NULL, c->userdata);
        return 0;
}

int qmp_dispatch_line(Qmp *q, const char *text, size_t size) {
        _cleanup_json_ json_object *line = NULL;
        bool is_first;
        int r;

        if (size > 0 && text[size - 1] == '\r')
                size--;
        if (size == 0)
                return 0;

        is_first = !TAKE(q->has_heard, true);
        if (q->state == QMP_GREETING) {
                r = qmp_negotiate(q, "qmp_capabilities");
                if (r < 0)
                        return r;
        }

        r = json_parse_object(text, size, &line);
        if (r == -EBADMSG && is_first)
                return 0; /* the end of a line that another daemon began to read */
        if (r < 0)
                return r;

        if (json_object_object_get_ex(line, "QMP", NULL))
                return qmp_dispatch_greeting(q, line);
        if (json_object_object_get_ex(line, "event", NULL))
                return qmp_dispatch_event(q, line);
        return qmp_dispatch_reply(q, line);
}
