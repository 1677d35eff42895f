/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Puts back what is missing of a captured network. It is compared with what is there, part after part, in the order in
 * which they build on each other: an address needs its interface, a route its gateway's address, and interfaces those
 * below them. Nothing but what is missing is sent, so that it can be done again, by another process, too. */

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "basic/clock.h"
#include "basic/json.h"
#include "host/network-links.h"

void restore_fail(Restore *r, int error, const char *format, ...) {
        _cleanup_free_ char *why = NULL;
        va_list ap;

        if (r->error < 0 && !r->problems)
                return;
        va_start(ap, format);
        if (vasprintf(&why, format, ap) < 0)
                why = NULL;
        va_end(ap);
        if (r->problems && why && json_object_array_length(r->problems) < PROBLEMS_MAX)
                (void) json_append_text(r->problems, "%s", why);
        if (r->error == 0) {
                r->error = error;
                r->why = TAKE_PTR(why);
        }
}

unsigned restore_index(const Restore *r, unsigned index) {
        const Link *link = links_find(&r->then, index);

        return link && link->now ? link->now->index : 0;
}

bool restore_concerns(const Restore *r, unsigned index) {
        const Link *link = links_find(&r->then, index);

        return link && link->is_concerned && link->now;
}

const char *restore_name(const Restore *r, unsigned index) {
        const Link *link = links_find(&r->now, index);

        return link ? link->name : "?";
}

/* Who configures a link sets it up, and who comes late, such as a tap or its driver, is down as yet. */
bool restore_leaves(const Restore *r, const Link *then) {
        return r->pass == NETWORK_PASS_LATER && then->now && (then->now->flags & IFF_UP);
}

static void forget_now(Restore *r) {
        network_links_clear(&r->now);
        messages_clear(&r->messages);
        for (size_t i = 0; i < r->n_interfaces; i++)
                network_interface_clear(&r->interfaces[i]);
        free(r->interfaces);
        r->interfaces = NULL;
        r->n_interfaces = 0;
}

static int read_now(Restore *r) {
        int k;

        forget_now(r);
        k = netlink_dump(r->sk, NETWORK_LINKS, &r->messages);
        if (k >= 0)
                k = links_decode(&r->messages, NULL, 0, &r->now);
        if (k >= 0)
                k = links_read_devices(&r->now, &r->interfaces, &r->n_interfaces);
        if (k < 0)
                return k;
        network_links_clear(&r->now);
        return links_decode(&r->messages, r->interfaces, r->n_interfaces, &r->now);
}

int restore_refresh(Restore *r) {
        int k = r->is_stale ? read_now(r) : 0;

        if (r->is_stale && k >= 0)
                (r->makes_links ? links_match_anew : links_match)(&r->then, &r->now);
        r->is_stale = k < 0;
        return k;
}

int restore_send(Restore *r, const Messages *requests, DescribeFunc describe) {
        size_t n = messages_count(requests), i = 0;
        _cleanup_free_ int *errors = calloc(n + 1, sizeof(int));
        char what[256] = "";
        int k;

        if (!errors)
                return -ENOMEM;
        if (n == 0)
                return 0;
        k = netlink_request(r->sk, requests, errors);
        if (k < 0)
                return k;
        for (const struct nlmsghdr *m = NULL; (m = messages_next(requests, m)); i++) {
                r->n_sent += !r->makes_links || errors[i] >= 0;
                if (errors[i] >= 0 || errors[i] == -EEXIST)
                        continue;
                describe(r, m, what, sizeof(what));
                restore_fail(r, errors[i], "Cannot put back %s: %s.", what, strerror(-errors[i]));
        }
        return 0;
}

static void tell_gone(Restore *r) {
        for (size_t i = 0; i < r->then.n; i++) {
                const Link *link = &r->then.items[i];

                if (link->is_concerned && !link->now)
                        restore_fail(r, -ENODEV, "The interface %s%s%s is gone.", link->name,
                                        link->interface ? " of " : "", link->interface ? link->interface->device : "");
        }
}

int restore_begin(Restore *r) {
        const Network *captured = r->captured;
        int k;

        k = netlink_open(&r->sk);
        if (k >= 0)
                k = links_decode(&captured->tables[NETWORK_LINKS], captured->interfaces, captured->n_interfaces,
                                &r->then);
        if (k < 0)
                return k;
        links_concern(&r->then, r->is_base, r->userdata);
        r->is_stale = true;
        return restore_refresh(r);
}

void restore_end(Restore *r) {
        nl_socket_free(r->sk);
        forget_now(r);
        network_links_clear(&r->then);
        key_set_clear(&r->nexthops);
}

static int restore_all(Restore *r) {
        static int (*const parts[])(Restore *) = {
                restore_names, restore_links, restore_addresses, restore_nexthops, restore_routes, restore_neighbours,
                restore_fdb,
        };
        int k = restore_begin(r);

        if (k < 0)
                return k;
        tell_gone(r);
        for (size_t i = 0; k >= 0 && i < ELEMENTSOF(parts); i++)
                k = parts[i](r);
        return k;
}

int network_restore_based(const Network *captured, LinkFilter is_base, const void *userdata, size_t *ret_n_sent,
                char **ret_why) {
        uint64_t now = now_usec(CLOCK_MONOTONIC);
        Restore r = {
                .captured = captured,
                .is_base = is_base,
                .userdata = userdata,
                .elapsed_usec = now > captured->captured_usec ? now - captured->captured_usec : 0,
        };
        int k;

        k = restore_all(&r);
        if (k < 0)
                restore_fail(&r, k, "Cannot put back the network: %s.", strerror(-k));
        restore_end(&r);
        if (ret_n_sent)
                *ret_n_sent = r.n_sent;
        if (ret_why)
                *ret_why = TAKE_PTR(r.why);
        free(r.why);
        return r.error;
}

static bool is_of_devices(const Link *link, const void *userdata) {
        const char *const *devices = userdata;

        for (; link->interface && *devices; devices++)
                if (strcmp(link->interface->device, *devices) == 0)
                        return true;
        return false;
}

int network_restore(const Network *captured, const char *const *devices, char **ret_why) {
        return network_restore_based(captured, is_of_devices, devices, NULL, ret_why);
}
