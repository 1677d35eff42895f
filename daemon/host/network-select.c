/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What of a captured network is to be there under the next kernel: its messages are looked at one by one, and those
 * that count are kept as they are. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "host/network-select.h"

typedef bool (*KeepsFunc)(Selection *s, const Message *message);

/* In this order: routes are by nexthops, and rules lead to tables with routes. */
static const struct {
        NetworkTable table;
        KeepsFunc keeps;
} selectors[] = {
        { NETWORK_ADDRESSES, selection_keeps_address },
        { NETWORK_NEXTHOPS, selection_keeps_nexthop },
        { NETWORK_ROUTES, selection_keeps_route },
        { NETWORK_RULES, selection_keeps_rule },
        { NETWORK_NEIGHBOURS, selection_keeps_neighbour },
        { NETWORK_FDB, selection_keeps_fdb_entry },
        { NETWORK_VLANS, selection_keeps_vlans },
        { NETWORK_MDB, selection_keeps_mdb },
        { NETWORK_QDISCS, selection_keeps_qdisc },
        { NETWORK_LINKS, selection_keeps_link },
};

/* In its place; what goes on using the former messages is to be done first. */
static int filter(Selection *s, NetworkTable table, KeepsFunc keeps) {
        Messages *messages = &s->network->tables[table];
        _cleanup_(messages_clear) Messages kept = {};
        Message message;
        int r = 0;

        for (const struct nlmsghdr *m = NULL; r >= 0 && (m = messages_next(messages, m));)
                if (message_parse(m, table, &message) >= 0 && keeps(s, &message))
                        r = messages_append(&kept, m);
        if (r < 0)
                return r;
        messages_clear(messages);
        *messages = TAKE(kept, (Messages) {});
        return 0;
}

/* what others are looked up in */

static void keep_number(KeySet *set, uint32_t number) {
        key_begin(set);
        key_put(set, &number, sizeof(number));
}

static int collect_nexthops(Selection *s) {
        Message nexthop;

        for (unsigned groups = 0; groups < 2; groups++) {
                KeySet kept = {};

                for (size_t i = 0; i < s->nexthops.n; i++)
                        if (message_parse(s->nexthops.items[i].header, NETWORK_NEXTHOPS, &nexthop) >= 0 &&
                                        groups == (nexthop.attributes[NHA_GROUP] != NULL) &&
                                        (groups ? selection_has_group(s, &nexthop)
                                                : selection_has_nexthop(s, &nexthop)))
                                keep_number(&kept, s->nexthops.items[i].id);
                for (size_t i = 0; i < kept.n; i++) {
                        key_begin(&s->kept_nexthops);
                        key_put(&s->kept_nexthops, kept.bytes + kept.keys[i].offset, kept.keys[i].size);
                }
                s->kept_nexthops.is_broken |= kept.is_broken;
                key_set_clear(&kept);
        }
        return s->kept_nexthops.is_broken ? -ENOMEM : 0;
}

static int collect_tables(Selection *s) {
        uint32_t last = 0;
        Message route;

        for (const struct nlmsghdr *m = NULL; (m = messages_next(&s->network->tables[NETWORK_ROUTES], m));) {
                uint32_t table;

                if (message_parse(m, NETWORK_ROUTES, &route) < 0 || !selection_has_route(s, &route))
                        continue;
                table = route_table(&route);
                if (table != last) /* most are of one */
                        keep_number(&s->kept_tables, table);
                last = table;
        }
        return s->kept_tables.is_broken ? -ENOMEM : 0;
}

/* the whole */

static void filter_interfaces(Selection *s) {
        Network *network = s->network;
        size_t n = 0;

        for (size_t i = 0; i < network->n_interfaces; i++)
                if (selection_has(s, network->interfaces[i].index))
                        network->interfaces[n++] = network->interfaces[i];
                else
                        network_interface_clear(&network->interfaces[i]);
        network->n_interfaces = n;
}

static int select_all(Selection *s, const char *const *interfaces) {
        Network *network = s->network;
        int r;

        r = links_decode(&network->tables[NETWORK_LINKS], network->interfaces, network->n_interfaces, &s->links);
        if (r >= 0)
                r = nexthops_index(&network->tables[NETWORK_NEXTHOPS], &s->nexthops);
        if (r >= 0)
                r = selection_mark(s, interfaces);
        if (r >= 0)
                r = collect_nexthops(s);
        if (r >= 0)
                r = selection_collect_prefixes(s);
        if (r >= 0)
                r = collect_tables(s);
        if (r >= 0)
                r = selection_tell_filters(s);
        messages_clear(&network->tables[NETWORK_FILTERS]);
        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(selectors); i++)
                r = filter(s, selectors[i].table, selectors[i].keeps);
        if (r >= 0)
                filter_interfaces(s);
        return r;
}

int network_select(Network *network, const char *const *interfaces, json_object *omitted) {
        Selection s = { .network = network, .is_everything = !interfaces, .omitted = omitted };
        int r = select_all(&s, interfaces);

        network_links_clear(&s.links);
        nexthops_clear(&s.nexthops);
        key_set_clear(&s.kept_nexthops);
        key_set_clear(&s.kept_tables);
        key_set_clear(&s.kept_qdiscs);
        key_set_clear(&s.explicit_prefixes);
        free(s.is_in);
        return r;
}
