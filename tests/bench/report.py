"""What came of it: a line, a table, plain data, a picture."""

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from ground import MIB
from measure import OURS, Outcome


def line(outcome: Outcome) -> str:
    """Return an outcome for whoever waits."""
    parts = [f"{name} {_seconds(outcome.seconds(name))}" for name in outcome.samples]
    return f"{outcome.row.name}: {', '.join(parts)}; {_ratio(outcome)} {outcome.note}".rstrip()


def markdown(outcomes: Iterable[Outcome], facts: Mapping[str, str]) -> str:
    """Return the table for `docs/benchmarks.md`."""
    head = ["work", "downspout", "processor", "peak", "others", "ratio", "at most"]
    rows = [head, ["---"] * len(head), *(_cells(outcome) for outcome in outcomes)]
    table = "\n".join(f"| {' | '.join(cells)} |" for cells in rows)
    known = "\n".join(f"- {name}: {value}" for name, value in facts.items())
    return f"{known}\n\n{table}\n"


def _cells(outcome: Outcome) -> list[str]:
    row = outcome.row
    others = [f"{name} {_seconds(outcome.seconds(name))}" for name in outcome.samples if name != OURS]
    if row.limit is not None:
        others.append(f"limit {_seconds(row.limit)}")
    if outcome.note:
        others.append(outcome.note)
    peak = ""
    if row.most_peak is not None:
        peak = f"{outcome.peak / MIB:.0f} of {row.most_peak // MIB} MiB"
    cpu = _seconds(sorted(sample.cpu for sample in outcome.samples[OURS])[len(outcome.samples[OURS]) // 2])
    goal = "" if row.goal is None else f"{row.goal:.2f}"
    return [row.title, _seconds(outcome.seconds(OURS)), cpu, peak, ", ".join(others), _ratio(outcome), goal]


def _seconds(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds < 0.2 else f"{seconds:.2f} s"


def _ratio(outcome: Outcome) -> str:
    if outcome.ratio is None:
        return ""
    return f"{outcome.ratio:.2f} × {'the limit' if outcome.row.limit is not None else outcome.rival}"


def plain(outcomes: Iterable[Outcome], facts: Mapping[str, str]) -> dict[str, Any]:
    """Return everything, for other programs."""
    return {
        "facts": dict(facts),
        "rows": [
            {
                "name": outcome.row.name,
                "title": outcome.row.title,
                "goal": outcome.row.goal,
                "ratio": outcome.ratio,
                "against": outcome.rival,
                "note": outcome.note,
                "samples": {
                    name: [{"seconds": s.seconds, "peak": s.peak, "cpu": s.cpu} for s in samples]
                    for name, samples in outcome.samples.items()
                },
            }
            for outcome in outcomes
        ],
    }


def plot(outcomes: Sequence[Outcome]) -> str:
    """Return an SVG: a bar for each ratio, a mark where it should end."""
    compared = [outcome for outcome in outcomes if outcome.ratio is not None]
    widest = max((max(outcome.ratio or 0, outcome.row.goal or 0) for outcome in compared), default=1.0)
    bars = [_bar(outcome, number, 360 / widest) for number, outcome in enumerate(compared)]
    height = 24 * len(compared) + 8
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 760 {height}" font-family="sans-serif" '
        f'font-size="12">\n<rect width="760" height="{height}" fill="#fff"/>\n{"".join(bars)}</svg>\n'
    )


def _bar(outcome: Outcome, number: int, scale: float) -> str:
    ratio, goal, top = outcome.ratio or 0.0, outcome.row.goal, 24 * number + 8
    kept = goal is None or ratio <= goal
    end = max(ratio, goal or 0) * scale + 118
    mark = "" if goal is None else f'<path d="M{110 + goal * scale:.1f} {top - 2}v20" stroke="#222"/>'
    return (
        f'<text x="102" y="{top + 12}" text-anchor="end">{escape(outcome.row.name)}</text>'
        f'<rect x="110" y="{top}" width="{ratio * scale:.1f}" height="16" fill="{"#4a8" if kept else "#c64"}"/>'
        f'{mark}<text x="{end:.1f}" y="{top + 12}">{escape(_ratio(outcome))}</text>\n'
    )
