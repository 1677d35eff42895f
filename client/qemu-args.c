/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "client/qemu-args.h"
#include "client/qemu-options.h"
#include "client/qemu-rules.h"

#define QEMU_RAM_BYTES_DEFAULT (128ULL << 20)
#define QEMU_RAM_ALIGN_BYTES 8192U /* hw/core/machine.c:machine_set_mem() */

#define HUGE_FOLIO_BYTES (2ULL << 20)

struct QemuArgs {
        char **argv;
        size_t n_argv;
        uint64_t ram_bytes;
};

char **qemu_argv_free(char **argv) {
        for (char **p = argv; p && *p; p++)
                free(*p);
        free(argv);
        return NULL;
}

QemuArgs *qemu_args_free(QemuArgs *args) {
        if (!args)
                return NULL;
        qemu_argv_free(args->argv);
        free(args);
        return NULL;
}

static int argv_copy(char *const *argv, size_t n, size_t n_more, char ***ret) {
        _cleanup_(qemu_argv_freep) char **copy = calloc(n + n_more + 1, sizeof(char *));

        if (!copy)
                return -ENOMEM;
        for (size_t i = 0; i < n; i++) {
                copy[i] = strdup(argv[i]);
                if (!copy[i])
                        return -ENOMEM;
        }
        *ret = TAKE_PTR(copy);
        return 0;
}

static int suffix_to_shift(const char *suffix) {
        static const char suffixes[] = "bkmgt";
        char lower = (char) (*suffix | 0x20);
        const char *p;

        if (!*suffix)
                return 20;
        p = strchr(suffixes, lower);
        return p && !suffix[1] ? (int) (p - suffixes) * 10 : -1;
}

/* "512", "512M", "1.5G": digits, a fraction of at most nine more, a suffix. */
static int ram_bytes_parse(const char *text, uint64_t *ret) {
        uint64_t whole, fraction = 0, scale = 1, bytes;
        char *end;
        int shift;

        if (*text < '0' || *text > '9')
                return -EINVAL;
        errno = 0;
        whole = strtoull(text, &end, 10);
        if (errno != 0)
                return -ERANGE;
        if (*end == '.')
                for (end++; *end >= '0' && *end <= '9' && scale < 1000000000; end++, scale *= 10)
                        fraction = fraction * 10 + (uint64_t) (*end - '0');

        shift = suffix_to_shift(end);
        if (shift < 0 || (fraction > 0 && shift == 0))
                return -EINVAL;
        if (whole > (uint64_t) INT64_MAX >> (shift + 1))
                return -ERANGE;

        bytes = (whole << shift) + (uint64_t) ((__uint128_t) fraction * (1ULL << shift) / scale);
        if (bytes == 0)
                bytes = QEMU_RAM_BYTES_DEFAULT;
        *ret = (bytes + QEMU_RAM_ALIGN_BYTES - 1) / QEMU_RAM_ALIGN_BYTES * QEMU_RAM_ALIGN_BYTES;
        return 0;
}

static int parse_memory_property(const char *key, const char *value, void *userdata) {
        QemuArgs *args = userdata;
        int r;

        if (strcmp(key, "size") != 0)
                return 1;
        r = ram_bytes_parse(value, &args->ram_bytes);
        return r < 0 ? r : 1;
}

static int parse_option(QemuArgs *args, const char *option, const char *value, char **ret_problem) {
        int r;

        r = qemu_rules_check(option, value, ret_problem);
        if (r < 0 || strcmp(option, "m") != 0)
                return r;

        r = qemu_properties_walk(value ?: "", "size", parse_memory_property, args);
        if (r == -EINVAL || r == -ERANGE || r == -EBADMSG) {
                if (asprintf(ret_problem, "-m %s: not a size; say for example -m 512M or -m 2G",
                                    value ?: "") < 0)
                        return -ENOMEM;
                return -EINVAL;
        }
        return r < 0 ? r : 0;
}

int qemu_args_parse(char *const *argv, QemuArgs **ret, char **ret_problem) {
        _cleanup_(qemu_args_freep) QemuArgs *args = calloc(1, sizeof(*args));
        int r;

        *ret_problem = NULL;
        if (!args)
                return -ENOMEM;
        if (!argv[0]) {
                *ret_problem = strdup("no command was given; say for example qemu-system-x86_64 -m 512M");
                return *ret_problem ? -EINVAL : -ENOMEM;
        }
        args->ram_bytes = QEMU_RAM_BYTES_DEFAULT;

        for (size_t i = 1; argv[i]; i++) {
                const char *option = argv[i], *value = NULL;

                if (option[0] != '-')
                        continue; /* a disk image */
                option += option[1] == '-' ? 2 : 1;
                if (qemu_option_takes_value(option, argv[i + 1]))
                        value = argv[++i];
                r = parse_option(args, option, value, ret_problem);
                if (r < 0)
                        return r;
        }

        while (argv[args->n_argv])
                args->n_argv++;
        r = argv_copy(argv, args->n_argv, 0, &args->argv);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(args);
        return 0;
}

uint64_t qemu_args_ram_bytes(const QemuArgs *args) {
        return args->ram_bytes;
}

int qemu_args_compose(const QemuArgs *args, int ram_fd, int qmp_fd, bool incoming, char ***ret) {
        _cleanup_(qemu_argv_freep) char **argv = NULL;
        char object[160], chardev[64];
        /* QEMU merges repeated -machine options, so the user's type and properties stay. */
        char *const more[] = {
                (char *) "-object",
                object,
                (char *) "-machine",
                (char *) "memory-backend=liveupdate-ram",
                (char *) "-chardev",
                chardev,
                (char *) "-mon",
                (char *) "chardev=liveupdate-qmp,mode=control",
                (char *) "-incoming",
                (char *) "defer",
        };
        size_t n_more = incoming ? ELEMENTSOF(more) : ELEMENTSOF(more) - 2;
        int r;

        /* QEMU aligns the mapping of a file to small pages unless told more, and then no huge folio can be mapped. */
        snprintf(object, sizeof(object),
                        "memory-backend-file,id=liveupdate-ram,size=%llu,mem-path=/proc/self/fd/%i,share=on%s",
                        (unsigned long long) args->ram_bytes, ram_fd,
                        args->ram_bytes % HUGE_FOLIO_BYTES == 0 ? ",align=2M" : "");
        snprintf(chardev, sizeof(chardev), "socket,id=liveupdate-qmp,fd=%i,server=off", qmp_fd);

        r = argv_copy(args->argv, args->n_argv, n_more, &argv);
        if (r < 0)
                return r;
        for (size_t i = 0; i < n_more; i++) {
                argv[args->n_argv + i] = strdup(more[i]);
                if (!argv[args->n_argv + i])
                        return -ENOMEM;
        }

        *ret = TAKE_PTR(argv);
        return 0;
}
