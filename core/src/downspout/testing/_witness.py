"""A listener that is an origin and remembers what it was asked."""

import contextlib
import os
import tempfile
from collections.abc import Sequence
from urllib.parse import quote

from downspout.testing._listener import Listener, WhenFull
from downspout.testing._message import Request
from downspout.testing._tls import authority_pem


class Witness(Listener):
    """A listener that keeps the requests. The arguments are those of `Listener`."""

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
        super().__init__(
            tls, host=host, names=names, rate=rate, max_connections=max_connections, when_full=when_full
        )
        self._requests: list[Request] = []
        self._ca_file: str | None = None

    @property
    def origin(self) -> str:
        """Scheme, host, and port: `http://127.0.0.1:PORT`."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.tls else 'http'}://{host}:{self.port}"

    def url(self, path: str = "/", *, host: str | None = None) -> str:
        """Give the URL of a path.

        Args:
            path: Path and, if wanted, query; what may not stand in a URL is percent-encoded.
            host: Another name for the server (`localhost`); None: the address.
        """
        origin = self.origin if host is None else f"{'https' if self.tls else 'http'}://{host}:{self.port}"
        return origin + quote(path, safe="/%:?#[]@!$&'()*+,;=~")

    @property
    def ca_file(self) -> str:
        """A PEM file with the authority that vouches for every server of this process. Removed with the server."""
        if self._ca_file is None:
            descriptor, self._ca_file = tempfile.mkstemp(prefix="downspout-ca-", suffix=".pem")
            with open(descriptor, "wb") as file:
                file.write(authority_pem())
        return self._ca_file

    def stop(self) -> None:
        """Close every connection, wait for the threads, remove the CA file. A second call does nothing."""
        super().stop()
        if self._ca_file is not None:
            with contextlib.suppress(OSError):
                os.unlink(self._ca_file)
            self._ca_file = None

    @property
    def requests(self) -> list[Request]:
        """The requests so far, in order of arrival; a copy."""
        return list(self._requests)

    def requests_to(self, path: str) -> list[Request]:
        """Give the requests for a path so far, in order of arrival."""
        return [request for request in self._requests if request.path == path]

    def forget(self) -> None:
        """Forget the requests so far."""
        self._requests.clear()

    def wait_for_requests(self, count: int, path: str | None = None, timeout: float = 5.0) -> None:
        """Wait until `count` requests came in all.

        Args:
            count: How many.
            path: Count those for this path; None: for any.
            timeout: Seconds to wait.

        Raises:
            TimeoutError: They did not come in time.
        """

        def enough() -> bool:
            return len(self._requests if path is None else self.requests_to(path)) >= count

        self._wait(enough, timeout, f"{count} requests")

    def record(self, request: Request) -> None:
        """Keep a request and wake who waits for it."""
        with self.news:
            self._requests.append(request)
            self.news.notify_all()
