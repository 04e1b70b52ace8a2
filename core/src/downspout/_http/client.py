"""`Http` as hooks get it: bound to one account, its rules and its credential."""

import json as jsonlib
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import NoReturn
from urllib.parse import urlencode, urljoin

from attrs import evolve, frozen

from downspout._http import fields
from downspout._http.address import Address, Site, parsed, sendable
from downspout._http.answer import MAX_BODY, Clock, WholeAnswer, error_for, read_whole
from downspout._http.connect import Route
from downspout._http.pool import Exchange, Pool, mapped
from downspout._http.rules import REDIRECTS, Rules, bare
from downspout._http.stream import HttpStream
from downspout._models import Account, Credential, Response, Stream
from downspout._version import VERSION
from downspout.errors import (
    AuthenticationError,
    Cancelled,
    DownspoutError,
    LinkRefused,
    NotFound,
    PermissionDenied,
    ProtocolError,
    Unavailable,
)

USER_AGENT = f"downspout/{VERSION}"
_POLITE = {"Accept-Encoding": "identity", "User-Agent": USER_AGENT, "Accept": "*/*"}
_REDIRECTS = frozenset({301, 302, 303, 307, 308, 330})  # 330 is Apple's own, and means 307
_KEEP_METHOD = frozenset({307, 308, 330})
_DEAD = {400: PermissionDenied, 401: AuthenticationError, 403: PermissionDenied, 404: NotFound, 410: NotFound}
_MAX_ERROR_BODY = 256 * 1024
_FRAMING = frozenset({"host", "connection", "content-length", "transfer-encoding", "te", "upgrade"})  # are ours
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")  # RFC 9110, 5.6.2
_BREAK = re.compile(r"[\r\n\0]")
_WHOLE_ANSWER_PATIENCE = 4
"""A whole answer may take so many times the time limit."""


def _never() -> bool:
    return False


@frozen
class _Request:
    """What is asked for, redirect by redirect."""

    method: str
    address: Address
    headers: Mapping[str, str]
    body: bytes | None = None


@frozen
class BoundHttp:
    """Implements `downspout.Http` for one account and credential.

    Attributes:
        pool: the connections, shared by all accounts of a client.
        rules: where requests of this account may go.
        account: its endpoints may see the plugin's headers while there is no credential.
        credential: its origins may.
        clock: the service's time.
        shown: what messages name: the URI, or the account.
        timeout: seconds to connect, and without a byte; `None` waits for ever.
        cancelled: whether to stop waiting.
    """

    pool: Pool
    rules: Rules
    account: Account
    credential: Credential | None
    clock: Clock
    shown: str
    timeout: float | None
    cancelled: Callable[[], bool] = _never

    def about(self, shown: str) -> "BoundHttp":
        """Return the same with other words for messages."""
        return evolve(self, shown=shown)

    def now(self) -> datetime:
        """See `Http`."""
        now: datetime = self.clock.now()
        return now

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        json: object = None,
        form: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> Response:
        """See `Http`."""
        own = dict(headers or {})
        present = {name.lower() for name in own}
        if json is not None:
            body = jsonlib.dumps(json, ensure_ascii=False, separators=(",", ":")).encode()
            own.update({} if "content-type" in present else {"Content-Type": "application/json"})
        elif form is not None:
            body = urlencode(form).encode()
            own.update({} if "content-type" in present else {"Content-Type": "application/x-www-form-urlencoded"})
        own.setdefault("Accept", "application/json") if "accept" not in present else None
        exchange = self._send(_Request(method.upper(), parsed(url), own, body))
        return self._whole(exchange)

    def open(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        start: int = 0,
        stop: int | None = None,
        etag: str | None = None,
        on_error: Callable[[Response], DownspoutError] | None = None,
    ) -> Stream:
        """See `Http`."""
        own = dict(headers or {})
        wanted = fields.range_field(start, stop)
        if wanted is not None:
            own["Range"] = wanted
            if etag is not None:
                own["If-Range"] = etag
        exchange = self._send(_Request(method.upper(), parsed(url), own))
        status = exchange.answer.status
        if status not in {200, 206, 416}:
            raise self._refused(exchange, on_error)
        coded = exchange.answer.headers.get("content-encoding", "identity").lower() not in {"", "identity"}
        if (status == 416 and wanted is None) or (coded and wanted is None) or (status == 206 and wanted is None):
            exchange.finish()
            raise ProtocolError(
                f"{self.shown}: the server sent it in a form that was not asked for.",
                hint="Report it to whoever runs the server: a plain answer without Content-Encoding is needed.",
            )
        stream = HttpStream(exchange, shown=self.shown, timeout=self.timeout)
        if coded:
            stream.start = None
        return stream

    def _refused(
        self, exchange: Exchange, on_error: Callable[[Response], DownspoutError] | None
    ) -> DownspoutError:
        status = exchange.answer.status
        answer = self._whole(exchange, _MAX_ERROR_BODY)
        if on_error is not None:
            return on_error(answer)
        if status in _DEAD:
            return LinkRefused(
                f"{self.shown}: the server refuses its link ({status}).",
                hint="It may have expired, or its owner took it back.",
                final=_DEAD[status],
            )
        if status == 202:
            return Unavailable(f"{self.shown}: the server is not ready to send it yet (202).")
        if 200 <= status < 300:
            return ProtocolError(f"{self.shown}: the server answered {status}, which comes without a document.")
        if 300 <= status < 400:
            return ProtocolError(f"{self.shown}: the server redirects ({status}) without saying where to.")
        return error_for(status, answer.headers, self.shown, self.clock)

    def _whole(self, exchange: Exchange, limit: int | None = None) -> WholeAnswer:
        status, headers = exchange.answer.status, exchange.answer.headers
        patience = _WHOLE_ANSWER_PATIENCE if limit is None else 1
        seconds = None if self.timeout is None else patience * self.timeout
        try:
            body = read_whole(exchange, self.shown, seconds, limit or MAX_BODY)
        except Cancelled:
            raise
        except Exception as exc:
            if limit is None:
                self._raise_mapped(exc)
            body = b""  # the body of an error is a courtesy
        return WholeAnswer(status, headers, body, shown=self.shown, clock=self.clock)

    def _raise_mapped(self, exc: Exception) -> NoReturn:
        error = mapped(exc, self.shown, self.timeout)
        raise error from (exc if error is not exc else None)

    def _send(self, request: _Request) -> Exchange:
        """Send, and follow redirects as far as the rules allow."""
        allowed = self.credential.origins if self.credential is not None else self.account.origins
        at_home = request.address.site.origin in allowed
        before: Site | None = None
        for _ in range(REDIRECTS + 1):
            site = request.address.site
            self.rules.check_step(before, site, self.shown)
            may_have_all = at_home or not request.headers
            exchange = self._send_once(request if may_have_all else evolve(request, headers=bare(request.headers)))
            onward = self._onward(request, exchange)
            if onward is None:
                return exchange
            exchange.finish()
            at_home = at_home and onward.address.site == site
            before, request = site, onward if at_home else evolve(onward, headers=bare(onward.headers))
        raise ProtocolError(f"{self.shown}: the server redirects more than {REDIRECTS} times.")

    def _send_once(self, request: _Request) -> Exchange:
        site = request.address.site
        proxy, guarded = self.rules.proxy_for(site), self.rules.guarded(site.origin)
        route = Route(site, guarded, self.rules.ca_bundle, proxy)
        headers = _complete(request, self.shown)
        exchange = self.pool.exchange(
            route, request.method, request.address, headers, request.body, self.shown, self.cancelled
        )
        if site.origin in self.account.origins:
            self.clock.learn(exchange.answer.headers)
        return exchange

    def _onward(self, request: _Request, exchange: Exchange) -> _Request | None:
        """Return the request that a redirect asks for, or `None` if the answer is the last."""
        status = exchange.answer.status
        location = next(iter(exchange.answer.headers.all("location")), "")
        if status not in _REDIRECTS or not location:
            return None
        before = request.address
        try:
            address = parsed(urljoin(before.url, sendable(location, "latin-1")))
        except (ValueError, ProtocolError) as exc:
            exchange.finish()
            raise ProtocolError(f"{self.shown}: the server redirects to what is no address.") from exc
        if request.method in {"GET", "HEAD"} or (status in _KEEP_METHOD and address.site == before.site):
            return evolve(request, address=address)
        return None


def _complete(request: _Request, shown: str) -> Mapping[str, str]:
    """Return the header fields of a request, with those that every request has."""
    if not request.headers and request.method == "GET" and request.body is None:
        return _POLITE
    headers = {name: value for name, value in request.headers.items() if name.lower() not in _FRAMING}
    if headers:
        _check_fields(headers, shown)
    present = {name.lower() for name in headers}
    headers.update((name, value) for name, value in _POLITE.items() if name.lower() not in present)
    if request.body is not None:
        headers["Content-Length"] = str(len(request.body))
    elif request.method not in {"GET", "HEAD"}:
        headers["Content-Length"] = "0"
    return headers


def _check_fields(headers: Mapping[str, str], shown: str) -> None:
    """Refuse what would write further header fields, or cannot be written: a secret with a line end in it."""
    for name, value in headers.items():
        if _BREAK.search(value) or not _TOKEN.fullmatch(name):
            raise ProtocolError(f"{shown}: the header field {name!r} has characters that no field may have.")
        try:
            value.encode("latin-1")
        except UnicodeEncodeError as exc:
            raise ProtocolError(f"{shown}: the header field {name!r} cannot be written in HTTP.") from exc
