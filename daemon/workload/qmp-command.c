/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>

#include "basic/cleanup.h"
#include "basic/json.h"
#include "workload/qmp-command.h"

static int command_to_json(const char *name, const char *id, json_object *arguments, json_object **ret) {
        _cleanup_json_ json_object *args = arguments, *o = json_object_new_object();

        if (!o || json_add_string(o, "execute", name) < 0 || json_add_string(o, "id", id) < 0)
                return -ENOMEM;
        if (args && json_add(o, "arguments", TAKE_PTR(args)) < 0)
                return -ENOMEM;

        *ret = TAKE_PTR(o);
        return 0;
}

/* One allocation for the line, the name and the id. */
static int command_set_text(QmpCommand *c, const char *line, size_t size, const char *name, const char *id) {
        size_t name_size = strlen(name) + 1, id_size = strlen(id) + 1;
        char *p = malloc(size + 1 + name_size + id_size);

        if (!p)
                return -ENOMEM;
        memcpy(p, line, size);
        p[size] = '\n';
        c->text = p;
        c->size = size + 1;
        c->name = memcpy(p + c->size, name, name_size);
        c->id = memcpy(p + c->size + name_size, id, id_size);
        return 0;
}

int qmp_command_new(Qmp *qmp, const char *name, const char *id, json_object *arguments, int fd,
                QmpCommand **ret) {
        _cleanup_(qmp_command_freep) QmpCommand *c = NULL;
        _cleanup_json_ json_object *o = NULL;
        const char *line;
        size_t size;
        int r;

        r = command_to_json(name, id, arguments, &o);
        if (r < 0)
                return r;
        line = json_object_to_json_string_length(
                        o, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &size);
        if (!line)
                return -ENOMEM;
        if (size >= QMP_LINE_BYTES_MAX)
                return -E2BIG;

        c = calloc(1, sizeof(*c));
        if (!c)
                return -ENOMEM;
        c->qmp = qmp;
        c->fd = -EBADF;
        r = command_set_text(c, line, size, name, id);
        if (r < 0)
                return r;
        if (fd >= 0) {
                c->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
                if (c->fd < 0)
                        return -errno;
                c->has_fd = true;
        }

        *ret = TAKE_PTR(c);
        return 0;
}

QmpCommand *qmp_command_free(QmpCommand *c) {
        if (!c)
                return NULL;
        sd_event_source_disable_unref(c->timer);
        fd_close(c->fd);
        free(c->text);
        free(c);
        return NULL;
}

int qmp_command_send(QmpCommand *c, int socket_fd) {
        while (!qmp_command_is_sent(c)) {
                union {
                        struct cmsghdr header;
                        char space[CMSG_SPACE(sizeof(int))];
                } control = {};
                struct iovec iov = { c->text + c->sent, c->size - c->sent };
                struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1 };
                ssize_t n;

                if (c->fd >= 0) {
                        control.header.cmsg_level = SOL_SOCKET;
                        control.header.cmsg_type = SCM_RIGHTS;
                        control.header.cmsg_len = CMSG_LEN(sizeof(int));
                        memcpy(CMSG_DATA(&control.header), &c->fd, sizeof(int));
                        message.msg_control = &control;
                        message.msg_controllen = sizeof(control.space);
                }

                n = sendmsg(socket_fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return errno == EAGAIN ? 0 : -errno;
                c->fd = fd_close(c->fd);
                c->sent += (size_t) n;
        }
        return 1;
}
