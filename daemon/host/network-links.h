/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the parts share that make links anew, and set what their kinds have of their own. */

#include "host/network-internal.h"

/* for the rest of the network */

/* Makes what is missing and somebody can make, the lower ones first, with its options; then sets the options of those
 * that are there. What sits on a missing one is passed over. Negative only where nothing more can be done. */
int restore_missing(Restore *r);
/* VLANs of bridges and their ports, as a difference. Those that the kernel gave by default are taken. restore_links()
 * does it, before anything comes up. */
int restore_vlans(Restore *r);

/* Why it cannot be made from what netlink tells of it, to end a sentence with; NULL: it can. */
const char *link_not_carried(const Link *link);
/* The other interfaces its own options name, by index: the one numbered `i`; 0: no more. */
unsigned link_reference(const Link *link, size_t i);
/* Of a veth in this namespace, the other end's index; else 0. */
unsigned link_peer(const Link *link);
/* Only its driver or its process can make it: hardware, taps that are not persistent. */
bool link_is_waited_for(const Link *link);
/* Finds each of `then` in `now` under another kernel, where equal indexes say nothing. */
void links_match_anew(Links *then, Links *now);

/* options of a kind */

typedef enum OptionFlag {
        OPTION_STATE   = 1 << 0, /* the kernel's own business */
        OPTION_CREATE  = 1 << 1, /* given when it is made, or never */
        OPTION_FIRST   = 1 << 2, /* given when it is made, and as far as the kernel takes it, later */
        OPTION_LATE    = 1 << 3, /* when all ports are there, and up */
        OPTION_INDEX   = 1 << 4, /* an interface's */
        OPTION_IF_SET  = 1 << 5, /* 0 is not given: the kernel asks for its presence only */
        OPTION_EMPTY   = 1 << 6, /* and takes no value */
        OPTION_ITEMS   = 1 << 7, /* nested; it is as wanted when all of those are there */
        OPTION_BITS    = 1 << 8, /* two u32: bits, and which of them are meant; absent: none are set */
        OPTION_CARRIER = 1 << 9, /* comes with the carrier: which slave is active, a cost that follows from the speed */
} OptionFlag;

typedef struct LinkOption {
        unsigned flags; /* OptionFlag */
        const char *name;
} LinkOption;

typedef struct LinkKind {
        const char *name;
        const LinkOption *options; /* by type */
        size_t n_options;
        bool gives_all; /* when it is made; else only what has to be */
        bool is_whole;  /* what is not given in a change is reset */
        bool has_lower; /* cannot be without IFLA_LINK */
        bool has_sources; /* a list of them, replaced on command (IFLA_MACVLAN_MACADDR_MODE) */
        const char *not_carried;
} LinkKind;

/* Never NULL: of a kind that is not known, all is given as it was. */
const LinkKind *link_kind(const char *name);
const LinkKind *link_port_kind(const char *name);
const LinkOption *link_option(const LinkKind *kind, int type);

typedef enum OptionPart {
        OPTIONS_OWN,
        OPTIONS_PORT, /* of its master's kind, once it belongs to it */
        OPTIONS_OWN_LATE,
        OPTIONS_PORT_LATE,
} OptionPart;

/* An attribute of IFLA_LINKINFO, such as IFLA_INFO_DATA; NULL: none. */
struct nlattr *link_info_attribute(const Link *link, int type);
/* IFLA_INFO_DATA to make it with. Negative: no room. */
int options_put_new(const Restore *r, const Link *then, struct nl_msg *m);
/* With the indexes of today, and what the kernel takes it for. `now` NULL: there is none yet. Negative: no room. */
int option_put(const Restore *r, struct nl_msg *m, const LinkKind *kind, int type, struct nlattr *wanted,
                const struct nlattr *now);
/* Both can be NULL: there is none. */
bool option_is_as_wanted(const Restore *r, const LinkOption *option, struct nlattr *wanted, struct nlattr *now);
/* There is no carrier, with which it comes. */
bool option_waits(const Restore *r, const Link *then, const LinkOption *option, const struct nlattr *wanted);
/* Sets what is otherwise, of all links that are there. */
int restore_options(Restore *r, OptionPart part);

/* making */

/* The index it had, as long as nobody has it (scripts and /dev/tapN know it by that), or 0. */
unsigned link_free_index(const Restore *r, const Link *then);
/* NULL: no memory. */
struct nl_msg *link_creation(const Restore *r, const Link *then);

/* setting */

/* An attribute of one that is there. */
int restore_attribute(Restore *r, Link *link, int type, const void *data, size_t size);
/* The same, and told if it fails. */
void restore_attribute_of(Restore *r, const Link *then, const char *what, int type, const void *data, size_t size);
void restore_alias(Restore *r, const Link *then);
void restore_altnames(Restore *r, const Link *then);

/* taps */

/* Makes a persistent one, with this index if it is not 0. */
int tun_make(const Link *then, unsigned index);
/* Owner, group and persistence of one that is there: 1, or 0 if all of it is so already. */
int tun_adjust(const Link *then);

/* sysctls */

/* Those with which an interface begins, sorted. */
typedef struct Defaults {
        char **items;
        size_t n;
        bool is_read;
} Defaults;

void defaults_clear(Defaults *defaults);
void restore_sysctls(Restore *r, const Link *then, Defaults *defaults);

/* Who is this one today; NULL: nobody of those captured. */
const Link *restore_then_of(const Restore *r, unsigned index);
