/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* PCI functions of regular files, on a host whose interfaces are written down here. What such files do not do by
 * themselves, a FIFO that blocks or the test does. */

#include <linux/pci_regs.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/resource.h>

#include "basic/json.h"
#include "drain/drain-internal.h"
#include "temporary-root.h"

#define SECOND_USEC (1000ULL * 1000)
#define LONG_USEC (30 * SECOND_USEC)
#define SHORT_USEC (SECOND_USEC / 4) /* of what never comes */

#define EXPRESS_OFFSET 0x40U
#define STATUS_OFFSET (EXPRESS_OFFSET + PCI_EXP_DEVSTA)

struct Network {
        int n;
};

/* What was asked of the host: "down 3, 3 is down, ". */
static struct {
        pthread_mutex_t mutex;
        char calls[8192];
        int link_error, restore_error;
        int gate[2];            /* until it is closed, taking down this interface or restoring blocks */
        unsigned gate_index;
        bool gates_restore;
        const char *goes;       /* a device that disappears as an interface goes down */
} host = { .mutex = PTHREAD_MUTEX_INITIALIZER, .gate = { -1, -1 } };

__attribute__((format(printf, 1, 2))) static inline void host_note(const char *format, ...) {
        size_t n;
        va_list ap;

        pthread_mutex_lock(&host.mutex);
        n = strlen(host.calls);
        va_start(ap, format);
        vsnprintf(host.calls + n, sizeof(host.calls) - n, format, ap);
        va_end(ap);
        pthread_mutex_unlock(&host.mutex);
}

static inline bool host_was_asked(const char *call) {
        bool was;

        pthread_mutex_lock(&host.mutex);
        was = strstr(host.calls, call);
        pthread_mutex_unlock(&host.mutex);
        return was;
}

static inline void host_wait(const char *call) {
        for (unsigned i = 0; !host_was_asked(call); i++) {
                ck_assert_uint_lt(i, 20000);
                usleep(1000);
        }
}

static inline void gate_make(void) {
        ck_assert_int_eq(pipe(host.gate), 0);
}

static inline void gate_open(void) {
        host.gate[1] = fd_close(host.gate[1]);
}

static inline void gate_wait(void) {
        char c;

        while (read(host.gate[0], &c, 1) < 0)
                ;
}

static inline void config_write(const char *address, unsigned offset, unsigned value) {
        unsigned char bytes[2] = { (unsigned char) value, (unsigned char) (value >> 8) };
        char path[256];
        int fd;

        snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/config", address);
        fd = root_open(path);
        ck_assert_int_eq(pwrite(fd, bytes, sizeof(bytes), offset), 2);
        close(fd);
}

static inline unsigned config_get(const char *address, unsigned offset) {
        unsigned char bytes[2];
        char path[256];
        int fd;

        snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/config", address);
        fd = root_open(path);
        ck_assert_int_eq(pread(fd, bytes, sizeof(bytes), offset), 2);
        close(fd);
        return bytes[0] | (unsigned) bytes[1] << 8;
}

static inline bool is_master(const char *address) {
        return config_get(address, PCI_COMMAND) & PCI_COMMAND_MASTER;
}

static inline void set_pending(const char *address, bool is_pending) {
        config_write(address, STATUS_OFFSET, is_pending ? PCI_EXP_DEVSTA_TRPND : 0);
}

static inline int fake_link_set_up(unsigned index, bool is_up) {
        host_note("%s %u, ", is_up ? "up" : "down", index);
        if (host.gate[0] >= 0 && index == host.gate_index)
                gate_wait();
        if (host.goes)
                config_write(host.goes, PCI_COMMAND, 0xffff);
        host_note("%u is %s, ", index, is_up ? "up" : "down");
        return host.link_error;
}

static inline int fake_capture(Network **ret) {
        host_note("capture, ");
        *ret = calloc(1, sizeof(Network));
        return *ret ? 0 : -ENOMEM;
}

static inline int fake_restore(const Network *captured, const char *const *devices, char **ret_why) {
        ck_assert_ptr_nonnull(captured);
        host_note("restore");
        for (; *devices; devices++)
                host_note(" %s", *devices);
        host_note(", ");
        if (host.gates_restore)
                gate_wait();
        if (host.restore_error < 0)
                *ret_why = strdup("eth0 has no address any more");
        return host.restore_error;
}

static inline Network *fake_free_network(Network *network) {
        free(network);
        return NULL;
}

static inline json_object *fake_to_json(const Network *network) {
        json_object *o = json_object_new_object();

        ck_assert_int_ge(json_add_string(o, "links", "some"), 0);
        return o;
}

static inline int fake_from_json(json_object *o, Network **ret) {
        const char *links;

        if (json_get_string(o, "links", &links) < 0)
                return -EBADMSG;
        *ret = calloc(1, sizeof(Network));
        return *ret ? 0 : -ENOMEM;
}

static DrainSetup setup = {
        .root = root,
        .restore_usec = LONG_USEC,
        .network_usec = LONG_USEC,
        .link_set_up = fake_link_set_up,
        .capture = fake_capture,
        .restore = fake_restore,
        .free_network = fake_free_network,
        .to_json = fake_to_json,
        .from_json = fake_from_json,
};

/* devices */

static inline void function_put(const char *address, uint32_t class_code, bool is_bus_master) {
        unsigned char config[256] = {
                [PCI_COMMAND] = PCI_COMMAND_MEMORY | (is_bus_master ? PCI_COMMAND_MASTER : 0),
                [PCI_STATUS] = PCI_STATUS_CAP_LIST,
                [PCI_CLASS_REVISION + 1] = (unsigned char) class_code,
                [PCI_CLASS_REVISION + 2] = (unsigned char) (class_code >> 8),
                [PCI_CLASS_REVISION + 3] = (unsigned char) (class_code >> 16),
                [PCI_CAPABILITY_LIST] = EXPRESS_OFFSET,
                [EXPRESS_OFFSET] = PCI_CAP_ID_EXP,
        };
        char path[256];

        snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/config", address);
        root_put_bytes(path, config, sizeof(config));
        snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/reset", address);
        root_put(path, "");
        snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/driver_override", address);
        root_put(path, "(null)\n");
}

static inline void driver_link(const char *address, const char *driver) {
        char path[256], target[128];

        snprintf(path, sizeof(path), "/sys/bus/pci/drivers/%s/unbind", driver);
        close(root_open(path));
        snprintf(path, sizeof(path), "/sys/bus/pci/drivers/%s/bind", driver);
        close(root_open(path));
        snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/driver", address);
        snprintf(target, sizeof(target), "../../../../bus/pci/drivers/%s", driver);
        ck_assert_int_eq(symlink(target, root_path(path)), 0);
}

static inline void driver_unlink(const char *address) {
        char path[256];

        snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/driver", address);
        ck_assert_int_eq(unlink(root_path(path)), 0);
}

/* What a file holds; static. */
static inline const char *root_get(const char *path) {
        static char text[256];
        int fd = root_open(path);
        ssize_t n = read(fd, text, sizeof(text) - 1);

        ck_assert_int_ge(n, 0);
        text[n] = 0;
        close(fd);
        return text;
}

static inline char **strings_new(const char *a) {
        char **list = calloc(2, sizeof(char *));

        list[0] = a ? strdup(a) : NULL;
        return list;
}

/* The test */

typedef struct World {
        sd_event *event;
        Inventory *inventory;
        PolicyRule rules[8];
        size_t n_rules;
        Drain *drain;
        bool is_over;
        int error;
        char why[2048];
} World;

static inline void world_begin(World *w) {
        *w = (World) { .inventory = calloc(1, sizeof(Inventory)) };
        ck_assert_int_ge(sd_event_new(&w->event), 0);
        root_put("/proc/self/mountinfo", "");
}

static inline Device *world_add_bare(World *w, const char *address, const char *driver, uint32_t class_code) {
        Device *device;

        w->inventory->devices = realloc(w->inventory->devices, (w->inventory->n + 1) * sizeof(Device));
        device = &w->inventory->devices[w->inventory->n++];
        *device = (Device) {
                .address = strdup(address),
                .driver = driver ? strdup(driver) : NULL,
                .class_code = class_code,
                .iommu_group = -1,
                .has_status = true,
                .can_reset = true,
                .bus_master = true,
                .is_bridge = class_code >> 16 == 6,
        };
        function_put(address, class_code, true);
        if (driver)
                driver_link(address, driver);
        return device;
}

/* Before the next world_add(), which moves devices. */
static inline void world_add_interface(Device *device, const char *name, unsigned index, bool is_up) {
        device->interfaces = realloc(device->interfaces, (device->n_interfaces + 1) * sizeof(DeviceInterface));
        device->interfaces[device->n_interfaces++] =
                        (DeviceInterface) { .name = strdup(name), .index = index, .is_up = is_up };
}

static inline void world_add_user(Device *device, const char *workload, DeviceUse use) {
        device->users = realloc(device->users, (device->n_users + 1) * sizeof(DeviceUser));
        device->users[device->n_users++] = (DeviceUser) {
                .pid = 100,
                .comm = "qemu",
                .workload = workload ? strdup(workload) : NULL,
                .use = use,
                .vfio_fd = use == USE_VFIO ? 7 : -1,
        };
}

/* Of the network and with a driver, it has an interface that is down. */
static inline Device *world_add(World *w, const char *address, const char *driver, uint32_t class_code) {
        Device *device = world_add_bare(w, address, driver, class_code);

        if (class_code >> 16 == 2 && driver && !strstr(driver, "vfio"))
                world_add_interface(device, "down0", 99, false);
        return device;
}

static inline Device *world_add_nic(World *w, const char *address, unsigned index) {
        Device *device = world_add_bare(w, address, "e1000e", 0x020000);
        char name[16];

        snprintf(name, sizeof(name), "eth%u", index);
        world_add_interface(device, name, index, true);
        return device;
}

/* One of the late round. */
static inline Device *world_add_needed_nic(World *w, const char *address, unsigned index) {
        Device *device = world_add_nic(w, address, index);

        world_add_user(device, "guest", USE_INTERFACE);
        return device;
}

static inline void world_rule(World *w, const char *rule) {
        ck_assert_int_eq(policy_rule_parse(rule, &w->rules[w->n_rules++]), 0);
}

static inline void world_ready(World *w, uint64_t timeout_usec) {
        DrainOptions options = { .rules = w->rules, .n_rules = w->n_rules, .timeout_usec = timeout_usec };

        ck_assert_int_eq(drain_new_with(&setup, w->event, TAKE_PTR(w->inventory), &options, &w->drain), 0);
}

static inline void world_end(World *w) {
        drain_free(w->drain);
        inventory_free(w->inventory);
        sd_event_unref(w->event);
}

static inline void on_pass_done(int error, const char *why, void *userdata) {
        World *w = userdata;

        ck_assert(!w->is_over);
        ck_assert_int_le(error, 0);
        ck_assert((error < 0) == (why != NULL));
        w->is_over = true;
        w->error = error;
        snprintf(w->why, sizeof(w->why), "%s", why ?: "");
}

static inline void world_wait(World *w) {
        while (!w->is_over)
                ck_assert_int_gt(sd_event_run(w->event, LONG_USEC), 0);
}

static inline void world_begin_round(World *w, DrainRound round) {
        w->is_over = false;
        ck_assert_int_eq(drain_round(w->drain, round, on_pass_done, w), 1);
        ck_assert(!w->is_over);
}

/* What it ended with. */
static inline int world_drain(World *w, DrainRound round) {
        world_begin_round(w, round);
        world_wait(w);
        return w->error;
}

static inline int world_undo(World *w, DrainRound round) {
        w->is_over = false;
        ck_assert_int_eq(drain_undo(w->drain, round, on_pass_done, w), 1);
        ck_assert(!w->is_over);
        world_wait(w);
        return w->error;
}

/* Static: a member of the device in drain_to_json(), "" where there is none. */
static inline const char *world_told(World *w, const char *address, const char *member) {
        _cleanup_json_ json_object *list = drain_to_json(w->drain);
        static char text[1024];

        ck_assert_ptr_nonnull(list);
        for (size_t i = 0; i < json_object_array_length(list); i++) {
                json_object *o = json_object_array_get_idx(list, i), *value;
                const char *has;

                ck_assert_int_eq(json_get_string(o, "address", &has), 0);
                if (strcmp(has, address) != 0)
                        continue;
                snprintf(text, sizeof(text), "%s",
                                json_object_object_get_ex(o, member, &value) ? json_object_get_string(value) : "");
                return text;
        }
        ck_abort_msg("%s is not there", address);
}

/* Another FIFO in place of a file: who writes to it blocks until fifo_open(). */
static inline void fifo_put(const char *path) {
        close(root_open(path));
        ck_assert_int_eq(unlink(root_path(path)), 0);
        ck_assert_int_eq(mkfifo(root_path(path), 0600), 0);
}

static inline int fifo_open(const char *path) {
        int fd = open(root_path(path), O_RDWR | O_CLOEXEC);

        ck_assert_int_ge(fd, 0);
        return fd;
}
