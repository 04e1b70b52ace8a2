"""The score card: as text, as a table, in a README, and printed by pytest."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from downspout.testing import Score, ScoreCard, card
from downspout.testing._contract.score import MOST_DETAILS, some_of
from downspout.testing.contract import NOTE, cards_of, rules

ROOT = Path(__file__).parents[3]
EXAMPLE = ROOT / "docs" / "examples" / "shelf"
SCORES = (
    Score("keeps", "It keeps things.", "kept", ("12 were tried.",), "Go on."),
    Score("breaks", "It breaks | nothing.", "broken", ("broke a pipe|line", "broke a word"), "Mend it."),
    Score("skips", "It skips.", "skipped", ("The service has no such thing.",), "Skip."),
    Score("waits", "It waits.", "untried", ("No folder was given.",), "Wait."),
)
CARD = ScoreCard("shelf", "Shelf", SCORES)


def test_a_card_says_rule_by_rule_what_is_wrong_and_what_to_do():
    assert CARD.as_text() == (
        "shelf (Shelf): 1 of 4 rules kept, 1 broken, 1 skipped, 1 not tried\n"
        "  ✓ It keeps things.  [keeps]\n"
        "      12 were tried.\n"
        "  ✗ It breaks | nothing.  [breaks]\n"
        "      broke a pipe|line\n"
        "      broke a word\n"
        "      → Mend it.\n"
        "  - It skips.  [skips]\n"
        "      The service has no such thing.\n"
        "  · It waits.  [waits]\n"
        "      No folder was given."
    )
    assert not CARD.passed
    assert ScoreCard("shelf", "Shelf", [SCORES[0], *SCORES[2:]]).passed


def test_a_card_is_a_table_for_a_readme():
    lines = CARD.as_markdown().splitlines()
    assert lines[0] == "`shelf`: 1 of 4 rules kept, 1 broken, 1 skipped, 1 not tried."
    assert lines[4:] == [
        "| `keeps` | It keeps things. | kept |  |",
        r"| `breaks` | It breaks \| nothing. | **broken** | broke a pipe\|line broke a word |",
        "| `skips` | It skips. | skipped | The service has no such thing. |",
        "| `waits` | It waits. | not tried | No folder was given. |",
    ]


def test_many_breaches_are_counted_and_not_all_shown():
    found = some_of(f"line {number}\nof many" for number in range(100))
    assert len(found) == MOST_DETAILS + 1
    assert found[0] == "line 0 of many"
    assert found[-1] == f"… and {100 - MOST_DETAILS} more."
    assert some_of(["same", "same"]) == ("same",)


def test_cards_come_back_from_what_pytest_keeps():
    halves = [ScoreCard("shelf", "Shelf", SCORES[2:]), ScoreCard("shelf", "Shelf", SCORES[:2])]
    noted = [(NOTE, json.dumps({"contract": "a.B", "card": half.as_data()})) for half in halves]
    (found,) = cards_of([("other", 1), *noted])
    assert sorted(score.rule for score in found.scores) == sorted(score.rule for score in SCORES)
    assert cards_of([]) == []


# The command.


@pytest.fixture
def only(monkeypatch):
    """Let every WHAT have these cards."""

    def only(*cards):
        monkeypatch.setattr(card, "cards_for", lambda _: list(cards))

    return only


def test_the_command_prints_the_card_of_an_installed_provider(capsys):
    assert card.main(["web"]) in {0, 1}
    assert capsys.readouterr().out.startswith("web (any https or http URL): ")


def test_the_command_tells_what_is_not_there(capsys):
    assert card.main(["no-such-provider"]) == 2
    assert "There is no provider" in capsys.readouterr().err


def test_the_command_says_if_a_rule_is_broken(only, capsys):
    only(CARD)
    assert card.main(["x"]) == 1
    assert "→ Mend it." in capsys.readouterr().out


def test_a_card_is_put_into_a_readme_and_kept_there(only, tmp_path, capsys):
    readme = tmp_path / "README.md"
    readme.write_text("# Shelf\n\nAbout it.\n", "utf-8")
    only(CARD)
    assert card.main(["x", "--readme", str(readme)]) == 1  # a rule is broken
    first = readme.read_text("utf-8")
    assert first.startswith("# Shelf\n\nAbout it.\n\n## Contract\n\n<!-- downspout contract")
    readme.write_text(first + "\n## More\n", "utf-8")
    only(ScoreCard("shelf", "Shelf", SCORES[:1]))
    assert card.main(["x", "--readme", str(readme), "--check"]) == 1
    assert "not the plugin's any more" in capsys.readouterr().err
    assert card.main(["x", "--readme", str(readme)]) == 0
    second = readme.read_text("utf-8")
    assert second.endswith("\n## More\n")
    assert second.count("1 of 1 rules kept") == 1
    assert "Mend" not in second
    assert card.main(["x", "--readme", str(readme), "--check"]) == 0
    assert readme.read_text("utf-8") == second


def test_a_readme_that_is_not_there_is_made(only, tmp_path):
    only(ScoreCard("shelf", "Shelf", SCORES[:1]))
    assert card.main(["x", "--readme", str(tmp_path / "new.md")]) == 0
    assert (tmp_path / "new.md").read_text("utf-8").startswith("## Contract\n\n")


def test_a_file_of_contract_tests_is_tried_and_its_card_returned(tmp_path):
    (tmp_path / "test_bare.py").write_text(
        "from contextlib import nullcontext\n"
        "from types import SimpleNamespace\n"
        "from downspout import Provider\n"
        "from downspout.testing import ProviderContract\n\n"
        "class TestBare(ProviderContract):\n"
        "    plugin = SimpleNamespace(provider=Provider('bare', 'B\\x07'))\n"
        "    document, missing = 'bare:1', 'bare:2'\n\n"
        "    def emulator(self):\n"
        "        return nullcontext({})\n"
    )
    (found,) = card.cards_for(str(tmp_path / "test_bare.py"))
    assert found.provider == "bare"
    assert [score.rule for score in found.scores] == [rule.name for rule in rules()]
    assert not found.passed
    assert len({score.verdict for score in found.scores}) == 3


def test_what_stops_pytest_is_told(tmp_path):
    (tmp_path / "conftest.py").write_text("import os\nos._exit(9)")
    with pytest.raises(LookupError, match="no contract tests"):
        card.cards_for(str(tmp_path))


def test_a_file_without_contract_tests_is_told(tmp_path):
    (tmp_path / "test_other.py").write_text("def test_nothing(): pass\n")
    with pytest.raises(LookupError, match="no contract tests"):
        card.cards_for(str(tmp_path / "test_other.py"))
    with pytest.raises(LookupError, match="no contract tests"):
        card.cards_for(str(tmp_path))


# pytest.


def pytest_of(*arguments, cwd):
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=60, check=False).stdout


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_pytest_prints_the_card_at_the_end_whoever_ran_the_tests(workers):
    rules = "describes_itself or settings_told or missing_is or folders"
    said = pytest_of("tests", "-k", rules, *workers, cwd=EXAMPLE)
    assert "downspout contract: shelf" in said
    assert re.findall(r"\[([a-z-]+)\]", said) == [
        "describes-itself",
        "settings-told",
        "missing-is-not-found",
        "folders-unfold",
    ]
    assert "4 of 4 rules kept" in said


def test_pytest_is_left_alone_by_sessions_without_a_contract(tmp_path):
    (tmp_path / "test_other.py").write_text(
        "import sys\n\ndef test_nothing_of_downspout_is_loaded():\n"
        "    assert [name for name in sys.modules if name.startswith('downspout.')] == []\n"
    )
    said = pytest_of("test_other.py", cwd=tmp_path)
    assert "1 passed" in said
    assert "contract" not in said
