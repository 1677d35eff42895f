# SPDX-License-Identifier: LGPL-2.1-or-later
"""The far end of an emulated network card's cable: floods it, answers ARP and pings, and never holds it up."""

from __future__ import annotations

import select
import socket
import struct
import threading
import time
from dataclasses import dataclass

BURST_SEC = 0.004
MAC = bytes.fromhex("02726967ff00")  # of whoever answers
BROADCAST = b"\xff" * 6
PROTOCOL = 0x88B5  # for experiments: received, counted, and dropped by the stack
ARP, REQUEST, REPLY = 0x0806, 1, 2
IPV4, ICMP = 0x0800, 1
ECHO_REQUEST, ECHO_REPLY = 8, 0


@dataclass(frozen=True)
class Question:
    when: float  # time.monotonic()
    what: str  # arp, echo
    asker: str
    address: str


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
        self.asked: list[Question] = []  # of the addresses that this answers for
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
        """To those who ask by ARP for these IPv4 addresses, or ping them."""
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
        if len(frame) < 42:
            return b""
        kind = struct.unpack("!H", frame[12:14])[0]
        return self._reply_arp(frame) if kind == ARP else self._reply_echo(frame) if kind == IPV4 else b""

    def _is_asked(self, what: str, asker: bytes, address: bytes) -> bool:
        if address not in self._answers:
            return False
        self.asked.append(Question(time.monotonic(), what, socket.inet_ntoa(asker), socket.inet_ntoa(address)))
        return True

    def _reply_arp(self, frame: bytes) -> bytes:
        head, operation = frame[14:20], struct.unpack("!H", frame[20:22])[0]
        asker, address, wanted = frame[22:28], frame[28:32], frame[38:42]
        if operation != REQUEST or not self._is_asked("arp", address, wanted):
            return b""
        return (asker + MAC + struct.pack("!H", ARP) + head + struct.pack("!H", REPLY) + MAC + wanted + asker + address
                ).ljust(60, b"\0")

    def _reply_echo(self, frame: bytes) -> bytes:
        """With addresses exchanged, which the sums of IP do not notice; that of ICMP is less by the type."""
        start = 14 + (frame[14] & 15) * 4
        asker, wanted = frame[26:30], frame[30:34]
        if frame[23] != ICMP or len(frame) < start + 8 or frame[start] != ECHO_REQUEST:
            return b""
        if not self._is_asked("echo", asker, wanted):
            return b""
        added = struct.unpack("!H", frame[start + 2:start + 4])[0] + (ECHO_REQUEST << 8)
        total = struct.pack("!H", (added & 0xFFFF) + (added >> 16))
        return (frame[6:12] + MAC + frame[12:26] + wanted + asker + frame[34:start] + bytes([ECHO_REPLY])
                + frame[start + 1:start + 2] + total + frame[start + 4:])
