# SPDX-License-Identifier: LGPL-2.1-or-later
"""Live updates with guests, and everything that must be refused before a guest is touched."""

from __future__ import annotations

import json
from typing import Any

from rig import assemble, guest as inner, schema, uki
from rig.checks import check_guest, check_report, check_undisturbed, start
from rig.host import Guest, Host
from rig.scenario import Scenario, scenario

def check_refused(s: Scenario, host: Host, command: str, *parts: str, status: int = 1) -> None:
    result = host.machine.run(command, 60)
    s.check.equal(f"exit status of `{command}`: {result.err}", result.status, status)
    for part in parts:
        s.check.contains(f"what `{command}` says", result.err, part)
    s.check.at_least(f"lines that `{command}` says: the matter and the remedy", len(result.err.strip().splitlines()), 2)


@scenario("update-one", flavour="image", limit=300)
def one(s: Scenario) -> None:
    """One guest survives a change of the kernel."""
    host = start(s)
    guest = host.start_guest("one")
    before = host.machine.boot
    staged = host.stage(assemble.KERNEL_B)
    s.check.equal("checksum skip", staged["checksumSkip"], "proven")
    after = host.commit()
    s.check.contains("release before", before.release, "-rig-a")
    s.check.contains("release after", after.release, "-rig-b")
    s.check.differ("boot id", after.boot_id, before.boot_id)
    report = check_report(s, host)
    s.check.equal("checksum skip in the report", report["checksumSkip"]["state"], "proven")
    s.check.that("shutdown and jump are told apart", report["jumpToldApart"])
    s.check.equal("kernels in the report", report["kernel"], {"from": before.release, "to": after.release})
    s.check.equal("workloads", [(w["name"], w["outcome"]) for w in report["workloads"]], [("one", "running")])
    s.check.at_most("the guest's blackout", report["workloads"][0]["blackoutUSec"], report["blackoutUSec"])
    s.check.contains("file systems were clean", host.machine.run("dmesg | grep 'EXT4-fs (vda)'").out, "mounted")
    s.check.that("no journal was replayed", not host.machine.run("dmesg | grep 'recovery complete'"))
    s.facts.update(check_guest(s, host, guest))


@scenario("update-thrice", flavour="image", limit=600)
def thrice(s: Scenario) -> None:
    """Three live updates in a row, alternating the kernels, same guest."""
    # Not two: with two processors that each run a guest, QEMU's emulation of SVM resets a guest or corrupts the host's
    # memory every minute or so, without any update and with any kernel; on one processor two guests starve each other.
    host = start(s)
    guest = host.start_guest("steady")
    boot_ids = [host.machine.boot.boot_id]
    for kernel, release in ((assemble.KERNEL_B, "-rig-b"), (assemble.KERNEL_A, "-rig-a"), (assemble.KERNEL_B, "-rig-b")):
        host.stage(kernel)
        boot = host.commit()
        s.check.contains("release", boot.release, release)
        boot_ids.append(boot.boot_id)
        report = check_report(s, host)
        s.check.equal("workloads", [(w["name"], w["outcome"]) for w in report["workloads"]], [("steady", "running")])
        s.facts[release] = check_guest(s, host, guest)
    s.check.equal("boots", len(set(boot_ids)), 4)


@scenario("update-refusals", flavour="image", limit=300)
def refusals(s: Scenario) -> None:
    """Wrong images, nothing staged, a second commit, a jump that fails: clear errors, guest undisturbed."""
    host = start(s)
    guest = host.start_guest("steady")
    machine = host.machine
    check_refused(s, host, "liveupdatectl commit", "no kernel", "liveupdatectl stage")
    machine.run("cd /root; echo 'no kernel at all, just text' >text; head -c 3000000 /rig/kernel-b >truncated; "
                ": >empty", check=True)
    machine.put_file(uki.broken_uki(), "/root/broken.efi")
    for name, part in (("text", "no kernel image"), ("truncated", "ends before"), ("empty", "empty"), ("broken.efi", "section"),
                       ("/etc", "not a file"), ("/dev/zero", "not a file"), ("/nowhere", "annot open")):
        path = name if name.startswith("/") else f"/root/{name}"
        check_refused(s, host, f"liveupdatectl stage {path}", part, status=2 if name == "/nowhere" else 1)
    s.check.equal("nothing is staged", host.ctl("status").get("staged"), None)
    check_refused(s, host, "liveupdatectl stage", "one image", status=2)
    check_undisturbed(s, host, guest)

    host.stage(assemble.KERNEL_B)
    refuse_second_commit(s, host, guest)
    check_undisturbed(s, host, guest)
    roll_back_failed_jump(s, host, guest)
    check_undisturbed(s, host, guest)


def refuse_second_commit(s: Scenario, host: Host, guest: Guest) -> None:
    """A stopped QEMU process holds up the first commit, which rolls back for want of an answer."""
    pid = host.ctl("workloads")["workloads"][0]["pid"]
    host.machine.run(f"kill -STOP {pid}", check=True)
    host.machine.run("liveupdatectl commit >/run/first.out 2>/run/first.err &")
    host.machine.run("for i in $(seq 50); do grep -q prepare /run/first.out && exit 0; sleep 0.1; done; exit 1", check=True)
    check_refused(s, host, "liveupdatectl commit", "under way")
    check_refused(s, host, "liveupdatectl stage /rig/kernel-a", "under way")
    host.machine.run("for i in $(seq 150); do [ -s /run/first.err ] && exit 0; sleep 0.2; done; exit 1", 60, check=True)
    host.machine.run(f"kill -CONT {pid}", check=True)
    s.check.contains("what the first commit says", host.machine.run("cat /run/first.err").out, "steady")
    report = check_report(s, host, "rolled-back")
    s.check.equal("where it failed", report["failure"]["phase"], "prepare")


def roll_back_failed_jump(s: Scenario, host: Host, guest: Guest) -> None:
    """The kernel is unloaded behind the daemon's back while a commit waits: reboot() itself fails, and all is undone."""
    machine = host.machine
    machine.put_file(assemble.kexec_program(), "/run/kexec", 0o755)
    pid = host.ctl("workloads")["workloads"][0]["pid"]
    machine.run(f"kill -STOP {pid}", check=True)
    machine.run("liveupdatectl commit >/run/third.out 2>/run/third.err &")
    machine.run("for i in $(seq 50); do grep -q prepare /run/third.out && exit 0; sleep 0.1; done; exit 1", check=True)
    machine.run("/run/kexec --unload", check=True)
    machine.run(f"kill -CONT {pid}", check=True)
    machine.run("for i in $(seq 150); do [ -s /run/third.err ] && exit 0; sleep 0.2; done; exit 1", 60, check=True)
    report = check_report(s, host, "rolled-back")
    s.check.equal("where it failed", report["failure"]["phase"], "shutdown")
    s.check.contains("why", report["failure"]["message"], "refused to jump")
    s.check.that("the file systems take writes again", machine.run("echo x >/root/written && sync", 20))
    check_refused(s, host, "liveupdatectl commit", "unloaded")
    host.stage(assemble.KERNEL_B)


@scenario("update-after-rollback", flavour="image", limit=300)
def after_rollback(s: Scenario) -> None:
    """A guest whose first commit was rolled back survives the second one."""
    host = start(s)
    guest = host.start_guest("steady")
    host.stage(assemble.KERNEL_B)
    roll_back_failed_jump(s, host, guest)
    host.commit()
    check_report(s, host)
    s.facts.update(check_guest(s, host, guest))


@scenario("update-unsupported", flavour="bare", limit=240, kernels=("a", "b", "noluo"))
def unsupported(s: Scenario) -> None:
    """A kernel without LUO, kho=off, no /dev/liveupdate, device busy: status says which, commit refuses."""
    files = assemble.product_files() | {assemble.KERNEL_B: assemble.kernel("b")}
    started = "mkdir -p /run/liveupdate; setsid liveupdated >/run/liveupdated.log 2>&1 &"

    def check_machine(options: dict[str, Any], prepare: str, identifier: str, *parts: str) -> None:
        host = Host(s.machine(files=files, name=identifier, **options))
        host.machine.run(started)
        host.wait_ready()
        host.machine.run(prepare)
        status = host.ctl("status")
        s.check.equal("status", status["support"]["id"], identifier)
        s.check.that(f"{identifier} has a remedy", status["support"].get("remedy"))
        for part in parts:
            s.check.contains("what status says", json.dumps(status["support"]), part)
        check_refused(s, host, "liveupdatectl commit", status["support"]["text"])
        host.machine.close()

    line = "console=ttyS0 panic=-1 printk.devkmsg=on tsc=nowatchdog"
    check_machine({"kernel_variant": "noluo"}, "", "kernel-without-luo")
    check_machine({"command_line": f"{line} kho=off liveupdate=on"}, "", "kho-off", "kho=off")
    check_machine({"command_line": f"{line} kho=on"}, "", "liveupdate-off", "liveupdate=on")
    check_machine({}, "rm /dev/liveupdate", "no-device-node", "/dev/liveupdate")
    check_machine({}, "sleep 1000 </dev/liveupdate & sleep 0.3", "device-busy", "sleep")


@scenario("update-stranger", flavour="image", limit=300)
def stranger(s: Scenario) -> None:
    """A guest not started through liveupdate-run is named, and commit refuses unless told --allow-loss."""
    host = start(s)
    guest = host.start_guest("steady", memory_mib=192)
    machine = host.machine
    words = inner.guest_command("/run/stranger.console", memory_mib=128, network=False)
    machine.put_file(("#!/bin/sh\nexec " + assemble.shell_words(words) + "\n").encode(), "/run/stranger", 0o755)
    machine.run("setsid /run/stranger >/run/stranger.log 2>&1 & sleep 2", check=True)
    pid = int(machine.run("pidof qemu-system-x86_64 | tr ' ' '\\n' | sort -n | tail -1").out)
    s.check.equal("strangers in status", [one["pid"] for one in host.ctl("status")["strangers"]], [pid])
    host.stage(assemble.KERNEL_B)
    check_refused(s, host, "liveupdatectl commit", str(pid), "liveupdate-run", "--allow-loss")
    check_undisturbed(s, host, guest)
    host.commit("--allow-loss")
    check_report(s, host)
    s.facts.update(check_guest(s, host, guest))


@scenario("update-uki", flavour="bare", limit=180)
def unified(s: Scenario) -> None:
    """A UKI is staged from a path and from a pipe, brings its own initrd and command line, and is jumped to."""
    machine = s.machine(files=assemble.product_files())
    host = Host(machine)
    machine.run("mkdir -p /run/liveupdate; setsid liveupdated >/run/liveupdated.log 2>&1 &")
    host.wait_ready()
    image = uki.uki(assemble.kernel("b"), machine.plan.initrd, machine.plan.line() + " from-the-uki", "7.3.4-rig-b")
    machine.put_file(image, "/root/next.efi")
    staged = json.loads(machine.run("cat /root/next.efi | liveupdatectl --json=short stage -", check=True).out)["staged"]
    s.check.equal("kind, from a pipe", staged["kind"], "uki")
    staged = host.stage("/root/next.efi")
    s.check.equal("kind, origin, release", [staged[k] for k in ("kind", "origin")], ["uki", "/root/next.efi"])
    s.check.contains("release", staged["release"], "-rig-b")
    s.check.contains("command line", staged["commandLine"], "from-the-uki")
    s.check.at_least("bytes of the initrd", staged["initrdBytes"], 1 << 20)
    boot = machine.jump("liveupdatectl commit")
    s.check.contains("release after", boot.release, "-rig-b")
    s.check.contains("command line after", machine.run("cat /proc/cmdline").out, "from-the-uki")
    machine.run("mkdir -p /run/liveupdate; setsid liveupdated >/run/liveupdated.log 2>&1 &")
    host.wait_report(boot)
    check_report(s, host)


@scenario("update-varlink", flavour="full", limit=300)
def varlink(s: Scenario) -> None:
    """varlinkctl of a current systemd can info, introspect and call the socket; it prints the files of schemas/."""
    host = start(s)
    machine = host.machine
    socket = "/run/liveupdate/io.liveupdate"
    s.check.fact("systemd", machine.run("systemctl --version | head -1").out.strip())
    information = machine.run(f"varlinkctl info {socket}", check=True).out
    for part in ("liveupdated", "io.liveupdate", "io.liveupdate.Workload", "org.varlink.service"):
        s.check.contains("info", information, part)
    for interface in ("io.liveupdate", "io.liveupdate.Workload"):
        printed = machine.run(f"SYSTEMD_COLORS=0 varlinkctl introspect {socket} {interface}", check=True).out
        s.check.equal(f"what introspect prints of {interface}", printed.strip(), schema.text(f"{interface}.varlink").strip())
    status = json.loads(machine.run(f"varlinkctl call -j {socket} io.liveupdate.Status '{{}}'", check=True).out)
    s.check.contains("kernel, as called", status["kernel"], "-rig-a")
    refused = machine.run(f"varlinkctl call -j {socket} io.liveupdate.Commit '{{}}'")
    s.check.that("a refused call fails", not refused)
    s.check.contains("error, as called", refused.err + refused.out, "io.liveupdate.NothingStaged")
    s.check.that("the registry has it", machine.run("test -S /run/varlink/registry/io.liveupdate"))
    monitor = machine.run(f"timeout 3 varlinkctl call --more -j {socket} io.liveupdate.Monitor '{{}}'").out
    s.check.contains("first word of a stream", monitor, "idle")


@scenario("update-two-clients", flavour="bare", limit=120)
def two_clients(s: Scenario) -> None:
    """Monitors hear of every phase, in order; a client that goes away does not stop the update."""
    machine = s.machine(files=assemble.product_files() | {assemble.KERNEL_B: assemble.kernel("b")})
    host = Host(machine)
    machine.run("mkdir -p /run/liveupdate; setsid liveupdated >/run/liveupdated.log 2>&1 &")
    host.wait_ready()
    machine.put_file(machine.plan.initrd, "/root/initrd")
    machine.run("liveupdatectl stage --initrd=/root/initrd /rig/kernel-b", check=True)
    machine.run("liveupdatectl monitor >/dev/ttyS0 &")
    machine.run("liveupdatectl --json=short monitor >/run/gone & pid=$!; sleep 0.5; kill $pid", check=True)
    boot = machine.jump("liveupdatectl commit & sleep 0.2; kill $!; sleep 30")
    text = machine.console.text()
    positions = [text.find(f"updating: {phase}") for phase in ("prepare", "quiesce", "pause", "save", "drain", "seal")]
    s.check.that(f"phases on the console, in order: {positions}", min(positions) >= 0 and positions == sorted(positions))
    s.check.contains("release after", boot.release, "-rig-b")
