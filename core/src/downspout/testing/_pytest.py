"""What pytest is told about the contract: keep the scores, and print the card at the end. Nothing else."""

import json
from collections.abc import Generator, Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pytest import CallInfo, Item  # noqa: PT013

    from downspout.testing.contract import ScoreCard

_KEY = "downspout contract"


def pytest_runtest_makereport(item: "Item", call: "CallInfo[None]") -> None:
    """Note a rule's score on the test, in which form it comes back from workers too."""
    contract: Any = getattr(item, "cls", None)
    scores = getattr(contract, "scores", None)
    rule = getattr(getattr(item, "function", None), "contract_rule", None)
    if call.when != "call" or rule is None or not isinstance(scores, dict) or rule not in scores:
        return
    from attrs import asdict

    found = {"class": item.nodeid.rpartition("::")[0], **contract.describe(), "score": asdict(scores[rule])}
    item.user_properties.append((_KEY, json.dumps(found)))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print a card for each contract that was tried."""
    reports = [report for found in terminalreporter.stats.values() for report in found]
    for card in cards_of(reports):
        terminalreporter.section(f"downspout contract: {card.provider}")
        terminalreporter.write_line(card.as_text())


def cards_of(reports: Iterable[object]) -> list["ScoreCard"]:
    """Return the cards whose scores stand on these reports, by the order of the rules."""
    from downspout.testing.contract import Score, ScoreCard, rules

    order = {rule.name: place for place, rule in enumerate(rules())}
    heads: dict[str, tuple[str, str]] = {}
    scores: dict[str, dict[str, Score]] = {}
    for found in _noted(reports):
        heads[found["class"]] = found["provider"], found["title"]
        score = Score(**found["score"])
        scores.setdefault(found["class"], {})[score.rule] = score
    return [
        ScoreCard(*heads[name], sorted(found.values(), key=lambda score: order.get(score.rule, len(order))))
        for name, found in sorted(scores.items())
    ]


def _noted(reports: Iterable[object]) -> Generator[dict[str, Any], None, None]:
    for report in reports:
        if getattr(report, "when", None) != "call":
            continue
        for name, value in getattr(report, "user_properties", ()):
            if name == _KEY:
                yield json.loads(value)
