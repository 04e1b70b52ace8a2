"""Listening on loopback: accepting connections, giving each a thread, and stopping at once."""

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Final, Literal, Self, TypeAlias

from downspout.testing._connection import Connection, Stopped
from downspout.testing._connection_faults import BadCertificate, ConnectionFault, HangUp, PlainText, SlowAccept
from downspout.testing._message import BadRequest
from downspout.testing._script import Script
from downspout.testing._tls import LOOPBACK_HOSTS, CertificateFlaw, server_context

_PATIENCE: Final = 0.5  # seconds that a stop waits for threads that a caller's own handler keeps busy

WhenFull: TypeAlias = Literal["503", "close", "wait"]
"""What one connection more than allowed gets: that status, a reset, or no attention until another ends."""


class Listener:
    """A server on a port of its own; what it serves is up to `serve`.

    Args:
        tls: Whether it speaks TLS.
        host: The loopback address to listen at.
        names: Further host names that its certificate is for.
        rate: Bytes per second and connection; None: as fast as it goes.
        max_connections: How many connections it serves at once; None: any number.
        when_full: What becomes of one more.
    """

    def __init__(
        self,
        tls: bool = False,
        *,
        host: str = "127.0.0.1",
        names: Sequence[str] = (),
        rate: float | None = None,
        max_connections: int | None = None,
        when_full: WhenFull = "503",
    ) -> None:
        self.tls = tls
        self.host = host
        self.names: tuple[str, ...] = (*LOOPBACK_HOSTS, *(() if host in LOOPBACK_HOSTS else (host,)), *names)
        self.rate = rate
        self.max_connections = max_connections
        self.when_full = when_full
        self.port: int = 0
        self.errors: list[Exception] = []
        self.connections_seen: int = 0
        self.failed_handshakes: int = 0
        self.stopping: threading.Event = threading.Event()
        self.news: threading.Condition = threading.Condition()
        self.stalled: int = 0
        self._released = threading.Event()
        self._connections: set[Connection] = set()
        self._connection_script: Script[ConnectionFault] = Script(())
        self._socket: socket.socket | None = None
        self._acceptor: threading.Thread | None = None
        self._is_down = False
        self._bytes_of_ended = 0

    # -- life --

    def start(self) -> Self:
        """Listen, and answer in threads of its own from now on.

        Raises:
            OSError: There is no free port.
        """
        self._socket = self._bound_socket()
        self.port = self._socket.getsockname()[1]
        self._accept_in_thread()
        return self

    def stop(self) -> None:
        """Close every connection and wait for the threads. A second call does nothing."""
        with self.news:
            if self.stopping.is_set() or self._socket is None:
                return
            self.stopping.set()
        self.release()
        self._stop_accepting()
        self._drop_connections()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, traceback: object) -> None:
        self.stop()
        if kind is None and self.errors:
            raise self.errors[0]

    @contextlib.contextmanager
    def down(self, *, drop: bool = True) -> Iterator[None]:
        """Refuse connections (as a service that is being restarted) until the end of the block.

        Args:
            drop: Whether connections that stand are cut, too.

        Example:
            >>> with LyingServer() as server, server.down():
            ...     pass  # whoever connects now is refused
        """
        self._is_down = True
        self._stop_accepting()
        # Bound but not listening: nobody else gets the port, and the kernel refuses.
        self._socket = self._bound_socket(self.port)
        if drop:
            self._drop_connections()
        try:
            yield
        finally:
            self._is_down = False
            if not self.stopping.is_set():
                self._accept_in_thread()

    # -- faults of connections, and waiting --

    def script_connections(self, entries: Sequence[ConnectionFault | None], *, repeat_last: bool = False) -> None:
        """Say what happens to the connections from now on, one entry each.

        Args:
            entries: A fault, or None for an honest one.
            repeat_last: Whether the last entry holds for all further connections; otherwise they are honest.
        """
        self._connection_script = Script(entries, repeat_last)

    def release(self) -> None:
        """Let everything go on that stalls now. What stalls later is not concerned."""
        with self.news:
            released, self._released = self._released, threading.Event()
            released.set()

    def wait_for_stall(self, count: int = 1, timeout: float = 5.0) -> None:
        """Wait until `count` answers stall at once.

        Raises:
            TimeoutError: They did not within `timeout` seconds.
        """
        self._wait(lambda: self.stalled >= count, timeout, f"{count} stalled answers")

    def wait_for_connections(self, count: int, timeout: float = 5.0) -> None:
        """Wait until exactly `count` connections are open.

        Raises:
            TimeoutError: It did not come to that within `timeout` seconds.
        """
        self._wait(lambda: len(self._connections) == count, timeout, f"{count} open connections")

    @property
    def connections_open(self) -> int:
        """How many connections are open."""
        return len(self._connections)

    @property
    def bytes_sent(self) -> int:
        """Bytes that the kernel took so far, heads included, TLS's own not. Exact while no answer is under way."""
        with self.news:
            return self._bytes_of_ended + sum(connection.sent for connection in self._connections)

    @contextlib.contextmanager
    def stalling(self) -> Iterator[threading.Event]:
        """Count a stall, and give the event that ends it."""
        with self.news:
            self.stalled += 1
            released = self._released
            self.news.notify_all()
        try:
            yield released
        finally:
            with self.news:
                self.stalled -= 1
                self.news.notify_all()

    def _wait(self, happened: Callable[[], bool], timeout: float, what: str) -> None:
        with self.news:
            if not self.news.wait_for(happened, timeout):
                raise TimeoutError(f"no {what} within {timeout} s")

    # -- accepting --

    def _bound_socket(self, port: int = 0) -> socket.socket:
        sock = socket.socket(socket.AF_INET6 if ":" in self.host else socket.AF_INET)
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind((self.host, port))
        except OSError:
            sock.close()
            raise
        return sock

    def _accept_in_thread(self) -> None:
        assert self._socket is not None
        self._socket.listen(512)
        self._acceptor = threading.Thread(target=self._accept, args=(self._socket,), daemon=True)
        self._acceptor.start()

    def _accept(self, listening: socket.socket) -> None:
        while True:
            if self.when_full == "wait":
                self._wait_for_room()
            try:
                sock, _ = listening.accept()
            except OSError:  # out of descriptors, or woken
                if self._is_down or self.stopping.wait(0.01):
                    return
                continue  # pragma: no cover - needs a process without descriptors
            if self.stopping.is_set() or self._is_down:  # pragma: no cover - a matter of microseconds on Linux
                sock.close()  # a client that came too late, or (not on Linux) what woke us
                return
            self._take(sock)

    def _wait_for_room(self) -> None:
        with self.news:
            self.news.wait_for(lambda: self.stopping.is_set() or self._is_down or not self._is_full())

    def _is_full(self) -> bool:
        return self.max_connections is not None and len(self._connections) >= self.max_connections

    def _take(self, sock: socket.socket) -> None:
        with self.news:
            self.connections_seen += 1
            connection = Connection(self, sock, self.connections_seen, self._is_full())
            self._connections.add(connection)
            self.news.notify_all()
        connection.thread = threading.Thread(target=self._attend, args=(connection,), daemon=True)
        connection.thread.start()

    def _stop_accepting(self) -> None:
        assert self._socket is not None
        with self.news:
            self.news.notify_all()
        if self._acceptor is not None and self._acceptor.is_alive():
            # An accept() is woken by a shutdown on Linux, elsewhere by a connection.
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)
            with contextlib.suppress(OSError):
                socket.create_connection((self.host, self.port), 1.0).close()
            self._acceptor.join()
        self._socket.close()

    def _drop_connections(self) -> None:
        connections = list(self._connections)
        for connection in connections:
            connection.abort()
        deadline = time.monotonic() + _PATIENCE
        for connection in connections:
            if connection.thread is not None and connection.thread is not threading.current_thread():
                connection.thread.join(max(0.0, deadline - time.monotonic()))

    # -- one connection --

    def serve(self, connection: Connection) -> None:
        """Serve one connection until it is done. Runs in the connection's thread; a subclass says how."""

    def _attend(self, connection: Connection) -> None:
        try:
            connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._greet(connection, self._connection_script.next()):
                self.serve(connection)
        except (OSError, Stopped, BadRequest):
            pass  # the client went away, or we do
        except Exception as exc:
            self.errors.append(exc)
        finally:
            connection.end()
            with self.news:
                self._connections.discard(connection)
                self._bytes_of_ended += connection.sent
                self.news.notify_all()

    def _greet(self, connection: Connection, fault: ConnectionFault | None) -> bool:
        """Do what comes before the first request; say whether there is to be one."""
        if isinstance(fault, SlowAccept):
            connection.stall() if fault.seconds is None else connection.pause(fault.seconds)
        if isinstance(fault, HangUp) or (connection.excess and self.when_full == "close"):
            connection.end(fault.ending if isinstance(fault, HangUp) else "reset")
            return False
        if self.tls and isinstance(fault, PlainText):
            connection.speak_plainly()
            return False
        if self.tls:
            flaw = fault.flaw if isinstance(fault, BadCertificate) else None
            return self._secure(connection, flaw)
        return True

    def _secure(self, connection: Connection, flaw: CertificateFlaw | None) -> bool:
        try:
            connection.secure(server_context(self.names, flaw))
        except OSError:
            self.failed_handshakes += 1
            return False
        return True
