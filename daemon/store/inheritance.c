/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>

#include "basic/log.h"
#include "store/store.h"

typedef struct Inherited {
        char *name;
        int fd; /* -EBADF: taken */
} Inherited;

struct Inheritance {
        Inherited *all;
        size_t n;
};

static bool is_listening(int fd) {
        return sd_is_socket(fd, AF_UNSPEC, SOCK_STREAM, /* listening= */ 1) > 0;
}

int inheritance_add(Inheritance *inheritance, const char *name, int fd) {
        Inherited *grown = reallocarray(inheritance->all, inheritance->n + 1, sizeof(*grown));
        char *copy = strdup(name);

        if (grown)
                inheritance->all = grown;
        if (!grown || !copy) {
                free(copy);
                fd_close(fd);
                return -ENOMEM;
        }
        grown[inheritance->n++] = (Inherited) { copy, fd };
        return 0;
}

int inheritance_new(Inheritance **ret) {
        _cleanup_(inheritance_freep) Inheritance *inheritance = calloc(1, sizeof(*inheritance));
        char **names = NULL;
        int n, r = 0;

        if (!inheritance)
                return -ENOMEM;
        n = sd_listen_fds_with_names(/* unset_environment= */ 1, &names);
        for (int i = 0; i < n; i++) {
                if (r >= 0)
                        r = inheritance_add(inheritance, names[i], SD_LISTEN_FDS_START + i);
                free(names[i]);
        }
        free(names);
        if (n < 0 || r < 0)
                return n < 0 ? n : r;

        *ret = TAKE_PTR(inheritance);
        return 0;
}

/* Another one of that name is in use; the manager cannot drop just one of them. */
static bool is_shared_with_taken(const Inheritance *inheritance, const char *name) {
        for (size_t i = 0; i < inheritance->n; i++)
                if (inheritance->all[i].fd < 0 && strcmp(inheritance->all[i].name, name) == 0)
                        return true;
        return false;
}

Inheritance *inheritance_free(Inheritance *inheritance) {
        if (!inheritance)
                return NULL;
        for (size_t i = 0; i < inheritance->n; i++) {
                const Inherited *inherited = &inheritance->all[i];

                if (inherited->fd < 0)
                        continue;
                log_debug("Nobody wants inherited fd %i, %s.", inherited->fd, inherited->name);
                if (!is_listening(inherited->fd) && !is_shared_with_taken(inheritance, inherited->name))
                        store_drop(inherited->name);
        }
        for (size_t i = 0; i < inheritance->n; i++) {
                fd_close(inheritance->all[i].fd);
                free(inheritance->all[i].name);
        }
        free(inheritance->all);
        free(inheritance);
        return NULL;
}

int inheritance_take(Inheritance *inheritance, const char *name) {
        for (size_t i = 0; i < inheritance->n; i++)
                if (inheritance->all[i].fd >= 0 && strcmp(inheritance->all[i].name, name) == 0)
                        return TAKE_FD(inheritance->all[i].fd);
        return -ENOENT;
}

const char *inheritance_find(const Inheritance *inheritance, const char *prefix) {
        for (size_t i = 0; i < inheritance->n; i++)
                if (inheritance->all[i].fd >= 0 &&
                                strncmp(inheritance->all[i].name, prefix, strlen(prefix)) == 0)
                        return inheritance->all[i].name;
        return NULL;
}

int inheritance_take_listening(Inheritance *inheritance) {
        for (size_t i = 0; i < inheritance->n; i++)
                if (inheritance->all[i].fd >= 0 && is_listening(inheritance->all[i].fd))
                        return TAKE_FD(inheritance->all[i].fd);
        return -ENOENT;
}
