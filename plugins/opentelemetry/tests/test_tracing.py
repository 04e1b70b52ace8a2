"""Spans, as an exporter gets them, of documents brought down from the sandbox."""

import logging
import re
import threading
from pathlib import Path

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode, get_current_span

import downspout_koodrive
import downspout_opentelemetry
from downspout import Account, Client, PluginRegistry, Provider, Secret, hookimpl
from downspout.errors import AuthenticationError, ConfigurationError, NotFound, Unavailable
from downspout_opentelemetry import Tracing
from downspout_sandbox import Sandbox
from downspout_sandbox.koodrive import names

README = Path(__file__).parent.parent / "README.md"


@pytest.fixture
def sandbox():
    with Sandbox(services=["koodrive"], small_count=5) as running:
        yield running


@pytest.fixture
def exporter():
    return InMemorySpanExporter()


@pytest.fixture
def provider(exporter):
    made = TracerProvider()
    made.add_span_processor(SimpleSpanProcessor(exporter))
    yield made
    made.shutdown()


@pytest.fixture
def tracer(provider):
    return provider.get_tracer("the application")


@pytest.fixture
def tracing(provider):
    made = Tracing(provider)
    yield made
    made.close()


@pytest.fixture
def account(sandbox):
    prefix = "DOWNSPOUT_KOODRIVE_"
    found = {
        name.removeprefix(prefix).lower(): text for name, text in sandbox.environment.items() if prefix in name
    }
    secret = {each.name for each in downspout_koodrive.provider.settings if each.secret}
    values = {name: Secret(text) if name in secret else text for name, text in found.items()}
    return Account("koodrive", "koodrive", {**values, "allow_http": True, "allow_private": True})


@pytest.fixture
def client(account, tracing):
    plugins = [downspout_koodrive, tracing]
    with Client([account], plugins=plugins, observer=tracing, timeout=10.0, retries=1) as made:
        yield made


class Spans(dict):
    """What was exported, by name."""

    def __init__(self, exporter):
        super().__init__()
        for span in exporter.get_finished_spans():
            self.setdefault(span.name.removeprefix("downspout."), []).append(span)

    def one(self, name):
        (span,) = self[name]
        return span


def is_below(span, above):
    return span.parent is not None and span.parent.span_id == above.context.span_id


def test_a_transfer_lies_in_the_callers_trace_and_its_streams_in_it(client, tracer, exporter, tmp_path):
    with tracer.start_as_current_span("request"):
        client.download("koodrive:/notes.txt", tmp_path, compute_hash=True)
    spans = Spans(exporter)
    request, transfer = spans.one("request"), spans.one("transfer")
    assert {span.context.trace_id for found in spans.values() for span in found} == {request.context.trace_id}
    assert is_below(transfer, request)
    assert is_below(spans.one("open_stream"), transfer)
    assert all(is_below(span, request) for span in spans["resolve_link"])
    assert transfer.attributes["downspout.size"] == 1047
    assert transfer.attributes["downspout.digest"].startswith("sha256:")
    assert [event.name for event in transfer.events] == ["opened"]


def test_the_hooks_say_who_was_asked_and_for_what(client, exporter, tmp_path):
    client.download("koodrive:/notes.txt", tmp_path)
    spans = Spans(exporter)
    resolve, opened = spans["resolve_link"][-1], spans.one("open_stream")
    assert resolve.attributes["downspout.provider"] == "koodrive"
    assert resolve.attributes["downspout.uri"] == "koodrive:/notes.txt"
    assert (resolve.attributes["downspout.documents"], resolve.attributes["downspout.failures"]) == (1, 0)
    assert opened.attributes["server.address"] == "127.0.0.1"
    assert opened.attributes["downspout.size"] == 1047
    assert resolve.instrumentation_scope.name == "downspout"


def test_a_batch_has_a_span_for_each_document_and_one_for_each_question(client, tracer, exporter, tmp_path):
    with tracer.start_as_current_span("job"):
        uris = [f"koodrive:{names.file_id(f'small-{number:05d}')}" for number in range(5)]
        assert len(list(client.download_many([*uris, "koodrive:Fnothing"], tmp_path, jobs=2))) == 6
    spans = Spans(exporter)
    assert len(spans["transfer"]) == 5
    assert len(spans["open_stream"]) == 5
    assert {span.context.trace_id for found in spans.values() for span in found} == {
        spans.one("job").context.trace_id
    }
    assert sum(span.attributes.get("downspout.failures", 0) for span in spans["resolve_link"]) == 1


def test_a_renewal_is_seen(client, sandbox, exporter, tmp_path):
    sandbox.set(token_uses=1)
    client.download(f"koodrive:{names.INVOICE}", tmp_path / "a")
    client.download(f"koodrive:{names.INVOICE}", tmp_path / "b")
    spans = Spans(exporter)
    signed_in = spans["authenticate"][-1]
    assert signed_in.attributes["downspout.interactive"] is False
    refused = [span for span in spans["resolve_link"] if span.status.status_code is StatusCode.ERROR]
    assert {span.attributes["error.type"] for span in refused} == {"authentication"}


def test_a_failure_is_marked_by_its_kind(client, sandbox, exporter, tmp_path):
    sandbox.set(fail_every=1, fail_status=503)
    with pytest.raises(Unavailable):
        client.download("koodrive:/notes.txt", tmp_path / "a")
    transfer = Spans(exporter).one("transfer")
    assert transfer.attributes["error.type"] == "unavailable"
    assert transfer.status.status_code is StatusCode.ERROR


def test_a_missing_document_is_marked(client, exporter, tmp_path):
    with pytest.raises(NotFound):
        client.open("koodrive:/nothing")
    spans = Spans(exporter)
    assert spans["resolve_link"][-1].attributes["error.type"] == "not-found"


def test_a_reader_has_a_span_until_it_is_closed(client, tracer, exporter):
    with tracer.start_as_current_span("request"):
        reader = client.open("koodrive:/large.bin", exact=True)
        reader.raw.read(1000)
        reader.raw.seek(10_000_000)
        reader.raw.read(500)
    assert "transfer" not in Spans(exporter)
    reader.close()
    transfer = Spans(exporter).one("transfer")
    assert transfer.attributes["downspout.size"] == 1500
    assert [event.attributes["downspout.start"] for event in transfer.events] == [0, 10_000_000]


def test_a_reader_may_be_closed_elsewhere_or_not_at_all(client, tracer, tracing, exporter):
    with tracer.start_as_current_span("request"):
        readers = [client.open("koodrive:/notes.txt"), client.open("koodrive:/picture.png")]
    thread = threading.Thread(target=readers[0].close)
    thread.start()
    thread.join()
    assert len(Spans(exporter)["transfer"]) == 1
    tracing.close()
    assert len(Spans(exporter)["transfer"]) == 2
    readers[1].close()
    assert len(Spans(exporter)["transfer"]) == 2


def test_what_was_skipped_or_stopped_ends_too(client, sandbox, exporter, tmp_path):
    (tmp_path / "notes.txt").write_bytes(b"here")
    list(client.download_many(["koodrive:/notes.txt"], tmp_path, exists="skip"))
    assert Spans(exporter).one("transfer").attributes["downspout.skipped"] is True
    sandbox.set(stall_after=1000)
    stop = threading.Event()
    uris = ["koodrive:/large.bin"]
    list(client.download_many(uris, tmp_path, cancel=stop, progress=lambda event: event.done and stop.set()))
    assert Spans(exporter)["transfer"][-1].attributes["error.type"] == "cancelled"


def test_two_requests_for_one_document_have_transfers_of_their_own(client, tracer, exporter, tmp_path):
    with (
        tracer.start_as_current_span("first") as first,
        client.open("koodrive:/notes.txt"),
        tracer.start_as_current_span("second") as second,
        client.open("koodrive:/notes.txt"),
    ):
        pass
    above = {span.parent.span_id for span in Spans(exporter)["transfer"]}
    assert above == {first.get_span_context().span_id, second.get_span_context().span_id}


def test_spans_made_inside_a_hook_lie_in_its_span(account, tracing, tracer, exporter, tmp_path):
    class Inner:
        name = "inner"

        @hookimpl(wrapper=True)
        def resolve_link(self):
            with tracer.start_as_current_span("inside"):
                return (yield)

    with Client([account], plugins=[downspout_koodrive, Inner(), tracing], timeout=10.0) as client:
        client.resolve("koodrive:/notes.txt")
    spans = Spans(exporter)
    pairs = zip(spans["inside"], spans["resolve_link"], strict=True)
    assert all(is_below(inside, resolve) for inside, resolve in pairs)


def test_a_plugin_that_is_broken_is_marked_by_what_it_raised(provider, exporter):
    class Broken:
        provider = Provider("broken", "Broken")

        @hookimpl
        def resolve_link(self):
            raise LookupError("token=hunter2")

    from downspout.errors import PluginError

    with Client(plugins=[Broken(), Tracing(provider)]) as client, pytest.raises(PluginError):
        client.resolve("broken:x")
    span = Spans(exporter).one("resolve_link")
    assert span.attributes["error.type"] == "LookupError"
    assert "hunter2" not in span.to_json()


def test_no_secret_is_in_any_span(client, sandbox, account, exporter, tmp_path, caplog):
    caplog.set_level(logging.DEBUG)
    sandbox.set(token_uses=2)
    client.download(f"koodrive:{names.INVOICE}", tmp_path / "a")
    client.download("koodrive:/large.bin", tmp_path / "b")
    sandbox.set(koodrive_auth_status=400)
    with pytest.raises(NotFound):
        client.download("koodrive:Fnothing", tmp_path / "c")
    text = "".join(span.to_json() for span in exporter.get_finished_spans())
    secrets = [value.reveal() for value in account.settings.values() if isinstance(value, Secret)]
    queries = [each.query for each in sandbox.requests if each.endpoint == "koodrive-store"]
    assert len(secrets) >= 2
    assert queries
    assert not [secret for secret in secrets + queries if secret in text]
    assert "Signature" not in text
    assert str(tmp_path) not in text


def test_the_readmes_program_runs(account):
    (code,) = re.findall(r"```python\n(.*?)```", README.read_text("utf-8"), re.DOTALL)
    found = {"accounts": [account], "provider": downspout_koodrive}
    exec(code, found)
    with found["client"] as client:
        assert client.open("koodrive:/notes.txt").read(5) == b"Notes"


def test_it_can_be_required(account, tracing):
    Client([account], plugins=[downspout_koodrive, tracing], required_extensions=["opentelemetry"]).close()
    with pytest.raises(ConfigurationError, match="opentelemetry"):
        Client([account], plugins=[downspout_koodrive], required_extensions=["opentelemetry"])


def test_installed_it_is_an_extension():
    reports = {report.name: report for report in PluginRegistry(installed=True).reports()}
    assert (reports["opentelemetry"].kind, reports["opentelemetry"].state) == ("extension", "ok")


def test_without_a_tracer_provider_nothing_changes(account, tmp_path):
    with Client([account], plugins=[downspout_koodrive, downspout_opentelemetry], observer=Tracing()) as client:
        assert client.download("koodrive:/notes.txt", tmp_path).status == "ok"
    assert not get_current_span().get_span_context().is_valid


def test_a_sign_in_that_fails_is_marked(account, sandbox, provider, exporter):
    settings = {**account.settings, "token": Secret("wrong"), "session_id": None}
    wrong = Account("koodrive", "koodrive", {name: value for name, value in settings.items() if value is not None})
    plugins = [downspout_koodrive, Tracing(provider)]
    with Client([wrong], plugins=plugins, timeout=10.0) as client, pytest.raises(AuthenticationError):
        client.resolve("koodrive:/notes.txt")
    assert Spans(exporter)["authenticate"][-1].attributes["error.type"] == "authentication"
