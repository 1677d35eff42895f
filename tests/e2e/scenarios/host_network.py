# SPDX-License-Identifier: LGPL-2.1-or-later
"""The host's network comes back with its guests: with and without a service that makes part of it by itself."""

from __future__ import annotations

from typing import Any

from rig import assemble, host_network, host_state, snapshot
from rig.checks import check_guest, check_host, check_report, start
from rig.drain import Stand
from rig.hardware import Hardware
from rig.host import Guest, Host, split_lines
from rig.scenario import Scenario, scenario

# Nobody carries these: the kernel's own, and what has its other end in another network namespace.
NOT_CARRIED = {"lo", "veth9"}
# What a guest's interfaces need, and what they do not.
NEEDED = {"tap0", "tap1", "tap2", "tap3", "br0", "br1", "vx0", "bond0.7", "bond0"}
NOT_NEEDED = ("d9", "mv0")
# The former leads through no interface, in the table of all. The latter the kernel makes when a card comes up, which
# networkd has it do now before, now after it is a port of the bond.
BESIDE = ("type=blackhole dst=192.168.9.0/24 table=main", "type=multicast dst=ff00::/8 table=local")
PONGS = 10  # that a guest gets before the update, and after it


def make_stand(s: Scenario) -> Stand:
    equipment = Hardware(s.directory, *host_network.CARDS)
    host = start(s, files=snapshot.tools(), **equipment.plan())
    host.machine.run("systemctl is-system-running --wait", 120)
    return Stand(host, equipment)


def start_guest(host: Host) -> Guest:
    """Its host is a router by then."""
    guest = host.start_guest("one", memory_mib=192, network=False, extra=host_network.guest_devices(),
                             ping=host_network.PING)
    host_state.change_sysctls(host.machine)
    wait_pongs(host, guest, {"eth0": 0, "eth3": 0})
    return guest


def wait_pongs(host: Host, guest: Guest, after: dict[str, int]) -> None:
    """Until so many requests later than these numbers were sent and had their time for an answer."""
    host.wait_guest(guest, lambda log: all(max(log.pings.get(name, [0])) > number + 2 * PONGS
                                           for name, number in after.items()), "pinged on", 60)


def check_pings(s: Scenario, stand: Stand, guest: Guest, late: tuple[str, ...]) -> None:
    """Each that was sent under the new kernel is answered, the first one among them. Over the `late` interfaces the way
    out is a service's to make, for which no guest waits: until it is there, none is answered, and from then on all."""
    host = stand.host
    old, _ = split_lines(host.console_text(guest), host.mark(guest))
    last = {name: max(numbers) for name, numbers in old.pings.items()}
    s.check.equal("interfaces that ping", sorted(last), ["eth0", "eth3"])
    wait_pongs(host, guest, last)
    log = host.wait_guest(guest, lambda log: all(sum(one > last[name] for one in log.pongs.get(name, ())) > 2 * PONGS
                                                 for name in late), "answered again", 60)
    for name, number in last.items():
        sent = [one for one in log.pings[name] if one > number][:-PONGS]  # the last ones may be under way
        s.check.at_least(f"pings of {name} that were sent after the update", len(sent), PONGS)
        unanswered = [one for one in sent if one not in log.pongs[name]]
        if name in late:
            s.check.equal(f"pings of {name} without an answer", unanswered, sent[:len(unanswered)])
            s.check.fact(f"pings of {name} before the service", len(unanswered))
        else:
            s.check.equal(f"pings of {name} without an answer, the first sent was {number + 1}", unanswered, [])
        # What was sent last before the pause, its answer had nobody to take it.
        lost = [one for one in log.pings[name] if number - PONGS < one <= number and one not in log.pongs[name]]
        s.check.at_most(f"pings of {name} lost in the blackout: {lost}", len(lost), 2)
        s.check.fact(f"pings of {name} answered after the update", len(sent))


def check_first_frame(s: Scenario, stand: Stand) -> None:
    """The host did not have to ask who has the address that it forwards to: after the longest silence of all came a ping."""
    asked = [one for one in stand.wire("igb").asked if one.address == host_network.ROUTED]
    silence, first = max(((later.when - earlier.when, later) for earlier, later in zip(asked, asked[1:])),
                         key=lambda one: one[0])
    s.check.at_least("seconds of silence on the wire of the card that the host forwards by", silence, 2)
    s.check.equal("what came first over it after the update", first.what, "echo")
    s.check.fact("secondsOfSilence", round(silence, 1))


def update(s: Scenario, stand: Stand, guest: Guest, late: tuple[str, ...] = ()) -> Any:
    """The report after the later pass."""
    host = stand.host
    host.stage(assemble.KERNEL_B)
    host.commit()
    check_report(s, host)
    check_pings(s, stand, guest, late)
    s.facts.update(check_guest(s, host, guest))
    return check_host(s, host)


def without(state: dict[str, Any], beside: tuple[str, ...]) -> dict[str, Any]:
    for name in ("route", "route6"):
        state[name] = {key: value for key, value in state[name].items() if not key.startswith(beside)}
    return state


def compare(s: Scenario, stand: Stand, before: dict[str, Any], cards: set[str], interfaces: set[str],
            beside: tuple[str, ...] = ()) -> dict[str, Any]:
    """Field by field what there was of these interfaces, but routes `beside` them; what there is now of all."""
    wanted = without(host_state.only(before, interfaces), beside)
    s.check.at_least("fields that are compared", s.check.fact("fieldsCompared", snapshot.count(wanted)), 1000)
    after = host_state.settled(stand.machine, cards)
    found = snapshot.differences(wanted, without(host_state.only(after, interfaces), beside))
    s.check.that("all is as it was before the update", not found, "\n".join(found[:80]))
    return after


@scenario("host-network", flavour="full", limit=420)
def network(s: Scenario) -> None:
    """Bridges, VLANs, a bond, 4 taps, 200 routes, rules, neighbours, qdiscs, nftables: no field differs; first ping."""
    stand = make_stand(s)
    host, machine = stand.host, stand.machine
    host.configure("[Host]\nReconcileNetwork=all\n")
    names = host_network.make(stand, host_network.TAPS, host_network.UNDERLAY, host_network.OVERLAY,
                              host_network.ELSEWHERE, host_network.FIREWALL)
    guest = start_guest(host)
    cards = set(names.values())
    before = host_state.settled(machine, cards)
    report = update(s, stand, guest)
    check_first_frame(s, stand)
    s.check.contains("what is told not to be carried", " ".join(report["host"]["omitted"]), "veth9")
    compare(s, stand, before, cards, host_state.names(before) - NOT_CARRIED)


NETWORKD = {
    "10-bond0.netdev": "[NetDev]\nName=bond0\nKind=bond\n[Bond]\nMode=active-backup\nMIIMonitorSec=100ms\n",
    "10-br0.netdev": "[NetDev]\nName=br0\nKind=bridge\n[Bridge]\nAgeingTimeSec=600\nMulticastSnooping=no\n",
    "20-a.network": "[Match]\nName={a}\n[Network]\nBond=bond0\nPrimarySlave=yes\n",
    "20-b.network": "[Match]\nName={b}\n[Network]\nBond=bond0\n",
    "20-spare.network": "[Match]\nName={spare}\n[Network]\nBridge=br0\n",
    "30-bond0.network": "[Match]\nName=bond0\n[Network]\nAddress=10.1.0.1/24\nAddress=fd01::1/64\nIPv6AcceptRA=no\n",
    "30-br0.network": "[Match]\nName=br0\n[Network]\nAddress=10.4.0.1/24\nIPv6AcceptRA=no\n",
    "30-igb.network": "[Match]\nName={igb}\n[Network]\nAddress=10.2.0.1/24\nAddress=fd02::1/64\nIPv6AcceptRA=no\n",
}


@scenario("host-networkd", flavour="full", limit=420)
def networkd(s: Scenario) -> None:
    """The same with systemd-networkd, which makes some of it and removes what it does not know; the rest comes back."""
    stand = make_stand(s)
    host, machine = stand.host, stand.machine
    names = host_network.names(machine)
    for file, text in NETWORKD.items():
        machine.put_file(text.format(**names).encode(), f"/etc/systemd/network/{file}")
    machine.run("systemctl enable --now systemd-networkd.service", check=True)
    links = f"bond0 br0 {names['igb']} {names['a']} {names['b']} {names['spare']}"
    machine.run(f"for i in $(seq 60); do [ $(networkctl list --no-legend {links} | grep -cw configured) = 6 ] && exit 0; "
                "sleep 0.5; done; networkctl; exit 1", check=True)
    host_network.make(stand, host_network.TAPS, host_network.OVERLAY, host_network.ELSEWHERE, host_network.FIREWALL)
    guest = start_guest(host)
    cards = {names[name] for name in ("a", "b", "spare")}
    before = host_state.settled(machine, cards)
    update(s, stand, guest, late=("eth3",))  # the card behind which its peer is is networkd's
    after = compare(s, stand, before, cards, NEEDED | cards, BESIDE)
    present = host_state.names(after)
    s.check.equal("what no guest needs and came back all the same", [one for one in NOT_NEEDED if one in present], [])
    s.check.equal("state of systemd-networkd", host.property("systemd-networkd.service", "ActiveState"), "active")
