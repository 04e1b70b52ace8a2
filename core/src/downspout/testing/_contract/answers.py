"""What is right and wrong about answers, whatever was asked."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from attrs import frozen

from downspout._models import Account, Child, Credential, Folder, Link, Reference, checked_url, is_url
from downspout.errors import DownspoutError, InvalidURI, LinkRefused
from downspout.testing._contract.rules import told

_LONGEST = 600  # characters of a message, besides the URI


@frozen
class Answered:
    """What came of one `resolve_link`.

    Attributes:
        outcomes: one for each reference, or empty if the call raised.
        raised: what it raised, or `None`.
        breaches: what is wrong with it.
    """

    outcomes: Sequence[Any] = ()
    raised: Exception | None = None
    breaches: Sequence[str] = ()

    @property
    def errors(self) -> list[DownspoutError]:
        """Every failure of ours in it."""
        found = [*self.outcomes, self.raised]
        return [each for each in found if isinstance(each, DownspoutError)]

    @property
    def first(self) -> Any:
        """The first outcome, or what was raised."""
        return self.outcomes[0] if self.outcomes else self.raised


def of_resolving(
    hook: Callable[..., Any],
    account: Account,
    references: Sequence[Reference],
    credential: Credential | None,
    http: object,
) -> Answered:
    """Call a `resolve_link` and judge what it answers."""
    try:
        answer = hook(account=account, references=tuple(references), credential=credential, http=http)
    except DownspoutError as exc:
        return Answered((), exc, tuple(said_well(exc, references)))
    except Exception as exc:
        return Answered((), exc, (f"resolve_link raises {told(exc)}",))
    return judged(answer, references)


def judged(answer: object, references: Sequence[Reference]) -> Answered:
    """Judge the answer of a `resolve_link` for `references`."""
    if answer is None:
        return Answered(breaches=("resolve_link answers None for its own account",))
    if not isinstance(answer, Sequence) or isinstance(answer, str | bytes):
        return Answered(breaches=(f"resolve_link answers a {type(answer).__name__} instead of a list",))
    if len(answer) != len(references):
        return Answered(answer, None, (f"answers {len(answer)} outcomes for {len(references)} references",))
    breaches = [
        breach
        for reference, outcome in zip(references, answer, strict=True)
        for breach in of_outcome(reference, outcome)
    ]
    return Answered(answer, None, breaches)


def of_outcome(reference: Reference, outcome: object) -> Iterator[str]:
    """Yield what is wrong with the outcome of `reference`."""
    if isinstance(outcome, Link):
        yield from _of_link(reference, outcome)
    elif isinstance(outcome, Folder):
        yield from _of_folder(reference, outcome)
    elif isinstance(outcome, LinkRefused):
        yield "answers LinkRefused, which only open_stream may raise"
    elif isinstance(outcome, DownspoutError):
        yield from said_well(outcome, [reference])
    else:
        yield f"answers a {type(outcome).__name__} as an outcome"


def _of_link(reference: Reference, link: Link) -> Iterator[str]:
    if link.reference != reference:
        yield "the link is for another reference"
    if is_url(link.url):
        try:
            checked_url(link.url)
        except InvalidURI as exc:
            yield f"the link's url is none: {exc.message}"
    elif not link.url.isprintable() or " " in link.url:
        yield "the link's url has characters that no URL has"
    for field in ("name", "version", "media_type"):
        value = getattr(link, field)
        if value is not None and not isinstance(value, str):
            yield f"the link's {field} is a {type(value).__name__}"
    for field in ("expires_at", "modified_at"):
        yield from _of_time(field, getattr(link, field))
    for algorithm, digest in link.digests.items():
        yield from _of_digest(algorithm, digest)


def _of_time(field: str, value: object) -> Iterator[str]:
    if value is not None and not (isinstance(value, datetime) and value.tzinfo is not None):
        yield f"the link's {field} is no time with a time zone"


def _of_digest(algorithm: str, digest: str) -> Iterator[str]:
    if algorithm not in hashlib.algorithms_available:
        yield f"the link has a digest {algorithm!r}, which hashlib does not know"
        return
    length = hashlib.new(algorithm, usedforsecurity=False).digest_size * 2
    if set(digest) - set("0123456789abcdef") or (length and len(digest) != length):
        yield f"the link's {algorithm} is not of {length} hexadecimal digits"


def _of_folder(reference: Reference, folder: Folder) -> Iterator[str]:
    for child in folder.children:
        yield from _of_child(reference, child)
    if folder.more is not None:
        yield from _of_child_reference(reference, folder.more)


def _of_child(folder: Reference, child: Child) -> Iterator[str]:
    size: object = child.size  # a NamedTuple takes anything
    if size is not None and not (isinstance(size, int) and size >= 0):
        yield f"the size of {child.path[:60]!r} is none"
    version: object = child.version
    if version is not None and not isinstance(version, str):
        yield f"the version of {child.path[:60]!r} is a {type(version).__name__}"
    yield from _of_child_reference(folder, child.reference)


def _of_child_reference(folder: Reference, child: Reference) -> Iterator[str]:
    if child.account != folder.account:
        yield f"an entry belongs to the account {child.account}"


def named(outcome: object) -> str:
    """Return what an outcome is, as a phrase."""
    if isinstance(outcome, BaseException):
        return told(outcome)
    if outcome is None:
        return "nothing"
    return f"a {type(outcome).__name__}"


def said_well(error: DownspoutError, references: Iterable[Reference] = ()) -> Iterator[str]:
    """Yield what is wrong with the words of an error; the URIs of `references` may be as long as they are."""
    message, kind = error.message, type(error).__name__
    bare = message
    for reference in references:
        for shown in (reference.shown, str(reference), reference.document):
            bare = bare.replace(shown, "…") if len(shown) > 20 else bare
    if not message.rstrip().endswith((".", "!", "?", "…")):
        yield f"the message of {kind} is no sentence with a full stop: {bare[-60:]!r}"
    if not bare.isprintable():
        yield f"the message of {kind} has control characters: {bare[:60]!r}"
    if len(bare) > _LONGEST:
        yield f"the message of {kind} has {len(bare)} characters"
    hint = error.hint
    if hint is not None and (not hint.strip() or not hint.isprintable() or len(hint) > _LONGEST):
        yield f"the hint of {kind} is no short line: {hint[:60]!r}"
