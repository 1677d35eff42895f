# SPDX-License-Identifier: LGPL-2.1-or-later
"""What check says will fail does fail: forced, the rig shows what would have happened."""

from __future__ import annotations

import json
from pathlib import Path

from rig import small
from rig.base import wait_for
from rig.checks import check_undisturbed, start
from rig.host import Guest, Host
from rig.kernel import kernel
from rig.kernel_package import release_of
from rig.scenario import Scenario, scenario
from rig.small import Small

HOST_FINDINGS = ("kexec-permitted", "lockdown", "ima", "crash-kernel", "checksum-skip")


def make_boot(s: Scenario, initrd: Path, *variants: str) -> Path:
    boot = s.directory / "boot"
    boot.mkdir()
    (boot / "initrd").write_bytes(initrd.read_bytes())
    for variant in variants:
        (boot / f"kernel-{variant}").write_bytes(kernel(variant).read_bytes())
    return boot


def refuse_commit(s: Scenario, host: Host, *parts: str) -> None:
    result = host.machine.run("liveupdatectl commit", 60)
    s.check.equal(f"exit status of commit\n{result}", result.status, 1)
    for part in parts:
        s.check.contains("what commit says", result.err, part)


@scenario("stage-check", limit=180, kernels=("a", "b", "abi"))
def check(s: Scenario) -> None:
    """check passes on a fit host; another ABI fails it, and forced that kernel panics of it, as was said."""
    initrd = small.root(s.directory)
    boot = make_boot(s, initrd, "b", "abi")
    running = kernel("a").read_bytes()
    (boot / f"vmlinuz-{release_of(running)}").write_bytes(running)
    host = small.start(s, initrd, small.disk(s.directory, boot), append="crashkernel=64M")
    passed, found = host.findings()
    s.check.that(f"check passes before staging: {found}", passed)
    for identifier in HOST_FINDINGS:
        s.check.that(f"finding {identifier}: {sorted(found)}", identifier in found)
    check_crash_kernel(s, host)
    passed, found = host.findings("--initrd=/boot/initrd", "/boot/kernel-b")
    s.check.that(f"check passes for the second kernel: {found}", passed)
    for identifier in ("kho-abi", "luo-abi", "fd-handlers", "scratch", "command-line"):
        s.check.equal(f"finding {identifier}: {found[identifier]}", found[identifier]["state"], "ok")
    s.check.equal("staged by a check", host.ctl("status").get("staged"), None)
    forbid_kexec(s, host)
    panic_of_abi(s, host)


def check_crash_kernel(s: Scenario, host: Small) -> None:
    """Is not touched by what is staged beside it."""
    host.machine.run("/rig/kexec --crash /boot/kernel-b /boot/initrd", check=True)
    host.stage("/boot/kernel-b")
    host.ctl("unstage")
    s.check.equal("crash kernel loaded", host.machine.run("cat /sys/kernel/kexec_crash_loaded").out.strip(), "1")
    _, found = host.findings()
    s.check.contains("what is said of the crash kernel", json.dumps(found["crash-kernel"]), "crash")


def panic_of_abi(s: Scenario, host: Small) -> None:
    passed, found = host.findings("--initrd=/boot/initrd", "/boot/kernel-abi")
    s.check.that("check fails for another ABI", not passed)
    s.check.equal("failing", [one for one, finding in found.items() if finding["state"] == "fail"], ["luo-abi"])
    for version in ("luo-v5", "luo-v99"):
        s.check.contains("what is said of the ABI", json.dumps(found["luo-abi"]), version)
    s.check.that("it has a remedy", found["luo-abi"].get("remedy"))
    host.ctl("stage", "--initrd=/boot/initrd", "/boot/kernel-abi")
    refuse_commit(s, host, "luo-v99")
    line = host.machine.console.count
    host.machine.run("liveupdatectl commit --force >/dev/ttyS0 2>&1 &")
    s.check.contains("the next kernel", host.machine.console.wait_for(r"Linux version .*-rig", 60, line), "-rig-abi")
    s.check.contains("what it says of the state", host.machine.console.wait_for("LUO state is", 60, line),
                     "incompatible with 'luo-v99'")
    how = wait_for("panic", 30, lambda: host.machine.console.disaster or None)
    s.check.contains("how it ends", how, "Kernel panic")


def forbid_kexec(s: Scenario, host: Small) -> None:
    """The sysctl goes one way: a limit that still leaves room."""
    host.machine.run("echo 3 >/proc/sys/kernel/kexec_load_limit_reboot", check=True)
    _, found = host.findings()
    s.check.contains("what is said of the limit", json.dumps(found["kexec-permitted"]), "3")


@scenario("stage-check-scratch", limit=180)
def scratch(s: Scenario) -> None:
    """An initrd larger than what KHO set aside: check fails, stage refuses, forced the kernel itself says no."""
    initrd = small.root(s.directory)
    host = small.start(s, initrd, small.disk(s.directory, make_boot(s, initrd, "b")))
    sizes = [int(word, 16) for word in host.machine.run("cat /sys/kernel/debug/kho/out/scratch_len").out.split()]
    largest = s.check.fact("largestScratchArea", max(sizes))
    host.machine.run(f"truncate -s {largest + 4096} /run/large", check=True)
    image = ("--initrd=/run/large", "/boot/kernel-b")

    passed, found = host.findings(*image)
    s.check.that("check fails", not passed)
    s.check.equal("failing", [one for one, finding in found.items() if finding["state"] == "fail"], ["scratch"])
    for options, part in (((), "handover"), (("--force",), "annot assign requested address")):
        result = host.machine.run(f"liveupdatectl stage {' '.join((*options, *image))}", 60)
        s.check.equal(f"exit status of stage {options}\n{result}", result.status, 1)
        s.check.contains(f"what stage {options} says", result.err, part)
        s.check.equal("staged", host.ctl("status").get("staged"), None)
    refuse_commit(s, host, "no kernel")
    fit_at_the_edge(s, host, sizes)


def fit_at_the_edge(s: Scenario, host: Small, sizes: list[int]) -> None:
    """What is computed beforehand is what the kernel does, to the page: the largest that fits, and one page more."""
    def resize(pages: int) -> None:
        host.machine.run(f"truncate -s {pages * 4096} /run/large", check=True)

    def loads(pages: int) -> bool:
        resize(pages)
        return bool(host.machine.run("/rig/kexec --load /boot/kernel-b /run/large && /rig/kexec --unload"))

    low, high = sorted(sizes)[-2] // 4096 - 256, max(sizes) // 4096 + 1
    s.check.that(f"one of {low} pages fits {sizes}", loads(low))
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if loads(middle) else (low, middle)
    s.check.fact("largestInitrdPages", low)
    for pages, state in ((low, "ok"), (high, "fail")):
        resize(pages)
        _, found = host.findings("--initrd=/run/large", "/boot/kernel-b")
        s.check.equal(f"what is said of {pages} pages in {sizes}", found["scratch"]["state"], state)


@scenario("stage-check-lost", flavour="image", limit=300, kernels=("a", "b", "noluo"))
def lost(s: Scenario) -> None:
    """A kernel without LUO: check fails, commit refuses, and forced the guest is gone, as was said."""
    host = start(s, files={"/rig/kernel-noluo": kernel("noluo")})
    guest = host.start_guest("doomed", memory_mib=192)
    answer = host.ctl("stage", "/rig/kernel-noluo")
    failing = {one["id"]: one for one in answer["findings"] if one["state"] == "fail"}
    s.check.equal("failing", sorted(failing), ["fd-handlers", "luo-abi"])
    refuse_commit(s, host, failing["luo-abi"]["text"])
    check_undisturbed(s, host, guest)
    boot = host.machine.jump("liveupdatectl commit --force")
    s.check.contains("release after", boot.release, "-rig-noluo")
    s.check.that("there is no orchestrator", not host.machine.run("test -e /dev/liveupdate"))
    wait_lost(s, host, guest)


def wait_lost(s: Scenario, host: Host, guest: Guest) -> None:
    """Started anew by what starts guests, it boots once more."""
    log = host.wait_guest(guest, lambda log: len(log.boot_ids) > 1, "booted anew", 120)
    s.check.equal("boots of the guest", len(log.boot_ids), 2)
    host.wait_ready()
    s.check.differ("support", host.ctl("status")["support"]["state"], "ok")
