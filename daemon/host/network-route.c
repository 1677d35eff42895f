/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Routes, of all families and tables. Those through an interface go when it goes down, and those that prefer an address
 * with it. The legs of an IPv6 multipath route are routes of their own in the kernel, which are shown as one
 * (net/ipv6/route.c, ip6_route_multipath_add()); so they are compared one by one. An IPv4 route is there as a whole or
 * not at all. */

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_addr.h>
#include <netlink/attr.h>
#include <stdio.h>
#include <string.h>

#include "host/network-internal.h"

static bool is_by_legs(const Message *route) {
        return ((const struct rtmsg *) route->body)->rtm_family == AF_INET6 && route->attributes[RTA_MULTIPATH] &&
                        !route->attributes[RTA_NH_ID];
}

static bool has_prefix(const unsigned char *address, const unsigned char *prefix, unsigned bits) {
        unsigned bytes = bits / 8;

        return memcmp(address, prefix, bytes) == 0 &&
                        (bits % 8 == 0 || ((address[bytes] ^ prefix[bytes]) & (0xff << (8 - bits % 8))) == 0);
}

/* To the prefix of an IPv6 address for which the kernel was told to make none: NetworkManager makes it in its name. */
static bool is_made_for_kernel(const Restore *r, const Message *route) {
        const struct rtmsg *body = route->body;
        const struct nlattr *to = route->attributes[RTA_DST];
        Message address;

        if (body->rtm_type != RTN_UNICAST || body->rtm_dst_len > 128 || !to || nla_len(to) < 16)
                return false;
        for (const struct nlmsghdr *m = NULL; (m = messages_next(&r->captured->tables[NETWORK_ADDRESSES], m));) {
                const struct ifaddrmsg *of = NLMSG_DATA(m);

                if (message_parse(m, NETWORK_ADDRESSES, &address) >= 0 && of->ifa_family == AF_INET6 &&
                                of->ifa_index == message_u32(route, RTA_OIF, 0) &&
                                of->ifa_prefixlen == body->rtm_dst_len &&
                                (message_u32(&address, IFA_FLAGS, 0) & IFA_F_NOPREFIXROUTE) &&
                                address.attributes[IFA_ADDRESS] && nla_len(address.attributes[IFA_ADDRESS]) >= 16 &&
                                has_prefix(nla_data(address.attributes[IFA_ADDRESS]), nla_data(to), of->ifa_prefixlen))
                        return true;
        }
        return false;
}

/* The kernel makes them by itself. IPv4's are there by now, as far as it does: not where an interface is down, or was
 * when it got its address (net/ipv4/fib_frontend.c, fib_add_ifaddr()), nor where it was told not to
 * (IFA_F_NOPREFIXROUTE) and NetworkManager did in its name. IPv6's can come later than now, with the carrier; and it
 * does not know those of router advertisements for its own if another put them in, and then takes no more of them
 * (net/ipv6/ndisc.c, ndisc_router_discovery()). */
static bool is_made_by_kernel(const Restore *r, const Message *route, bool has_address) {
        const struct rtmsg *body = route->body;
        unsigned index = restore_index(r, message_u32(route, RTA_OIF, 0));

        switch (body->rtm_protocol) {
        case RTPROT_REDIRECT:
                return true;
        case RTPROT_RA:
                return index != 0 && sysctl_accepts_advertisements(restore_name(r, index));
        case RTPROT_KERNEL:
                return body->rtm_family == AF_INET ? !has_address : !is_made_for_kernel(r, route);
        default:
                return false;
        }
}

/* what is concerned */

/* Addresses of concerned interfaces that are there now, unless one could not be put back. */
static void collect_addresses(const Restore *r, KeySet *ret) {
        const Messages *captured = &r->captured->tables[NETWORK_ADDRESSES];
        Message address;

        for (const struct nlmsghdr *m = NULL; (m = messages_next(captured, m));)
                if (message_parse(m, NETWORK_ADDRESSES, &address) >= 0 && address.attributes[IFA_LOCAL] &&
                                !address_is_over(r, &address) &&
                                restore_concerns(r, ((const struct ifaddrmsg *) address.body)->ifa_index)) {
                        key_begin(ret);
                        key_put(ret, nla_data(address.attributes[IFA_LOCAL]),
                                        (size_t) nla_len(address.attributes[IFA_LOCAL]));
                }
}

static bool prefers_one_of(const Message *route, KeySet *addresses) {
        const struct nlattr *preferred = route->attributes[RTA_PREFSRC];

        if (!preferred)
                return false;
        key_begin(addresses);
        key_put(addresses, nla_data(preferred), (size_t) nla_len(preferred));
        return key_set_has_last(addresses) > 0;
}

/* Through what is gone, or is down and will be concerned in its turn, no route can be made. */
static bool is_usable(const Restore *r, unsigned index) {
        const Link *link = links_find(&r->then, index);

        return index == 0 || (link && link->now && (link->is_concerned || (link->now->flags & IFF_UP)));
}

/* It goes through what is concerned, or prefers an address of it. */
static bool is_concerned(Restore *r, const Message *route, KeySet *addresses) {
        const struct nlattr *multipath = route->attributes[RTA_MULTIPATH];
        unsigned index = message_u32(route, RTA_OIF, 0);
        bool concerned;

        if (route->attributes[RTA_NH_ID])
                return nexthop_is_concerned(r, message_u32(route, RTA_NH_ID, 0));
        if (!is_usable(r, index))
                return false;
        concerned = r->makes_links || restore_concerns(r, index) || prefers_one_of(route, addresses);
        for (const struct rtnexthop *leg = NULL; multipath && (leg = route_next_leg(multipath, leg));) {
                if (!is_by_legs(route) && !is_usable(r, (unsigned) leg->rtnh_ifindex))
                        return false;
                concerned |= restore_concerns(r, (unsigned) leg->rtnh_ifindex);
        }
        return concerned;
}

/* After services had their turn. */
static bool is_left_to_services(const Restore *r, const Message *route) {
        unsigned char protocol = ((const struct rtmsg *) route->body)->rtm_protocol;

        return r->pass == NETWORK_PASS_LATER && (protocol == RTPROT_DHCP || protocol == RTPROT_RA);
}

/* what is missing */

static int keys_of_now(Restore *r, KeySet *keys) {
        _cleanup_(messages_clear) Messages messages = {};
        Message route;
        int k;

        k = netlink_dump(r->sk, NETWORK_ROUTES, &messages);
        for (const struct nlmsghdr *m = NULL; k >= 0 && (m = messages_next(&messages, m));) {
                if (message_parse(m, NETWORK_ROUTES, &route) < 0)
                        continue;
                if (!is_by_legs(&route)) {
                        route_key(NULL, &route, NULL, keys);
                        continue;
                }
                for (const struct rtnexthop *leg = NULL;
                                (leg = route_next_leg(route.attributes[RTA_MULTIPATH], leg));)
                        route_key(NULL, &route, leg, keys);
        }
        return k;
}

/* `leg` NULL: the route as a whole. */
static int add_if_missing(const Restore *r, const Message *route, const struct rtnexthop *leg, KeySet *keys,
                Messages *requests) {
        int k;

        route_key(r, route, leg, keys);
        k = key_set_has_last(keys);
        return k == 0 ? route_request(r, route, leg, requests) : k;
}

static int add_legs(const Restore *r, const Message *route, KeySet *keys, Messages *requests) {
        int k = 0;

        for (const struct rtnexthop *leg = NULL;
                        k >= 0 && (leg = route_next_leg(route->attributes[RTA_MULTIPATH], leg));)
                if (restore_concerns(r, (unsigned) leg->rtnh_ifindex))
                        k = add_if_missing(r, route, leg, keys, requests);
        return k;
}

static int find_missing(Restore *r, KeySet *keys, KeySet *addresses, Messages *requests) {
        const Messages *captured = &r->captured->tables[NETWORK_ROUTES];
        Message route;
        int k = 0;

        for (const struct nlmsghdr *m = NULL; k >= 0 && (m = messages_next(captured, m));) {
                if (message_parse(m, NETWORK_ROUTES, &route) < 0 || is_left_to_services(r, &route) ||
                                is_made_by_kernel(r, &route, prefers_one_of(&route, addresses)) ||
                                !is_concerned(r, &route, addresses))
                        continue;
                k = is_by_legs(&route) ? add_legs(r, &route, keys, requests)
                                       : add_if_missing(r, &route, NULL, keys, requests);
        }
        return k;
}

/* sending */

static void put_address(FILE *f, const char *before, unsigned char family, const struct nlattr *address) {
        char text[INET6_ADDRSTRLEN];

        if (address && nla_len(address) >= (family == AF_INET6 ? 16 : 4) &&
                        inet_ntop(family == AF_INET6 ? AF_INET6 : AF_INET, nla_data(address), text, sizeof(text)))
                fprintf(f, "%s%s", before, text);
}

void route_to_text(const Message *route, const Links *links, char ret[static ROUTE_TEXT_MAX]) {
        const struct rtmsg *body = route->body;
        const Link *link = links_find(links, message_u32(route, RTA_OIF, 0));
        uint32_t table = message_u32(route, RTA_TABLE, body->rtm_table), metric = message_u32(route, RTA_PRIORITY, 0);
        FILE *f = fmemopen(ret, ROUTE_TEXT_MAX, "w");

        ret[0] = 0;
        if (!f)
                return;
        put_address(f, "", body->rtm_family, route->attributes[RTA_DST]);
        if (!route->attributes[RTA_DST])
                fprintf(f, "%sdefault", body->rtm_family == AF_INET6 ? "-6 " : "");
        else
                fprintf(f, "/%u", body->rtm_dst_len);
        put_address(f, " via ", body->rtm_family, route->attributes[RTA_GATEWAY]);
        if (link)
                fprintf(f, " dev %s", link->name);
        if (route->attributes[RTA_NH_ID])
                fprintf(f, " nhid %u", message_u32(route, RTA_NH_ID, 0));
        if (table != RT_TABLE_MAIN)
                fprintf(f, " table %u", table);
        if (metric != 0)
                fprintf(f, " metric %u", metric);
        (void) fclose(f);
}

static void describe(const Restore *r, const struct nlmsghdr *request, char *ret, size_t size) {
        char text[ROUTE_TEXT_MAX];
        Message route;

        if (message_parse(request, NETWORK_ROUTES, &route) < 0)
                return;
        route_to_text(&route, &r->now, text);
        (void) snprintf(ret, size, "the route %s", text);
}

static bool has_failed(int error) {
        return error < 0 && error != -EEXIST;
}

/* Those that fail go to `ret_again`, the first one's error to `ret_error`. */
static int send_once(Restore *r, const Messages *requests, Messages *ret_again, int *ret_error) {
        size_t n = messages_count(requests), i = 0;
        _cleanup_free_ int *errors = calloc(n + 1, sizeof(int));
        int k;

        if (!errors)
                return -ENOMEM;
        k = netlink_request(r->sk, requests, errors);
        *ret_error = 0;
        for (const struct nlmsghdr *m = NULL; k >= 0 && (m = messages_next(requests, m)); i++) {
                r->n_sent += !r->makes_links || errors[i] >= 0;
                if (!has_failed(errors[i]))
                        continue;
                if (*ret_error == 0)
                        *ret_error = errors[i];
                k = messages_append(ret_again, m);
        }
        return k;
}

/* Once more, for each one's own error. */
static int tell_failed(Restore *r, const Messages *requests, int first) {
        char what[ROUTE_TEXT_MAX + 16] = "";

        if (r->makes_links)
                return restore_send(r, requests, describe);
        describe(r, messages_next(requests, NULL), what, sizeof(what));
        restore_fail(r, first, "Cannot put back %s: %s.", what, strerror(-first));
        return 0;
}

/* A gateway can be behind another route: for as long as there are fewer each time. Takes the requests. */
static int send_all(Restore *r, Messages *requests) {
        size_t before;
        int k = 0, error = 0;

        do {
                _cleanup_(messages_clear) Messages again = {};

                before = requests->size;
                if (before > 0)
                        k = send_once(r, requests, &again, &error);
                if (k < 0)
                        return k;
                messages_clear(requests);
                *requests = TAKE(again, (Messages) {});
        } while (requests->size > 0 && requests->size < before);

        return requests->size > 0 ? tell_failed(r, requests, error) : 0;
}

int restore_routes(Restore *r) {
        _cleanup_(key_set_clear) KeySet keys = {}, addresses = {};
        _cleanup_(messages_clear) Messages requests = {};
        int k;

        collect_addresses(r, &addresses);
        k = keys_of_now(r, &keys);
        if (k >= 0)
                k = find_missing(r, &keys, &addresses, &requests);
        return k < 0 ? k : send_all(r, &requests);
}
