/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* IPv6 addresses: their order, and the one of the link; and requests to which the kernel says nothing. */

#include "network-snapshot.h"

/* The addresses of an interface in the order in which the kernel shows them: "fd00:1::2 fd00:1::1 " */
static void addresses_of(const char *name, uint8_t family, char *ret, size_t size) {
        _cleanup_(network_freep) Network *now = capture();
        char text[INET6_ADDRSTRLEN];
        Message m;

        *ret = 0;
        for (const struct nlmsghdr *h = NULL; (h = messages_next(&now->tables[NETWORK_ADDRESSES], h));) {
                const struct ifaddrmsg *body;

                ck_assert_int_eq(message_parse(h, NETWORK_ADDRESSES, &m), 0);
                body = m.body;
                if (body->ifa_index != index_of(name) || body->ifa_family != family ||
                                body->ifa_scope != RT_SCOPE_UNIVERSE)
                        continue;
                ck_assert_ptr_nonnull(inet_ntop(family, nla_data(m.attributes[IFA_ADDRESS]), text, sizeof(text)));
                (void) snprintf(ret + strlen(ret), size - strlen(ret), "%s ", text);
        }
}

START_TEST(addresses_keep_their_order) {
        static const uint8_t families[] = { AF_INET, AF_INET6 };
        _cleanup_(network_freep) Network *captured = NULL;
        char before[2][256], now[256];

        if (!network_begin(false))
                return;
        link_new_wired("a");
        for (size_t i = 0; i < 4; i++) {
                static const char *const last[] = { "3", "1", "4", "2" };
                char text[64];

                (void) snprintf(text, sizeof(text), "fd00:1::%s", last[i]);
                address_new("a", text, 64, 0, 0, 0);
                (void) snprintf(text, sizeof(text), "10.%c.0.%s", i < 2 ? '1' : '2', last[i]);
                address_new("a", text, 24, 0, 0, 0);
        }
        for (size_t i = 0; i < 2; i++)
                addresses_of("a", families[i], before[i], sizeof(before[i]));
        captured = capture();

        link_delete("a");
        link_new_wired("a");
        (void) restore(captured, "a");
        for (size_t i = 0; i < 2; i++) {
                addresses_of("a", families[i], now, sizeof(now));
                ck_assert_str_eq(now, before[i]);
        }
        down("a");
        (void) restore(captured, "a");
        addresses_of("a", AF_INET6, now, sizeof(now));
        ck_assert_str_eq(now, before[1]);
        network_end();
}
END_TEST

static bool has_tentative_link_local(const char *name) {
        Lines lines = snapshot();
        bool found = false;

        for (size_t i = 0; i < lines.n; i++)
                found |= is_tentative(lines.items[i]) && lines_is_of(lines.items[i], name) &&
                                strstr(lines.items[i], "1=fe80");
        lines_clear(&lines);
        return found;
}

/* A carrier that takes its time: with the check of the link's own address the kernel begins to look for routers. */
START_TEST(link_local_address_waits_for_the_carrier) {
        _cleanup_(network_freep) Network *captured = NULL;
        Lines before;

        if (!network_begin(true))
                return;
        set_sysctl("/proc/sys/net/ipv6/conf/default/rtr_solicit_delay", "0"); /* so that it does not take seconds */
        link_new_wired("a");
        set_sysctl("/proc/sys/net/ipv6/neigh/a/retrans_time_ms", "100");
        set_sysctl("/proc/sys/net/ipv6/neigh/ap/retrans_time_ms", "100");
        address_new("a", "fd00:1::1", 64, 0, 0, 0);
        before = snapshot_settled();
        captured = capture();
        down("ap");
        down("a");
        (void) restore(captured, "a");
        for (unsigned i = 0; i < 10; i++)
                rest();
        ck_assert(has_tentative_link_local("a"));
        up("ap");
        check_same_of(&before, "a");
        lines_clear(&before);
        network_end();
}
END_TEST

START_TEST(silence_is_an_answer) {
        int errors[] = { 4711, 4711 };
        struct ifinfomsg body = {};
        Messages requests = {};
        struct nl_msg *m;

        if (!network_begin(false))
                return;
        body.ifi_index = (int) index_of("lo");
        m = request_new(RTM_SETLINK, 0, &body, sizeof(body), 0);
        ck_assert_int_eq(messages_append(&requests, nlmsg_hdr(m)), 0);
        nlmsg_hdr(m)->nlmsg_flags &= (uint16_t) ~NLM_F_ACK; /* of success, nothing is told */
        ck_assert_int_eq(messages_append(&requests, nlmsg_hdr(m)), 0);
        nlmsg_free(m);
        ck_assert_int_eq(netlink_request(kernel, &requests, errors), 0);
        ck_assert_int_eq(errors[0], 0);
        ck_assert_int_eq(errors[1], -EINTR);
        messages_clear(&requests);
        network_end();
}
END_TEST

UNIT_MAIN("network-address", addresses_keep_their_order, link_local_address_waits_for_the_carrier, silence_is_an_answer)
