/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the files of drain share, and its tests. */

#include <stdatomic.h>
#include <systemd/sd-id128.h>

#include "basic/task.h"
#include "drain/drain.h"
#include "host/network.h"

#define DRAIN_STATE_BYTES_MAX ((size_t) 256 << 20) /* a network with a million routes */

typedef enum DrainOutcome {
        OUTCOME_PENDING,   /* its round was not yet */
        OUTCOME_KEPT,
        OUTCOME_QUIET,
        OUTCOME_PRESERVED,
        OUTCOME_GONE,
        OUTCOME_UNSAFE,
        OUTCOME_RESTORED,
        _OUTCOME_MAX,
} DrainOutcome;

/* What a thread is at. */
typedef enum DrainStage {
        STAGE_START,
        STAGE_LINKS,
        STAGE_UNBIND,
        STAGE_RESET,
        STAGE_MASTER_OFF,
        STAGE_PENDING,
        STAGE_OVERRIDE,
        STAGE_BIND,
        STAGE_MASTER_ON,
        _STAGE_MAX,
} DrainStage;

/* The world outside: the host's but in tests. */
typedef struct DrainSetup {
        const char *root;       /* of the file system, "" for the real one */
        uint64_t restore_usec;  /* time limit for each device in an undo, and where its driver is unbound in the early
                                 * round: a driver takes seconds for either */
        uint64_t network_usec;  /* and for the network */
        int (*link_set_up)(unsigned index, bool is_up);
        int (*capture)(Network **ret);
        int (*restore)(const Network *captured, const char *const *devices, char **ret_why);
        Network *(*free_network)(Network *network);
        json_object *(*to_json)(const Network *network);
        int (*from_json)(json_object *o, Network **ret);
} DrainSetup;

extern const DrainSetup drain_setup_host;

typedef struct Capture Capture;

/* What the thread of a device leaves behind; the event loop looks at it when the thread has ended. */
typedef struct DrainWork {
        atomic_int stage;        /* the event loop looks at this one at any time */
        atomic_bool is_given_up; /* set by the event loop: do no more of it */
        DrainStage failed_stage;
        bool is_gone;
        bool was_reset;          /* ever, by this process or the one before */
        uint64_t took_usec;
} DrainWork;

typedef enum DrainRunning {
        RUNNING_NOTHING,
        RUNNING_DRAIN,
        RUNNING_RESTORE,
} DrainRunning;

typedef struct DrainDevice DrainDevice;

struct DrainDevice {
        /* From the beginning on. */
        Capture *capture;
        const Device *device;
        DrainDevice *parent;      /* of a virtual function, if it is drained too */
        DevicePolicy policy;
        char *note;               /* NULL: none */
        char *driver_override;    /* "": none */
        int round;                /* DrainRound, or -1: in none */
        bool was_bus_master;
        bool is_held;             /* by a process, through VFIO */
        int config_fd;            /* negative: nothing is done with it, or it is inherited */
        size_t status_offset;

        DrainWork work;

        /* The event loop's. */
        Drain *drain;
        sd_event_source *timer;
        Task *task;
        DrainRunning running;
        DrainOutcome outcome;
        bool was_begun;           /* something was done with it, or can have been */
        bool is_in_pass, is_begun, is_through;
        unsigned n_children_left; /* in this pass */
        uint64_t drain_usec;
        char *failure;            /* why it is unsafe, for who asks after an undo; NULL: it is not */
        json_object *problems;    /* of an undo; NULL: none */
};

/* All that threads look at: it lives as long as the last of them, which can be longer than the Drain. */
struct Capture {
        atomic_uint n_refs;
        const DrainSetup *setup;
        uint64_t timeout_usec;
        bool is_locked;           /* configuration space can only be read */
        sd_id128_t boot_id;
        Inventory *inventory;
        DrainDevice *devices;     /* every PCI function but bridges, in the order of the inventory */
        size_t n;
        const Device **by_address; /* every PCI function */
        size_t n_by_address;
        Network *network;         /* NULL: no interface is touched */

        /* What restores the network, for the thread that does. */
        const char **network_devices; /* room for all */
        char *network_why;
};

/* One drain_round() or drain_undo() that is on its way. */
typedef struct DrainPass {
        DrainDoneFunc done;       /* NULL: none is */
        void *userdata;
        bool is_undo;
        bool awaits_rest, owns_rest;
        size_t n_left;
        int error;                /* the first */
        char *why;
} DrainPass;

struct Drain {
        sd_event *event;
        Capture *capture;
        bool is_inherited;
        PolicyRule *rules;
        size_t n_rules;
        int state_fd;
        DrainPass pass;
        sd_event_source *finish;
        Task *rest;               /* of an undo, when the devices are through */
        sd_event_source *rest_timer;
};

/* policy.c, decide.c */

bool is_function_address(const char *text);
bool is_driver_name(const char *text);
/* Its driver is one of VFIO's. */
bool device_is_vfio(const Device *device);
/* policy_decide() with what is known of it on this host. */
void device_decide(const char *root, const Inventory *inventory, const Device *device, const DrainOptions *options,
                bool is_locked_down, PolicyDecision *ret);
/* A DrainRound, or -1: in none. */
int policy_round(const Inventory *inventory, const Device *device, DevicePolicy policy);
const PolicyRule *policy_find_rule(const Device *device, const PolicyRule *rules, size_t n_rules);

/* claims.c */

bool device_is_claimed(const char *root, const Device *device);

/* capture.c */

/* Takes `inventory`, on failure too. Nobody has a round yet. */
int capture_new(const DrainSetup *setup, Inventory *inventory, Capture **ret);
Capture *capture_ref(Capture *capture);
Capture *capture_unref(Capture *capture);
DEFINE_CLEANUP(Capture *, capture_unref)
/* Finds the parents, who are not in an earlier round than their virtual functions. */
void capture_link_parents(Capture *capture);
const Device *capture_find(const Capture *capture, const char *address);

/* capture-read.c */

/* What configuration space and sysfs say of each device that has a round, and the network. Who is gone loses its
 * round. */
int capture_read(Capture *capture);
bool drain_is_locked(const char *root);

/* state.c, state-write.c */

#define DRAIN_STATE_VERSION 1U
extern const char *const drain_state_rounds[_DRAIN_ROUND_MAX];
int capture_to_text(const Capture *capture, char **ret);
int capture_from_text(const DrainSetup *setup, const char *text, size_t size, Capture **ret);

/* actions.c, restore.c: on threads. `data` is the DrainDevice, of the last one the Capture. */

int device_drain(void *data);
int device_restore(void *data);
int capture_restore_rest(void *data);
/* What is done with who is to be preserved, and was not. */
DevicePolicy policy_not_preserved(const Device *device);

/* paths.c */

#define DRAIN_PATH_MAX 4096
/* `file` of the device, or of its driver. */
void device_path(const DrainDevice *d, const char *file, char ret[DRAIN_PATH_MAX]);
void driver_path(const DrainDevice *d, const char *file, char ret[DRAIN_PATH_MAX]);
/* The driver that is bound now; "": none. */
void device_bound_driver(const DrainDevice *d, char ret[DRAIN_PATH_MAX]);
/* "" where there is none, or no such thing. */
int device_driver_override(const DrainDevice *d, char **ret);
bool device_is_gone(const DrainDevice *d, int config_fd);
/* PCI_COMMAND_MASTER; -ENODEV: the device is gone. */
int config_set_bus_master(int config_fd, bool is_on);

/* rounds.c */

int drain_prepare_passes(Drain *drain);
void drain_forget_passes(Drain *drain);
void drain_arm_timer(sd_event_source *timer, uint64_t usec);
void drain_stop_timer(sd_event_source *timer);
/* The first error is told, the others are in the log. Takes `why`. */
void pass_fail(Drain *drain, int error, char *why);
void pass_devices_through(Drain *drain);
void device_add_problem(DrainDevice *d, const char *problem);

/* round-device.c */

/* Runs the pass's work, unless the one before still runs, which is waited for then. */
void device_begin(DrainDevice *d);
int on_device_late(sd_event_source *source, uint64_t usec, void *userdata);

/* rest.c */

/* Answers whether something is to be waited for: rest_over() comes. */
bool rest_begin(Drain *drain);
void rest_over(Drain *drain);
int on_rest_late(sd_event_source *source, uint64_t usec, void *userdata);

/* sentences.c: NULL where there is no memory */

const char *drain_outcome_to_string(DrainOutcome outcome);
/* What the work failed at. */
char *clause_failed(const DrainDevice *d, int error);
/* What it is at, now that its time is over. */
char *clause_late(const DrainDevice *d);
/* `limit_usec` is 0, or the time that was over. Unless named the device is "it". */
char *drain_sentence(const DrainDevice *d, bool is_named, uint64_t limit_usec, const char *clause);

/* report.c */

int drain_describe_at(const char *root, const Inventory *inventory, const Device *device, const DrainOptions *options,
                json_object *o);

/* drain.c */

int drain_new_with(const DrainSetup *setup, sd_event *event, Inventory *inventory, const DrainOptions *options,
                Drain **ret);
int drain_inherit_with(const DrainSetup *setup, sd_event *event, int fd, Drain **ret);
