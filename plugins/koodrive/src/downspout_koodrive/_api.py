"""KooDrive's calls, with the headers that every one of them has."""

import json
import re
import time
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from urllib.parse import quote

from attrs import frozen

from downspout import Credential, Http, Response, Secret
from downspout.errors import AuthenticationError
from downspout_koodrive import _sign
from downspout_koodrive._errors import Refusal, refusal_of
from downspout_koodrive._settings import Site

V1 = "/koodrive/ose/v1"
_INDIVIDUAL = "1"  # the type of space; the others are groups' and departments'
_BEHIND = timedelta(seconds=5)  # `X-Date` must not be later than the service's own clock
_CLOCK_MENDED = 2.0  # seconds by which the service's clock moved between question and answer
_REFUSED = {400, 401}
_TOKEN = re.compile(r"(?i)(bearer|at)(?:\+|%20|%2b|\s+)(\S+)")


@frozen
class Api:
    """An account's way to ask KooDrive.

    Attributes:
        site: the account's settings.
        credential: a session token's, or an app's.
        http: sends.
    """

    site: Site
    credential: Credential
    http: Http

    @classmethod
    def of(cls, site: Site, credential: Credential | None, http: Http) -> "Api":
        """Return the way to ask with `credential`.

        Raises:
            AuthenticationError: there is none; KooDrive has no links for strangers.
        """
        if credential is None:
            raise AuthenticationError(
                f"{site.account}: KooDrive gives links to signed-in users only.", hint=f"Run {site.login}."
            )
        return cls(site, credential, http)

    @property
    def user_id(self) -> str | None:
        """Whose credential it is, as far as known."""
        return self.site.user_id or self.credential.reveal("user_id") or None

    @property
    def secrets(self) -> frozenset[str]:
        """What the service is told and nobody else may see."""
        return secret_texts(*self.credential.values.values(), *self.site.secrets)

    def refusal(self, response: Response) -> Refusal | None:
        """Return why a call failed as a whole, or `None`.

        Raises:
            ProtocolError: a 2xx answer that is no JSON object.
        """
        return refusal_of(response, self.secrets)

    def own_space(self, user_id: str) -> Response:
        """Ask for the space that a user has for himself."""
        return self._ask("GET", f"/space/{quote(user_id, safe='')}", [("type", _INDIVIDUAL)], b"", {})

    def post(self, path: str, body: Mapping[str, object], *, shared_folder: str | None = None) -> Response:
        """Ask with a JSON body at `path` (below the version's prefix), within a shared folder if one is named."""
        headers = {"Content-Type": "application/json"}
        if shared_folder is not None:
            headers["x-hw-share-folder-id"] = shared_folder
        content = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
        return self._ask("POST", path, (), content, headers)

    def _ask(
        self,
        method: str,
        path: str,
        query: Sequence[tuple[str, str]],
        body: bytes,
        headers: Mapping[str, str],
    ) -> Response:
        """Ask; once more if the refusal was dated so that our own date must have been what was wrong."""
        before, ticks = self.http.now(), time.monotonic()
        response = self._once(method, path, query, body, headers)
        moved = (self.http.now() - before).total_seconds() - (time.monotonic() - ticks)
        if response.status in _REFUSED and abs(moved) > _CLOCK_MENDED:
            response = self._once(method, path, query, body, headers)
        return response

    def _once(
        self,
        method: str,
        path: str,
        query: Sequence[tuple[str, str]],
        body: bytes,
        headers: Mapping[str, str],
    ) -> Response:
        own = {**self._common(self.http.now()), **headers}
        own["Authorization"] = self._authorization(method, path, query, own, body)
        url = f"{self.site.base}{V1}{path}" + (f"?{_sign.query_string(query)}" if query else "")
        return self.http.request(method, url, headers=own, body=body or None)

    def _common(self, now: datetime) -> dict[str, str]:
        headers = {
            "X-User-Id": self.user_id,
            "X-Date": _sign.x_date(now - _BEHIND),
            "language": self.site.language,
            "X-Traceid": self.site.trace_id,
        }
        return {name: value for name, value in headers.items() if value is not None}

    def _authorization(
        self, method: str, path: str, query: Sequence[tuple[str, str]], headers: Mapping[str, str], body: bytes
    ) -> str:
        app_id = self.credential.reveal("app_id")
        if not app_id:
            return authorization(self.credential.reveal("token"), self.site.separator)
        signed = {"host": self.site.authority, "x-date": headers["X-Date"], "x-user-id": headers["X-User-Id"]}
        canonical = _sign.canonical_request(method, f"{self.site.path}{V1}{path}", query, signed, body)
        return _sign.authorization(app_id, Secret(self.credential.reveal("app_secret")), signed, canonical)


def authorization(token: str, separator: str, scheme: str = "Bearer") -> str:
    """Return the header `Authorization` for a session token.

    Args:
        token: bare, or with its scheme (`Bearer TOKEN`, `Bearer+TOKEN` as a cookie holds it, `AT TOKEN`).
        separator: what stands between scheme and token on the wire.
        scheme: what a bare token gets.
    """
    token = token.strip()
    if token.startswith(f"{_sign.ALGORITHM} "):
        return token
    match = _TOKEN.fullmatch(token)
    return f"{match[1]}{separator}{match[2]}" if match else f"{scheme}{separator}{token}"


def secret_texts(*values: object) -> frozenset[str]:
    """Return the texts of the secrets among `values`; of a token that has a scheme, what follows it too."""
    texts = {value.reveal().strip() for value in values if isinstance(value, Secret)}
    bare = {match[2] for match in map(_TOKEN.fullmatch, texts) if match}
    return frozenset(text for text in texts | bare if len(text) > 3)  # shorter ones would eat words
