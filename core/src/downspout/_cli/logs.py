"""Log records as lines on standard error, without what nobody else may see."""

import logging
import sys

from downspout._redact import redact


class StderrHandler(logging.Handler):
    """Writes to whatever standard error is at the moment."""

    def emit(self, record: logging.LogRecord) -> None:
        """See `logging.Handler`."""
        try:
            text = self.format(record)
            module = record.name.rpartition(".")[2].lstrip("_")
            sys.stderr.write(f"downspout [{module}] {redact(text)}\n")
        except Exception:
            self.handleError(record)
