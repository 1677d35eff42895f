/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "basic/io.h"
#include "basic/json.h"
#include "basic/log.h"
#include "host/irqs-internal.h"

#define MASK_MAX 4096U

typedef struct Capture {
        const char *root;
        json_object *list;
        IndexSet online, usual;
} Capture;

static int digit(char c) {
        const char *digits = "0123456789abcdef", *p = c ? strchr(digits, c) : NULL;

        return p ? (int) (p - digits) : -EBADMSG;
}

/* "ff,ffffffff": bits from the end, commas for the eye. */
static int mask_parse(const char *text, IndexSet *ret) {
        size_t index = 0;

        for (size_t i = strcspn(text, "\n"); i-- > 0;) {
                int value = text[i] == ',' ? 0 : digit(text[i]);

                if (value < 0 || index + 4 > INDEX_SET_MAX)
                        return -EBADMSG;
                for (unsigned bit = 0; bit < 4; bit++)
                        if (value >> bit & 1)
                                index_set_add(ret, index + bit);
                index += text[i] == ',' ? 0 : 4;
        }
        return 0;
}

static int read_default(const char *root, IndexSet *ret) {
        _cleanup_free_ char *path = NULL, *text = NULL;
        int r;

        if (asprintf(&path, "%s/proc/irq/default_smp_affinity", root) < 0) {
                path = NULL;
                return -ENOMEM;
        }
        r = read_file_at(AT_FDCWD, path, MASK_MAX, &text, NULL);
        return r < 0 ? r : mask_parse(text, ret);
}

static int add(Capture *capture, const char *device, const char *driver, size_t vector, const IndexSet *processors) {
        _cleanup_free_ char *text = index_set_to_string(processors);
        json_object *o = text ? json_object_new_object() : NULL;

        if (!o)
                return -ENOMEM;
        if (json_add_string(o, "device", device) < 0 || json_add_string(o, "driver", driver) < 0 ||
                        json_add_u64(o, "vector", vector) < 0 || json_add_string(o, "processors", text) < 0 ||
                        json_object_array_add(capture->list, o) < 0) {
                json_object_put(o);
                return -ENOMEM;
        }
        return 0;
}

static bool is_usual(const Capture *capture, const IndexSet *processors) {
        return index_set_includes(processors, &capture->usual) && index_set_includes(&capture->usual, processors);
}

static int capture_device(Capture *capture, const char *device) {
        _cleanup_(device_irqs_done) DeviceIrqs irqs = {};
        IndexSet processors;
        int r = device_irqs_read(capture->root, device, &irqs);

        if (r == -ENOMEM)
                return r;
        for (size_t i = 0; r >= 0 && irqs.driver && i < irqs.n; i++)
                if (irq_affinity_read(capture->root, irqs.numbers[i], &capture->online, &processors) >= 0 &&
                                !index_set_is_empty(&processors) && !is_usual(capture, &processors) &&
                                json_object_array_length(capture->list) < IRQS_MAX)
                        r = add(capture, device, irqs.driver, i, &processors);
        return r == -ENOMEM ? r : 0; /* it went meanwhile */
}

static int is_device(const struct dirent *d) {
        return is_device_name(d->d_name);
}

static int capture_devices(Capture *capture) {
        _cleanup_free_ struct dirent **devices = NULL;
        _cleanup_free_ char *path = NULL;
        int n, r = 0;

        if (asprintf(&path, "%s/sys/bus/pci/devices", capture->root) < 0) {
                path = NULL;
                return -ENOMEM;
        }
        n = scandir(path, &devices, is_device, alphasort);
        for (int i = 0; i < n; i++) {
                if (r >= 0)
                        r = capture_device(capture, devices[i]->d_name);
                free(devices[i]);
        }
        return r;
}

json_object *irqs_capture(const char *root) {
        _cleanup_json_ json_object *list = json_object_new_array();
        Capture capture = { .root = root, .list = list };
        int r;

        if (!list)
                return NULL;
        r = processors_online(root, &capture.online);
        if (r >= 0)
                r = read_default(root, &capture.usual);
        if (r < 0) {
                if (r != -ENOENT) /* a kernel for one processor */
                        log_warning_errno(r, "Where interrupts go cannot be carried to the next kernel: %m");
                return r == -ENOMEM ? NULL : TAKE_PTR(list);
        }
        index_set_intersect(&capture.usual, &capture.online);
        return capture_devices(&capture) < 0 ? NULL : TAKE_PTR(list);
}
