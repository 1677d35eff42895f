/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Which files are settings. */

#include <fnmatch.h>
#include <string.h>

#include "host/settings-internal.h"

const char *const setting_roots[] = {
        "/proc/sys/**",
        "/sys/devices/system/node/node*/hugepages/hugepages-*/nr_hugepages",
        "/sys/kernel/mm/hugepages/hugepages-*/nr_hugepages", /* for kernels without NUMA */
        "/sys/kernel/mm/hugepages/hugepages-*/nr_overcommit_hugepages",
        "/sys/kernel/mm/ksm/*",
        "/sys/kernel/mm/lru_gen/*",
        "/sys/kernel/mm/numa/demotion_enabled",
        "/sys/kernel/mm/swap/vma_ra_enabled",
        "/sys/kernel/mm/transparent_hugepage/**",
        "/sys/module/*/parameters/*", /* of what is built in, too */
        NULL,
};

typedef struct Exclusion {
        const char *pattern, *why; /* NULL: not left out, whatever comes after */
} Exclusion;

/* The first one that fits. What cannot be both read and written needs no line, but where another kernel lets it. */
static const Exclusion exclusions[] = {
        /* Other parts carry these, but for the two that are no interfaces. */
        { "/proc/sys/net/ipv[46]/conf/all",             NULL                                                      },
        { "/proc/sys/net/ipv[46]/conf/default",         NULL                                                      },
        { "/proc/sys/net/ipv[46]/conf/*",               "of an interface, network-sysctl.c"                       },
        { "/proc/sys/net/ipv[46]/neigh/default",        NULL                                                      },
        { "/proc/sys/net/ipv[46]/neigh/*",              "of an interface, network-sysctl.c"                       },
        { "/proc/sys/net/ipv[46]/neigh/default/base_reachable_time", "in ms beside it; the kernel warns of this one" },
        { "/proc/sys/net/ipv[46]/neigh/default/retrans_time", "in ms beside it; the kernel warns of this one"     },
        { "/proc/sys/net/mpls/conf",                    "of interfaces"                                           },
        { "/proc/sys/net/ax25",                         "of interfaces"                                           },
        { "/proc/sys/dev/parport/parport*",             "of a device"                                             },
        { "/proc/sys/fs/binfmt_misc",                   "a file system; systemd-binfmt.service"                   },
        { "/proc/sys/vm/nr_hugepages",                  "of one size; nr_hugepages of each node has all"          },
        { "/proc/sys/vm/nr_hugepages_mempolicy",        "the same by the policy of whoever writes"                },
        { "/proc/sys/vm/nr_overcommit_hugepages",       "of one size; nr_overcommit_hugepages of each has all"    },

        /* Triggers: to write, or to read, does something. */
        { "/proc/sys/fs/xfs/stats_clear",               "a trigger"                                               },
        { "/proc/sys/net/ipv[46]/route/flush",          "a trigger"                                               },
        { "/proc/sys/vm/compact_memory",                "a trigger"                                               },
        { "/proc/sys/vm/drop_caches",                   "a trigger"                                               },
        { "/proc/sys/vm/stat_refresh",                  "a trigger, on reading, too"                              },
        { "/proc/sys/sunrpc/*_debug",                   "writing lists all tasks in the log"                      },

        /* They count or change by themselves. */
        { "/proc/sys/kernel/hung_task_detect_count",    "counts"                                                  },
        { "/proc/sys/kernel/hung_task_warnings",        "counts down"                                             },
        { "/proc/sys/kernel/ns_last_pid",               "counts"                                                  },
        { "/proc/sys/kernel/perf_event_max_sample_rate", "lowered by the kernel under load"                       },
        { "/proc/sys/kernel/tainted",                   "tells of this kernel"                                    },
        { "/proc/sys/kernel/random",                    "tells, or is without effect since Linux 5.18"            },
        { "/proc/sys/sunrpc/svc_rdma/rdma_stat_*",      "counts"                                                  },

        /* For one process, or for one call. */
        { "/proc/sys/kernel/cad_pid",                   "a process's number"                                      },
        { "/proc/sys/kernel/msg_next_id",               "for the next object only"                                },
        { "/proc/sys/kernel/sem_next_id",               "for the next object only"                                },
        { "/proc/sys/kernel/shm_next_id",               "for the next object only"                                },
        { "/proc/sys/kernel/real-root-dev",             "of an initrd"                                            },

        /* Who the host is. */
        { "/proc/sys/kernel/domainname",                "identity"                                                },
        { "/proc/sys/kernel/hostname",                  "identity; systemd-hostnamed.service"                     },

        /* This daemon's own. */
        { "/proc/sys/kernel/kexec_load_limit_reboot",   "counts down with each kernel that is staged"             },
        { "/proc/sys/kernel/printk",                    "timeline/trace.c raises it for the jump"                 },
        { "/sys/module/kernel/parameters/initcall_debug", "timeline/trace.c turns it on for the jump"             },
};

/* What takes long (it would hold up guests), or takes from what starts now what it had under the kernel before. */
static const char *const later[] = {
        "/sys/devices/system/node/node*/hugepages/hugepages-*/nr_hugepages",
        "/sys/kernel/mm/hugepages/hugepages-*/nr_hugepages",
        "/proc/sys/kernel/io_uring_*",
        "/proc/sys/kernel/kexec_load_disabled",
        "/proc/sys/kernel/kexec_load_limit_panic", /* counts down, kdump has its own service */
        "/proc/sys/kernel/modprobe",
        "/proc/sys/kernel/modules_disabled",
        "/proc/sys/kernel/usermodehelper/*",
        "/proc/sys/kernel/yama/ptrace_scope", /* at 3 not even root gets a file of another process */
        "/proc/sys/user/max_*",
        "/proc/sys/vm/compaction_proactiveness", /* begins to compact */
        "/proc/sys/vm/memfd_noexec",
};

#define RANK_OTHERS 5U

/* Where setting one sets others, or refuses. */
static const struct {
        const char *pattern;
        unsigned rank;
} ranks[] = {
        /* net/ipv4/devinet.c:inet_forward_change(): resets accept_redirects, and all that forwards */
        { "/proc/sys/net/ipv4/ip_forward", 0 },
        { "/proc/sys/net/ipv[46]/conf/all/forwarding", 0 },
        /* addrconf.c: forwarding, disable_ipv6 and others of all go to default */
        { "/proc/sys/net/ipv[46]/conf/all/*", 1 },
        { "/proc/sys/net/ipv[46]/conf/default/*", 2 },
        /* mm/ksm.c:set_advisor_defaults() */
        { "/sys/kernel/mm/ksm/advisor_mode", 3 },
        /* kernel/watchdog.c: nmi_watchdog and soft_watchdog at once */
        { "/proc/sys/kernel/watchdog", 3 },
        /* mm/khugepaged.c:set_recommended_min_free_kbytes(), from transparent_hugepage/ */
        { "/proc/sys/vm/min_free_kbytes", RANK_OTHERS + 1 },
        /* The sum: what the nodes did not get. */
        { "/sys/kernel/mm/hugepages/hugepages-*/nr_hugepages", RANK_OTHERS + 1 },
        { "/sys/kernel/mm/ksm/run", RANK_OTHERS + 1 },
        /* From then on no more modules. */
        { "/proc/sys/kernel/modprobe", RANK_OTHERS + 2 },
        { "/proc/sys/kernel/modules_disabled", RANK_OTHERS + 3 },
};

/* fnmatch(3) only where the text before the first wildcard fits: there are many paths and patterns. */
static bool fits(const char *pattern, const char *path) {
        size_t literal = strcspn(pattern, "*[");

        return strncmp(pattern, path, literal) == 0 && fnmatch(pattern, path, FNM_PATHNAME) == 0;
}

bool setting_is_left_out(const char *path) {
        for (size_t i = 0; i < ELEMENTSOF(exclusions); i++)
                if (fits(exclusions[i].pattern, path))
                        return exclusions[i].why;
        return false;
}

static bool is_below_a_root(const char *path) {
        for (const char *const *root = setting_roots; *root; root++) {
                size_t length = strlen(*root);

                if (strcmp(*root + length - 3, "/**") == 0 ? strncmp(*root, path, length - 2) == 0 :
                                                              fits(*root, path))
                        return true;
        }
        return false;
}

static bool is_component(const char *name, size_t length) {
        if (length == 0 || (length <= 2 && strncmp(name, "..", length) == 0))
                return false;
        for (size_t i = 0; i < length; i++)
                if (name[i] <= ' ' || name[i] > '~')
                        return false;
        return true;
}

bool setting_path_is_sound(const char *path) {
        char part[SETTING_PATH_MAX + 1];
        size_t length = strlen(path);

        if (length > SETTING_PATH_MAX || *path != '/' || !is_below_a_root(path))
                return false;
        for (size_t begin = 1, end; begin <= length; begin = end + 1) {
                end = begin + strcspn(path + begin, "/");
                if (!is_component(path + begin, end - begin))
                        return false;
                memcpy(part, path, end);
                part[end] = 0;
                if (setting_is_left_out(part))
                        return false;
        }
        return path[length - 1] != '/';
}

SettingsPass setting_pass(const char *path) {
        for (size_t i = 0; i < ELEMENTSOF(later); i++)
                if (fits(later[i], path))
                        return SETTINGS_PASS_LATER;
        return SETTINGS_PASS_FIRST;
}

unsigned setting_rank(const char *path) {
        for (size_t i = 0; i < ELEMENTSOF(ranks); i++)
                if (fits(ranks[i].pattern, path))
                        return ranks[i].rank;
        return RANK_OTHERS;
}
