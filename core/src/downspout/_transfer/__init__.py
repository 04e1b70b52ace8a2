"""One document: brought down whole, verified, resumable, or read by position without being brought down."""

from downspout._transfer.download import Brought, Place, bring_down
from downspout._transfer.finished import remove, sweep
from downspout._transfer.options import MOST_CONNECTIONS, Options
from downspout._transfer.pace import Limiter
from downspout._transfer.part import Exists
from downspout._transfer.patience import LONGEST_RETRY_AFTER, Patience
from downspout._transfer.reader import DocumentFile, DocumentReader
from downspout._transfer.record import record_key
from downspout._transfer.source import Source
from downspout._transfer.target import check_target

__all__ = [
    "LONGEST_RETRY_AFTER",
    "MOST_CONNECTIONS",
    "Brought",
    "DocumentFile",
    "DocumentReader",
    "Exists",
    "Limiter",
    "Options",
    "Patience",
    "Place",
    "Source",
    "bring_down",
    "check_target",
    "record_key",
    "remove",
    "sweep",
]
