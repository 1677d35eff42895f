/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Qdiscs of the kinds whose options are asked for as they are shown. A qdisc without a number is the kernel's own, and
 * as net.core.default_qdisc says. */

#include <errno.h>
#include <netlink/attr.h>
#include <stdio.h>
#include <string.h>

#include "host/network-internal.h"

/* Not "red" and its like: their table of averages is not shown (net/sched/sch_red.c, red_dump()). Not those with
 * classes of their own. */
bool qdisc_kind_is_simple(const char *kind) {
        static const char *const kinds[] = {
                "pfifo", "bfifo", "pfifo_head_drop", "pfifo_fast", "fq", "fq_codel", "codel", "fq_pie", "pie", "tbf",
                "sfq", "cake", "cake_mq", "netem", "mq", "noqueue", "clsact", "ingress",
        };

        for (size_t i = 0; i < ELEMENTSOF(kinds); i++)
                if (strcmp(kinds[i], kind) == 0)
                        return true;
        return false;
}

static bool is_child(const struct tcmsg *body) {
        return body->tcm_parent != TC_H_ROOT && body->tcm_parent != TC_H_CLSACT;
}

static bool find(const Messages *now, int index, uint32_t parent, Message *ret) {
        for (const struct nlmsghdr *m = NULL; (m = messages_next(now, m));) {
                const struct tcmsg *body = NLMSG_DATA(m);

                if (m->nlmsg_len >= NLMSG_LENGTH(sizeof(*body)) && body->tcm_ifindex == index &&
                                body->tcm_parent == parent && message_parse(m, NETWORK_QDISCS, ret) >= 0)
                        return true;
        }
        return false;
}

static bool is_same_attribute(const Message *a, const Message *b, int type) {
        const struct nlattr *x = a->attributes[type], *y = b->attributes[type];

        if (!x || !y)
                return x == y;
        return nla_len(x) == nla_len(y) && memcmp(nla_data(x), nla_data(y), (size_t) nla_len(x)) == 0;
}

static bool is_same(const Message *then, const Message *now) {
        return ((const struct tcmsg *) then->body)->tcm_handle == ((const struct tcmsg *) now->body)->tcm_handle &&
                        is_same_attribute(then, now, TCA_KIND) && is_same_attribute(then, now, TCA_OPTIONS);
}

/* In units of 1024 ns, and shown in whole microseconds (include/net/codel.h, codel_time_to_us()): what is shown would
 * come out as one less, and one more as the same. */
static bool is_codel_time(const Message *qdisc, int type) {
        const char *kind = nla_get_string(qdisc->attributes[TCA_KIND]);

        if (strcmp(kind, "fq_codel") == 0)
                return type == TCA_FQ_CODEL_TARGET || type == TCA_FQ_CODEL_INTERVAL ||
                       type == TCA_FQ_CODEL_CE_THRESHOLD;
        return strcmp(kind, "codel") == 0 &&
               (type == TCA_CODEL_TARGET || type == TCA_CODEL_INTERVAL || type == TCA_CODEL_CE_THRESHOLD);
}

/* `copy`: of a part of a request, TCA_OPTIONS. */
static void adjust_options(const Message *qdisc, struct nlattr *copy) {
        struct nlattr *option;
        int left;

        nla_for_each_nested(option, copy, left)
                if (nla_len(option) == (int) sizeof(uint32_t) && is_codel_time(qdisc, nla_type(option)))
                        *(uint32_t *) nla_data(option) += nla_get_u32(option) < UINT32_MAX;
}

static int qdisc_request(const Restore *r, const Message *qdisc, Messages *requests) {
        static const int types[] = { TCA_KIND, TCA_OPTIONS, TCA_INGRESS_BLOCK, TCA_EGRESS_BLOCK };
        struct tcmsg body = *(const struct tcmsg *) qdisc->body;
        _cleanup_(nl_msg_freep) struct nl_msg *m = NULL;

        body.tcm_ifindex = (int) restore_index(r, (unsigned) body.tcm_ifindex);
        body.tcm_info = 0;
        m = request_new(RTM_NEWQDISC, NLM_F_CREATE | NLM_F_REPLACE, &body, sizeof(body), qdisc->header->nlmsg_len + 64);
        if (!m)
                return -ENOMEM;
        for (size_t i = 0; i < ELEMENTSOF(types); i++) {
                const struct nlattr *attribute = qdisc->attributes[types[i]];

                if (attribute && nla_put(m, attribute->nla_type, nla_len(attribute), nla_data(attribute)) < 0)
                        return -ENOMEM;
                if (attribute && types[i] == TCA_OPTIONS)
                        adjust_options(qdisc, nlmsg_find_attr(nlmsg_hdr(m), sizeof(body), TCA_OPTIONS));
        }
        return messages_append(requests, nlmsg_hdr(m));
}

/* One that somebody gave the interface meanwhile stays. */
static bool is_others(Restore *r, const Message *then, const Message *now) {
        const char *name = restore_name(r, (unsigned) ((const struct tcmsg *) now->body)->tcm_ifindex);

        if (r->pass != NETWORK_PASS_LATER || qdisc_is_default(now))
                return false;
        restore_fail(r, -EEXIST, "The qdisc of %s is otherwise than it was (%s), and left so.", name,
                        nla_get_string(then->attributes[TCA_KIND]));
        return true;
}

static int find_missing(Restore *r, const Messages *now, bool children, Messages *requests) {
        Message then, today;
        int k = 0;

        for (const struct nlmsghdr *m = NULL; k >= 0 && (m = messages_next(&r->captured->tables[NETWORK_QDISCS], m));) {
                const struct tcmsg *body = NLMSG_DATA(m);

                if (message_parse(m, NETWORK_QDISCS, &then) < 0 || !then.attributes[TCA_KIND] ||
                                is_child(body) != children || qdisc_is_default(&then) ||
                                !qdisc_kind_is_simple(nla_get_string(then.attributes[TCA_KIND])) ||
                                !restore_concerns(r, (unsigned) body->tcm_ifindex))
                        continue;
                if (!find(now, (int) restore_index(r, (unsigned) body->tcm_ifindex), body->tcm_parent, &today) ||
                                (!is_same(&then, &today) && !is_others(r, &then, &today)))
                        k = qdisc_request(r, &then, requests);
        }
        return k;
}

static void describe(const Restore *r, const struct nlmsghdr *request, char *ret, size_t size) {
        Message qdisc;

        if (message_parse(request, NETWORK_QDISCS, &qdisc) >= 0 && qdisc.attributes[TCA_KIND])
                (void) snprintf(ret, size, "the qdisc %s of %s", nla_get_string(qdisc.attributes[TCA_KIND]),
                                restore_name(r, (unsigned) ((const struct tcmsg *) qdisc.body)->tcm_ifindex));
}

/* Those within others once these are there. */
int restore_qdiscs(Restore *r) {
        int k = 0;

        if (r->captured->tables[NETWORK_QDISCS].size == 0)
                return 0;
        for (unsigned children = 0; k >= 0 && children < 2; children++) {
                _cleanup_(messages_clear) Messages now = {}, requests = {};

                k = netlink_dump(r->sk, NETWORK_QDISCS, &now);
                if (k >= 0)
                        k = find_missing(r, &now, children, &requests);
                if (k >= 0)
                        k = restore_send(r, &requests, describe);
        }
        return k;
}
