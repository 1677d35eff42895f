#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""test-liveupdatectl.py LIVEUPDATECTL

The program against a daemon that is played here: what it asks for, what it says, how it ends. Prints TAP.
"""

from __future__ import annotations

import json
import os
import pty
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

CTL = Path(sys.argv[1]).resolve()
STAGED = {"origin": "/boot/vmlinuz-7.3.4", "kind": "bzimage", "release": "7.3.4", "commandLine": "ro",
          "commandLineOrigin": "running", "addons": [], "initrds": [], "signature": {"state": "absent"},
          "kernelBytes": 1, "initrdBytes": 0, "checksumSkip": "proven", "checksumSkipEvidence": "seen", "loadUSec": 1,
          "stagedUSec": 1, "automatic": True}
UKI = {**STAGED, "origin": "/efi/EFI/Linux/a.efi", "kind": "uki", "osRelease": "Debian GNU/Linux 14",
       "profile": "quiet", "addons": ["/efi/a.addon.efi", "/efi/b.addon.efi"], "initrds": ["/boot/extra"],
       "sha256": "0123456789abcdef" * 4, "signature": {"state": "verified", "signer": "CN=Fleet"},
       "commandLineOrigin": "image", "commandLineAdded": "kho=on", "kernelBytes": 12 << 20, "initrdBytes": 1 << 19,
       "checksumSkip": "absent", "checksumUSec": 812345}
FINDINGS = [{"id": "fit", "state": "fail", "text": "It is too large.", "evidence": "scratch 1 MiB",
             "remedy": "Shrink it."},
            {"id": "kernel", "state": "ok", "text": "It is supported."},
            {"id": "crash-kernel", "state": "warn", "text": "There is none.", "remedy": "Load one."},
            {"id": "abi", "state": "ok", "text": "It is the same."}]
STATUS = {"version": "1", "kernel": "7.3.3", "bootId": "", "progress": {"state": "idle"},
          "support": {"id": "support", "state": "ok", "text": "supported"},
          "automation": {"autoStage": False, "autoCommit": "no"}, "findings": [], "workloads": [], "strangers": []}


def error(name: str, message: str, remedy: str = "Do it.", **more: Any) -> dict[str, Any]:
    return {"error": f"io.liveupdate.{name}", "parameters": {"message": message, "remedy": remedy, **more}}


class Daemon(threading.Thread):
    """Answers each call with what is in `answers` for its method, and keeps it. A list there has one for each call; one
    that is a list itself is several answers to one call."""

    def __init__(self, path: Path, answers: dict[str, Any]) -> None:
        super().__init__(daemon=True)
        self.answers = answers
        self.calls: list[tuple[str, dict[str, Any], int]] = []
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(path))
        self.listener.listen()
        self.start()

    def run(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            with connection:
                self.answer(connection)

    def answer(self, connection: socket.socket) -> None:
        text, n_fds = b"", 0
        while not text.endswith(b"\0"):
            part, fds, _, _ = socket.recv_fds(connection, 65536, 16)
            if not part:
                return
            text += part
            n_fds += len(fds)
            for fd in fds:
                os.close(fd)
        call = json.loads(text[:-1])
        method = call["method"].removeprefix("io.liveupdate.")
        self.calls.append((method, call["parameters"], n_fds))
        given = self.answers[method]
        if isinstance(given, list):
            given = given.pop(0)
        for one in given if isinstance(given, list) else [given]:
            answer = one if "error" in one else {"parameters": one, "continues": isinstance(given, list)}
            connection.sendall(json.dumps(answer).encode() + b"\0")

    def close(self) -> None:
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.join(5)


class Tests:
    def __init__(self, work: Path) -> None:
        self.work = work
        self.n = self.failed = 0

    def check(self, name: str, arguments: list[str], answers: dict[str, Any], *, status: int = 0,
              calls: list[tuple[str, dict[str, Any], int]] | None = None, out: list[str] | None = None,
              err: list[str] | None = None, lacks: str = "", given: str | None = None
              ) -> list[tuple[str, dict[str, Any], int]]:
        """`out` and `err` hold what has to be said; nothing may be where they are not given, and nowhere `lacks`.
        `given` is its input. Answers the calls."""
        path = self.work / "socket"
        path.unlink(missing_ok=True)
        daemon = Daemon(path, answers)
        done = subprocess.run([CTL, f"--socket={path}", *arguments], capture_output=True, text=True, timeout=50,
                              cwd=self.work, check=False, input=given)
        daemon.close()
        faults = []
        if done.returncode != status:
            faults.append(f"status {done.returncode}, not {status}")
        if calls is not None and daemon.calls != calls:
            faults.append(f"calls {daemon.calls}")
        for stream, said, expected in (("out", done.stdout, out), ("err", done.stderr, err)):
            faults += [f"{stream} lacks '{part}'" for part in expected or [] if part not in said]
            if not expected and said:
                faults.append(f"{stream} is not empty")
            if lacks and lacks in said:
                faults.append(f"{stream} has '{lacks}'")
        self.say(name, faults, done.stdout + done.stderr)
        return daemon.calls

    def say(self, name: str, faults: list[str], said: str) -> None:
        self.n += 1
        self.failed += bool(faults)
        print(f"{'not ok' if faults else 'ok'} {self.n} - {name}")
        if faults:
            print("".join(f"# {line}\n" for line in faults + said.splitlines()), end="")


def test_stage(t: Tests) -> None:
    (t.work / "image").write_text("x")
    (t.work / "vmlinuz-7.3.4-none").write_text("x")
    path = str(t.work / "image")
    good = {"Offer": {"wanted": True}, "Stage": {"staged": STAGED, "findings": [], "autoCommit": "no"},
            "StageFailed": {}}
    t.check("stages an image", ["stage", "image"], good, out=["Staged 7.3.4"],
            calls=[("Stage", {"path": path, "fileDescriptor": 0}, 1)])
    t.check("knows no such image", ["stage", "./nowhere"], good, status=2, calls=[],
            err=["the kernel ./nowhere", "Name files"])
    t.check("knows no such release", ["stage", "0.0.1-nowhere"], good, status=2, calls=[],
            err=["0.0.1-nowhere", "liveupdatectl(1)"])
    t.check("wants one argument", ["stage"], good, status=2, calls=[], err=["one image"])
    t.check("wants a name", ["stage", "--automatic", ".."], good, status=2, calls=[], err=["no kernel release"])

    automatic = {"path": str(t.work / "vmlinuz-7.3.4-none"), "fileDescriptor": 0, "release": "7.3.4-none",
                 "automatic": True}
    t.check("stages by itself", ["stage", "--automatic", "--", "vmlinuz-7.3.4-none"], good,
            out=["Staged", "waits for liveupdatectl commit"], err=["package manager", "no initrd"],
            calls=[("Offer", {"release": "7.3.4-none"}, 0), ("Stage", automatic, 1)])
    t.check("is told what was not wanted", ["stage", "--automatic", "7.3.4"],
            {"Offer": {"wanted": False, "reason": "it is old"}}, out=["7.3.4", "it is old"],
            calls=[("Offer", {"release": "7.3.4"}, 0)])
    t.check("is overtaken", ["stage", "--automatic", "vmlinuz-7.3.4-none"],
            {**good, "Stage": error("NotWanted", "7.3.5 is newer")}, err=["7.3.5 is newer"])
    t.check("is refused", ["stage", "--automatic", "vmlinuz-7.3.4-none"],
            {**good, "Stage": error("ImageRefused", "It is no kernel.")}, status=1, err=["It is no kernel.", "Do it."],
            calls=[("Offer", {"release": "7.3.4-none"}, 0), ("Stage", automatic, 1)])

    test_stage_in_update(t, good, automatic)

    calls = t.check("finds no such release by itself", ["stage", "--automatic", "0.0.1/nowhere"], good, status=1,
                    err=["package manager", "0.0.1-nowhere", "liveupdatectl(1)"])
    told = calls[-1][1]
    t.say("tells the daemon", [] if [call[0] for call in calls] == ["Offer", "StageFailed"] and
          told["release"] == "0.0.1-nowhere" and told["message"] and told["remedy"] else [str(calls)], "")


def test_stage_in_update(t: Tests, good: dict[str, Any], automatic: dict[str, Any]) -> None:
    """By itself it waits until the update is over, and asks again."""
    busy = error("UpdateInProgress", "It is under way.")
    offer, stage, monitor = ("Offer", {"release": "7.3.4-none"}, 0), ("Stage", automatic, 1), ("Monitor", {}, 0)
    states = [{"progress": {"state": state}} for state in ("updating", "rolling_back", "rolled_back", "updating")]
    t.check("stages by itself after a rollback", ["stage", "--automatic", "vmlinuz-7.3.4-none"],
            {**good, "Offer": [good["Offer"]] * 2, "Stage": [busy, good["Stage"]], "Monitor": [states]},
            out=["Staged"], err=["An update is under way. 7.3.4-none is staged when that is over."],
            calls=[offer, stage, monitor, offer, stage])
    t.check("stages by itself after a restart of the daemon", ["stage", "--automatic", "vmlinuz-7.3.4-none"],
            {**good, "Offer": [good["Offer"]] * 2, "Stage": [busy, good["Stage"]], "Monitor": [states[:2]]},
            out=["Staged"], err=["under way"], calls=[offer, stage, monitor, offer, stage])
    t.check("gives up at last", ["stage", "--automatic", "vmlinuz-7.3.4-none"],
            {**good, "Offer": [good["Offer"]] * 5, "Stage": [busy] * 5, "Monitor": states[2:3] * 4}, status=1,
            err=["It is under way."], calls=[offer, stage, monitor] * 4 + [offer, stage])
    t.check("is not wanted any more after it", ["stage", "--automatic", "vmlinuz-7.3.4-none"],
            {"Offer": [good["Offer"], {"wanted": False, "reason": "it is old"}], "Stage": busy, "Monitor": states[2]},
            out=["it is old"], err=["under way"], calls=[offer, stage, monitor, offer])
    t.check("does not wait by hand", ["stage", "image"], {"Stage": busy}, status=1, err=["It is under way."],
            calls=[("Stage", {"path": str(t.work / "image"), "fileDescriptor": 0}, 1)])


def make_uki() -> bytes:
    """The headers of a PE, and one section: .linux."""
    return (b"MZ".ljust(0x3c, b"\0") + struct.pack("<I", 0x40) +
            b"PE\0\0" + struct.pack("<HHIIIHH", 0x8664, 1, 0, 0, 0, 0, 0) + b".linux\0\0" + bytes(32))


def make_files(work: Path) -> None:
    for name in ("image", "initrd", "micro", "more.addon.efi"):
        (work / name).write_text("x")
    esp = work / "esp"
    for path in ("loader/addons/b.addon.efi", "loader/addons/a.addon.efi", "loader/addons/.hidden.addon.efi",
                 "loader/addons/README", "loader/credentials/all.cred", "EFI/Linux/k.efi.extra.d/z.addon.efi",
                 "EFI/Linux/k.efi.extra.d/y.ADDON.EFI", "EFI/Linux/k.efi.extra.d/net.cred",
                 "EFI/Linux/k.efi.extra.d/tool.sysext.raw", "EFI/Linux/k+3-1.efi.extra.d/not.addon.efi"):
        (esp / path).parent.mkdir(parents=True, exist_ok=True)
        (esp / path).write_text("x")
    (esp / "EFI/Linux/k+3-1.efi").write_bytes(make_uki())
    (esp / "EFI/Linux/k.efi.extra.d/directory.addon.efi").mkdir()


def files(*paths: Path | str, first: int = 1) -> list[dict[str, Any]]:
    return [{"path": str(path), "fileDescriptor": first + i} for i, path in enumerate(paths)]


def test_image_options(t: Tests) -> None:
    make_files(t.work)
    good = {"Stage": {"staged": UKI, "findings": FINDINGS, "autoCommit": "no"}}
    path, initrd, micro, more = (str(t.work / name) for name in ("image", "initrd", "micro", "more.addon.efi"))
    image = {"path": path, "fileDescriptor": 0}
    t.check("stages with initrds and a command line",
            ["stage", "--initrd=initrd", "--cmdline=a b", "--initrd", "micro", "image"], good, out=["Staged"],
            calls=[("Stage", {**image, "initrds": files(initrd, micro), "commandLine": "a b"}, 3)])
    t.check("stages with an empty command line", ["stage", "--cmdline=", "image"], good, out=["Staged"],
            calls=[("Stage", {**image, "commandLine": ""}, 1)])
    t.check("stages with all else", ["stage", "image", "--reuse-cmdline", "--profile=quiet", "--force",
                                     "--addon=more.addon.efi", "--initrd=initrd"], good, out=["Staged"],
            calls=[("Stage", {**image, "addons": files(more), "initrds": files(initrd, first=2), "profile": "quiet",
                              "reuseCommandLine": True, "force": True}, 3)])
    t.check("reads standard input", ["stage", "-"], good, given="an image", out=["Staged"],
            calls=[("Stage", {"path": "-", "fileDescriptor": 0}, 1)])

    uki = t.work / "esp/EFI/Linux/k+3-1.efi"
    companions = [t.work / "esp" / name for name in ("loader/addons/a.addon.efi", "loader/addons/b.addon.efi",
                  "EFI/Linux/k.efi.extra.d/y.ADDON.EFI", "EFI/Linux/k.efi.extra.d/z.addon.efi")]
    uki_file = {"path": str(uki), "fileDescriptor": 0}
    left = ["all.cred is not carried over", "net.cred is not carried over", "tool.sysext.raw is not carried over"]
    t.check("takes what is beside a UKI", ["stage", "--addon=more.addon.efi", str(uki)], good, out=["Staged"], err=left,
            calls=[("Stage", {**uki_file, "addons": files(*companions, more)}, 6)])
    t.check("leaves out what is beside a UKI", ["stage", "--no-addons", "--addon=more.addon.efi", str(uki)], good,
            out=["Staged"], calls=[("Stage", {**uki_file, "addons": files(more)}, 2)])
    (t.work / "k.efi.extra.d").mkdir()
    (t.work / "k.efi.extra.d/a.addon.efi").write_text("x")
    (t.work / "k.efi").write_text("no UKI")
    t.check("takes addons for no other image", ["stage", "k.efi"], good, out=["Staged"],
            calls=[("Stage", {"path": str(t.work / "k.efi"), "fileDescriptor": 0}, 1)])

    t.check("sends as many files as may be", ["stage", *["--initrd=initrd"] * 15, "image"], good, out=["Staged"])
    t.check("sends no more", ["stage", *["--initrd=initrd"] * 15, "--addon=micro", "image"], good, status=1, calls=[],
            err=["16 files at most, and micro is one too many", "cat(1)"])
    t.check("takes an option only so often", ["stage", *["--initrd=initrd"] * 17, "image"], good, status=2, calls=[],
            err=["--initrd= may be given 16 times"])
    t.check("misses an initrd", ["stage", "--initrd=nowhere", "image"], good, status=2, calls=[],
            err=["Cannot open the initrd nowhere: No such file"])
    t.check("misses an addon", ["stage", "--addon=nowhere", "image"], good, status=2, calls=[],
            err=["Cannot open the addon nowhere: No such file"])


def test_collisions(t: Tests) -> None:
    for arguments, parts in (
            (["--entry=a", "image"], ["--entry= and image exclude"]),
            (["--default", "image"], ["--default and image exclude"]),
            (["--entry=a", "--default"], ["--entry= and --default exclude"]),
            (["--cmdline=a", "--reuse-cmdline", "image"], ["--cmdline= and --reuse-cmdline exclude"]),
            (["--initrd=-", "-"], ["Standard input (-)"]),
            (["--initrd=-", "--addon=-", "image"], ["Standard input (-)"]),
            (["--cmdline=a"], ["no image is named"]),
            (["--no-addons"], ["no image is named"]),
            (["image", "image"], ["one image"])):
        for verb in ("stage", "check"):
            t.check(f"does not {verb} {' '.join(arguments)}", [verb, *arguments], {}, status=2, calls=[],
                    err=[*parts, f"liveupdatectl {verb} --help"])
    for option in ("--entry=a", "--default"):
        t.check(f"does not stage {option} by itself", ["stage", "--automatic", option], {}, status=2, calls=[],
                err=["--automatic is about"])


def test_answers(t: Tests) -> None:
    answer = {"staged": UKI, "findings": FINDINGS, "autoCommit": "no"}
    t.check("tells what was staged", ["stage", "image"], {"Stage": answer},
            out=["Staged 7.3.4, uki from /efi/EFI/Linux/a.efi\n", "  System         Debian GNU/Linux 14\n",
                 "  Profile        quiet\n", "  Addons         /efi/a.addon.efi, /efi/b.addon.efi\n",
                 "  Initrds        /boot/extra\n", "  Signature      verified, by CN=Fleet\n",
                 "  Command line   ro\n                 from the image\n", "  Added to it    kho=on\n",
                 "kernel 12.0 MiB, initrd 0.5 MiB",
                 "absent: seen\n                 the jump spends 812 ms on the checksum\n",
                 "  warn  crash-kernel  There is none.\n          Load one.\n"
                 "  fail  fit  It is too large.\n          scratch 1 MiB\n          Shrink it.\n"])
    calls = t.check("tells it in JSON", ["stage", "-j", "image"], {"Stage": answer},
                    out=[json.dumps(answer, separators=(",", ":"))])
    t.say("asks once", [] if len(calls) == 1 else [str(calls)], "")
    t.check("tells which findings refuse", ["stage", "image"],
            {"Stage": error("CheckFailed", "The image does not fit.", findings=FINDINGS)}, status=1,
            err=["The image does not fit.\n  fail  fit  It is too large.\n          scratch 1 MiB\n"
                 "          Shrink it.\nDo it.\n"])
    t.check("survives senseless findings", ["stage", "image"],
            {"Stage": error("CheckFailed", "It fails.", findings=[1, None, {"state": 7}, {"state": "new", "id": "x"}])},
            status=1, err=["It fails.", "fail  x  -"])


def test_check(t: Tests) -> None:
    bad = {"Check": {"findings": FINDINGS, "passed": False}}
    good = {"Check": {"findings": FINDINGS[1:], "passed": True}}
    t.check("checks the host", ["check"], bad, status=1, calls=[("Check", {}, 0)],
            out=["  ok    kernel        It is supported.\n  ok    abi           It is the same.\n"
                 "  warn  crash-kernel  There is none.\n                      Load one.\n"
                 "  fail  fit           It is too large.\n                      scratch 1 MiB\n"
                 "                      Shrink it.\n",
                 "\n2 ok, 1 warning, 1 failed. A commit would be refused.\n"])
    t.check("passes", ["check"], good, out=["2 ok, 1 warning, 0 failed. A commit would be let through."])
    t.check("checks an image", ["check", "--initrd=initrd", "--cmdline=a", "image"], good, out=["let through"],
            calls=[("Check", {"path": str(t.work / "image"), "fileDescriptor": 0, "commandLine": "a",
                              "initrds": files(t.work / "initrd")}, 2)])
    t.check("checks in JSON", ["check", "--json=short"], bad, status=1,
            out=[json.dumps(bad["Check"], separators=(",", ":"))])
    t.check("checks no such release", ["check", "0.0.1-nowhere"], good, status=2, calls=[],
            err=["0.0.1-nowhere", "liveupdatectl(1)"])
    t.check("checks nothing without a name", ["check", ".."], good, status=2, calls=[], err=["no kernel release"])
    t.check("checks no such image", ["check", "./nowhere"], good, status=2, calls=[], err=["./nowhere"])
    t.check("cannot check", ["check", "image"], {"Check": error("ImageRefused", "It is no kernel.", reason="x")},
            status=1, err=["It is no kernel.", "Do it."])
    t.check("is answered nonsense", ["check"], {"Check": {"findings": []}}, status=3, err=["broke"])
    t.check("has no forced check", ["check", "--force"], good, status=2, calls=[], err=["force"])


def test_colour(t: Tests) -> None:
    """On a terminal, unless NO_COLOR is set."""
    for name, variables, coloured in (("colours", {"TERM": "xterm"}, True),
                                      ("no colours", {"TERM": "xterm", "NO_COLOR": "1"}, False),
                                      ("no colours on a dumb terminal", {"TERM": "dumb"}, False)):
        path = t.work / "socket"
        path.unlink(missing_ok=True)
        daemon = Daemon(path, {"Check": {"findings": FINDINGS, "passed": False}})
        leader, follower = pty.openpty()
        subprocess.run([CTL, f"--socket={path}", "check"], stdout=follower, timeout=50, check=False,
                       env={k: v for k, v in os.environ.items() if k != "NO_COLOR"} | variables)
        os.close(follower)
        said = os.read(leader, 65536).decode()
        os.close(leader)
        daemon.close()
        is_right = ("\033[31mfail\033[0m  fit" in said) == coloured and "fit" in said
        t.say(name, [] if is_right else ["it is not so"], said)


def test_unstage(t: Tests) -> None:
    t.check("unstages", ["unstage"], {"Unstage": {"unstaged": True}}, out=["Unstaged."], calls=[("Unstage", {}, 0)])
    t.check("unstages nothing", ["unstage"], {"Unstage": {"unstaged": False}}, out=["A kernel is not staged"])
    t.check("finds nothing to unstage", ["unstage", "-j"], {"Unstage": error("NothingStaged", "There is no kernel.")},
            out=['{"unstaged":false}'])
    t.check("may not unstage", ["unstage"], {"Unstage": error("UpdateInProgress", "It is under way.")}, status=1,
            err=["It is under way."])
    for word in ("7.3.4/rig/b", "7.3.4-rig-b", "/boot/vmlinuz-7.3.4-rig-b"):
        t.check(f"unstages {word}", ["unstage", f"--release={word}"], {"Unstage": {"unstaged": False}},
                out=["7.3.4-rig-b is not staged"], calls=[("Unstage", {"release": "7.3.4-rig-b"}, 0)])
    t.check("unstages no path", ["unstage", "--release=/"], {}, status=2, calls=[], err=["no kernel release"])


def test_commit(t: Tests) -> None:
    nothing = {"Commit": error("NothingStaged", "There is no kernel.")}
    t.check("commits to nothing", ["commit"], nothing, status=1, err=["There is no kernel.", "Do it."])
    t.check("commits if staged", ["commit", "--if-staged"], nothing, err=["There is no kernel."])
    t.check("commits by itself", ["commit", "--automatic", "--if-staged", "--allow-loss"],
            {"Commit": error("RolledBack", "It failed.")}, status=1, err=["It failed."],
            calls=[("Commit", {"allowLoss": True, "automatic": True}, 0)])
    unwanted = {"Commit": error("NotWanted", "It is not to be (AutoCommit=no).")}
    t.check("is told that it is not wanted", ["commit", "--automatic"], unwanted, err=["AutoCommit=no"],
            calls=[("Commit", {"allowLoss": False, "automatic": True}, 0)])
    t.check("wants it by hand", ["commit", "--if-staged"], unwanted, status=1, err=["AutoCommit=no", "Do it."])
    t.check("commits by itself to nothing", ["commit", "--automatic"], nothing, status=1, err=["There is no kernel."])
    t.check("commits in spite of all", ["commit", "--force"], {"Commit": {"progress": {"state": "updated"}}},
            out=["updated"], calls=[("Commit", {"allowLoss": False, "force": True}, 0)])
    t.check("is told what fails", ["commit"], {"Commit": error("CheckFailed", "A finding fails.", findings=FINDINGS)},
            status=1, err=["A finding fails.\n  fail  fit", "Shrink it.\nDo it."])
    t.check("follows", ["commit"], {"Commit": {"progress": {"state": "updating", "phase": "pause"}}},
            out=["updating: pause"], calls=[("Commit", {"allowLoss": False}, 0)])


def test_config(t: Tests) -> None:
    answer = {"settings": [{"section": "Update", "key": "MaxBlackoutSec", "value": "10s", "origin": "default"},
                           {"section": "Update", "key": "StopServices", "value": "no", "origin": "/etc/x.conf:3"},
                           {"section": "Log", "key": "LogLevel", "value": "info", "origin": "default"}],
              "problems": ["/etc/x.conf:4: unknown key"]}
    t.check("shows the configuration", ["config"], {"Config": answer}, err=["/etc/x.conf:4: unknown key"],
            out=["[Update]\n# default\nMaxBlackoutSec=10s\n# /etc/x.conf:3\nStopServices=no\n\n[Log]\n"])
    t.check("shows the configuration in JSON", ["config", "--json=short"], {"Config": answer},
            out=[json.dumps(answer, separators=(",", ":"))])


def test_status(t: Tests) -> None:
    automation = {"autoStage": True, "autoCommit": "window", "nextWindowUSec": 86400 * 1000000,
                  "problem": {"action": "stage", "release": "7.3.4", "usec": 0, "message": "It is gone.",
                              "remedy": "Bring it."}}
    finding = {"id": "units", "state": "warn", "text": "liveupdate-commit.timer is masked", "remedy": "Unmask it."}
    t.check("shows the status", ["status"],
            {"Status": {**STATUS, "staged": STAGED, "automation": automation, "findings": [finding]}},
            out=["/boot/vmlinuz-7.3.4, automatic", "AutoStage=yes, AutoCommit=window", "1970-01-0", "stage of 7.3.4",
                 "It is gone.", "Bring it.", "Warning   liveupdate-commit.timer is masked", "Unmask it."])
    now = time.time()
    t.check("shows what is staged", ["status"],
            {"Status": {**STATUS, "staged": {**UKI, "stagedUSec": int(now - 3 * 3600 - 60) * 1000000}}},
            out=["  Staged    7.3.4, uki from /efi/EFI/Linux/a.efi, automatic\n            profile quiet\n"
                 "            staged 3 h ago, 20", "            SHA-256 0123456789abcdef...\n"
                 "            signature verified, by CN=Fleet\n            ro\n",
                 "checksum skip absent: seen\n            the jump spends 812 ms on the checksum\n"])
    for ago, text in ((0.2, "just now"), (90, "1 min ago"), (2 * 86400 + 5, "2 d ago"), (-100, "just now")):
        t.check(f"shows an age of {ago} s", ["status"],
                {"Status": {**STATUS, "staged": {**STAGED, "stagedUSec": int((time.time() - ago) * 1000000)}}},
                out=[text])
    broken = {**STAGED, "signature": {"state": "broken", "detail": "the digest is another one"}}
    t.check("shows a broken signature", ["status"], {"Status": {**STATUS, "staged": broken}},
            out=["signature broken: the digest is another one"])
    t.check("is calm", ["status"], {"Status": STATUS},
            out=["  Kernel    7.3.3\n  State     idle\n  Support   supported\n  Staged    nothing\n  Workloads none\n"])


def device(address: str, class_code: str | None, policy: str, **more: Any) -> dict[str, Any]:
    pci = {} if class_code is None else {"class": class_code, "id": "8086:10d3", "busMaster": True, "msi": "msix"}
    return {"bus": "pci", "address": address, "iommu": "none", "interfaces": [], "disks": [], "mounts": [],
            "root": False, "swap": False, "users": [], "policy": policy, "policyOrigin": "default", **pci, **more}


def user(use: str, pid: int, comm: str, **more: Any) -> dict[str, Any]:
    return {"pid": pid, "comm": comm, "use": use, **more}


DEVICES = [
    device("0000:00:00.0", "060000", "keep"),
    device("0000:00:01.0", "030000", "keep", driver="i915", iommu="identity", iommuGroup=0),
    device("0000:00:02.0", "020000", "quiet", driver="e1000e", iommu="translated", iommuGroup=12, phase="drain",
           transactionsPending=True, users=[user("interface", 7, "qemu", workload="web"),
                                            user("interface", 8, "qemu", workload="web")],
           interfaces=[{"name": "eth0", "up": True, "uppers": ["bond0", "br0"]},
                       {"name": "eth1", "up": False, "uppers": []}]),
    device("0000:00:03.0", "010802", "quiet", driver="nvme", phase="quiesce", transactionsPending=False,
           disks=["nvme0n1", "nvme0n2"], mounts=["/srv", "/var/a\x1b[1m"], policyOrigin="driver:nvme=unbind",
           note="what is mounted would be lost"),
    device("0000:00:04.0", "010000", "keep", driver="virtio-pci", disks=["vda"], mounts=["/"], root=True, swap=True,
           note="it carries root or swap"),
    device("0000:00:05.0", "120000", "preserve", driver="vfio-pci", phase="drain", iommu="blocked",
           users=[user("vfio", 9, "qemu", workload="db"), user("vfio", 4711, "dpdk\x07")]),
    device("0000:00:06.0", "088000", "master_off", busMaster=False, phase="quiesce", note="not worth a word"),
    device("0000:00:07.0", "fe0000", "master_off", phase="quiesce"),
    device("0000:00:08.0", "020000", "quiet", driver="igb", phase="quiesce", virtualFunctions=2),
    device("0000:00:09.0", "060400", "keep", policyOrigin="address:0000:00:09.0=reset", note="bridges are left alone"),
    device("LNRO0005:00", None, "keep", bus="virtio_mmio", driver="virtio-mmio"),
]


def test_devices(t: Tests) -> None:
    answer = {"Devices": {"devices": DEVICES}}
    rows = ["  ADDRESS       CLASS        DRIVER       IOMMU          DMA          POLICY      PHASE    USED BY\n",
            "  0000:00:01.0  display      i915         0 identity     on           keep        -        -\n",
            "  0000:00:02.0  network      e1000e       12 translated  on, pending  quiet       drain    "
            "eth0 -> bond0 br0, eth1 (down), workload web\n",
            "  0000:00:03.0  nvme         nvme         -              on           quiet       quiesce  "
            "nvme0n1 nvme0n2 -> /srv /var/a?[1m\n",
            "  0000:00:04.0  storage      virtio-pci   -              on           keep        -        "
            "vda -> /, root, swap\n",
            "  0000:00:05.0  accelerator  vfio-pci     blocked        on           preserve    drain    "
            "workload db by VFIO, process 4711 (dpdk?) by VFIO\n",
            "  0000:00:07.0  fe0000       -            -              on           master-off  quiesce  -\n",
            "  0000:00:08.0  network      igb          -              on           quiet       quiesce  "
            "2 virtual functions\n",
            "  LNRO0005:00   virtio-mmio  virtio-mmio  -              -            keep        -        -\n"]
    notes = ["\n  0000:00:03.0: what is mounted would be lost (DevicePolicy=driver:nvme=unbind)\n"
             "  0000:00:04.0: it carries root or swap\n"]
    vain = "  0000:00:09.0: bridges are left alone (DevicePolicy=address:0000:00:09.0=reset)\n"
    t.check("lists devices", ["devices"], answer, calls=[("Devices", {}, 0)],
            out=["".join(rows) + notes[0] + vain,
                 "\n  Left out: bridges and functions that do nothing, 3 in all; --all shows them.\n"])
    t.check("lists all devices", ["devices", "--all"], answer, calls=[("Devices", {}, 0)],
            out=["  0000:00:00.0  bridge ", "  0000:00:06.0  system       -            -              off  ",
                 "\n  LNRO0005:00 ", *notes, "  0000:00:06.0: not worth a word\n" + vain])
    t.check("lists devices in JSON", ["devices", "--json=short"], answer,
            out=[json.dumps(answer["Devices"], separators=(",", ":"))])
    t.check("lists no device", ["devices"], {"Devices": {"devices": []}}, out=["  Devices   none\n"])
    t.check("lists senseless devices", ["devices"], {"Devices": {"devices": [1, None, {"driver": 7, "users": [3]},
            {"interfaces": [[]], "disks": [None], "driver": "x", "users": [{}]}]}},
            out=["x       -      -    -       -      - (down), -, process 0 (-)\n", "nothing, 3 in all"])
    t.check("is answered no devices", ["devices"], {"Devices": {}}, status=3, err=["broke"])
    t.check("may not list devices", ["devices"], {"Devices": error("NotSupported", "There is no sysfs.")}, status=1,
            err=["There is no sysfs.", "Do it."])


def test_report(t: Tests) -> None:
    report = {"outcome": "updated", "kernel": {"from": "7.3.3", "to": "7.3.4"}, "blackoutUSec": 1500000,
              "brownoutUSec": 2, "checksumSkip": {"state": "proven"},
              "phases": [{"name": "prepare", "startUSec": 0, "durationUSec": 1000000}],
              "workloads": [{"name": "web", "kind": "qemu", "outcome": "running", "blackoutUSec": 1250000}]}
    kept = {"address": "0000:00:01.0", "class": "030000", "policy": "keep", "driver": "i915", "busMaster": True,
            "outcome": "kept", "shutdownUSec": 5}
    idle = {"address": "0000:00:02.0", "class": "088000", "policy": "master-off", "busMaster": False,
            "outcome": "quiet", "drainUSec": 5}
    quiet = {"address": "0000:00:03.0", "class": "020000", "policy": "quiet", "driver": "e1000e", "busMaster": True,
             "outcome": "quiet", "drainUSec": 12345, "shutdownUSec": 1000}
    bare = {**idle, "address": "0000:00:04.0", "busMaster": True, "drainUSec": 40}
    title = "  DEVICE       DRIVER       POLICY     OUTCOME         DRAIN    SHUTDOWN\n"
    t.check("reports no device", ["report"], {"Report": {"report": {**report, "devices": [kept, idle]}}},
            calls=[("Report", {}, 0)], lacks="DEVICE", out=["  WORKLOAD                 OUTCOME      BLACKOUT\n"
                                                            "  web                      running       1.250 s\n"])
    t.check("reports what was drained", ["report"],
            {"Report": {"report": {**report, "devices": [kept, idle, quiet, bare]}}}, lacks="0000:00:01.0",
            out=["1.250 s\n\n" + title +
                 "  0000:00:03.0 e1000e       quiet      quiet         12.3 ms      1.0 ms\n"
                 "  0000:00:04.0 -            master-off quiet          0.0 ms           -\n"])
    t.check("reports problems of devices", ["report"], {"Report": {"report": {**report, "devices": [
            {**kept, "problems": ["It has no driver.", "eth0 is not up."]}, {**quiet, "outcome": "gone"}]}}},
            out=[title + "  0000:00:01.0 i915         keep       kept                -      0.0 ms\n"
                 "    It has no driver.\n    eth0 is not up.\n"
                 "  0000:00:03.0 e1000e       quiet      gone          12.3 ms      1.0 ms\n"])


def test_ends(t: Tests) -> None:
    t.check("has no such verb", ["fly"], {}, status=2, calls=[], err=["'fly'"])
    t.check("has no such option", ["status", "--fly"], {}, status=2, calls=[], err=["--fly"])
    t.check("shows help", ["commit", "--help"], {}, calls=[], out=["--if-staged"])
    t.check("asks elsewhere", ["status", "--socket=nowhere"], {}, status=3, calls=[],
            err=["nowhere: No such file", "systemctl start"])


def main() -> int:
    with tempfile.TemporaryDirectory() as directory:
        t = Tests(Path(directory).resolve())
        test_stage(t)
        test_image_options(t)
        test_collisions(t)
        test_answers(t)
        test_check(t)
        test_colour(t)
        test_unstage(t)
        test_commit(t)
        test_config(t)
        test_status(t)
        test_devices(t)
        test_report(t)
        test_ends(t)
    print(f"1..{t.n}")
    return 1 if t.failed else 0


sys.exit(main())
