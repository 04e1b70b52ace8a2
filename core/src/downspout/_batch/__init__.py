"""Many documents: what is wanted, in which order, and what is remembered of it."""

from downspout._batch.folders import MOST_BARREN
from downspout._batch.ledger import Ledger, Row, Summary, key_of, to_csv, to_jsonl
from downspout._batch.memory import Memory
from downspout._batch.paths import make_below
from downspout._batch.pipeline import Batch, BatchOptions
from downspout._batch.wanted import LONGEST_LINE, Wanted, lines, numbered

__all__ = [
    "LONGEST_LINE",
    "MOST_BARREN",
    "Batch",
    "BatchOptions",
    "Ledger",
    "Memory",
    "Row",
    "Summary",
    "Wanted",
    "key_of",
    "lines",
    "make_below",
    "numbered",
    "to_csv",
    "to_jsonl",
]
