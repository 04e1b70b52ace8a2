"""What the identity service remembers: sign-ins under way, the tokens they ended in, trust in browsers."""

import functools
import hashlib
import secrets
import uuid
from enum import Enum
from typing import Final

import attrs

from downspout_sandbox.icloud.srp import Handshake, Verifier
from downspout_sandbox.icloud.switches import Switches
from downspout_sandbox.world import World

USERNAME: Final = "jo@acme.example"
PASSWORD: Final = "rain barrel 7"
PHONES: Final = {1: "81", 2: "42"}
"""The account's telephones: their identifiers and the last two digits of their numbers."""

_TRUST_LIFE: Final = 60 * 86_400.0
_SESSION_LIFE: Final = 30 * 86_400.0


class Phase(Enum):
    """How far a sign-in has come."""

    OPENED = "opened"
    REPAIR = "repair"
    PASSWORD = "password"
    CODE = "code"


@attrs.define
class SignIn:
    """One sign-in under way.

    Attributes:
        id: What `X-Apple-ID-Session-Id` carries.
        scnts: The values of `scnt` handed out so far; a client echoes the last.
        phase: How far it has come.
        device_code: The code that trusted devices show, or None before one was asked for.
        phone_codes: The codes sent to telephones, by the telephone's identifier and the way: `sms`, `voice`.
        wrong_codes: How many wrong codes were given.
    """

    id: str
    scnts: set[str] = attrs.field(factory=set, repr=False)
    phase: Phase = Phase.OPENED
    device_code: str | None = attrs.field(default=None, repr=False)
    phone_codes: dict[tuple[int, str], str] = attrs.field(factory=dict, repr=False)
    wrong_codes: int = 0

    def next_scnt(self) -> str:
        """Draw the next value of `scnt`."""
        scnt = secrets.token_urlsafe(60)
        self.scnts.add(scnt)
        return scnt


@attrs.frozen
class Grant:
    """What a session token stands for.

    Attributes:
        issued_at: The service's time.
        verified: A code was given, or none was needed.
        trusted: The browser is trusted.
    """

    issued_at: float
    verified: bool
    trusted: bool


class Identity:
    """Everything that the identity service remembers."""

    def __init__(self) -> None:
        self.last_code: str | None = None
        self.failures = 0
        self._sign_ins: dict[str, SignIn] = {}
        self._handles: dict[str, tuple[SignIn, Handshake]] = {}
        self._grants: dict[str, Grant] = {}
        self._trust: dict[str, float] = {}

    def open(self) -> SignIn:
        """Begin a sign-in."""
        sign_in = SignIn(str(uuid.uuid4()))
        self._sign_ins[sign_in.id] = sign_in
        return sign_in

    def find(self, session_id: str | None, scnt: str | None) -> SignIn | None:
        """Find the sign-in that two headers name together, or None."""
        sign_in = self._sign_ins.get(session_id or "")
        return sign_in if sign_in is not None and scnt in sign_in.scnts else None

    def challenge(self, sign_in: SignIn, handshake: Handshake) -> str:
        """Keep a handshake whose proof is awaited; give the handle under which it will come."""
        handle = f"d-{secrets.randbelow(1000)}-{uuid.uuid4()}:MSA"
        self._handles[handle] = (sign_in, handshake)
        return handle

    def take(self, handle: str) -> tuple[SignIn, Handshake] | None:
        """Take a handshake out by its handle; it serves for one proof."""
        return self._handles.pop(handle, None)

    def grant(self, now: float, *, verified: bool, trusted: bool) -> str:
        """Issue a session token."""
        token = secrets.token_urlsafe(120)
        self._grants[token] = Grant(now, verified, trusted)
        return token

    def granted(self, token: str) -> Grant | None:
        """Give what a session token stands for, or None where it was never issued or withdrawn."""
        return self._grants.get(token)

    def is_over(self, grant: Grant, world: World) -> bool:
        """Tell whether a session token has outlived its time."""
        life = world.switches(Switches).session_life
        return world.now() >= grant.issued_at + (_SESSION_LIFE if life is None else life)

    def issue_trust(self, now: float) -> str:
        """Issue a trust token."""
        token = "HSARMTKNSRVXWFla" + secrets.token_urlsafe(120)
        self._trust[token] = now
        return token

    def trusts(self, token: str, world: World) -> bool:
        """Tell whether a trust token is good."""
        switches = world.switches(Switches)
        issued_at = self._trust.get(token)
        if issued_at is None or switches.no_trust:
            return False
        return world.now() < issued_at + (_TRUST_LIFE if switches.trust_life is None else switches.trust_life)

    def forget_sessions(self, *, trust: bool) -> None:
        """Withdraw the session tokens and, if asked, the trust in browsers."""
        self._grants.clear()
        if trust:
            self._trust.clear()

    def draw_code(self, fixed: str) -> str:
        """Give the code to send: the fixed one, or a new one where that is empty."""
        self.last_code = fixed or f"{secrets.randbelow(1_000_000):06d}"
        return self.last_code


@functools.lru_cache(maxsize=64)
def verifier_of(username: str, iterations: int, protocol: str) -> Verifier:
    """Give the record of an account's password; of an unknown account one that no password fits.

    Raises:
        ValueError: There is no such protocol.
    """
    # Some clients keep the salt as a number, which loses leading zero bytes: such a salt would refuse them.
    salt = b"\x5a" + hashlib.sha256(f"salt of {username}".encode()).digest()[:15]
    password = PASSWORD if username == USERNAME else secrets.token_urlsafe()
    return Verifier.of(password, salt, iterations, protocol)
