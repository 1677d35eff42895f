# SPDX-License-Identifier: LGPL-2.1-or-later
"""A host's network with a bit of everything that is lost when a link goes down or its device is unbound."""

from __future__ import annotations

from . import hardware
from .drain import Stand, interface
from .machine import Machine

NEIGHBOUR = "10.2.0.253"  # answers ARP
SETUP = r"""
set -e
ip() { /rig/tools/ip "$@"; }
ethtool() { /rig/tools/ethtool "$@" || [ $? -eq 80 ]; } # 80: as it was already
echo 0 | tee /proc/sys/net/ipv6/conf/*/accept_dad >/dev/null

# Settings of the cards, before they are up.
ip link set "$igb" mtu 1450 txqueuelen 500 allmulticast on
ethtool -L "$igb" combined 1
ethtool -G "$igb" rx 512 tx 384
ethtool -C "$igb" rx-usecs 40
ethtool -K "$igb" gro off rxvlan off
ethtool -G "$a" rx 512
ethtool -K "$a" tso off
ethtool -C "$b" rx-usecs 30

# A bond of both e1000e, with a VLAN on it.
ip link add bond0 type bond mode active-backup miimon 100 primary "$a"
ip link set "$a" master bond0
ip link set "$b" master bond0
ip link set bond0 up
ip link add link bond0 name bond0.7 type vlan id 7
ip link set bond0.7 mtu 1400 up
ip addr add 10.1.0.1/24 brd + dev bond0
ip addr add 10.1.0.2/24 brd + dev bond0
ip -6 addr add fd01::1/64 dev bond0
ip addr add 10.7.0.1/24 brd + dev bond0.7
ip -6 addr add fd07::1/64 dev bond0.7

ip link set "$igb" up
ip addr add 10.2.0.1/24 brd + dev "$igb"
ip -6 addr add fd02::1/64 dev "$igb"
ip -6 addr add fe80::2/64 dev "$igb"

# The way to the world, and others in tables of their own.
ip route add default via 10.1.0.254 dev bond0 metric 50
ip route add 192.168.5.0/24 via 10.2.0.254 dev "$igb" table 100
ip route add 192.168.6.0/24 nexthop via 10.1.0.254 dev bond0 weight 2 nexthop via 10.2.0.254 dev "$igb"
ip route add 192.168.7.0/24 dev bond0.7 src 10.7.0.1 mtu 1300 proto static
ip route add blackhole 192.168.9.0/24
ip -6 route add default via fd01::254 dev bond0
ip -6 route add fd55::/64 via fd02::254 dev "$igb" table 100
ip rule add from 10.2.0.0/24 lookup 100 priority 1000
ip rule add iif "$igb" lookup 100 priority 1001
ip -6 rule add from fd02::/64 lookup 100 priority 1000

ip neigh add 10.1.0.254 lladdr 02:00:00:00:01:fe dev bond0 nud permanent
ip neigh add 10.2.0.254 lladdr 02:00:00:00:02:fe dev "$igb" nud permanent
ip -6 neigh add fd02::254 lladdr 02:00:00:00:02:fe dev "$igb" nud permanent

echo 2 >/proc/sys/net/ipv4/conf/"$igb"/rp_filter
echo 1 >/proc/sys/net/ipv4/conf/"$igb"/forwarding
echo 0 >/proc/sys/net/ipv6/conf/"$igb"/accept_ra
echo 1 >/proc/sys/net/ipv4/conf/bond0/arp_ignore
for i in $(seq 50); do
        [ "$(cat /sys/class/net/"$igb"/carrier)$(cat /sys/class/net/bond0/carrier)" = 11 ] && exit 0
        sleep 0.2
done
echo 'no carrier' >&2
exit 1
"""
# More, on cards that only the small machine has.
SINGLE = r"""
set -e
ip() { /rig/tools/ip "$@"; }
ip link set "$single" mtu 1420 up
ip addr add 10.$number.0.1/24 brd + dev "$single"
ip -6 addr add fd$number::1/64 dev "$single"
ip route add 192.168.$number.0/24 via 10.$number.0.254
ip neigh add 10.$number.0.254 lladdr 02:00:00:00:$number:fe dev "$single" nud permanent
"""


def configure(stand: Stand) -> dict[str, str]:
    """Needs e1000e, twin and igb; the names of their interfaces. One neighbour of the igb is reachable."""
    machine = stand.machine
    names = {"a": interface(machine, hardware.E1000E), "b": interface(machine, hardware.E1000E_TWIN),
             "igb": interface(machine, hardware.IGB)}
    machine.run(SETUP, 60, check=True, env=names)
    stand.wire("igb").answer(NEIGHBOUR)
    machine.run(f"/bin/busybox ping -c 1 -W 5 {NEIGHBOUR}; /rig/tools/ip neigh show {NEIGHBOUR} | grep -q lladdr || "
                "{ /rig/tools/ip neigh; exit 1; }", check=True)
    return names


def configure_singles(machine: Machine, *addresses: str) -> None:
    """Cards by themselves, with an address, a route and a neighbour each."""
    for number, address in enumerate(addresses, 20):
        machine.run(SINGLE, check=True, env={"single": interface(machine, address), "number": str(number)})
