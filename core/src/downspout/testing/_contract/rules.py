"""Rules, and how one is tried."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from attrs import frozen

from downspout.errors import DownspoutError
from downspout.testing._contract.score import Score, Verdict, some_of

if TYPE_CHECKING:
    from downspout.testing._contract.bench import Bench
    from downspout.testing._contract.subject import Subject

OfflineCheck = Callable[["Subject"], Iterable[str]]
ServiceCheck = Callable[["Bench"], Iterable[str]]


class NotTried(Exception):
    """Something that the rule needs is missing; the text says what."""


class Breach(Exception):
    """A breach that ends the check; the text says which."""


class Note(str):
    """What a check has to say although it is no breach."""

    __slots__ = ()


@frozen
class Rule:
    """One thing that the contract asks of a plugin.

    Attributes:
        name: of lower-case words and hyphens; the same in every version.
        title: a sentence about the plugin.
        advice: what to do about a breach: imperatives.
        check: yields the breaches, each as a phrase, and perhaps notes.
        offline: whether it needs no service.
    """

    name: str
    title: str
    advice: str
    check: Callable[..., Iterable[str]]
    offline: bool

    def score(self, subject: object, skips: Mapping[str, str]) -> Score:
        """Return what comes of trying the rule.

        Args:
            subject: a `Subject` for rules that need no service, else a `Bench`.
            skips: rules that the author skips, and why.
        """
        if self.name in skips:
            return Score(self.name, self.title, "skipped", (skips[self.name],), self.advice)
        try:
            found = list(self.check(subject))
        except Breach as exc:
            return Score(self.name, self.title, "broken", (str(exc),), self.advice)
        except NotTried as exc:
            return Score(self.name, self.title, "untried", (str(exc),), self.advice)
        except Exception as exc:
            return Score(self.name, self.title, "broken", (_stumble(exc),), self.advice)
        breaches = [each for each in found if not isinstance(each, Note)]
        verdict: Verdict = "broken" if breaches else "kept"
        return Score(self.name, self.title, verdict, some_of(breaches or found), self.advice)


def _stumble(exc: Exception) -> str:
    """Return what ended a check half-way: usually something that should have worked and did not."""
    said = f"It did not come to an end: {told(exc)}"
    cause = exc.__cause__
    return said if cause is None or isinstance(cause, DownspoutError) else f"{said} (from {told(cause)})"


def told(exc: BaseException) -> str:
    """Return an exception as a phrase."""
    return f"{type(exc).__name__}: {str(exc)[:300] or 'no message'}"


RULES: list[Rule] = []
"""All rules, in the order in which they are tried."""


def offline(name: str, title: str, advice: str) -> Callable[[OfflineCheck], OfflineCheck]:
    """Make a rule of the decorated check, which needs no service."""

    def register(check: OfflineCheck) -> OfflineCheck:
        RULES.append(Rule(name, title, advice, check, offline=True))
        return check

    return register


def service(name: str, title: str, advice: str) -> Callable[[ServiceCheck], ServiceCheck]:
    """Make a rule of the decorated check, which needs the author's emulator."""

    def register(check: ServiceCheck) -> ServiceCheck:
        RULES.append(Rule(name, title, advice, check, offline=False))
        return check

    return register


def checked_skips(skips: Mapping[str, str]) -> Iterator[str]:
    """Yield what is wrong with an author's `skip`: unknown rules, and those without a reason."""
    known = {rule.name for rule in RULES}
    for name, reason in skips.items():
        if name not in known:
            yield f"skip names {name!r}, which is no rule"
        elif len(str(reason).split()) < 3:
            yield f"skip gives no reason for {name}"
