/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Rules of policy routing, of all families. They name interfaces, which need not be there. */

#include <arpa/inet.h>
#include <errno.h>
#include <linux/fib_rules.h>
#include <netlink/attr.h>
#include <stdio.h>

#include "host/network-internal.h"

/* What the kernel shows besides: that an interface or a target is not there. */
static struct fib_rule_hdr body_of(const Message *rule) {
        struct fib_rule_hdr body = *(const struct fib_rule_hdr *) rule->body;

        body.flags &= FIB_RULE_INVERT;
        body.res1 = body.res2 = 0;
        return body;
}

static void rule_key(const Message *rule, KeySet *keys) {
        struct fib_rule_hdr body = body_of(rule);
        struct nlattr *attribute;
        int left;

        key_begin(keys);
        key_put(keys, &body, sizeof(body));
        nlmsg_for_each_attr(attribute, rule->header, sizeof(body), left)
                if (nla_type(attribute) != FRA_PAD && nla_type(attribute) != FRA_PROTOCOL)
                        key_put_attribute(keys, attribute);
}

static int rule_request(const Message *rule, Messages *requests) {
        struct fib_rule_hdr body = body_of(rule);
        _cleanup_(nl_msg_freep) struct nl_msg *m = request_new(RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL, &body,
                        sizeof(body), rule->header->nlmsg_len + 64);
        struct nlattr *attribute;
        int left;

        /* The one at 0 is shown without, and would be given another place. */
        if (!m || (!rule->attributes[FRA_PRIORITY] && nla_put_u32(m, FRA_PRIORITY, 0) < 0))
                return -ENOMEM;
        nlmsg_for_each_attr(attribute, rule->header, sizeof(body), left)
                if (nla_type(attribute) != FRA_PAD &&
                                nla_put(m, attribute->nla_type, nla_len(attribute), nla_data(attribute)) < 0)
                        return -ENOMEM;
        return messages_append(requests, nlmsg_hdr(m));
}

static void put_prefix(FILE *f, const char *what, const struct fib_rule_hdr *body, const struct nlattr *address,
                unsigned length) {
        char text[INET6_ADDRSTRLEN];

        if (address && nla_len(address) >= (body->family == AF_INET6 ? 16 : 4) &&
                        inet_ntop(body->family == AF_INET6 ? AF_INET6 : AF_INET, nla_data(address), text, sizeof(text)))
                fprintf(f, " %s %s/%u", what, text, length);
}

static void describe(const Restore *r, const struct nlmsghdr *request, char *ret, size_t size) {
        const struct fib_rule_hdr *body;
        Message rule;
        FILE *f;

        if (message_parse(request, NETWORK_RULES, &rule) < 0)
                return;
        f = fmemopen(ret, size, "w");
        if (!f)
                return;
        body = rule.body;
        fprintf(f, "the rule%s pref %u", body->family == AF_INET6 ? " -6" : "", message_u32(&rule, FRA_PRIORITY, 0));
        put_prefix(f, "from", body, rule.attributes[FRA_SRC], body->src_len);
        put_prefix(f, "to", body, rule.attributes[FRA_DST], body->dst_len);
        if (rule.attributes[FRA_IIFNAME])
                fprintf(f, " iif %s", nla_get_string(rule.attributes[FRA_IIFNAME]));
        if (rule.attributes[FRA_OIFNAME])
                fprintf(f, " oif %s", nla_get_string(rule.attributes[FRA_OIFNAME]));
        if (body->action == FR_ACT_TO_TBL)
                fprintf(f, " lookup %u", message_u32(&rule, FRA_TABLE, body->table));
        (void) fclose(f);
}

int restore_rules(Restore *r) {
        _cleanup_(messages_clear) Messages now = {}, requests = {};
        _cleanup_(key_set_clear) KeySet keys = {};
        Message rule;
        int k;

        if (r->captured->tables[NETWORK_RULES].size == 0)
                return 0;
        k = netlink_dump(r->sk, NETWORK_RULES, &now);
        for (const struct nlmsghdr *m = NULL; k >= 0 && (m = messages_next(&now, m));)
                if (message_parse(m, NETWORK_RULES, &rule) >= 0)
                        rule_key(&rule, &keys);
        for (const struct nlmsghdr *m = NULL; k >= 0 && (m = messages_next(&r->captured->tables[NETWORK_RULES], m));) {
                if (message_parse(m, NETWORK_RULES, &rule) < 0)
                        continue;
                rule_key(&rule, &keys);
                k = key_set_has_last(&keys);
                if (k == 0)
                        k = rule_request(&rule, &requests);
        }
        return k < 0 ? k : restore_send(r, &requests, describe);
}
