# SPDX-License-Identifier: LGPL-2.1-or-later
"""Measured boot: the stub that would measure a UKI does not run under a kexec, so that is done before the jump."""

from __future__ import annotations

import hashlib

from rig import tpm, ukify
from rig.checks import start
from rig.host import Host
from rig.kernel import kernel
from rig.machine import COMMAND_LINE, ROOT
from rig.pe import Portable
from rig.scenario import Scenario, scenario

IMAGE = "/rig/measured.efi"
MEASURED = (".linux", ".osrel", ".cmdline", ".initrd", ".uname", ".sbat")  # in the order of systemd-stub
EVENT_LOG = "/run/log/systemd/tpm2-measure.log"


def need() -> None:
    tpm.service()
    ukify.tools()


@scenario("stage-measure", flavour="full", limit=300, needs=need)
def measure(s: Scenario) -> None:
    """MeasureImage=require: PCR 11 and 12 hold the sections and the command line that were jumped into, and no more."""
    host, image = start_with_tpm(s)
    host.configure("[Update]\nMeasureImage=require\n")
    check_required(s, host)
    before = registers(host)
    staged = host.ctl("stage", IMAGE)["staged"]
    s.check.equal("measured by the stage", registers(host), before)
    host.machine.run(f"(touch {EVENT_LOG}; exec tail -n +1 -F {EVENT_LOG}) >/dev/ttyS0 2>&1 &")
    boot = host.machine.jump("liveupdatectl commit", 180)
    host.wait_ready()
    s.check.contains("release after", boot.release, "-rig-b")
    after = registers(host)
    sections = [f"liveupdate:{name}:sha256={digest(image, name)}" for name in MEASURED]
    s.check.equal("PCR 11", after["11"], tpm.extended(before["11"], *sections))
    s.check.equal("PCR 12", after["12"], tpm.extended(before["12"], f"liveupdate:cmdline:{staged['commandLine']}"))
    s.check.contains("event log, before the jump", host.machine.console.text(), sections[0])


def start_with_tpm(s: Scenario) -> tuple[Host, Portable]:
    files, links = tpm.service()
    initrd = ukify.further_initrd(s.directory / "initrd", "etc/hostname", b"rig\n")
    path = ukify.build(s.directory / "measured.efi", kernel=kernel("b"), initrds=[initrd], release="7.3.4-rig-b",
                       command_line=f"{COMMAND_LINE} {ROOT['full']} uki-measured")
    device = tpm.Tpm(s.directory)
    host = start(s, files={**files, IMAGE: path}, links=links, devices=device.devices())
    s.check.fact("tpm", host.machine.run("cat /sys/class/tpm/tpm0/tpm_version_major").out.strip())
    return host, Portable.read(path)


def check_required(s: Scenario, host: Host) -> None:
    """Without the service a commit that has to be measured is refused."""
    host.machine.run("systemctl stop systemd-pcrextend.socket", check=True)
    host.ctl("stage", IMAGE)
    result = host.machine.run("liveupdatectl commit")
    s.check.equal(f"exit status of a commit that cannot be measured\n{result}", result.status, 1)
    s.check.contains("what it says", result.err, "measure")
    host.ctl("unstage")
    host.machine.run("systemctl start systemd-pcrextend.socket", check=True)


def registers(host: Host) -> dict[str, str]:
    names = ("11", "12")
    values = host.machine.run("cd /sys/class/tpm/tpm0/pcr-sha256 && cat " + " ".join(names), check=True).out.split()
    return {name: value.lower() for name, value in zip(names, values)}


def digest(image: Portable, name: str) -> str:
    offset, size = image.content(name)
    return hashlib.sha256(image.data[offset:offset + size]).hexdigest()
