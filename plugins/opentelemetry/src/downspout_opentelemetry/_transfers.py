"""The spans of transfers, from their first event to their last."""

import threading

from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer, get_current_span

from downspout import Done, Failed, Opened, Progress, Reference, Resolved

Event = Resolved | Opened | Progress | Done | Failed


class Transfers:
    """The transfers under way. Safe for threads.

    A transfer is known by its document and by the span that its caller is in: all its threads run in a copy of
    the caller's context.

    Args:
        tracer: makes their spans.
    """

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer
        self._spans: dict[Reference, dict[int, Span]] = {}
        self._lock = threading.Lock()

    def span(self, reference: Reference) -> Span | None:
        """Return the span of the transfer of a document that belongs to the current context, or `None`."""
        with self._lock:
            return self._spans.get(reference, {}).get(_caller())

    def tell(self, event: Event) -> None:
        """Begin, mark or end the span of a transfer."""
        if isinstance(event, Done | Failed):
            span = self._taken(event.reference)
            if span is not None:
                _conclude(span, event)
                span.end()
            return
        span = self._begun(event.reference)
        if isinstance(event, Opened):
            span.add_event("opened", {"downspout.start": event.start})

    def close(self) -> None:
        """End what is still open: nobody will say any more what came of it."""
        with self._lock:
            spans = [span for found in self._spans.values() for span in found.values()]
            self._spans.clear()
        for span in spans:
            span.end()

    def _begun(self, reference: Reference) -> Span:
        with self._lock:
            found = self._spans.setdefault(reference, {})
            caller = _caller()
            if caller not in found:
                facts = {"downspout.account": reference.account, "downspout.uri": reference.shown}
                found[caller] = self._tracer.start_span(
                    "downspout.transfer", kind=SpanKind.CLIENT, attributes=facts
                )
            return found[caller]

    def _taken(self, reference: Reference) -> Span | None:
        with self._lock:
            found = self._spans.get(reference, {})
            span = found.pop(_caller(), None)
            if span is None and found:  # a reader may be closed in another context than it was opened in
                span = found.pop(next(iter(found)))
            if not found:
                self._spans.pop(reference, None)
            return span


def _caller() -> int:
    return get_current_span().get_span_context().span_id


def _conclude(span: Span, event: Done | Failed) -> None:
    if isinstance(event, Done):
        span.set_attribute("downspout.size", event.size)
        span.set_attribute("downspout.skipped", event.skipped)
        if event.digest is not None:
            span.set_attribute("downspout.digest", event.digest)
    else:
        span.set_attribute("error.type", event.error.kind)
        span.set_status(Status(StatusCode.ERROR, event.error.kind))
