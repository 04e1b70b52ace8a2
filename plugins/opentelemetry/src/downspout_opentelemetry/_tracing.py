"""The extension and the observer, in one object, so that the spans of both fit into each other."""

from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from opentelemetry import trace
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, TracerProvider
from opentelemetry.util.types import AttributeValue

import downspout
from downspout import Account, Credential, DownspoutError, Folder, Interaction, Link, Reference, Stream, hookimpl
from downspout_opentelemetry._transfers import Event, Transfers

Outcome = Link | Folder | DownspoutError


class Tracing:
    """Makes spans for the three hooks, as an extension, and for transfers, as an observer.

    ```python
    tracing = Tracing()
    client = Client(accounts, plugins=[provider, tracing], observer=tracing)
    ```

    Hooks run in the caller's context, so their spans belong to the caller's trace; those that open a document's
    bytes lie inside its transfer's. No attribute has a secret, a link's path or query, or a file's name here.

    Args:
        tracer_provider: whose tracer is used; `None`: the global one, even if it is set later.

    Attributes:
        name: for `required_extensions`.
    """

    name = "opentelemetry"

    def __init__(self, tracer_provider: TracerProvider | None = None) -> None:
        self._tracer = trace.get_tracer("downspout", downspout.__version__, tracer_provider)
        self._transfers = Transfers(self._tracer)

    def __call__(self, event: Event) -> None:
        """Observe an event of a client."""
        self._transfers.tell(event)

    def close(self) -> None:
        """End the spans of readers that nobody closed: call it after the client is closed."""
        self._transfers.close()

    @hookimpl(wrapper=True, tryfirst=True)
    def authenticate(
        self, account: Account, refused: Credential | None, interaction: Interaction | None
    ) -> Generator[None, Credential | None, Credential | None]:
        """Span of the first question."""
        facts = {"downspout.renewal": refused is not None, "downspout.interactive": interaction is not None}
        with self._span("authenticate", account, facts):
            return (yield)

    @hookimpl(wrapper=True, tryfirst=True)
    def resolve_link(
        self, account: Account, references: Sequence[Reference]
    ) -> Generator[None, Sequence[Outcome] | None, Sequence[Outcome] | None]:
        """Span of the second question."""
        facts: dict[str, AttributeValue] = {"downspout.documents": len(references)}
        if len(references) == 1:
            facts["downspout.uri"] = references[0].shown
        with self._span("resolve_link", account, facts) as span:
            outcomes = yield
            _count_failures(span, outcomes or ())
            return outcomes

    @hookimpl(wrapper=True, tryfirst=True)
    def open_stream(
        self, account: Account, link: Link, start: int, stop: int | None
    ) -> Generator[None, Stream | None, Stream | None]:
        """Span of the third question; the bytes themselves come during the transfer's."""
        facts: dict[str, AttributeValue] = {"downspout.uri": link.reference.shown, "downspout.start": start}
        if stop is not None:
            facts["downspout.stop"] = stop
        facts.update(_server(link.url))
        with self._span("open_stream", account, facts, self._transfers.span(link.reference)) as span:
            stream = yield
            if isinstance(stream, Stream) and stream.size is not None:
                span.set_attribute("downspout.size", stream.size)
            return stream

    @contextmanager
    def _span(
        self, hook: str, account: Account, facts: Mapping[str, AttributeValue], above: Span | None = None
    ) -> Iterator[Span]:
        """Make a hook's span the current one; what is raised marks it, by its kind alone.

        Messages are not for spans yet: the core takes echoed secrets out of them after the hook.
        """
        context: Any = None if above is None else trace.set_span_in_context(above)
        attributes = {"downspout.account": account.name, "downspout.provider": account.provider, **facts}
        with self._tracer.start_as_current_span(
            f"downspout.{hook}",
            context,
            SpanKind.CLIENT,
            attributes,
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            try:
                yield span
            except BaseException as exc:
                _mark(span, exc.kind if isinstance(exc, DownspoutError) else type(exc).__name__)
                raise


def _mark(span: Span, kind: str) -> None:
    span.set_attribute("error.type", kind)
    span.set_status(Status(StatusCode.ERROR, kind))


def _count_failures(span: Span, outcomes: Sequence[Outcome]) -> None:
    failures = [outcome for outcome in outcomes if isinstance(outcome, DownspoutError)]
    span.set_attribute("downspout.failures", len(failures))
    if failures and len(failures) == len(outcomes):
        _mark(span, failures[0].kind)


def _server(url: str) -> dict[str, AttributeValue]:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return {}
    found: dict[str, AttributeValue] = {} if host is None else {"server.address": host}
    return found if port is None else {**found, "server.port": port}
