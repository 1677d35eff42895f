/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the parts of network.h share. */

#include <linux/ethtool.h>
#include <linux/nexthop.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <stdint.h>

#include "host/network.h"

/* Of all messages that are kept, some 600000 routes. -E2BIG: there is more. */
#define NETWORK_BYTES_MAX (64U << 20)

/* messages */

/* Netlink messages, one after the other as in a datagram. */
typedef struct Messages {
        unsigned char *data;
        size_t size, allocated;
} Messages;

typedef enum NetworkTable {
        NETWORK_LINKS,
        NETWORK_ADDRESSES,
        NETWORK_NEXTHOPS,
        NETWORK_ROUTES,
        NETWORK_NEIGHBOURS, /* and what is answered for others (proxy) */
        NETWORK_FDB,
        NETWORK_VLANS, /* of bridges and their ports, in ranges: links of AF_BRIDGE */
        NETWORK_MDB,   /* multicast groups of bridges, a message or more for each */
        NETWORK_RULES, /* of all families */
        NETWORK_QDISCS,
        NETWORK_FILTERS, /* of qdiscs, the first of each: only that there are some */
        _NETWORK_TABLE_MAX,
} NetworkTable;

#define MESSAGE_ATTRIBUTES_MAX 127

/* What a message says: its own header, such as a struct rtmsg, and its attributes, which are long enough for what the
 * kernel defines them to be, strings terminated. */
typedef struct Message {
        const struct nlmsghdr *header;
        const void *body;
        struct nlattr *attributes[MESSAGE_ATTRIBUTES_MAX + 1]; /* by type; NULL where there is none */
} Message;

void messages_clear(Messages *messages);
int messages_append(Messages *messages, const struct nlmsghdr *message); /* -E2BIG, -ENOMEM */
/* The one after `message` (NULL: the first); NULL: no more. Stays in bounds whatever it reads. */
const struct nlmsghdr *messages_next(const Messages *messages, const struct nlmsghdr *message);
size_t messages_count(const Messages *messages);
/* Whether these are whole messages of this table, and nothing else. */
bool messages_are_of(const Messages *messages, NetworkTable table);

/* -EBADMSG: not one of this table, or not well-formed. */
int message_parse(const struct nlmsghdr *header, NetworkTable table, Message *ret);
size_t message_body_size(NetworkTable table);
uint32_t message_u32(const Message *message, int type, uint32_t otherwise);
/* The legs of a multipath route: the one after `leg` (NULL: the first); NULL: no more, or broken. */
const struct rtnexthop *route_next_leg(const struct nlattr *multipath, const struct rtnexthop *leg);
static inline struct nlattr *route_leg_attributes(const struct rtnexthop *leg, int *ret_size) {
        *ret_size = (int) (leg->rtnh_len - RTNH_LENGTH(0));
        return (struct nlattr *) RTNH_DATA((struct rtnexthop *) leg);
}

/* A request that is made of parts of others, large enough for `size` bytes of attributes. NULL: no memory. */
struct nl_msg *request_new(uint16_t type, uint16_t flags, const void *body, size_t body_size, size_t size);

static inline void nl_msg_freep(struct nl_msg **m) {
        nlmsg_free(*m);
}

/* A set of byte strings: what is there already. */
typedef struct KeySet {
        unsigned char *bytes;
        size_t size, allocated;
        struct Key {
                size_t offset, size;
        } *keys;
        size_t n, n_allocated, n_sorted;
        bool is_broken; /* no memory */
} KeySet;

void key_set_clear(KeySet *set);
/* A key is begun, and made longer as often as is needed. */
void key_begin(KeySet *set);
void key_put(KeySet *set, const void *data, size_t size);
void key_put_attribute(KeySet *set, const struct nlattr *attribute); /* NULL is something, too */
/* Takes the last key out again, and tells whether it is there otherwise. Negative: no memory. */
int key_set_has_last(KeySet *set);

/* Nexthop objects by number. */
typedef struct Nexthops {
        struct Nexthop {
                uint32_t id;
                const struct nlmsghdr *header;
        } *items;
        size_t n;
} Nexthops;

int nexthops_index(const Messages *messages, Nexthops *ret); /* -ENOMEM; borrows */
void nexthops_clear(Nexthops *nexthops);
bool nexthops_find(const Nexthops *nexthops, uint32_t id, Message *ret);
/* The i-th member of a group; -ENOENT: no more. */
int nexthop_member(const Message *nexthop, size_t i, struct nexthop_grp *ret);

/* the kernel */

static inline void nl_socket_freep(struct nl_sock **sk) {
        nl_socket_free(*sk);
}

int netlink_open(struct nl_sock **ret);
/* Appends what there is now. What this kernel knows nothing of is an empty table. */
int netlink_dump(struct nl_sock *sk, NetworkTable table, Messages *messages);
/* The first filter of each of these qdiscs that can have any. */
int netlink_dump_filters(struct nl_sock *sk, const Messages *qdiscs, Messages *messages);
/* Sends all of them, many at a time. `errors` (messages_count() of them) are 0 or negative errnos, one for each. */
int netlink_request(struct nl_sock *sk, const Messages *requests, int *errors);
/* Sends one: what the kernel answers to it. */
int netlink_request_one(struct nl_sock *sk, struct nl_msg *request);

/* interfaces of hardware */

typedef enum EthtoolSetting {
        SETTING_PRIVATE_FLAGS,
        SETTING_CHANNELS,
        SETTING_RINGS,
        SETTING_COALESCE,
        SETTING_PAUSE,
        SETTING_FEATURES,
        SETTING_WAKE_ON_LAN,
        _SETTING_MAX,
} EthtoolSetting;

#define ETHTOOL_SETTING_MAX 256U

/* As the ioctl hands it out, beginning with the command; size 0 where the driver knows nothing of it. */
typedef struct EthtoolValue {
        size_t size;
        unsigned char bytes[ETHTOOL_SETTING_MAX];
} EthtoolValue;

/* What netlink does not tell of a link. */
typedef struct NetworkInterface {
        unsigned index;
        char *device; /* its name in sysfs; of virtio, that of the device below; NULL: a virtual interface */
        unsigned port; /* which one of the device's */
        EthtoolValue settings[_SETTING_MAX];
        char **sysctls; /* "ipv4/conf/rp_filter=1" */
        size_t n_sysctls;
} NetworkInterface;

struct Network {
        Messages tables[_NETWORK_TABLE_MAX];
        uint64_t captured_usec; /* CLOCK_MONOTONIC */
        NetworkInterface *interfaces;
        size_t n_interfaces;
};

void network_interface_clear(NetworkInterface *interface);

const char *ethtool_setting_name(EthtoolSetting setting);
/* Whether these bytes are such a setting. */
bool ethtool_value_is_sound(EthtoolSetting setting, const EthtoolValue *value);
/* But for features, of which only some are anybody's to set. */
bool ethtool_value_is_same(EthtoolSetting setting, const EthtoolValue *a, const EthtoolValue *b);
/* `fd` is of any socket. */
void ethtool_read(int fd, const char *name, EthtoolValue values[static _SETTING_MAX]);
/* Sets what is otherwise than in `wanted`: 1, or 0 if all of it is so already. */
int ethtool_restore(int fd, const char *name, EthtoolSetting setting, const EthtoolValue *wanted);

int sysctls_read(const char *name, char ***ret, size_t *ret_n);
bool sysctl_is_sound(const char *sysctl);
/* 1, or 0 if it is so already. */
int sysctl_restore(const char *name, const char *sysctl);
char **sysctls_free(char **sysctls, size_t n);
/* Whether the kernel itself listens to IPv6's routers there (include/net/ipv6.h, ipv6_accept_ra()). */
bool sysctl_accepts_advertisements(const char *name);

/* links */

typedef struct Link {
        Message message; /* borrowed from the table */
        unsigned index, flags;
        unsigned lower, master; /* IFLA_LINK where it is below this one, IFLA_MASTER; or 0 */
        char name[IFNAMSIZ];
        const char *kind, *slave_kind; /* "vlan", "bond"; NULL: of hardware, no slave */
        const NetworkInterface *interface; /* of hardware, or NULL */
        const NetworkInterface *settings;  /* the same, or that of a virtual one, with its sysctls; or NULL */

        /* Of what was captured. */
        struct Link *now; /* the same today, or NULL */
        bool is_concerned;
        unsigned level;   /* 0: of a device; the others sit on those of lower levels */
        bool is_made;     /* by restore_missing() */
        bool is_raised;   /* set up by restore_links() */
} Link;

typedef struct Links {
        Link *items; /* by index */
        size_t n;
} Links;

/* Borrows from both. */
int links_decode(const Messages *messages, const NetworkInterface *interfaces, size_t n_interfaces, Links *ret);
void network_links_clear(Links *links);
Link *links_find(const Links *links, unsigned index);
/* Finds each of `then` in `now`. */
void links_match(Links *then, Links *now);
typedef bool (*LinkFilter)(const Link *link, const void *userdata);
/* Marks what `is_base` says, and what sits on them. */
void links_concern(Links *then, LinkFilter is_base, const void *userdata);
bool link_is_anew(const Link *then); /* it has another index */
/* The names of the devices behind `links`, which belong to hardware. */
int links_read_devices(const Links *links, NetworkInterface **ret, size_t *ret_n);

/* restoring */

typedef struct Restore {
        const Network *captured;
        LinkFilter is_base;
        const void *userdata;
        struct nl_sock *sk;
        uint64_t elapsed_usec; /* since it was captured */

        /* network_reconcile(), under another kernel: virtual links that are missing are made; links are known by name
         * and kind, or by device and port, and indexes say nothing; sysctls of all links count. */
        bool makes_links;
        NetworkPass pass;
        json_object *problems; /* all of restore_fail(); NULL: only the first */

        Messages messages;     /* links as they are now, of which the rest tells */
        NetworkInterface *interfaces;
        size_t n_interfaces;
        Links then, now;
        bool is_stale;         /* something was changed since */

        KeySet nexthops;       /* the numbers of those that lead through what is concerned */

        size_t n_sent;         /* changes asked for; if it makes links, those that came about */
        size_t n_without_carrier; /* nexthops that wait for one */
        int error;             /* the first one */
        char *why;
} Restore;

/* More sentences than this say nothing more. */
#define PROBLEMS_MAX 100U

/* Reads what there is now, and what of it is meant. */
int restore_begin(Restore *r);
void restore_end(Restore *r);
void restore_fail(Restore *r, int error, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* Today's index of what had `index` then; 0: it is gone. */
unsigned restore_index(const Restore *r, unsigned index);
bool restore_concerns(const Restore *r, unsigned index);
const char *restore_name(const Restore *r, unsigned index); /* the captured one; "?" */
/* Whether it is somebody else's by now: what is set otherwise is told, and not changed. What it lacks (a master, an
 * alternative name) it gets. */
bool restore_leaves(const Restore *r, const Link *then);
/* Dumps links anew if any was changed. */
int restore_refresh(Restore *r);

/* Negative only where nothing more can be done: no memory, no netlink. */
int restore_names(Restore *r);
int restore_links(Restore *r);    /* what they are set to, then up and down */
int restore_addresses(Restore *r);
int restore_nexthops(Restore *r);
int restore_routes(Restore *r);
int restore_neighbours(Restore *r);
int restore_fdb(Restore *r);
int restore_rules(Restore *r);
int restore_mdb(Restore *r);
int restore_qdiscs(Restore *r);

/* It was not to be valid for so long. */
bool address_is_over(const Restore *r, const Message *address);
/* One of r->nexthops, which restore_nexthops() fills. */
bool nexthop_is_concerned(Restore *r, uint32_t id);

/* "10.0.0.0/8 dev br0 table 100 metric 20", as ip(8) has it. */
#define ROUTE_TEXT_MAX 256
void route_to_text(const Message *route, const Links *links, char ret[static ROUTE_TEXT_MAX]);
/* What tells a route apart, as it is (`then` NULL) or as it would be today; of one leg alone, or all of it (NULL). */
void route_key(const Restore *then, const Message *route, const struct rtnexthop *only, KeySet *keys);
/* Appends the request that puts it back, unless its time is over. */
int route_request(const Restore *r, const Message *route, const struct rtnexthop *only, Messages *requests);

/* Whether a qdisc can be put back from what the kernel says of it, in its place. */
bool qdisc_kind_is_simple(const char *kind);
/* Made by the kernel, for its own reasons: its number is none. */
static inline bool qdisc_is_default(const Message *qdisc) {
        return ((const struct tcmsg *) qdisc->body)->tcm_handle == 0;
}

/* Sends `requests`; what fails for another reason than that it is there (EEXIST) is told with what `describe` says. */
typedef void (*DescribeFunc)(const Restore *r, const struct nlmsghdr *request, char *ret, size_t size);
int restore_send(Restore *r, const Messages *requests, DescribeFunc describe);

/* network_restore() with another way to tell which interfaces it begins with; and how many changes it asked for. */
int network_restore_based(const Network *captured, LinkFilter is_base, const void *userdata, size_t *ret_n_sent,
                char **ret_why);
