"""URIs as people write them: `ACCOUNT:DOCUMENT[?name=value&…]` (design section 2)."""

import re
from collections.abc import Mapping
from functools import cached_property
from typing import Any, Self
from urllib.parse import unquote, urlsplit

from attrs import field, frozen

from downspout._models.mapping import FrozenMapping
from downspout._redact import redact_url
from downspout.errors import InvalidURI

_ACCOUNT = re.compile(r"[a-z][a-z0-9+.-]+\Z")
_URL = re.compile(r"(?i)https?://")
_STRAY_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_BLANK = re.compile(r"[\0- \x7f]")
_HALF_CHARACTER = re.compile(r"[\ud800-\udfff]")
# How nearly every URL begins; such a beginning needs no closer look.
_USUAL = re.compile(r"(https?)://([a-z0-9.-]+)(?::([0-9]{1,4}|[1-5][0-9]{4}))?(?=[/?#]|\Z)")
_OWN_PORT = {"http": 80, "https": 443}
_NONE: Mapping[str, str] = FrozenMapping()


def _lower(account: Any) -> str:
    """Take an `Account`, which stands on a higher floor, for its name."""
    text: str = getattr(account, "name", account)
    return text.lower()


def _texts(items: Mapping[str, str]) -> Mapping[str, str]:
    return FrozenMapping(items) if items else _NONE


def _shown_document(document: str) -> str:
    return repr(redact_url(document) if is_url(document) else document)


def _an_account(_: object, __: object, value: str) -> None:
    if not _ACCOUNT.match(value) or value in {"http", "https"}:
        raise InvalidURI(
            f"{value!r} is no account name.",
            hint="Use two or more letters, digits, '+', '.' or '-', with a letter first.",
        )


def _a_document(reference: "Reference", _: object, value: str) -> None:
    account, options = reference.account, reference.options
    if not value:
        raise InvalidURI(f"{account}: names no document.", hint="Write ACCOUNT:DOCUMENT.")
    if options and "" in options:
        raise InvalidURI(f"{account}: has an option without a name.")
    for text in (value, *options, *options.values()) if options else (value,):
        if _HALF_CHARACTER.search(text):
            raise InvalidURI(f"A part of the URI of {account} is no Unicode text.")


@frozen
class Reference:
    """A document (or folder) of an account, by the name that the service gives it.

    Attributes:
        account: the account's name, lower case.
        document: what the provider calls it, decoded; or a whole `https:` URL, as it was written.
        options: further names and values, decoded.
        hint: anything that the provider wants back, put there by its own `Folder`; no part of the identity.
    """

    account: str = field(converter=_lower, validator=_an_account)
    document: str = field(repr=_shown_document, validator=_a_document)
    options: Mapping[str, str] = field(default=_NONE, converter=_texts)
    hint: Any = field(default=None, eq=False, repr=False)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the reference that `text` writes.

        A bare `http:` or `https:` URL becomes a document of the account `web`; which account it really goes to
        is for a `Client` to say, because it knows who claims the host.

        Raises:
            InvalidURI: with what is wrong and how to write it.
        """
        if is_url(text):
            return cls("web", checked_url(text))
        account, colon, rest = text.partition(":")
        if not colon:
            raise InvalidURI(f"{text!r} is no URI.", hint="Write ACCOUNT:DOCUMENT, or a whole https: URL.")
        if is_url(rest):
            return cls(account, checked_url(rest))
        if "#" in rest:
            raise InvalidURI(f"{text!r} has a '#' in it.", hint="Write '#' as %23.")
        document, mark, query = rest.partition("?")
        return cls(account, _decoded(document), _options(query) if mark else {})

    @cached_property
    def is_url(self) -> bool:
        """Whether the document is a whole `http:` or `https:` URL."""
        return is_url(self.document)

    @cached_property
    def shown(self) -> str:
        """The URI as messages show it: of a URL, query values and user information are `…`."""
        if not self.is_url:
            return str(self)
        url = redact_url(self.document)
        options = f" with {_paired(self.options)}" if self.options else ""
        return url + options if self.account == "web" else f"{self.account}:{url}{options}"

    def __str__(self) -> str:
        return self._text

    @cached_property
    def _text(self) -> str:
        if not self.options and _is_whole_url(self.document):
            return f"{self.account}:{self.document}"
        document = _escaped(self.document, "?#%")
        if self.is_url:  # else it would be read back as a URL taken whole
            document = document.replace(":", "%3A", 1)
        return (
            f"{self.account}:{document}?{_paired(self.options)}" if self.options else f"{self.account}:{document}"
        )


def is_url(text: str) -> bool:
    """Return whether `text` begins like an `http:` or `https:` URL."""
    return _URL.match(text) is not None


def _is_whole_url(text: str) -> bool:
    try:
        return is_url(text) and checked_url(text) == text
    except InvalidURI:
        return False


def checked_url(text: str) -> str:
    """Return `text`, an `http:` or `https:` URL with a host that can be asked.

    Raises:
        InvalidURI: no host, a bad port, user information, or characters that no URL has.
    """
    if _BLANK.search(text) is None and _USUAL.match(text) is not None:
        return text
    shown = redact_url(text)
    if _BLANK.search(text):
        raise InvalidURI(f"{shown!r} has a blank or a control character in it.", hint="Write a space as %20.")
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError as exc:
        raise InvalidURI(f"{shown!r} is no URL.", hint="Check its host and port.") from exc
    if not parts.hostname:
        raise InvalidURI(f"{shown!r} names no host.")
    if parts.username is not None or parts.password is not None:
        raise InvalidURI(
            f"{shown!r} holds a user name or password.",
            hint="Take it out, and keep a token in an account of the configuration.",
        )
    return text


def origin_of(url: str) -> str:
    """Return the origin of `url` (RFC 6454): `scheme://host` or `scheme://host:port`, lower case.

    The port is left out where it is the scheme's own.

    Raises:
        InvalidURI: `url` is no `http:` or `https:` URL.
    """
    usual = _USUAL.match(url)
    if usual is not None:
        return _origin(usual[1], usual[2], int(usual[3]) if usual[3] else None)
    try:
        parts = urlsplit(url)
        scheme, host, port = parts.scheme.lower(), parts.hostname, parts.port
    except ValueError as exc:
        raise InvalidURI(f"{redact_url(url)!r} is no URL.") from exc
    if scheme not in {"http", "https"} or not host:
        raise InvalidURI(f"{redact_url(url)!r} is no http: or https: URL.")
    if ":" in host:
        host = f"[{host}]"
    elif not host.isascii():
        host = _a_labels(host)
    return _origin(scheme, host, port)


def _origin(scheme: str, host: str, port: int | None) -> str:
    return f"{scheme}://{host}" if port in {None, _OWN_PORT[scheme]} else f"{scheme}://{host}:{port}"


def _a_labels(host: str) -> str:
    """Return `host` as DNS and `Host` have it (RFC 6454, 4: origins are compared in that form)."""
    try:
        return host.encode("idna").decode("ascii")
    except UnicodeError as exc:
        raise InvalidURI(f"{host!r} is no name of a host.") from exc


def _decoded(text: str) -> str:
    if _STRAY_PERCENT.search(text):
        raise InvalidURI(f"{text!r} has a '%' that begins no escape.", hint="Write '%' as %25.")
    try:
        return unquote(text, errors="strict")
    except UnicodeDecodeError as exc:
        raise InvalidURI(f"The escapes in {text!r} are no UTF-8.") from exc


def _options(query: str) -> dict[str, str]:
    options: dict[str, str] = {}
    for pair in query.split("&") if query else ():
        name, _, value = pair.partition("=")
        name = _decoded(name)
        if not name or name in options:
            raise InvalidURI(f"The option {name!r} is empty or there twice.", hint="Give each option once.")
        options[name] = _decoded(value)
    return options


def _paired(options: Mapping[str, str]) -> str:
    return "&".join(f"{_escaped(name, '?#%&=')}={_escaped(value, '?#%&')}" for name, value in options.items())


def _escaped(text: str, reserved: str) -> str:
    """Return `text` with the characters of `reserved`, and all that a terminal would not show, escaped."""
    if text.isprintable() and text == text.strip(" ") and not any(character in text for character in reserved):
        return text

    def escape(character: str) -> str:
        return "".join(f"%{byte:02X}" for byte in character.encode())

    shown = "".join(escape(c) if c in reserved or not c.isprintable() else c for c in text)
    inner = shown.strip(" ")
    lead = len(shown) - len(shown.lstrip(" "))
    return "%20" * lead + inner + "%20" * (len(shown) - len(inner) - lead)
