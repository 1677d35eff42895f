/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the parts of network_select() share. */

#include "host/network-internal.h"

typedef struct Selection {
        Network *network;
        Links links;       /* borrows from the network as it was captured */
        bool *is_in;       /* of each of these */
        bool is_everything;
        Nexthops nexthops; /* all that there are */
        KeySet kept_nexthops; /* numbers */
        KeySet kept_tables;   /* numbers of those with a route through what is in */
        KeySet kept_qdiscs;   /* (interface, handle) */
        KeySet explicit_prefixes; /* (family, interface, length, prefix) of addresses that come without their route */
        json_object *omitted;
} Selection;

bool selection_has(const Selection *s, unsigned index);
const char *selection_name(const Selection *s, unsigned index);

/* Marks what is in: -ENOMEM. */
int selection_mark(Selection *s, const char *const *interfaces);

/* What routes and rules are looked up in is collected first. */
bool selection_has_nexthop(const Selection *s, const Message *nexthop);
bool selection_has_group(Selection *s, const Message *group);
bool selection_has_route(Selection *s, const Message *route); /* by its ways */
int selection_collect_prefixes(Selection *s);
static inline uint32_t route_table(const Message *route) {
        return message_u32(route, RTA_TABLE, ((const struct rtmsg *) route->body)->rtm_table);
}

/* Whether a message of the table is kept. */
bool selection_keeps_link(Selection *s, const Message *link);
bool selection_keeps_address(Selection *s, const Message *address);
bool selection_keeps_nexthop(Selection *s, const Message *nexthop);
bool selection_keeps_route(Selection *s, const Message *route);
bool selection_keeps_rule(Selection *s, const Message *rule);
bool selection_keeps_neighbour(Selection *s, const Message *neighbour);
bool selection_keeps_fdb_entry(Selection *s, const Message *entry);
bool selection_keeps_vlans(Selection *s, const Message *vlans);
bool selection_keeps_mdb(Selection *s, const Message *mdb);
bool selection_keeps_qdisc(Selection *s, const Message *qdisc);

int selection_tell_filters(Selection *s);
