# SPDX-License-Identifier: LGPL-2.1-or-later
"""The network of a hypervisor host with a guest of four interfaces, made by commands, with the ip(8), bridge(8), tc(8)
and nft(8) of the machine's own image.

    tap0 in br0, with the card "spare": the wire behind it answers the guest's pings to BRIDGED
    tap1, tap2 in br1, which knows VLANs, with vx0, which is on a VLAN of a bond of two cards
    tap3 by itself: the host routes the guest's pings to ROUTED, behind the card "igb"
"""

from __future__ import annotations

from . import hardware
from .drain import Stand, interface
from .machine import Machine

CARDS = ("e1000e", "twin", "spare", "igb")
BRIDGED, ROUTED = "10.4.0.253", "10.2.0.253"
PING = f"eth0:10.4.0.10/24:{BRIDGED}+eth3:10.5.0.10/24:{ROUTED}"
TAPS = r"""
ip tuntap add dev tap0 mode tap
ip tuntap add dev tap1 mode tap user 1000 group 1000
ip tuntap add dev tap2 mode tap multi_queue vnet_hdr
ip tuntap add dev tap3 mode tap
udevadm settle # it gives a link its address some time after it was made
ip link set tap1 mtu 1450
ip link set tap2 txqueuelen 500
"""
UNDERLAY = r"""
ip link add bond0 type bond mode active-backup miimon 100 primary "$a"
ip link add br0 type bridge ageing_time 60000 mcast_snooping 0
udevadm settle
ip link set "$a" master bond0
ip link set "$b" master bond0
ip addr add 10.1.0.1/24 brd + dev bond0
ip -6 addr add fd01::1/64 dev bond0 nodad
ip link set "$a" up
ip link set "$b" up
ip link set bond0 up
ip link set "$spare" master br0
ip link set "$spare" up
ip addr add 10.4.0.1/24 brd + dev br0
ip link set br0 up
ip addr add 10.2.0.1/24 brd + dev "$igb"
ip -6 addr add fd02::1/64 dev "$igb" nodad
ip link set "$igb" up
"""
# On top of it: what no service knows of, in either scenario.
OVERLAY = r"""
ip link property add dev "$spare" altname uplink-of-the-guests
ip addr add 10.1.0.2/24 dev bond0 label bond0:two
ip -6 addr add fd01::2/64 dev bond0 nodad
ip link add link bond0 name bond0.7 type vlan id 7 egress-qos-map 1:2 3:4
ip link add vx0 type vxlan id 42 local 10.7.0.1 dev bond0.7 dstport 4789 ttl 8 nolearning
ip link add br1 type bridge vlan_filtering 1 vlan_default_pvid 1 priority 4096 group_fwd_mask 8 mcast_querier 1 \
        mcast_vlan_snooping 0 vlan_stats_per_port 1
udevadm settle
ip link set bond0.7 mtu 1480 up
ip addr add 10.7.0.1/24 brd + dev bond0.7
ip link set br1 address 02:00:00:00:0b:01
for port in tap1 tap2 vx0; do ip link set "$port" master br1; done
ip link set tap0 master br0
bridge link set dev tap1 isolated on learning off cost 50 priority 8
bridge link set dev tap2 hairpin on mcast_flood off guard on
bridge vlan del dev tap1 vid 1
bridge vlan add dev tap1 vid 10 pvid untagged
bridge vlan add dev tap2 vid 20-29
bridge vlan add dev vx0 vid 10
bridge vlan add dev vx0 vid 20-29
bridge vlan add dev br1 vid 10 self
for link in vx0 tap0 tap1 tap2 tap3 br1; do ip link set "$link" up; done
ip addr add 10.5.0.1/24 brd + dev tap3

bridge fdb add 02:00:00:00:01:01 dev tap1 master static vlan 10
bridge fdb add 02:00:00:00:01:02 dev tap2 master static sticky vlan 20
bridge fdb add 02:00:00:00:01:03 dev vx0 dst 10.7.0.9 self permanent
bridge fdb append 00:00:00:00:00:00 dev vx0 dst 10.7.0.10 self permanent
bridge mdb add dev br1 port tap2 grp 239.1.2.3 permanent vid 20
bridge mdb add dev br1 port tap1 grp ff0e::1:2 permanent vid 10
ip neigh add 10.1.0.254 lladdr 02:00:00:00:01:fe dev bond0 nud permanent
ip neigh add 10.7.0.9 lladdr 02:00:00:00:07:09 dev bond0.7 nud permanent
ip -6 neigh add fd01::254 lladdr 02:00:00:00:01:fe dev bond0 nud permanent
ip neigh add proxy 10.5.0.99 dev tap3

tc qdisc replace dev tap0 root handle 10: tbf rate 100mbit burst 64k latency 50ms
tc qdisc replace dev tap1 root handle 11: sfq perturb 10 limit 100
tc qdisc replace dev bond0.7 root handle 12: fq flow_limit 50
tc qdisc replace dev br1 root handle 13: fq_codel limit 2000 target 10ms
tc qdisc replace dev tap3 root handle 14: pfifo limit 70

ip rule add from 10.5.0.0/24 lookup 100 priority 1000
ip rule add iif tap3 lookup 101 priority 1001
ip rule add fwmark 0x10/0xff lookup 101 priority 1002
ip -6 rule add from fd01::/64 lookup 100 priority 1000
ip -batch - <<END
$(for n in $(seq 0 69); do
        echo "route add 172.16.$n.0/24 via 10.1.0.254 dev bond0 metric $((n + 10)) mtu 1400"
        echo "route add 172.17.$n.0/24 dev bond0.7 table 100 src 10.7.0.1 proto static"
done
for n in $(seq 0 39); do echo "route add 172.18.$n.0/24 via 10.4.0.254 dev br0 table 101 proto 99 initcwnd 20"; done
for n in $(seq 0 19); do
        echo "route add 172.19.$n.0/24 table 101 nexthop via 10.1.0.254 dev bond0 weight 3" \
                "nexthop via 10.4.0.254 dev br0"
        echo "route add fd99:$n::/48 via fd01::254 dev bond0 table 100 metric $((n + 1))"
done)
END
"""
# What no guest needs.
ELSEWHERE = r"""
ip link add d9 type dummy
udevadm settle
ip link property add dev d9 altname nobody-needs-this
ip addr add 10.9.0.1/24 dev d9
ip link set d9 up
ip route add blackhole 192.168.9.0/24
ip route add 192.168.5.0/24 via 10.2.0.254 dev "$igb" table 100
ip neigh add 10.2.0.254 lladdr 02:00:00:00:02:fe dev "$igb" nud permanent
ip link add link "$igb" name mv0 address 02:00:00:00:0e:01 type macvlan mode bridge
ip addr add 10.2.0.7/24 dev mv0
ip link set mv0 up
ip netns add blue
ip link add veth9 type veth peer name inside netns blue
"""
FIREWALL = r"""
nft -f - <<END
table inet filter {
        counter seen { }
        set known { type ipv4_addr; flags interval; elements = { 10.0.0.0/8, 192.0.2.1 } }
        map doors { type inet_service : verdict; elements = { 22 : accept, 23 : drop } }
        chain input {
                type filter hook input priority filter; policy accept;
                ct state established,related accept
                iifname "tap3" tcp dport vmap @doors
        }
        chain forward {
                type filter hook forward priority filter; policy drop;
                ct state established,related counter name seen accept
                iifname { "tap3", "br0" } ip saddr @known accept
                limit rate 5/second burst 7 packets reject with icmpx admin-prohibited
        }
}
table ip nat {
        chain postrouting { type nat hook postrouting priority srcnat; oifname "bond0" masquerade random; }
}
END
"""


def names(machine: Machine) -> dict[str, str]:
    addresses = {"a": hardware.E1000E, "b": hardware.E1000E_TWIN, "spare": hardware.E1000E_SPARE, "igb": hardware.IGB}
    return {name: interface(machine, address) for name, address in addresses.items()}


def make(stand: Stand, *parts: str) -> dict[str, str]:
    """The interfaces' names."""
    found = names(stand.machine)
    for part in parts:
        stand.machine.run("set -ex\n" + part, 60, check=True, env=found)
    stand.wire("spare").answer(BRIDGED)
    stand.wire("igb").answer(ROUTED)
    return found


def guest_devices() -> tuple[str, ...]:
    """Arguments for a guest's QEMU."""
    words: list[str] = []
    for number in range(4):
        more = (",queues=2", ",mq=on,vectors=6") if number == 2 else ("", "")
        words += ["-netdev", f"tap,id=net{number},ifname=tap{number},script=no,downscript=no,vhost=off{more[0]}",
                  "-device", f"virtio-net-pci,netdev=net{number},romfile=,mac=02:00:00:00:0f:0{number}{more[1]}"]
    return tuple(words)
