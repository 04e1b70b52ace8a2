"""Apple's sign-in (idmsa): a conversation whose state travels in header fields."""

import base64
import json
import re
from typing import Any
from urllib.parse import urlencode

from attrs import define, field

from downspout import Headers, Http, Response, Secret
from downspout.errors import AuthenticationError, DownspoutError, ProtocolError, RateLimited, Unavailable
from downspout_icloud._settings import Site
from downspout_icloud._srp import SIZE, Attempt, Challenge, Proofs
from downspout_icloud._wire import ChallengeAnswer, SignInAnswer

_WIDGET = "d39ba9916b7251055b22c7f910e2ea796ee65e98b2ddecea8f5dde8d9d1a815d"  # the web app's own, the same for all
_BROWSER = (
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/18.3.1 Safari/605.1.15"
)
_VALUE = re.compile(r"[\x21-\x7e]{1,16384}")
_LATER = 600.0  # seconds to stay away where sign-in is throttled and does not say for how long
_LOCKED = "-20209"
_HSA2 = "hsa2"


@define
class Identity:
    """A sign-in under way.

    Attributes:
        site: the account's settings.
        http: asks.
        client_id: what this client calls itself.
        session_token: the last one that came; turns into cookies at the setup service.
        trust_token: lets the next sign-in ask for no code, or `None`.
        country: the account's, or `None`.
    """

    site: Site
    http: Http
    client_id: str
    session_token: str | None = None
    trust_token: str | None = None
    country: str | None = None
    _state: dict[str, str] = field(factory=dict, init=False, repr=False)

    # The password.

    def prove(self, username: str, password: Secret) -> bool:
        """Prove the password; return whether a code is wanted, too.

        Raises:
            AuthenticationError: the password is wrong, the account is locked, or wants what is not here.
            RateLimited: Apple takes no sign-ins for a while.
            ProtocolError: an answer makes no sense.
        """
        self._begin()
        proofs, response = self._attempt(username, password)
        if response.status == 401 and proofs.is_ambiguous:
            proofs, response = self._attempt(username, password)
        if response.status == 412:
            response = self.ask("POST", "/repair/complete", {})
            if not response.ok and response.status != 409:
                raise AuthenticationError(
                    f"{self.site.account}: Apple wants something about this Apple ID mended first.",
                    hint=f"Sign in at {self.site.region.home}, follow what it says, then run {self.site.login}.",
                )
        if response.status == 409:
            return self._wants_code(response)
        if not response.ok:
            raise self._refused(response)
        return False

    def _begin(self) -> None:
        query = {
            "frame_id": self.client_id,
            "skVersion": "7",
            "iframeId": self.client_id,
            "client_id": _WIDGET,
            "redirect_uri": self.site.region.home,
            "response_type": "code",
            "response_mode": "web_message",
            "state": self.client_id,
            "authVersion": "latest",
        }
        response = self.ask("GET", f"/authorize/signin?{urlencode(query)}", accept="text/html")
        if not response.ok:
            raise self.trouble(response)

    def _attempt(self, username: str, password: Secret) -> tuple[Proofs, Response]:
        attempt = Attempt()
        body = {"a": _text(attempt.public), "accountName": username, "protocols": ["s2k", "s2k_fo"]}
        response = self.ask("POST", "/signin/init", body)
        if not response.ok:
            raise self._refused(response)
        answer = response.json(ChallengeAnswer)
        try:
            proofs = attempt.proofs(username, password, _challenge(answer))
        except ValueError as exc:
            raise ProtocolError(
                f"{self.site.account}: Apple's sign-in asks for what no password can answer."
            ) from exc
        complete = {
            "accountName": username,
            "c": answer.c,
            "m1": _text(proofs.m1),
            "m2": _text(proofs.m2),
            "rememberMe": True,
            "trustTokens": [self.trust_token] if self.trust_token else [],
        }
        return proofs, self.ask("POST", "/signin/complete?isRememberMeEnabled=true", complete)

    def _wants_code(self, response: Response) -> bool:
        try:
            answer = response.json(SignInAnswer)
        except ProtocolError:
            raise self._wrong_password() from None
        way = answer.authType or answer.authenticationType
        if way is None and not self.session_token:
            raise self._wrong_password()
        if way not in (None, _HSA2):
            raise AuthenticationError(
                f"{self.site.account}: this Apple ID signs in in a way that is not known here.",
                hint="Turn two-factor authentication on in the settings of a device.",
            )
        return True

    def _refused(self, response: Response) -> DownspoutError:
        try:
            codes = response.json(SignInAnswer).codes
        except ProtocolError:
            codes = frozenset()
        if response.status == 403 and _LOCKED in codes:
            return AuthenticationError(
                f"{self.site.account}: Apple has locked this Apple ID.",
                hint="Unlock it at https://iforgot.apple.com, then sign in again.",
            )
        if response.status in (401, 403, 409):
            return self._wrong_password()
        return self.trouble(response)

    def _wrong_password(self) -> AuthenticationError:
        return AuthenticationError(
            f"{self.site.account}: Apple does not accept this Apple ID with this password.",
            hint="Check both; an app-specific password does not work here.",
        )

    # Trust.

    def trust(self) -> None:
        """Ask to be trusted, so that the next sign-in needs no code. It is no failure if we are not."""
        self.ask("GET", "/2sv/trust")

    # Asking.

    def ask(self, method: str, path: str, body: Any = None, *, accept: str = "application/json") -> Response:
        """Ask, with the state of the conversation, and take the state of the answer."""
        content = None if body is None else json.dumps(body).encode()
        headers = {**self._common(), **self._state, "Accept": accept}
        response = self.http.request(method, f"{self.site.auth}{path}", headers=headers, body=content)
        self._take(response.headers)
        return response

    def trouble(self, response: Response) -> DownspoutError:
        """Return the error for an answer of no special meaning."""
        error = response.error(self.site.account)
        if isinstance(error, RateLimited | Unavailable):
            return RateLimited(
                f"{self.site.account}: Apple takes no sign-ins right now ({response.status}).",
                hint="Wait some minutes; every further attempt makes it longer.",
                retry_after=_LATER if error.retry_after is None else error.retry_after,
            )
        return error

    def _common(self) -> dict[str, str]:
        home = self.site.region.home
        client = {"U": _BROWSER, "L": "en-US", "Z": "GMT+00:00", "V": "1.1", "F": ""}
        return {
            "Content-Type": "application/json",
            "User-Agent": _BROWSER,
            "Origin": home,
            "Referer": f"{home}/",
            "X-Apple-OAuth-Client-Id": _WIDGET,
            "X-Apple-Widget-Key": _WIDGET,
            "X-Apple-OAuth-Client-Type": "firstPartyAuth",
            "X-Apple-OAuth-Redirect-URI": home,
            "X-Apple-OAuth-Require-Grant-Code": "true",
            "X-Apple-OAuth-Response-Mode": "web_message",
            "X-Apple-OAuth-Response-Type": "code",
            "X-Apple-OAuth-State": self.client_id,
            "X-Apple-Frame-Id": self.client_id,
            "X-Apple-I-FD-Client-Info": json.dumps(client, separators=(",", ":")),
        }

    def _take(self, headers: Headers) -> None:
        for name in ("scnt", "X-Apple-ID-Session-Id", "X-Apple-Auth-Attributes", "X-Apple-Repair-Session-Token"):
            if (value := _value(headers, name)) is not None:
                self._state[name] = value
        self.session_token = _value(headers, "X-Apple-Session-Token") or self.session_token
        self.trust_token = _value(headers, "X-Apple-TwoSV-Trust-Token") or self.trust_token
        self.country = _value(headers, "X-Apple-ID-Account-Country") or self.country


def _value(headers: Headers, name: str) -> str | None:
    """Return a field that can be sent back, or `None`."""
    value = (headers.all(name) or ("",))[-1].strip()
    return value if _VALUE.fullmatch(value) else None


def _challenge(answer: ChallengeAnswer) -> Challenge:
    salt, number = base64.b64decode(answer.salt, validate=True), base64.b64decode(answer.b, validate=True)
    if not 0 < len(salt) <= 1024 or len(number) > SIZE:
        raise ValueError("out of bounds")
    return Challenge(answer.protocol, answer.iteration, salt, int.from_bytes(number, "big"))


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()
