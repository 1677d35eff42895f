/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* liveupdated.conf(5): one file and its drop-ins, in /etc, /run and /usr/lib as systemd's own. */

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "basic/cleanup.h"
#include "drain/policy.h"

typedef enum ChecksumSkipPolicy {
        CHECKSUM_SKIP_REQUIRE, /* a kernel whose load left out the checksum is committed to, no other */
        CHECKSUM_SKIP_PREFER,  /* a warning without it */
        CHECKSUM_SKIP_OFF,     /* no word about it */
} ChecksumSkipPolicy;

typedef enum VerifyPolicy {
        VERIFY_REQUIRE, /* an image that somebody trusted has signed is staged, no other, and nothing from outside of it */
        VERIFY_PREFER,  /* a warning where nobody trusted has; what is broken or revoked is refused */
        VERIFY_OFF,     /* nobody looks */
} VerifyPolicy;

typedef enum MeasurePolicy {
        MEASURE_NO,
        MEASURE_PREFER,  /* a warning where it cannot be done */
        MEASURE_REQUIRE, /* no jump without */
} MeasurePolicy;

typedef enum UnsafeDevices {
        UNSAFE_DEVICES_REFUSE, /* no jump while a device may still write to memory */
        UNSAFE_DEVICES_WARN,
} UnsafeDevices;

typedef enum ReconcileNetwork {
        RECONCILE_WORKLOADS, /* what their interfaces need, transitively */
        RECONCILE_ALL,
        RECONCILE_OFF,
} ReconcileNetwork;

typedef enum AutoCommit {
        AUTO_COMMIT_NO,
        AUTO_COMMIT_WINDOW, /* what was staged by itself is committed when liveupdate-commit.timer elapses */
        AUTO_COMMIT_NOW,
        _AUTO_COMMIT_MAX,
} AutoCommit;

#define PRESERVE_TMPFS_MAX 64U

typedef struct ConfigOrigin ConfigOrigin;
typedef struct ConfigProblem ConfigProblem;

typedef struct Config {
        /* [Update] */
        uint64_t max_blackout_usec;     /* MaxBlackoutSec=: the old side's share, from pause to reboot() */
        uint64_t restore_timeout_usec;  /* RestoreTimeoutSec=: for a workload to come back, then it is reported */
        uint64_t quiesce_timeout_usec;  /* QuiesceTimeoutSec=: for each of what is done before guests are paused */
        bool stop_services;             /* StopServices= */
        ChecksumSkipPolicy checksum_skip; /* ChecksumSkip= */
        VerifyPolicy verify_image;      /* VerifyImage= */
        MeasurePolicy measure_image;    /* MeasureImage= */
        /* [Drain] */
        PolicyRule *device_rules;       /* DevicePolicy=, in the order of the files; at most POLICY_RULES_MAX */
        size_t n_device_rules;
        uint64_t drain_timeout_usec;    /* DrainTimeoutSec=: for each device to become quiet */
        UnsafeDevices unsafe_devices;   /* UnsafeDevices= */
        /* [Host] */
        ReconcileNetwork reconcile_network; /* ReconcileNetwork= */
        char **preserve_tmpfs;          /* PreserveTmpfs=: mount points, NULL-terminated; NULL: none */
        size_t n_preserve_tmpfs;        /* at most PRESERVE_TMPFS_MAX */
        /* [Automation] */
        bool auto_stage;                /* AutoStage= */
        AutoCommit auto_commit;         /* AutoCommit= */
        /* [Log] */
        int log_level;                  /* LogLevel=: LOG_ERR to LOG_DEBUG */

        ConfigOrigin *origins;          /* of each key, in the order of the table */
        ConfigProblem *problems;        /* what was passed over */
        size_t n_problems;
} Config;

/* Reads it all below `root` ("" for the real one). Never fails for what is written in a file: an unknown section or
 * key, a bad value, a line that is none, an unreadable file becomes a problem, and the rest counts. Negative errno for
 * want of memory only. */
int config_load(const char *root, Config **ret);
Config *config_free(Config *config);
DEFINE_CLEANUP(Config *, config_free)

/* "/etc/liveupdate/liveupdated.conf:12: unknown key 'AutoStag' in section [Automation]"; NULL past the last. */
const char *config_problem(const Config *config, size_t i);

/* [{"section", "key", "value", "origin"}], in the order of the manual; origin is "default" or "FILE:LINE". */
json_object *config_to_json(const Config *config);

const char *auto_commit_to_string(AutoCommit auto_commit);
const char *checksum_skip_policy_to_string(ChecksumSkipPolicy policy);
const char *verify_policy_to_string(VerifyPolicy policy);
const char *measure_policy_to_string(MeasurePolicy policy);
