/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A guest's interfaces, and its pings, each with a line when it is sent and one when it is answered:
 *
 *      ping INTERFACE NUMBER
 *      pong INTERFACE NUMBER mono=… */

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <net/if.h>
#include <net/route.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "guest.h"

#define INTERVAL_NSEC (NSEC / 5)

typedef struct Ping {
        char interface[IFNAMSIZ];
        struct in_addr address, mask, target;
        int fd;
} Ping;

void start_network(void) {
        DIR *directory = opendir("/sys/class/net");
        int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        struct dirent *entry;

        while (directory && fd >= 0 && (entry = readdir(directory))) {
                struct ifreq request = { .ifr_flags = IFF_UP | IFF_RUNNING };

                if (entry->d_name[0] == '.' || strlen(entry->d_name) >= IFNAMSIZ)
                        continue;
                memcpy(request.ifr_name, entry->d_name, strlen(entry->d_name) + 1);
                if (ioctl(fd, SIOCSIFFLAGS, &request) == 0 && strcmp(entry->d_name, "lo") != 0)
                        say("guest net=%s state=up", entry->d_name);
        }
        if (directory)
                closedir(directory);
        if (fd >= 0)
                close(fd);
}

static uint16_t checksum(const void *data, size_t size) {
        const uint8_t *p = data;
        uint32_t sum = 0;

        for (size_t i = 0; i + 1 < size; i += 2)
                sum += (uint32_t) p[i] << 8 | p[i + 1];
        sum = (sum >> 16) + (sum & 0xffff);
        return htons((uint16_t) ~(sum + (sum >> 16)));
}

static void set_address(struct sockaddr *ret, struct in_addr address) {
        *(struct sockaddr_in *) ret = (struct sockaddr_in) { .sin_family = AF_INET, .sin_addr = address };
}

static int configure(const Ping *ping) {
        struct ifreq request = { 0 };
        struct rtentry route = { .rt_flags = RTF_UP | RTF_GATEWAY | RTF_HOST };
        struct in_addr gateway = { (ping->address.s_addr & ping->mask.s_addr) | htonl(1) };

        memcpy(request.ifr_name, ping->interface, IFNAMSIZ);
        set_address(&request.ifr_addr, ping->address);
        if (ioctl(ping->fd, SIOCSIFADDR, &request) < 0)
                return -errno;
        set_address(&request.ifr_netmask, ping->mask);
        if (ioctl(ping->fd, SIOCSIFNETMASK, &request) < 0)
                return -errno;
        if (((ping->target.s_addr ^ ping->address.s_addr) & ping->mask.s_addr) == 0)
                return 0;
        set_address(&route.rt_dst, ping->target);
        set_address(&route.rt_gateway, gateway);
        return ioctl(ping->fd, SIOCADDRT, &route) < 0 ? -errno : 0;
}

/* With a number of 16 bits: enough for three hours. */
static void *ask(void *argument) {
        const Ping *ping = argument;
        struct sockaddr_in target = { .sin_family = AF_INET, .sin_addr = ping->target };

        for (uint16_t number = 1;; number++) {
                struct icmphdr request = { .type = ICMP_ECHO };

                request.un.echo.id = htons(getpid() & 0xffff);
                request.un.echo.sequence = htons(number);
                request.checksum = checksum(&request, sizeof(request));
                say("ping %s %u", ping->interface, number);
                (void) !sendto(ping->fd, &request, sizeof(request), 0, (struct sockaddr *) &target, sizeof(target));
                nanosleep(&(struct timespec) { .tv_nsec = INTERVAL_NSEC }, NULL);
        }
        return NULL;
}

static void *hear(void *argument) {
        const Ping *ping = argument;
        uint8_t packet[2048];
        ssize_t n;

        while ((n = recv(ping->fd, packet, sizeof(packet), 0)) >= 0 || errno == EINTR) {
                const struct iphdr *ip = (const struct iphdr *) packet;
                const struct icmphdr *answer = (const struct icmphdr *) (packet + ip->ihl * 4);

                if (n < (ssize_t) (sizeof(*ip) + sizeof(*answer)) || n < (ssize_t) (ip->ihl * 4 + sizeof(*answer)))
                        continue;
                if (answer->type == ICMP_ECHOREPLY && ip->saddr == ping->target.s_addr)
                        say("pong %s %u mono=%lld", ping->interface, ntohs(answer->un.echo.sequence),
                            (long long) now(CLOCK_MONOTONIC));
        }
        return NULL;
}

static void start_ping(const char *word) {
        Ping *ping = calloc(1, sizeof(*ping)); /* for ever */
        char address[INET_ADDRSTRLEN], target[INET_ADDRSTRLEN];
        unsigned prefix;
        pthread_t thread;
        int r;

        if (!ping || sscanf(word, "%15[^:]:%15[^/]/%u:%15s", ping->interface, address, &prefix, target) != 4 ||
            prefix < 1 || prefix > 32 || inet_pton(AF_INET, address, &ping->address) != 1 ||
            inet_pton(AF_INET, target, &ping->target) != 1) {
                say("guest ERROR: ping=%s cannot be understood", word);
                return;
        }
        ping->mask.s_addr = htonl(UINT32_MAX << (32 - prefix));
        ping->fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP);
        r = ping->fd < 0 ? -errno : configure(ping);
        if (r < 0)
                say("guest ERROR: %s cannot ping: %s", word, strerror(-r));
        else if (pthread_create(&thread, NULL, hear, ping) != 0 || pthread_create(&thread, NULL, ask, ping) != 0)
                say("guest ERROR: no threads for pings");
}

void start_pings(char *words) {
        char *save = NULL;

        for (char *word = strtok_r(words, "+", &save); word; word = strtok_r(NULL, "+", &save))
                start_ping(word);
}
