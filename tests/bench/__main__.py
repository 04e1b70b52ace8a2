"""Measures downspout beside its peers: `make bench`, or `python tests/bench [ROW]…`.

Every row is measured in rounds; in a round each contestant has its turn, so that a machine that slows down slows
all of them. What is printed: the medians, and downspout's part of the best peer's, round by round.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import report
from ground import Ground
from measure import Failure, Outcome, measured
from rows import ALL


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print a table, write what was asked for; 0 if every row was measured, however the numbers are."""
    options = _options().parse_args(arguments)
    wanted = {name: row for name, row in ALL.items() if not options.rows or name in options.rows}
    outcomes: list[Outcome] = []
    with Ground(Path(options.directory) if options.directory else None) as ground:
        for missing in ground.missing():
            _say(f"not measured against {missing}")
        for name, make in wanted.items():
            try:
                row = make(ground)
                outcomes.append(measured(row, options.rounds or row.rounds))
                _say(report.line(outcomes[-1]))
            except Failure as exc:
                _say(f"{name}: {exc}")
        facts = ground.facts()
    print(report.markdown(outcomes, facts))
    if options.json:
        Path(options.json).write_text(json.dumps(report.plain(outcomes, facts), indent=1) + "\n")
    if options.plot:
        Path(options.plot).write_text(report.plot(outcomes))
    return 0 if len(outcomes) == len(wanted) else 1


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python tests/bench", description="Measure downspout beside its peers.")
    parser.add_argument("rows", nargs="*", choices=[*ALL, []], metavar="ROW", help=f"of {', '.join(ALL)}")
    parser.add_argument("--rounds", type=int, help="rounds of each row (default: as each row needs)")
    parser.add_argument("--directory", help="where to work (default: a new folder in memory)")
    parser.add_argument("--json", metavar="FILE", help="write all samples there")
    parser.add_argument("--plot", metavar="FILE", help="write an SVG of the ratios there")
    return parser


if __name__ == "__main__":
    sys.exit(main())
