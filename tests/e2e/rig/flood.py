# SPDX-License-Identifier: LGPL-2.1-or-later
"""The far end of an emulated network card's cable: floods it, answers ARP, and never holds it up."""

from __future__ import annotations

import select
import socket
import struct
import threading
import time

BURST_SEC = 0.004
MAC = bytes.fromhex("02726967ff00")  # of whoever answers
BROADCAST = b"\xff" * 6
PROTOCOL = 0x88B5  # for experiments: received, counted, and dropped by the stack
ARP, REQUEST, REPLY = 0x0806, 1, 2


class Wire:
    """QEMU has the other end of a socket pair, so that there is no port or path that another run could take."""

    def __init__(self) -> None:
        self._socket, self.inner = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self.received = 0
        self.sent = 0
        self._frames_a_second = 0
        self._frame = b""
        self._answers: set[bytes] = set()
        threading.Thread(target=self._serve, daemon=True).start()

    def backend(self, name: str) -> list[str]:
        """Arguments for a QEMU that inherits `inner`."""
        return ["-netdev", f"dgram,id={name},local.type=fd,local.str={self.inner.fileno()}"]

    def flood(self, frames_a_second: int = 1500, target: bytes = BROADCAST, size: int = 1000) -> None:
        payload = (b"flood " * (size // 6 + 1))[:size]
        self._frame = target + MAC + struct.pack("!H", PROTOCOL) + payload
        self._frames_a_second = frames_a_second

    def calm(self) -> None:
        self._frames_a_second = 0

    def answer(self, *addresses: str) -> None:
        """To those who ask by ARP for these IPv4 addresses."""
        self._answers = {socket.inet_aton(address) for address in addresses}

    def close(self) -> None:
        self._socket.close()
        self.inner.close()

    def _serve(self) -> None:
        owed = 0.0
        last = time.monotonic()
        try:
            while True:
                if select.select([self._socket], [], [], BURST_SEC if self._frames_a_second else 0.2)[0]:
                    self._take()
                now = time.monotonic()
                owed = min(owed + (now - last) * self._frames_a_second, 64)
                last = now
                while owed >= 1:
                    owed -= 1
                    self._give(self._frame)
        except (OSError, ValueError):
            pass  # closed

    def _take(self) -> None:
        frame = self._socket.recv(65536)
        self.received += 1
        reply = self._reply(frame)
        if reply:
            self._give(reply)

    def _give(self, frame: bytes) -> None:
        try:
            self._socket.send(frame)
            self.sent += 1
        except BlockingIOError:
            pass  # the card takes none at the moment

    def _reply(self, frame: bytes) -> bytes:
        if len(frame) < 42 or struct.unpack("!H", frame[12:14])[0] != ARP:
            return b""
        head, operation = frame[14:20], struct.unpack("!H", frame[20:22])[0]
        asker, address, wanted = frame[22:28], frame[28:32], frame[38:42]
        if operation != REQUEST or wanted not in self._answers:
            return b""
        return (asker + MAC + struct.pack("!H", ARP) + head + struct.pack("!H", REPLY) + MAC + wanted + asker + address
                ).ljust(60, b"\0")
