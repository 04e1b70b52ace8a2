"""Print the score card of a plugin, or keep it in a README: `python -m downspout.testing.card WHAT…`.

WHAT is the file (or folder) with the plugin's contract tests, which pytest then runs; or the name of an installed
provider, of which the rules that need no service are tried.
"""

import argparse
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

from downspout.errors import DownspoutError
from downspout.testing.contract import ScoreCard, cards_of, check_offline

BEGIN = "<!-- downspout contract: written by `python -m downspout.testing.card` -->"
END = "<!-- /downspout contract -->"
_PLACE = re.compile(r"<!-- downspout contract.*?-->.*?<!-- /downspout contract -->", re.DOTALL)


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says.

    Returns:
        The exit status: 0 if no rule is broken, 1 if one is, 2 if nothing was tried.
    """
    options = _parser().parse_args(arguments)
    try:
        cards = [card for what in options.what for card in cards_for(what)]
    except (DownspoutError, LookupError) as exc:
        sys.stderr.write(f"{exc.args[0]}\n")
        return 2
    if options.readme is None:
        sys.stdout.write("\n\n".join(card.as_text() for card in cards) + "\n")
    elif not _keep(options.readme, "\n\n".join(section(card) for card in cards), check=options.check):
        sys.stderr.write(f"The score card in {options.readme} is not the plugin's any more.\n")
        return 1
    return 0 if all(card.passed for card in cards) else 1


def _parser() -> argparse.ArgumentParser:
    summary = str(__doc__).splitlines()[0].partition(":")[0] + "."
    parser = argparse.ArgumentParser("python -m downspout.testing.card", description=summary)
    parser.add_argument("what", nargs="+", metavar="WHAT", help="file of contract tests, or an installed provider")
    parser.add_argument("--readme", type=Path, metavar="FILE", help="keep the card in FILE, between its markers")
    parser.add_argument("--check", action="store_true", help="with --readme: change nothing, fail if it differs")
    return parser


def cards_for(what: str) -> list[ScoreCard]:
    """Return the cards of a file of contract tests, or of an installed provider.

    Raises:
        NoProvider: there is neither a file nor a provider of that name.
        LookupError: the file holds no contract tests; the text has what pytest says.
    """
    if not Path(what).exists():
        return [check_offline(what)]
    with tempfile.TemporaryDirectory(prefix="downspout-card-") as folder:
        report = Path(folder) / "report.xml"
        command = [sys.executable, "-m", "pytest", what, "-q", "-p", "no:cacheprovider", f"--junitxml={report}"]
        ended = subprocess.run(command, capture_output=True, text=True, check=False)
        cards = cards_of(_noted(report))
    if not cards:
        raise LookupError(f"There are no contract tests in {what}.\n{ended.stdout}{ended.stderr}".rstrip())
    return cards


def _noted(report: Path) -> list[tuple[str, object]]:
    """Return what pytest's tests were marked with, as its report has it."""
    if not report.exists():
        return []
    found = ElementTree.parse(report).iter("property")
    return [(each.get("name", ""), each.get("value", "")) for each in found]


def section(card: ScoreCard) -> str:
    """Return the card as a README has it: one line, and the rules to unfold."""
    summary, _, table = card.as_markdown().partition("\n\n")
    return f"{summary}\n\n<details><summary>Rule by rule</summary>\n\n{table}\n\n</details>"


def _keep(readme: Path, text: str, *, check: bool) -> bool:
    """Write `text` into `readme`, where its markers are or else at its end; return whether it may stay so."""
    before = readme.read_text("utf-8") if readme.exists() else ""
    block = f"{BEGIN}\n\n{text}\n\n{END}"
    if _PLACE.search(before):
        after = _PLACE.sub(lambda _: block, before, count=1)
    else:
        after = f"{before.rstrip()}\n\n## Contract\n\n{block}\n".lstrip()
    if check:
        return after == before
    readme.write_text(after, "utf-8")
    return True


if __name__ == "__main__":  # pragma: no cover - runs in processes of its own
    sys.exit(main())
