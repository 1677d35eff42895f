# SPDX-License-Identifier: LGPL-2.1-or-later
"""Where things are, how commands are run, how progress is shown and how the rig says what went wrong."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shlex
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

E2E = Path(__file__).resolve().parent.parent
ROOT = E2E.parent.parent


class RigError(Exception):
    """What failed and why, with what to do about it."""

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.remedy = remedy

    def __str__(self) -> str:
        text = super().__str__()
        return f"{text}\n  To do: {self.remedy}" if self.remedy else text


def cache_directory(*parts: str) -> Path:
    """A directory under the cache, made if missing."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    path = Path(base, "liveupdate", *parts)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RigError(f"cannot make the cache directory {path}: {error.strerror}",
                       "set XDG_CACHE_HOME to a directory that can be written") from error
    return path


def require_space(path: Path, gib: float, what: str) -> None:
    free = shutil.disk_usage(path).free / 2**30
    if free < gib:
        raise RigError(f"{what} needs {gib:g} GiB in {path}, which has {free:.1f} GiB left",
                       "free some space, or set XDG_CACHE_HOME to a larger file system")


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


class Progress:
    """One step with its elapsed time: redrawn on a terminal every second, two lines elsewhere."""

    def __init__(self, title: str) -> None:
        self.title = title
        self.detail = ""
        self._started = time.monotonic()
        self._done = threading.Event()
        self._is_terminal = sys.stderr.isatty()
        self._thread = threading.Thread(target=self._draw, daemon=True)

    @property
    def elapsed(self) -> float:
        return time.monotonic() - self._started

    def _draw(self) -> None:
        interval = 1 if self._is_terminal else 60
        while not self._done.wait(interval):
            text = f"{self.title} … {self.elapsed:.0f} s {self.detail}"
            sys.stderr.write(f"\r\033[K{text[:shutil.get_terminal_size().columns - 1]}" if self._is_terminal
                             else f"{text}\n")
            sys.stderr.flush()

    def __enter__(self) -> "Progress":
        if not self._is_terminal:
            say(f"{self.title} …")
        self._thread.start()
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        self._done.set()
        self._thread.join()
        start = "\r\033[K" if self._is_terminal else ""
        say(f"{start}{self.title}: {'done' if kind is None else 'failed'} after {self.elapsed:.0f} s")


def tail(path: Path, lines: int = 20) -> str:
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - 16384))
            text = file.read().decode(errors="replace")
    except OSError:
        return ""
    return "\n".join("    " + line.rstrip() for line in text.splitlines()[-lines:])


def command(arguments: Sequence[str | Path], *, log: Path | None = None, progress: Progress | None = None,
            cwd: Path | None = None, env: dict[str, str] | None = None, what: str = "") -> str:
    """Runs a program to its end. Output goes to `log`, or is returned. RigError with its last lines when it fails."""
    words = [str(a) for a in arguments]
    environment = {**os.environ, "LC_ALL": "C.UTF-8", **(env or {})}
    try:
        process = subprocess.Popen(words, cwd=cwd, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT if log else subprocess.PIPE)
    except FileNotFoundError as error:
        raise RigError(f"{words[0]} is not installed", "tests/e2e/run --setup") from error
    if not log:
        out, err = process.communicate()
        if process.returncode:
            text = (err or out).decode(errors="replace").strip()[-2000:]
            raise RigError(f"{what or shlex.join(words)} failed ({process.returncode}): {text}")
        return out.decode(errors="replace")
    assert process.stdout
    with log.open("ab") as file, process:
        file.write(f"$ {shlex.join(words)}\n".encode())
        count = 0
        for line in process.stdout:
            file.write(line)
            file.flush()
            count += 1
            if progress:
                progress.detail = f"[{count}] {line.decode(errors='replace').strip()[:70]}"
    if process.returncode:
        raise RigError(f"{what or words[0]} failed ({process.returncode}); last lines of {log}:\n{tail(log)}")
    return ""


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Exclusive among all runs of the rig; released by the kernel when the holder dies."""
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"waiting for another run that holds {path}")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def replace(source: Path, target: Path) -> None:
    """Puts a finished file in place at once, so that an interrupted run never leaves half of one."""
    os.replace(source, target)


def wait_for(what: str, timeout: float, look: Callable[[], Any], explain: Callable[[], str] = str) -> Any:
    """The first answer of look() that is not None or False."""
    deadline = time.monotonic() + timeout
    while True:
        answer = look()
        if answer is not None and answer is not False:
            return answer
        if time.monotonic() > deadline:
            raise RigError(f"no {what} within {timeout:g} s\n{explain()}")
        time.sleep(0.5)
