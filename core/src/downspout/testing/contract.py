"""The contract between downspout and a plugin, as tests that a plugin's author gets by subclassing.

    class TestContract(ProviderContract):
        plugin = downspout_shelf
        document, missing, forbidden = "shelf:1", "shelf:404", "shelf:7"

        @contextmanager
        def emulator(self):
            with shelf_emulator() as service:
                yield {"endpoint": service.origin, "token": "a-token"}

Each rule is a test of its own; pytest prints the score card at the end. Nothing here needs pytest itself.
"""

import json
import unittest
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from functools import partial
from typing import Any, ClassVar

from attrs import evolve

from downspout.errors import DownspoutError, NotFound, PermissionDenied
from downspout.testing._contract import (
    discretion,
    importing,
    mutating,
    offline,
    resolving,
    signing,
    streaming,
    trouble,
)
from downspout.testing._contract.bench import Bench
from downspout.testing._contract.rules import RULES, Rule, checked_skips
from downspout.testing._contract.score import Score, ScoreCard
from downspout.testing._contract.subject import Subject

__all__ = ["ProviderContract", "Rule", "Score", "ScoreCard", "check_offline", "rules"]

NOTE = "downspout contract"
"""Under which name pytest keeps scores."""

_ORDER = [
    module.__name__
    for module in (offline, importing, resolving, streaming, signing, trouble, mutating, discretion)
]
RULES.sort(key=lambda rule: _ORDER.index(rule.check.__module__))


def rules() -> tuple[Rule, ...]:
    """Return all rules, in the order in which they are tried."""
    return tuple(RULES)


def check_offline(plugin: object) -> ScoreCard:
    """Try the rules that need no service.

    Args:
        plugin: the name of an installed provider, the name of a module, or a module.

    Raises:
        NoProvider: there is nothing of that name.
    """
    subject = Subject.of(plugin)
    scores = [rule.score(subject, {}) for rule in RULES if rule.offline]
    return ScoreCard(subject.name, subject.title, scores)


class ProviderContract:
    """Subclass it in a test file, fill in what stands here, and get a test for every rule.

    Attributes:
        plugin: the plugin's module.
        document: the URI of a document that is there: small, and with more than a few bytes.
        missing: the URI of one that is not.
        forbidden: the URI of one that the account may not read; `None` if the service knows no such thing (then
            the rule is not tried).
        documents: further ones that are there.
        large: one that is worth interrupting; `document` if it is `None`.
        folder: the URI of a folder that holds something, or `None` if the service has none.
        content: the bytes of `document`, or `None` to believe whatever comes.
        missing_is: what a missing document may be.
        forbidden_is: what a forbidden document may be; some services tell nobody what there is.
        changes: how many changed answers each question gets at most.
        skip: rules that are not tried, each with the reason; the card shows it.
    """

    plugin: ClassVar[Any]
    document: ClassVar[str]
    missing: ClassVar[str]
    forbidden: ClassVar[str | None] = None
    documents: ClassVar[Sequence[str]] = ()
    large: ClassVar[str | None] = None
    folder: ClassVar[str | None] = None
    content: ClassVar[bytes | None] = None
    missing_is: ClassVar[tuple[type[DownspoutError], ...]] = (NotFound,)
    forbidden_is: ClassVar[tuple[type[DownspoutError], ...]] = (PermissionDenied,)
    changes: ClassVar[int] = 200
    skip: ClassVar[Mapping[str, str]] = {}

    def emulator(self) -> AbstractContextManager[Mapping[str, object]]:
        """Start an emulator on loopback, plain http, and give the settings of an account there.

        Secrets are given as text. The emulator ends with the context.
        """
        raise NotImplementedError("Give the contract an emulator: see docs/writing-a-plugin.md.")

    def origins(self) -> Iterable[str]:
        """Return origins that credentials may name besides the endpoints: hosts that signing in tells."""
        return ()

    def reset(self) -> None:
        """Bring the emulator back to its beginning. Called before each rule and each disturbed sign-in."""

    def expire_link(self) -> Any:
        """Let every link that was given out so far die. Without it the link is answered 403 from then on."""
        return NotImplemented

    def expire_credential(self) -> Any:
        """Let every credential so far expire. Without it what carries one is answered 401 from then on."""
        return NotImplemented

    # How it is run.

    scores: ClassVar[dict[str, Score]]
    _stack: ClassVar[ExitStack]
    _bench: ClassVar[Bench | None] = None
    subject: ClassVar[Subject]

    @classmethod
    def setup_class(cls) -> None:
        """Find the plugin; the emulator starts with the first rule that needs it."""
        wrong = list(checked_skips(cls.skip))
        if wrong:
            raise ValueError("; ".join(wrong))
        cls._stack, cls._bench, cls.subject = ExitStack(), None, Subject.of(cls.plugin)
        cls.scores = {}

    @classmethod
    def teardown_class(cls) -> None:
        """Stop the emulator."""
        cls._stack.close()

    @classmethod
    def score(cls, rule: Rule) -> Score:
        """Try one rule."""
        if rule.offline or rule.name in cls.skip:
            return rule.score(cls.subject, cls.skip)
        if cls._bench is None:
            cls._bench = cls._stack.enter_context(Bench.started(cls(), cls.subject))
        cls._bench.fresh()
        return rule.score(cls._bench, cls.skip)

    @classmethod
    def card(cls) -> ScoreCard:
        """Try all rules, without pytest."""
        cls.setup_class()
        try:
            scores = [cls.score(rule) for rule in RULES]
        finally:
            cls.teardown_class()
        return ScoreCard(cls.subject.name, cls.subject.title, scores)


def _test_of(rule: Rule) -> Callable[[ProviderContract], None]:
    def test(self: ProviderContract) -> None:
        __tracebackhide__ = True
        score = self.score(rule)
        type(self).scores[rule.name] = score
        if score.verdict in {"skipped", "untried"}:
            raise unittest.SkipTest("; ".join(score.details))
        if score.verdict == "broken":
            raise AssertionError("\n".join(score.as_lines()))

    test.contract_note = partial(_note_of, rule)  # type: ignore[attr-defined]
    test.__name__ = test_name(rule)
    test.__qualname__ = f"ProviderContract.{test.__name__}"
    test.__doc__ = rule.title
    return test


def _note_of(rule: Rule, contract: type[ProviderContract]) -> list[tuple[str, str]]:
    """Return what pytest keeps with the test of a rule: its score, as a card of its own."""
    score = getattr(contract, "scores", {}).get(rule.name)
    if score is None:  # the class could not be set up
        return []
    card = ScoreCard(contract.subject.name, contract.subject.title, [score])
    place = f"{contract.__module__}.{contract.__qualname__}"
    return [(NOTE, json.dumps({"contract": place, "card": card.as_data()}))]


def cards_of(noted: Iterable[tuple[str, object]]) -> list[ScoreCard]:
    """Return the cards of which pytest kept the scores, each with its rules in order.

    Args:
        noted: names and values of what tests were marked with (`user_properties`), whoever marked them.
    """
    order = {rule.name: place for place, rule in enumerate(RULES)}
    found: dict[str, ScoreCard] = {}
    for name, value in noted:
        if name == NOTE:
            note = json.loads(str(value))
            card = ScoreCard.from_data(note["card"])
            before = found.get(note["contract"], evolve(card, scores=()))
            scores = {score.rule: score for score in (*before.scores, *card.scores)}
            ordered = sorted(scores.values(), key=lambda score: order.get(score.rule, len(order)))
            found[note["contract"]] = evolve(card, scores=ordered)
    return list(found.values())


def test_name(rule: Rule) -> str:
    """Return the name of a rule's test."""
    return f"test_it_{rule.name.replace('-', '_')}"


for _rule in RULES:
    setattr(ProviderContract, test_name(_rule), _test_of(_rule))
