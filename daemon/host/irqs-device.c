/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The interrupts of one PCI device. */

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "basic/io.h"
#include "host/irqs-internal.h"

#define TEXT_MAX (64U * 1024)

static char *path_format(const char *format, ...) __attribute__((format(printf, 1, 2)));

static char *path_format(const char *format, ...) {
        char *path;
        va_list ap;
        int n;

        va_start(ap, format);
        n = vasprintf(&path, format, ap);
        va_end(ap);
        return n < 0 ? NULL : path;
}

/* "0000:00:08.0" */
bool is_device_name(const char *name) {
        size_t length = strlen(name);

        return length >= 12 && length <= 16 && strspn(name, "0123456789abcdef:.") == length && *name != '.';
}

void device_irqs_done(DeviceIrqs *irqs) {
        free(irqs->driver);
        free(irqs->numbers);
        *irqs = (DeviceIrqs){};
}

static bool take_number(const char *text, unsigned *ret) {
        unsigned long number;
        char *end;

        errno = 0;
        number = strtoul(text, &end, 10);
        if (*text < '0' || *text > '9' || errno != 0 || (*end && *end != '\n') || number > INT32_MAX)
                return false;
        *ret = (unsigned) number;
        return true;
}

static int irqs_add(DeviceIrqs *irqs, unsigned number) {
        unsigned *grown = reallocarray(irqs->numbers, irqs->n + 1, sizeof(*grown));

        if (!grown)
                return -ENOMEM;
        irqs->numbers = grown;
        grown[irqs->n++] = number;
        return 0;
}

static int compare(const void *a, const void *b) {
        unsigned x = *(const unsigned *) a, y = *(const unsigned *) b;

        return x < y ? -1 : x > y;
}

/* kernel/irq/msi.c: numbers are given out from the lowest on, so their order is that of the device's table. */
static int read_messages(int device_fd, DeviceIrqs *irqs) {
        int fd = openat(device_fd, "msi_irqs", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;
        _cleanup_closedir_ DIR *dir = fd < 0 ? NULL : fdopendir(fd);
        unsigned number;

        if (!dir) {
                fd_close(fd);
                return errno == ENOENT ? 0 : -errno;
        }
        for (struct dirent *d; r >= 0 && (d = readdir(dir));)
                if (take_number(d->d_name, &number))
                        r = irqs_add(irqs, number);
        if (irqs->n > 0)
                qsort(irqs->numbers, irqs->n, sizeof(*irqs->numbers), compare);
        return r;
}

/* A directory for each handler: kernel/irq/proc.c:register_handler_proc(). */
static int is_shared(const char *root, unsigned number) {
        _cleanup_free_ char *path = path_format("%s/proc/irq/%u", root, number);
        _cleanup_closedir_ DIR *dir = path ? opendir(path) : NULL;
        unsigned n = 0;

        if (!path)
                return -ENOMEM;
        for (struct dirent *d; dir && (d = readdir(dir));)
                n += d->d_type == DT_DIR && d->d_name[0] != '.';
        return n > 1;
}

static int read_pin(const char *root, int device_fd, DeviceIrqs *irqs) {
        _cleanup_free_ char *text = NULL;
        unsigned number;
        int r = read_file_at(device_fd, "irq", TEXT_MAX, &text, NULL);

        if (r < 0)
                return r == -ENOENT ? 0 : r;
        if (!take_number(text, &number) || number == 0)
                return 0;
        r = is_shared(root, number);
        return r == 0 ? irqs_add(irqs, number) : r < 0 ? r : 0;
}

static int read_driver(int device_fd, char **ret) {
        char target[PATH_MAX];
        ssize_t n = readlinkat(device_fd, "driver", target, sizeof(target) - 1);
        const char *slash;

        if (n < 0)
                return errno == ENOENT ? 0 : -errno;
        target[n] = 0;
        slash = strrchr(target, '/');
        *ret = strdup(slash ? slash + 1 : target);
        return *ret ? 0 : -ENOMEM;
}

int device_irqs_read(const char *root, const char *device, DeviceIrqs *ret) {
        _cleanup_free_ char *path = path_format("%s/sys/bus/pci/devices/%s", root, device);
        _cleanup_(device_irqs_done) DeviceIrqs irqs = {};
        _cleanup_fd_ int fd = -EBADF;
        int r;

        if (!path)
                return -ENOMEM;
        fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return errno == ENOENT ? -ENODEV : -errno;
        r = read_driver(fd, &irqs.driver);
        if (r >= 0)
                r = read_messages(fd, &irqs);
        if (r >= 0 && irqs.n == 0)
                r = read_pin(root, fd, &irqs);
        if (r < 0)
                return r;
        *ret = TAKE(irqs, (DeviceIrqs){});
        return 0;
}

int irq_affinity_read(const char *root, unsigned number, const IndexSet *online, IndexSet *ret) {
        _cleanup_free_ char *path = path_format("%s/proc/irq/%u/smp_affinity_list", root, number), *text = NULL;
        struct stat st;
        size_t size;
        int r;

        if (!path)
                return -ENOMEM;
        if (stat(path, &st) < 0)
                return -errno;
        /* kernel/irq/proc.c:register_irq_proc(): irq_can_set_affinity_usr() */
        if (!(st.st_mode & S_IWUSR))
                return -EPERM;
        r = read_file_at(AT_FDCWD, path, TEXT_MAX, &text, &size);
        if (r >= 0)
                r = index_set_parse(text, size, ret);
        if (r >= 0)
                index_set_intersect(ret, online);
        return r;
}

int irq_affinity_write(const char *root, unsigned number, const IndexSet *processors) {
        _cleanup_free_ char *path = path_format("%s/proc/irq/%u/smp_affinity_list", root, number),
                            *text = index_set_to_string(processors);

        return path && text ? write_file(path, text) : -ENOMEM;
}

int processors_online(const char *root, IndexSet *ret) {
        _cleanup_free_ char *path = path_format("%s/sys/devices/system/cpu/online", root);

        return path ? index_set_read(path, ret) : -ENOMEM;
}
