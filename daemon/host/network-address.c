/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Addresses. IPv6 loses them when an interface goes down (net/ipv6/addrconf.c, addrconf_ifdown()), IPv4 with the
 * interface. */

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_addr.h>
#include <netlink/attr.h>
#include <stdio.h>
#include <string.h>

#include "host/network-internal.h"

#define USEC_PER_SEC 1000000U
/* What the kernel keeps to itself: whether it is checked for duplicates, and what came out. */
#define FLAGS_OF_KERNEL (IFA_F_TENTATIVE | IFA_F_DADFAILED | IFA_F_OPTIMISTIC | IFA_F_PERMANENT | IFA_F_DEPRECATED | \
                         IFA_F_STABLE_PRIVACY | IFA_F_SECONDARY)

/* By what the kernel tells addresses of an interface apart: find_matching_ifa(), ipv6_get_ifaddr(). */
static void address_key(const Message *address, unsigned index, KeySet *keys) {
        const struct ifaddrmsg *body = address->body;
        const struct nlattr *local = address->attributes[IFA_LOCAL], *peer = address->attributes[IFA_ADDRESS];

        key_begin(keys);
        key_put(keys, &body->ifa_family, sizeof(body->ifa_family));
        key_put(keys, &index, sizeof(index));
        if (local || peer)
                key_put(keys, nla_data(local ?: peer), (size_t) nla_len(local ?: peer));
        if (body->ifa_family == AF_INET) {
                key_put(keys, &body->ifa_prefixlen, sizeof(body->ifa_prefixlen));
                key_put_attribute(keys, peer);
        }
}

static uint32_t left_of(uint32_t seconds, uint64_t elapsed_usec) {
        uint64_t elapsed = elapsed_usec / USEC_PER_SEC;

        if (seconds == UINT32_MAX)
                return seconds;
        return seconds > elapsed ? (uint32_t) (seconds - elapsed) : 0;
}

/* What is left of its life. */
static struct ifa_cacheinfo lifetimes(const Restore *r, const struct nlattr *attribute) {
        struct ifa_cacheinfo info;

        memcpy(&info, nla_data(attribute), sizeof(info));
        info.ifa_valid = left_of(info.ifa_valid, r->elapsed_usec);
        info.ifa_prefered = left_of(info.ifa_prefered, r->elapsed_usec);
        return info;
}

bool address_is_over(const Restore *r, const Message *address) {
        const struct nlattr *attribute = address->attributes[IFA_CACHEINFO];

        return attribute && lifetimes(r, attribute).ifa_valid == 0;
}

static int put_attribute(const Restore *r, struct nl_msg *m, const struct nlattr *attribute) {
        struct ifa_cacheinfo info;

        switch (nla_type(attribute)) {
        case IFA_FLAGS:
                return 0;
        case IFA_CACHEINFO:
                info = lifetimes(r, attribute);
                return nla_put(m, IFA_CACHEINFO, sizeof(info), &info);
        default:
                return nla_put(m, nla_type(attribute), nla_len(attribute), nla_data(attribute));
        }
}

static uint32_t flags_of(const Message *address) {
        const struct ifaddrmsg *body = address->body;

        return message_u32(address, IFA_FLAGS, body->ifa_flags);
}

static int address_put(const Restore *r, const Message *address, uint16_t message_flags, uint32_t flags,
                Messages *requests) {
        struct ifaddrmsg body = *(const struct ifaddrmsg *) address->body;
        _cleanup_(nl_msg_freep) struct nl_msg *m = NULL;
        struct nlattr *attribute;
        int left;

        body.ifa_index = restore_index(r, body.ifa_index);
        body.ifa_flags = (uint8_t) flags;
        m = request_new(RTM_NEWADDR, message_flags, &body, sizeof(body), address->header->nlmsg_len + 64);
        if (!m || nla_put_u32(m, IFA_FLAGS, flags) < 0)
                return -ENOMEM;
        nlmsg_for_each_attr(attribute, address->header, sizeof(body), left)
                if (put_attribute(r, m, attribute) < 0)
                        return -ENOMEM;
        return messages_append(requests, nlmsg_hdr(m));
}

static bool looks_for_routers(const Restore *r, unsigned index) {
        const Link *link = links_find(&r->then, index);

        return !r->makes_links || !link || !link->now || sysctl_accepts_advertisements(link->now->name);
}

/* It was valid a moment ago, so nobody need be asked, and routes that prefer it can go in at once. A second request
 * takes away the mark that this leaves. But with the check of a link-local one, once there is a carrier, the kernel
 * begins to look for routers (net/ipv6/addrconf.c, addrconf_dad_completed()), and only then; under another kernel, that
 * of an interface that does not listen to them, such as of a bridge whose guests are told this one, counts at once. */
static int address_add(const Restore *r, const Message *address, Messages *requests, Messages *afterwards) {
        const struct ifaddrmsg *body = address->body;
        uint32_t flags = flags_of(address) & ~(uint32_t) FLAGS_OF_KERNEL;
        int k;

        if (body->ifa_family != AF_INET6 || (flags_of(address) & IFA_F_TENTATIVE) ||
                        (body->ifa_scope == RT_SCOPE_LINK && looks_for_routers(r, body->ifa_index)))
                return address_put(r, address, NLM_F_CREATE | NLM_F_EXCL, flags, requests);
        k = address_put(r, address, NLM_F_CREATE | NLM_F_EXCL, flags | IFA_F_NODAD, requests);
        if (k >= 0 && !(flags & IFA_F_NODAD))
                k = address_put(r, address, NLM_F_REPLACE, flags, afterwards);
        return k;
}

static void describe(const Restore *r, const struct nlmsghdr *request, char *ret, size_t size) {
        char text[INET6_ADDRSTRLEN] = "?";
        const struct ifaddrmsg *body;
        const struct nlattr *a;
        Message address;

        if (message_parse(request, NETWORK_ADDRESSES, &address) < 0)
                return;
        body = address.body;
        a = address.attributes[IFA_LOCAL] ?: address.attributes[IFA_ADDRESS];
        if (a && nla_len(a) >= (body->ifa_family == AF_INET ? 4 : 16))
                (void) inet_ntop(body->ifa_family, nla_data(a), text, sizeof(text));
        (void) snprintf(ret, size, "the address %s/%u of %s", text, body->ifa_prefixlen,
                        restore_name(r, body->ifa_index));
}

static int keys_of_now(Restore *r, KeySet *keys) {
        _cleanup_(messages_clear) Messages messages = {};
        Message address;
        int k;

        k = netlink_dump(r->sk, NETWORK_ADDRESSES, &messages);
        for (const struct nlmsghdr *m = NULL; k >= 0 && (m = messages_next(&messages, m));)
                if (message_parse(m, NETWORK_ADDRESSES, &address) >= 0)
                        address_key(&address, ((const struct ifaddrmsg *) address.body)->ifa_index, keys);
        return k;
}

/* What has a lifetime is renewed by who gave it. */
static bool is_left_to_services(const Restore *r, const Message *address) {
        const struct nlattr *attribute = address->attributes[IFA_CACHEINFO];

        return r->pass == NETWORK_PASS_LATER && attribute && lifetimes(r, attribute).ifa_valid != UINT32_MAX;
}

/* Those of IPv6, or the others. */
static int find_missing(const Restore *r, bool is_6, KeySet *keys, Messages *requests, Messages *afterwards) {
        const Messages *captured = &r->captured->tables[NETWORK_ADDRESSES];
        Message address;

        for (const struct nlmsghdr *m = NULL; (m = messages_next(captured, m));) {
                const struct ifaddrmsg *body;
                int k;

                if (message_parse(m, NETWORK_ADDRESSES, &address) < 0)
                        continue;
                body = address.body;
                /* One that is in use elsewhere did not count then, either. */
                if ((body->ifa_family == AF_INET6) != is_6 || !restore_concerns(r, body->ifa_index) ||
                                (flags_of(&address) & IFA_F_DADFAILED) || address_is_over(r, &address) ||
                                is_left_to_services(r, &address))
                        continue;
                address_key(&address, restore_index(r, body->ifa_index), keys);
                k = key_set_has_last(keys);
                if (k == 0)
                        k = address_add(r, &address, requests, afterwards);
                if (k < 0)
                        return k;
        }
        return 0;
}

/* The kernel puts an IPv6 address before the others of its scope (ipv6_link_dev_addr()), and of equals takes the first
 * one to send from: so the last one shown has to be the first one put back. */
static int append_reversed(Messages *requests, const Messages *others) {
        size_t n = messages_count(others), i = 0;
        _cleanup_free_ const struct nlmsghdr **all = calloc(n + 1, sizeof(*all));
        int k = 0;

        if (!all)
                return -ENOMEM;
        for (const struct nlmsghdr *m = NULL; (m = messages_next(others, m));)
                all[i++] = m;
        while (k >= 0 && i > 0)
                k = messages_append(requests, all[--i]);
        return k;
}

int restore_addresses(Restore *r) {
        _cleanup_(messages_clear) Messages requests = {}, others = {}, afterwards = {};
        _cleanup_(key_set_clear) KeySet keys = {};
        int k;

        k = keys_of_now(r, &keys);
        if (k >= 0)
                k = find_missing(r, false, &keys, &requests, &afterwards);
        if (k >= 0)
                k = find_missing(r, true, &keys, &others, &afterwards);
        if (k >= 0)
                k = append_reversed(&requests, &others);
        if (k >= 0)
                k = restore_send(r, &requests, describe);
        return k < 0 ? k : restore_send(r, &afterwards, describe);
}
