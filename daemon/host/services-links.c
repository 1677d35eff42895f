/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What goes on through an isolation is what its target pulls in. liveupdate.target is made to want this by links in its
 * .wants directory, which is read when the unit is loaded (systemd, src/core/load-dropin.c, process_deps()). There only
 * the name of a link counts; "../NAME" tells ours from an administrator's. */

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <sys/stat.h>

#include "basic/log.h"
#include "host/services-internal.h"

#define LINK_PREFIX "../"

/* Wants= in the unit file would start them, too, where they are not in use. Most of them lose more by being stopped
 * than the moment: what they set up is taken down. One more goes on after: systemctl add-wants liveupdate.target NAME.
 * A start job for what runs already does nothing (src/core/transaction.c, transaction_drop_redundant()). */
static const struct {
        const char *pattern;
        const char *stop_would; /* "The stop of X would ..." */
} indispensable[] = {
        /* Mounts are out of an isolation's reach, but not what they require: checks, keys, disks' servers. */
        { "*.mount",                       "happen with that of what it requires" },
        { "*.swap",                        "happen with that of what it requires" },
        { "blk-availability.service",      "deactivate every volume group" },
        { "iscsid.s*",                     "leave a disk whose session breaks without it" },
        { "open-iscsi.service",            "log out of disks" },
        { "iscsi.service",                 "log out of disks" },
        { "multipathd.s*",                 "leave failing paths unnoticed" },
        { "rbdmap.service",                "unmap disks" },
        { "drbd*.service",                 "take down disks" },
        { "nbd@*.service",                 "disconnect a disk" },
        { "rpc-gssd.service",              "leave Kerberos mounts without keys" },

        { "systemd-networkd.service",      "drop the addresses it got by DHCP" },
        { "NetworkManager.service",        "take down VPNs, Wi-Fi and more" },
        { "networking.service",            "take down every interface" },
        { "network.service",               "take down every interface" },
        { "wicked*.service",               "take down interfaces" },
        { "connman.service",               "take down interfaces" },
        { "dhcpcd*.service",               "give back addresses" },
        { "wpa_supplicant*.service",       "take down links, wired ones with 802.1X as well" },
        { "iwd.service",                   "take down links" },
        { "systemd-resolved*",             "leave servers of disks and peers of guests without names" },
        { "ovsdb-server.service",          "stop the guests' switch" },
        { "ovs-vswitchd.service",          "stop the guests' switch" },
        { "openvswitch*.service",          "stop the guests' switch" },
        { "nftables.service",              "open the packet filter" },
        { "iptables.service",              "open the packet filter" },
        { "ip6tables.service",             "open the packet filter" },
        { "firewalld.service",             "open the packet filter" },
        { "ufw.service",                   "open the packet filter" },

        { "dbus.s*",                       "take the bus from others here, and from logins" },
        { "dbus-broker.service",           "take the bus from others here, and from logins" },
        { "systemd-logind.service",        "make logins hang" },
        { "systemd-user-sessions.service", "forbid logins" },
        { "ssh.s*",                        "close the way in, should the update go astray" },
        { "sshd.s*",                       "close the way in, should the update go astray" },
        { "ssh@*.service",                 "end a session" },
        { "sshd@*.service",                "end a session" },
        { "systemd-machined.service",      "make guests unknown to their managers" },
        { "virtlogd*.s*",                  "break the consoles of guests" },
        { "virtlockd*.s*",                 "give up the locks of guests' disks" },
        { "watchdog.service",              "have a watchdog that cannot be disarmed reset the host" },
        { "liveupdate-commit.service",     "end the client that waits for the outcome" },
        { "liveupdate-*stage@*.service",   "forget the kernel that is just being installed" },
};

/* 0 also if there is none. */
static int directory_open(const char *path, int *ret_fd) {
        int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

        if (fd < 0 && errno != ENOENT)
                return -errno;
        *ret_fd = fd < 0 ? -EBADF : fd;
        return 0;
}

static bool is_our_link(int directory_fd, const char *name) {
        char target[NAME_MAX + sizeof(LINK_PREFIX)];
        ssize_t n = readlinkat(directory_fd, name, target, sizeof(target) - 1);

        if (n < 0)
                return false;
        target[n] = 0;
        return strncmp(target, LINK_PREFIX, strlen(LINK_PREFIX)) == 0 &&
                        strcmp(target + strlen(LINK_PREFIX), name) == 0;
}

int links_clear(const char *path) {
        _cleanup_closedir_ DIR *directory = NULL;
        _cleanup_fd_ int fd = -EBADF;
        struct dirent *entry;
        int r;

        r = directory_open(path, &fd);
        if (r < 0 || fd < 0)
                return r;
        directory = fdopendir(fd);
        if (!directory)
                return -errno;
        TAKE_FD(fd);
        for (errno = 0; (entry = readdir(directory)); errno = 0)
                if (is_our_link(dirfd(directory), entry->d_name) && unlinkat(dirfd(directory), entry->d_name, 0) < 0)
                        return -errno;
        if (errno != 0)
                return -errno;
        (void) rmdir(path);
        return 0;
}

int links_add(const char *path, const char *unit) {
        char target[NAME_MAX + sizeof(LINK_PREFIX)];
        _cleanup_fd_ int fd = -EBADF;
        int r;

        if (strchr(unit, '/') || strlen(unit) > NAME_MAX)
                return -EINVAL;
        snprintf(target, sizeof(target), LINK_PREFIX "%s", unit);
        if (mkdir(path, 0755) < 0 && errno != EEXIST)
                return -errno;
        r = directory_open(path, &fd);
        if (r < 0)
                return r;
        return symlinkat(target, fd, unit) < 0 && errno != EEXIST ? -errno : 0;
}

int links_add_indispensable(const char *path, const Units *units) {
        for (size_t i = 0; i < units->n; i++)
                for (size_t j = 0; j < ELEMENTSOF(indispensable); j++) {
                        const char *name = units->items[i].name;
                        int r;

                        if (fnmatch(indispensable[j].pattern, name, FNM_NOESCAPE) != 0)
                                continue;
                        r = links_add(path, name);
                        if (r < 0)
                                return r;
                        log_debug("%s goes on: its stop would %s.", name, indispensable[j].stop_would);
                        break;
                }
        return 0;
}

bool links_has(const char *path, const char *unit) {
        _cleanup_fd_ int fd = -EBADF;
        struct stat st;

        return directory_open(path, &fd) >= 0 && fd >= 0 && fstatat(fd, unit, &st, AT_SYMLINK_NOFOLLOW) >= 0;
}

/* Whether "STEM" or "STEM-SOMETHING" is in front of ".socket" and STEM.service has a link. */
static bool is_socket_of_linked(const char *path, const char *name) {
        char service[NAME_MAX + sizeof(".service")];
        size_t n = strlen(name) - strlen(".socket");

        do {
                snprintf(service, sizeof(service), "%.*s.service", (int) n, name);
                if (links_has(path, service))
                        return true;
                while (n > 0 && name[--n] != '-')
                        ;
        } while (n > 0);
        return false;
}

/* Stopped, a socket could not be started again: systemd refuses that while its service runs (src/core/socket.c,
 * socket_start()). */
int links_add_sockets(const char *path, const Units *units) {
        for (size_t i = 0; i < units->n; i++) {
                const char *name = units->items[i].name;
                int r;

                if (!text_ends_with(name, ".socket") || !is_socket_of_linked(path, name))
                        continue;
                r = links_add(path, name);
                if (r < 0)
                        return r;
        }
        return 0;
}
