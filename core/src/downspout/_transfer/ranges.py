"""Sets of byte positions, as sorted half-open ranges."""

from collections.abc import Iterable, Sequence

Range = tuple[int, int]


def merged(ranges: Iterable[Range]) -> list[Range]:
    """Return the same positions as sorted ranges that neither touch nor overlap."""
    result: list[Range] = []
    for start, stop in sorted(ranges):
        if start >= stop:
            continue
        if result and start <= result[-1][1]:
            result[-1] = (result[-1][0], max(stop, result[-1][1]))
        else:
            result.append((start, stop))
    return result


def missing(done: Sequence[Range], size: int) -> list[Range]:
    """Return the positions below `size` that are not in `done` (merged)."""
    gaps, position = [], 0
    for start, stop in done:
        if start > position:
            gaps.append((position, min(start, size)))
        position = max(position, stop)
    if position < size:
        gaps.append((position, size))
    return [gap for gap in gaps if gap[0] < gap[1]]


def total(ranges: Iterable[Range]) -> int:
    """Return how many positions there are in merged `ranges`."""
    return sum(stop - start for start, stop in ranges)
