#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""test-liveupdatectl.py LIVEUPDATECTL

The program against a daemon that is played here: what it asks for, what it says, how it ends. Prints TAP.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

CTL = Path(sys.argv[1]).resolve()
STAGED = {"origin": "/boot/vmlinuz-7.3.4", "kind": "bzimage", "release": "7.3.4", "commandLine": "ro", "kernelBytes": 1,
          "initrdBytes": 0, "checksumSkip": "proven", "checksumSkipEvidence": "seen", "loadUSec": 1, "stagedUSec": 1,
          "automatic": True}
STATUS = {"version": "1", "kernel": "7.3.3", "bootId": "", "progress": {"state": "idle"},
          "support": {"id": "support", "state": "ok", "text": "supported"},
          "automation": {"autoStage": False, "autoCommit": "no"}, "findings": [], "workloads": [], "strangers": []}


def error(name: str, message: str, remedy: str = "Do it.") -> dict[str, Any]:
    return {"error": f"io.liveupdate.{name}", "parameters": {"message": message, "remedy": remedy}}


class Daemon(threading.Thread):
    """Answers each call with what is in `answers` for its method, and keeps it."""

    def __init__(self, path: Path, answers: dict[str, dict[str, Any]]) -> None:
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
        answer = given if "error" in given else {"parameters": given}
        connection.sendall(json.dumps(answer).encode() + b"\0")

    def close(self) -> None:
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.join(5)


class Tests:
    def __init__(self, work: Path) -> None:
        self.work = work
        self.n = self.failed = 0

    def check(self, name: str, arguments: list[str], answers: dict[str, dict[str, Any]], *, status: int = 0,
              calls: list[tuple[str, dict[str, Any], int]] | None = None, out: list[str] | None = None,
              err: list[str] | None = None) -> list[tuple[str, dict[str, Any], int]]:
        """`out` and `err` hold what has to be said; nothing may be where they are not given. Answers the calls."""
        path = self.work / "socket"
        path.unlink(missing_ok=True)
        daemon = Daemon(path, answers)
        done = subprocess.run([CTL, f"--socket={path}", *arguments], capture_output=True, text=True, timeout=50,
                              cwd=self.work, check=False)
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
    good = {"Offer": {"wanted": True}, "Stage": {"staged": STAGED, "autoCommit": "no"}, "StageFailed": {}}
    t.check("stages an image", ["stage", "image"], good, out=["Staged 7.3.4"],
            calls=[("Stage", {"path": path, "fileDescriptor": 0}, 1)])
    t.check("stages with an initrd and a command line", ["stage", "--initrd=image", "--cmdline=a b", "image"], good,
            out=["Staged"], calls=[("Stage", {"path": path, "fileDescriptor": 0, "initrd": path,
                                              "initrdFileDescriptor": 1, "commandLine": "a b"}, 2)])
    t.check("knows no such image", ["stage", "./nowhere"], good, status=2, calls=[], err=["./nowhere", "Name a kernel"])
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

    calls = t.check("finds no such release by itself", ["stage", "--automatic", "0.0.1/nowhere"], good, status=1,
                    err=["package manager", "0.0.1-nowhere", "liveupdatectl(1)"])
    told = calls[-1][1]
    t.say("tells the daemon", [] if [call[0] for call in calls] == ["Offer", "StageFailed"] and
          told["release"] == "0.0.1-nowhere" and told["message"] and told["remedy"] else [str(calls)], "")


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
    t.check("is calm", ["status"], {"Status": STATUS},
            out=["  Kernel    7.3.3\n  State     idle\n  Support   supported\n  Staged    nothing\n  Workloads none\n"])


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
        test_unstage(t)
        test_commit(t)
        test_config(t)
        test_status(t)
        test_ends(t)
    print(f"1..{t.n}")
    return 1 if t.failed else 0


sys.exit(main())
