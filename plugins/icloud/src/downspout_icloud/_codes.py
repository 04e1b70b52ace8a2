"""The second factor: a code that a trusted device shows, or that comes by telephone."""

import re
from collections.abc import Callable

from attrs import frozen

from downspout import Interaction, Response
from downspout.errors import AuthenticationError, ProtocolError
from downspout_icloud._identity import Identity
from downspout_icloud._wire import CodeAnswer, Phone, Ways

_DEVICE = "/verify/trusteddevice/securitycode"
_ATTEMPTS = 4
_DIGITS = re.compile(r"[0-9]{4,10}")
_BY_HAND = (
    "If no device asks: open Settings there, then your name, Sign-In & Security, Two-Factor Authentication, "
    "Get Verification Code."
)


@frozen
class _Way:
    """A way to a code.

    Attributes:
        label: for whoever chooses.
        send: asks Apple to send one; answers what to say about it.
        path: where the code goes.
        body: what goes with the code.
    """

    label: str
    send: Callable[[], str]
    path: str
    body: dict[str, object]


def give_code(identity: Identity, interaction: Interaction | None) -> None:
    """Have a code sent, ask for it, and hand it in.

    Raises:
        AuthenticationError: nobody can be asked, the code is wrong, or the account wants a security key.
        RateLimited: Apple sends no codes for a while.
    """
    site = identity.site
    if interaction is None:
        raise AuthenticationError(
            f"{site.account}: Apple wants a code for this sign-in.", hint=f"Run {site.login}, which asks for it."
        )
    way = _chosen(identity, interaction)
    interaction.tell(way.send())
    for _ in range(_ATTEMPTS):
        code = re.sub(r"[\s-]", "", interaction.ask("Code"))
        if not _DIGITS.fullmatch(code):
            interaction.tell("A code has digits only.")
        elif _is_right(identity, way, code):
            identity.trust()
            return
        else:
            interaction.tell("Apple does not accept this code.")
    raise AuthenticationError(f"{site.account}: no right code was given.", hint=f"Run {site.login} again.")


def _chosen(identity: Identity, interaction: Interaction) -> _Way:
    ways = _ways(identity)
    if len(ways) == 1:
        return ways[0]
    return ways[interaction.choose("How do you want to get the code?", [way.label for way in ways])]


def _ways(identity: Identity) -> list[_Way]:
    response = identity.ask("GET", "")
    if response.status in (429, 503):
        raise identity.trouble(response)
    try:
        said = response.json(Ways) if response.ok else Ways()
    except ProtocolError:  # a page, or a shape of tomorrow: devices still show codes
        said = Ways()
    if said.wants_key:
        raise AuthenticationError(
            f"{identity.site.account}: this Apple ID wants a security key, which is not supported.",
            hint="Use an Apple ID that is protected by codes.",
        )
    if said.securityCode is not None and said.securityCode.is_closed:
        raise _closed(identity)
    found = [_on_devices(identity)] if said.has_devices or not said.phones else []
    for phone in list(said.phones)[:10]:
        found += [_by_phone(identity, phone, "sms"), _by_phone(identity, phone, "voice")]
    return found


def _on_devices(identity: Identity) -> _Way:
    def send() -> str:
        response = identity.ask("PUT", _DEVICE)
        if response.status in (429, 503):
            raise identity.trouble(response)
        sent = "Your trusted devices ask whether to show a code. " if response.ok else ""
        return sent + _BY_HAND

    return _Way("shown on my trusted devices", send, _DEVICE, {})


def _by_phone(identity: Identity, phone: Phone, mode: str) -> _Way:
    number: dict[str, object] = {"id": phone.id}
    label = _shown(phone)

    def send() -> str:
        more = {} if phone.nonFTEU is None else {"nonFTEU": phone.nonFTEU}
        response = identity.ask("PUT", "/verify/phone", {"phoneNumber": {**number, **more}, "mode": mode})
        if response.status in (429, 503):
            raise identity.trouble(response)
        if _answer(response).securityCode is not None and not response.ok and _is_closed(response):
            raise _closed(identity)
        if response.ok:
            return f"A code is on its way to {label}."
        return f"Apple sends no new code to {label} ({response.status}); the last one may still hold."

    words = "by text message to" if mode == "sms" else "by a call to"
    return _Way(f"{words} {label}", send, "/verify/phone/securitycode", {"phoneNumber": number, "mode": mode})


def _is_right(identity: Identity, way: _Way, code: str) -> bool:
    """Hand a code in. Apple may say 409 or 412 and yet, in the body, that the code is right."""
    response = identity.ask("POST", way.path, {**way.body, "securityCode": {"code": code}})
    if response.ok:
        return True
    if response.status in (409, 412):
        state = _answer(response).securityCode
        if state is not None and state.valid is True:
            return True
    if _is_closed(response):
        raise _closed(identity)
    if response.status in (400, 401, 403, 409, 412, 422):
        return False
    raise identity.trouble(response)


def _answer(response: Response) -> CodeAnswer:
    try:
        return response.json(CodeAnswer)
    except ProtocolError:
        return CodeAnswer()


def _is_closed(response: Response) -> bool:
    state = _answer(response).securityCode
    return state is not None and state.is_closed


def _closed(identity: Identity) -> AuthenticationError:
    return AuthenticationError(
        f"{identity.site.account}: too many codes were asked for or were wrong; Apple takes none for a while.",
        hint=f"Wait some hours, then run {identity.site.login}.",
    )


def _shown(phone: Phone) -> str:
    number = phone.numberWithDialCode or phone.obfuscatedNumber or f"telephone {phone.id}"
    return "".join(character for character in number if character.isprintable())[:40]
