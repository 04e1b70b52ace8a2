"""One connection of a server: how it waits, sends at a rate, and ends."""

import contextlib
import socket
import ssl
import struct
import threading
import time
from typing import TYPE_CHECKING, Final

from downspout.testing._answer import Ending
from downspout.testing._message import Incoming, Request

if TYPE_CHECKING:
    from downspout.testing._listener import Listener

_QUANTUM: Final = 1 / 64  # seconds: how finely a rate is kept
_LARGEST: Final = 1 << 22  # bytes handed to the kernel at once
_PEEK: Final = socket.MSG_PEEK | getattr(socket, "MSG_DONTWAIT", 0)
_RESET: Final = struct.pack("ii", 1, 0)  # SO_LINGER on, for no time: close() sends a reset


class Stopped(Exception):
    """The server stops, or the client is gone, while something waits."""


class Pace:
    """Spreads bytes evenly over time.

    Args:
        rate: Bytes per second, more than 0.
    """

    def __init__(self, rate: float) -> None:
        self.rate = rate
        self.piece: int = max(1, min(_LARGEST, int(rate * _QUANTUM)))
        self._due = 0.0

    def book(self, sent: int) -> float:
        """Note that `sent` bytes went out.

        Returns:
            Seconds to wait before the next ones; 0 or less: none.
        """
        now = time.monotonic()
        # A little lateness is made up for, so that the sleeps' own overhead does not lower the rate.
        self._due = max(self._due, now - _QUANTUM) + sent / self.rate
        return self._due - now


class Connection:
    """One accepted connection.

    Args:
        listener: The server that accepted it.
        sock: Its socket.
        number: Counted from 1 for each server.
        excess: Whether it is one more than the server allows.

    Attributes:
        sent: Bytes that the kernel took so far.
        partner: Another socket that is woken with this one: the far side of a proxy's tunnel.
    """

    def __init__(self, listener: "Listener", sock: socket.socket, number: int, excess: bool) -> None:
        self.listener = listener
        self.sock: socket.socket = sock
        self.number = number
        self.excess = excess
        self.pace: Pace | None = None if listener.rate is None else Pace(listener.rate)
        self.sent: int = 0
        self.partner: socket.socket | None = None
        self.thread: threading.Thread | None = None
        self._incoming = Incoming(sock, number)
        self._lock = threading.Lock()
        self._ended = False

    def secure(self, context: ssl.SSLContext) -> None:
        """Go over to TLS.

        Raises:
            OSError: The client refused, or the server stops.
        """
        secured = context.wrap_socket(self.sock, server_side=True, do_handshake_on_connect=False)
        with self._lock:
            self.sock = secured
        # A stop that came between the two lines above shut down a socket that had no descriptor any more.
        if self.listener.stopping.is_set():
            raise Stopped  # pragma: no cover - just that
        secured.do_handshake()
        self._incoming = Incoming(secured, self.number)

    def speak_plainly(self) -> None:
        """Answer a TLS handshake as a server does that expects none."""
        if self.sock.recv(1 << 16):
            self.sock.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

    def read_request(self) -> Request | None:
        """Wait for the next request; None when the client is done. Raises as `Incoming.read_request`."""
        return self._incoming.read_request()

    def take_rest(self) -> bytes:
        """Hand over the bytes that came after the last request."""
        return self._incoming.take_rest()

    def send(self, data: bytes | memoryview, pace: Pace | None = None) -> None:
        """Send all of `data`, at `pace` or at the connection's own.

        Raises:
            OSError: The connection broke.
            Stopped: The server stops.
        """
        pace = pace or self.pace
        if pace is None and len(data) <= _LARGEST:
            self.sock.sendall(data)
            self.sent += len(data)
            return
        view = memoryview(data)
        piece = _LARGEST if pace is None else pace.piece
        for position in range(0, len(view), piece):
            part = view[position : position + piece]
            self.sock.sendall(part)
            self.sent += len(part)
            if pace is not None:
                self.pause(pace.book(len(part)))

    def pause(self, seconds: float) -> None:
        """Do nothing for a while.

        Raises:
            Stopped: The server stops.
        """
        if seconds > 0 and self.listener.stopping.wait(seconds):
            raise Stopped

    def stall(self) -> None:
        """Do nothing until the server is told to release what stalls.

        Raises:
            Stopped: The server stops, or the client went away.
        """
        with self.listener.stalling() as released:
            while not released.wait(0.02):
                if self._peer_is_gone():
                    raise Stopped
        if self.listener.stopping.is_set():
            raise Stopped

    def _peer_is_gone(self) -> bool:
        try:
            return socket.socket.recv(self.sock, 1, _PEEK) == b""
        except BlockingIOError:
            return False
        except OSError:
            return True

    def abort(self) -> None:
        """Wake whatever waits for this connection, from another thread."""
        with self._lock:
            for sock in (self.sock, self.partner):
                if sock is not None:
                    with contextlib.suppress(OSError):
                        socket.socket.shutdown(sock, socket.SHUT_RDWR)

    def end(self, ending: Ending = "close") -> None:
        """Close it in the given way. A second call does nothing."""
        if self._ended:
            return
        self._ended = True
        with contextlib.suppress(OSError):
            if ending == "reset":
                self._await_delivery()
                self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            else:
                self._say_goodbye(secured=ending == "close")
        with self._lock:
            self.sock.close()

    def _say_goodbye(self, secured: bool) -> None:
        self.sock.settimeout(0)
        if secured and isinstance(self.sock, ssl.SSLSocket):
            with contextlib.suppress(OSError, ValueError):
                self.sock.unwrap()  # sends close_notify; does not wait for the client's
        socket.socket.shutdown(self.sock, socket.SHUT_WR)
        # Bytes left unread would turn the polite end into a reset.
        for _ in range(64):  # pragma: no branch - of a client that sends without end enough is enough
            if not socket.socket.recv(self.sock, 1 << 16):
                break

    def _await_delivery(self) -> None:
        """Wait (at most a second) until the client's kernel has what was sent: a reset takes the rest with it."""
        try:
            import fcntl
            import termios
        except ImportError:  # pragma: no cover - not on POSIX
            return
        for _ in range(500):  # pragma: no branch - a client that never reads
            if not int.from_bytes(fcntl.ioctl(self.sock, termios.TIOCOUTQ, b"\0" * 4), "little"):
                return
            if self.listener.stopping.wait(0.002):
                return  # pragma: no cover - a stop within these few milliseconds
