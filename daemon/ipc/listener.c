/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>

#include "basic/log.h"
#include "ipc/listener.h"

#define LISTENER_RETRY_USEC (1000ULL * 1000)
#define LISTENER_BACKLOG 64

Listener *listener_free(Listener *listener) {
        struct stat st;

        if (!listener)
                return NULL;

        if (listener->server)
                LIST_REMOVE(listener, entry);
        sd_event_source_disable_unref(listener->io);
        sd_event_source_disable_unref(listener->retry);
        /* Whoever came after us may have put his own in place. */
        if (listener->path && lstat(listener->path, &st) >= 0 && st.st_dev == listener->bound.st_dev &&
                        st.st_ino == listener->bound.st_ino)
                (void) unlink(listener->path);
        fd_close(listener->fd);
        free(listener->path);
        free(listener);
        return NULL;
}

int listener_set_priority(Listener *listener, int64_t priority) {
        int r = sd_event_source_set_priority(listener->io, priority);

        return r < 0 ? r : sd_event_source_set_priority(listener->retry, priority);
}

int listener_set_accepting(Listener *listener) {
        return sd_event_source_set_enabled(listener->io, listener->server->is_holding ? SD_EVENT_OFF : SD_EVENT_ON);
}

static int listener_on_retry(sd_event_source *source, uint64_t usec, void *userdata) {
        return listener_set_accepting(userdata);
}

/* Out of fds or memory, the waiting connection would wake us again at once, for ever. */
static void listener_rest(Listener *listener, int error) {
        log_warning_errno(error, "Cannot accept varlink connections for a moment: %m");

        if (sd_event_source_set_time_relative(listener->retry, LISTENER_RETRY_USEC) >= 0 &&
                        sd_event_source_set_enabled(listener->retry, SD_EVENT_ONESHOT) >= 0)
                (void) sd_event_source_set_enabled(listener->io, SD_EVENT_OFF);
}

/* A negative answer would switch the source off: no client's mishap may do that. */
static int listener_on_io(sd_event_source *source, int socket_fd, uint32_t revents, void *userdata) {
        Listener *listener = userdata;
        _cleanup_fd_ int fd = -EBADF;

        fd = accept4(socket_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd >= 0) {
                if (varlink_server_take_connection_fd(listener->server, fd) >= 0)
                        TAKE_FD(fd);
        } else if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
                listener_rest(listener, -errno);
        return 0;
}

/* Takes `fd` on success; adds the listener to its server. */
static int listener_new(VarlinkServer *server, int fd, const char *path) {
        _cleanup_(listener_freep) Listener *listener = NULL;
        int r;

        listener = calloc(1, sizeof(*listener));
        if (!listener)
                return -ENOMEM;
        listener->fd = -EBADF;

        r = sd_event_add_io(server->event, &listener->io, fd, EPOLLIN, listener_on_io, listener);
        if (r < 0)
                return r;
        /* Made now, as it needs an fd of the event loop's, and is for the time when there is none. */
        r = sd_event_add_time_relative(server->event, &listener->retry, CLOCK_MONOTONIC, LISTENER_RETRY_USEC,
                        0, listener_on_retry, listener);
        if (r < 0)
                return r;
        r = sd_event_source_set_enabled(listener->retry, SD_EVENT_OFF);
        if (r < 0)
                return r;
        r = listener_set_priority(listener, server->priority);
        if (r < 0)
                return r;
        if (path) {
                if (lstat(path, &listener->bound) < 0)
                        return -errno;
                listener->path = strdup(path);
                if (!listener->path)
                        return -ENOMEM;
        }

        listener->server = server;
        r = listener_set_accepting(listener);
        if (r < 0) {
                listener->server = NULL;
                return r;
        }
        listener->fd = fd;
        LIST_INSERT_HEAD(&server->listeners, listener, entry);
        TAKE_PTR(listener);
        return 0;
}

/* Removes a socket file on which nobody accepts. */
static int remove_stale(const char *path, const struct sockaddr_un *address) {
        _cleanup_fd_ int fd = -EBADF;
        struct stat st;

        if (lstat(path, &st) < 0)
                return errno == ENOENT ? 0 : -errno;
        if (!S_ISSOCK(st.st_mode))
                return -EEXIST;

        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0)
                return -errno;
        if (connect(fd, (const struct sockaddr *) address, sizeof(*address)) >= 0 || errno == EAGAIN ||
                        errno == EPROTOTYPE)
                return -EADDRINUSE;
        if (errno != ECONNREFUSED)
                return -errno;
        return unlink(path) < 0 && errno != ENOENT ? -errno : 0;
}

static int bind_at(int fd, const char *path, const struct sockaddr_un *address, mode_t mode) {
        /* The file gets the mode of the socket's own inode less the umask (net/unix/af_unix.c,
         * unix_bind_bsd()): it is never wider than asked, not even until chmod(). */
        if (fchmod(fd, mode) < 0)
                return -errno;
        if (bind(fd, (const struct sockaddr *) address, sizeof(*address)) < 0)
                return -errno;
        if (chmod(path, mode) < 0 || listen(fd, LISTENER_BACKLOG) < 0) {
                int r = -errno;

                (void) unlink(path);
                return r;
        }
        return 0;
}

int varlink_server_listen(VarlinkServer *server, const char *path, mode_t mode) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        _cleanup_fd_ int fd = -EBADF;
        int r;

        if (path[0] != '/')
                return -EINVAL;
        if (strlen(path) >= sizeof(address.sun_path))
                return -ENAMETOOLONG;
        memcpy(address.sun_path, path, strlen(path));

        r = remove_stale(path, &address);
        if (r < 0)
                return r;
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0)
                return -errno;
        r = bind_at(fd, path, &address, mode);
        if (r < 0)
                return r;
        r = listener_new(server, fd, path);
        if (r < 0) {
                (void) unlink(path);
                return r;
        }

        TAKE_FD(fd);
        return 0;
}

int varlink_server_take_listen_fd(VarlinkServer *server, int fd) {
        int flags, r;

        r = sd_is_socket_unix(fd, SOCK_STREAM, 1, NULL, 0);
        if (r < 0)
                return r;
        if (r == 0)
                return -EINVAL;

        flags = fcntl(fd, F_GETFL);
        if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
                return -errno;
        return listener_new(server, fd, NULL);
}
