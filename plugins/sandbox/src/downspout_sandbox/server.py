"""Run the services in a thread of their own, each endpoint on a port of its own."""

import asyncio
import contextlib
import os
import socket
import ssl
import tempfile
import threading
import typing
from collections.abc import Sequence

import trustme
from aiohttp import web

from downspout_sandbox import elsewhere, frame
from downspout_sandbox.content import make_elsewhere
from downspout_sandbox.services import chosen, switch_kinds
from downspout_sandbox.world import Recorded, World

_PATIENCE = 10.0  # seconds to start or to stop


class Sandbox:
    """The emulated services, running while the context lasts.

    ```python
    with Sandbox(services=["koodrive"], link_life=2) as sandbox:
        subprocess.run(["downspout", "get", …], env=os.environ | sandbox.environment)
    ```

    Args:
        services: Their names; empty: all.
        tls: Serve https with a certificate of a throw-away authority, whose own certificate is in the file that
            `DOWNSPOUT_CA_BUNDLE` names.
        **switches: By their outer names, as in the README.

    Raises:
        ValueError: An unknown service, or a value that a switch cannot have.
        KeyError: An unknown switch.
    """

    def __init__(self, services: Sequence[str] = (), *, tls: bool = False, **switches: object) -> None:
        self._services = chosen(services)
        self.world = World(switch_kinds(self._services), "https" if tls else "http")
        self.world.set_switches(switches)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._runners: list[web.AppRunner] = []
        self._sockets: list[tuple[web.Application, socket.socket]] = []
        self._bundle: str | None = None

    def __enter__(self) -> typing.Self:
        """Start all endpoints; they answer when this returns."""
        self._loop = asyncio.new_event_loop()
        context = self._make_context() if self.world.scheme == "https" else None
        for service in self._services:
            for endpoint, app in service.make_apps(self.world).items():
                frame.surround(app, service.name, endpoint, self.world)
                self._listen(endpoint, app)
        host = make_elsewhere(self.world)
        frame.surround(host, "", elsewhere.NAME, self.world)
        self._listen(elsewhere.NAME, host)
        self._thread = threading.Thread(target=self._loop.run_forever, name="downspout-sandbox", daemon=True)
        self._thread.start()
        self._wait(self._start(context))
        return self

    def __exit__(self, *_: object) -> None:
        """Stop all endpoints, breaking off what still runs."""
        if self._thread is not None and self._loop is not None:
            self._wait(self._stop())
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(_PATIENCE)
            self._loop.close()
        if self._bundle is not None:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self._bundle)

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables with which `downspout` uses these services."""
        found = {"DOWNSPOUT_ALLOW_INSECURE": "1"}
        if self._bundle is not None:
            found["DOWNSPOUT_CA_BUNDLE"] = self._bundle
        for service in self._services:
            found.update(service.environment(self.world))
        return found

    @property
    def examples(self) -> list[str]:
        """Some URIs that work with that environment."""
        return [uri for service in self._services for uri in service.examples(self.world)]

    @property
    def sign_in_help(self) -> list[str]:
        """What to answer when signing in, beyond what the environment says."""
        return [line for service in self._services for line in service.sign_in_help(self.world)]

    @property
    def requests(self) -> list[Recorded]:
        """What was asked so far, the oldest first."""
        return list(self.world.requests)

    def url(self, endpoint: str) -> str:
        """Give the base URL of an endpoint (`koodrive`, `koodrive-store`, …), without a final slash."""
        return self.world.url(endpoint)

    def set(self, **switches: object) -> None:
        """Set switches while running; the others stay."""
        self._call(self.world.set_switches, switches)

    def advance(self, seconds: float) -> None:
        """Move the services' clocks on, so that links and tokens expire without waiting."""
        self._call(self.world.advance, seconds)

    def change(self, document: str, data: bytes | None = None) -> None:
        """Give a document (`large`, `small-00001`, …) a new version: with these bytes, or with as many others."""
        self._call(self.world.library.change, document, data)

    def reset(self) -> None:
        """Forget sessions, requests, counts and changes. Switches stay."""
        self._call(self.world.reset)

    def _make_context(self) -> ssl.SSLContext:
        authority = trustme.CA()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1", "localhost").configure_cert(context)
        with tempfile.NamedTemporaryFile(prefix="downspout-sandbox-", suffix=".pem", delete=False) as file:
            file.write(authority.cert_pem.bytes())
        self._bundle = file.name
        return context

    def _listen(self, endpoint: str, app: web.Application) -> None:
        listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.world.ports[endpoint] = listener.getsockname()[1]
        self._sockets.append((app, listener))

    async def _start(self, context: ssl.SSLContext | None) -> None:
        for app, listener in self._sockets:
            runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=0.1)
            self._runners.append(runner)
            await runner.setup()
            await web.SockSite(runner, listener, ssl_context=context).start()

    async def _stop(self) -> None:
        await asyncio.gather(*(runner.cleanup() for runner in self._runners))
        await asyncio.get_running_loop().shutdown_asyncgens()

    def _call(self, function: typing.Callable[..., object], *arguments: object) -> None:
        """Call a function where the services run, so that they never see it half done."""

        async def call() -> None:
            function(*arguments)

        if self._loop is None:
            function(*arguments)
        else:
            self._wait(call())

    def _wait(self, work: typing.Coroutine[typing.Any, typing.Any, None]) -> None:
        assert self._loop is not None
        asyncio.run_coroutine_threadsafe(work, self._loop).result(_PATIENCE)
