"""What came of the rules: a score for each, and the card that holds them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from attrs import asdict, field, frozen

Verdict = Literal["kept", "broken", "skipped", "untried"]

MOST_DETAILS = 8
_MARKS: Mapping[str, str] = {"kept": "✓", "broken": "✗", "skipped": "-", "untried": "·"}
_WORDS: Mapping[str, str] = {
    "kept": "kept",
    "broken": "**broken**",
    "skipped": "skipped",
    "untried": "not tried",
}


def some_of(details: Iterable[str]) -> tuple[str, ...]:
    """Return the first few of `details`, each on one line and once, and how many more there are."""
    found = tuple(dict.fromkeys(" ".join(str(each).split()) for each in details))
    left = len(found) - MOST_DETAILS
    return found if left <= 0 else (*found[:MOST_DETAILS], f"… and {left} more.")


def _as_texts(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(texts)


@frozen
class Score:
    """What came of one rule.

    Attributes:
        rule: the rule's name.
        title: what it asks for, as a sentence.
        verdict: `kept`, `broken`, `skipped` (the author says why) or `untried` (something for it is missing).
        details: of a broken rule, each breach; else what else there is to say.
        advice: what to do about a breach.
    """

    rule: str
    title: str
    verdict: Verdict
    details: Sequence[str] = field(default=(), converter=_as_texts)
    advice: str = ""

    def as_lines(self) -> list[str]:
        """Return the score as text, its first line with a mark."""
        lines = [f"  {_MARKS[self.verdict]} {self.title}  [{self.rule}]"]
        lines += [f"      {detail}" for detail in self.details]
        return [*lines, f"      → {self.advice}"] if self.verdict == "broken" else lines

    def as_row(self) -> str:
        """Return the score as a row of a Markdown table."""
        said = " ".join(self.details if self.verdict != "kept" else ())
        cells = (f"`{self.rule}`", self.title, _WORDS[self.verdict], said)
        return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _as_scores(scores: Iterable[Score]) -> tuple[Score, ...]:
    return tuple(scores)


@frozen
class ScoreCard:
    """What came of all rules that were tried on a plugin.

    Attributes:
        provider: the provider's name.
        title: its name for people.
        scores: one for each rule, in the order of the rules.
    """

    provider: str
    title: str
    scores: Sequence[Score] = field(default=(), converter=_as_scores)

    @property
    def passed(self) -> bool:
        """Whether no rule is broken."""
        return all(score.verdict != "broken" for score in self.scores)

    def count(self, verdict: Verdict) -> int:
        """Return how many rules have this verdict."""
        return sum(score.verdict == verdict for score in self.scores)

    @property
    def summary(self) -> str:
        """The card in one line."""
        said = [f"{self.count('kept')} of {len(self.scores)} rules kept"]
        others: tuple[tuple[Verdict, str], ...] = (
            ("broken", "broken"),
            ("skipped", "skipped"),
            ("untried", "not tried"),
        )
        said += [f"{self.count(verdict)} {word}" for verdict, word in others if self.count(verdict)]
        return ", ".join(said)

    def as_text(self) -> str:
        """Return the card for a terminal: rule by rule, with what to do about each breach."""
        head = f"{self.provider} ({self.title}): {self.summary}"
        return "\n".join([head, *(line for score in self.scores for line in score.as_lines())])

    def as_markdown(self) -> str:
        """Return the card as a sentence and a table, for a README."""
        head = ["| rule | what it asks for | | |", "|---|---|---|---|"]
        rows = [score.as_row() for score in self.scores]
        return "\n".join([f"`{self.provider}`: {self.summary}.", "", *head, *rows])

    def as_data(self) -> dict[str, Any]:
        """Return the card as what JSON can write."""
        return asdict(self)

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> "ScoreCard":
        """Return the card that `as_data` took apart."""
        return cls(data["provider"], data["title"], [Score(**score) for score in data["scores"]])
