"""What pytest is told about downspout's contract: keep the scores, and print the cards at the end. Nothing else.

It stands beside the package because pytest imports its plugins before anything measures coverage, and in sessions
that have nothing to do with downspout; until a contract is tried it imports nothing of it.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pytest


def pytest_runtest_makereport(item: "pytest.Item", call: "pytest.CallInfo[None]") -> None:
    """Note a rule's score on its test, in a form that comes back from workers too."""
    note = getattr(getattr(item, "function", None), "contract_note", None)
    if call.when == "call" and note is not None:
        item.user_properties.extend(note(getattr(item, "cls", None)))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print a card for each contract that was tried."""
    reports = [report for found in terminalreporter.stats.values() for report in found]
    noted = [pair for report in reports for pair in getattr(report, "user_properties", ())]
    if not any(name == "downspout contract" for name, _ in noted):
        return
    from downspout.testing.contract import cards_of

    for card in cards_of(noted):
        terminalreporter.section(f"downspout contract: {card.provider}")
        terminalreporter.write_line(card.as_text())
