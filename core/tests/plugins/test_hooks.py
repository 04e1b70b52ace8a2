"""Hooks are called with care: in daemon threads, in the caller's context, within a time limit, answers checked."""

import contextvars
import gc
import io
import logging
import threading
import time
import traceback
import weakref

import pytest

from downspout import Account, Credential, Folder, Link, Reference, Secret, Stream
from downspout._plugins import Hooks, PluginRegistry, TimeLimitExceeded, Workers
from downspout.errors import DownspoutError, NotFound, PermissionDenied, PluginError, Unavailable

ACCOUNT = Account("svc", "svc", {"password": Secret("account-s3cret"), "username": "jo"})
REFERENCES = [Reference("svc", "a"), Reference("svc", "b")]
CREDENTIAL = Credential("svc", (), {"token": Secret("credential-s3cret"), "abc": Secret("abc")})
LINK = Link(REFERENCES[0], "other://h.example/")


@pytest.fixture
def workers():
    workers = Workers()
    yield workers
    workers.close()


@pytest.fixture
def hooks(plugin, extension, workers):
    def make(limit=5.0, extensions=(), **functions):
        functions.setdefault("resolve_link", lambda account: None)
        registry = PluginRegistry([plugin("svc", batch_size=2, **functions), *extensions])
        return Hooks(registry.load("svc"), workers, limit)

    return make


def resolved(hooks, references=REFERENCES):
    return hooks.resolve_link(ACCOUNT, references, CREDENTIAL, None)


def returning(answer):
    def resolve_link():
        if isinstance(answer, BaseException):
            raise answer
        return answer

    return resolve_link


def test_a_hook_gets_what_it_asks_for(hooks):
    seen = {}

    def resolve_link(http, references, account):
        seen.update(http=http, references=references, account=account)
        return [Link(reference, "https://h.example/") for reference in references]

    made = hooks(resolve_link=resolve_link)
    assert [outcome.reference for outcome in resolved(made)] == REFERENCES
    assert seen == {"http": None, "references": tuple(REFERENCES), "account": ACCOUNT}
    assert made.batch_size == 2


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (None, "does not answer for its own account"),
        ([], "answered 0 outcomes for 2 references"),
        ([LINK], "answered 1 outcomes for 2 references"),
        ([LINK] * 3, "answered 3 outcomes for 2 references"),
        ("ab", "answered 2 outcomes for 2 references"),
        (7, "answered a int for 2 references"),
        ({1: LINK, 2: LINK}, "answered a dict for 2 references"),
        (iter([LINK, LINK]), "answered a list_iterator for 2 references"),
        (LINK, "answered a Link for 2 references"),
        (ValueError("s3cret"), "raised ValueError"),
        (SystemExit(0), "raised SystemExit"),
        (GeneratorExit(), "raised GeneratorExit"),
        (StopIteration(), "raised StopIteration"),
        (KeyboardInterrupt(), "raised RuntimeError"),
        (RecursionError(), "raised RecursionError"),
        (MemoryError(), "raised MemoryError"),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, str) else None,
)
def test_what_a_plugin_does_wrong_is_said_of_it(hooks, answer, says):
    with pytest.raises(PluginError, match="The plugin svc is broken: its resolve_link") as caught:
        resolved(hooks(resolve_link=returning(answer)))
    assert says in caught.value.message
    assert "s3cret" not in caught.value.message
    assert "--debug" in caught.value.hint
    if isinstance(answer, BaseException):
        causes = [caught.value.__cause__, caught.value.__cause__.__cause__]
        assert any(type(cause) is type(answer) for cause in causes)


def test_one_wrong_outcome_costs_one_document(hooks):
    outcomes = resolved(hooks(resolve_link=returning([LINK, "https://h.example/"])))
    assert isinstance(outcomes[0], Link)
    assert isinstance(outcomes[1], PluginError)
    assert "answered a str for svc:b" in outcomes[1].message


def test_a_link_belongs_to_the_reference_that_was_asked_for(hooks):
    other = Link(Reference("else", "x"), "https://h.example/")
    outcomes = resolved(hooks(resolve_link=returning((other, LINK))))
    assert [outcome.reference for outcome in outcomes] == REFERENCES


def test_an_error_is_a_value_that_costs_one_document(hooks):
    outcomes = resolved(hooks(resolve_link=returning([NotFound("Gone."), LINK])))
    assert isinstance(outcomes[0], NotFound)


@pytest.mark.parametrize(
    ("child", "more"), [(Reference("else", "x"), None), (Reference("svc", "x"), Reference("else", "x"))]
)
def test_a_folder_holds_documents_of_its_own_account_only(hooks, child, more):
    outcomes = resolved(hooks(resolve_link=returning([Folder([("a", child)], more), LINK])))
    assert isinstance(outcomes[0], PluginError)
    assert "references of another account" in outcomes[0].message


def test_a_folder_of_its_own_account_is_passed_on(hooks):
    folder = Folder([("a", Reference("svc", "x"))], Reference("svc", "more"))
    assert resolved(hooks(resolve_link=returning([folder, Folder(())])))[0] is folder


def test_an_error_that_is_raised_goes_up_as_it_is(hooks, caplog):
    error = Unavailable("https://h/?sig=s3cret is down.", retry_after=7.0)
    with caplog.at_level(logging.DEBUG), pytest.raises(Unavailable) as caught:
        resolved(hooks(resolve_link=returning(error)))
    assert caught.value is error
    assert "s3cret" not in caplog.text
    assert "resolve_link(svc) raised Unavailable" in caplog.text


@pytest.mark.parametrize("how", ["raised", "outcome"])
def test_secrets_that_a_service_repeats_are_not_shown(hooks, how):
    error = PermissionDenied(
        "jo, account-s3cret and credential-s3cret and abc are wrong.", hint="Mend account-s3cret."
    )
    made = hooks(resolve_link=returning(error if how == "raised" else [error, LINK]))
    try:
        error = resolved(made)[0]
    except PermissionDenied as exc:
        error = exc
    assert error.message == str(error) == "jo, … and … and abc are wrong."
    assert error.hint == "Mend …."


# authenticate, open_stream


def test_a_credential_is_one_or_none(hooks):
    for answer in (CREDENTIAL, None):
        made = hooks(authenticate=returning(answer))
        assert made.authenticate(ACCOUNT, None, None, None) is answer
    with pytest.raises(PluginError, match="its authenticate answered a str instead of a Credential"):
        hooks(authenticate=returning("token")).authenticate(ACCOUNT, None, None, None)


def test_somebody_who_answers_may_take_their_time(hooks):
    def authenticate(interaction):
        time.sleep(0.2)
        return CREDENTIAL

    made = hooks(limit=0.05, authenticate=authenticate)
    assert made.authenticate(ACCOUNT, None, object(), None) is CREDENTIAL
    with pytest.raises(PluginError, match=r"its authenticate did not answer within 0.05 s"):
        made.authenticate(ACCOUNT, None, None, None)


class Bytes(Stream):
    closed = False

    def readinto(self, buffer):
        return 0

    def close(self):
        self.closed = True


def opened(hooks):
    return hooks.open_stream(ACCOUNT, LINK, CREDENTIAL, 1, 2, '"v"', None)


def test_a_stream_is_what_the_plugin_opens(hooks):
    seen = {}

    def open_stream(link, start, stop, etag):
        seen.update(link=link, start=start, stop=stop, etag=etag)
        return Bytes()

    made = hooks(open_stream=open_stream)
    assert isinstance(opened(made), Bytes)
    assert seen == {"link": LINK, "start": 1, "stop": 2, "etag": '"v"'}
    assert not made.opens_by_itself


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (None, "has no way to open its own link"),
        (io.BytesIO(), "answered a BytesIO instead of a Stream"),
        (OSError("x"), "raised OSError"),
    ],
)
def test_what_is_no_stream_is_said_of_the_plugin(hooks, answer, says):
    with pytest.raises(PluginError, match=f"its open_stream {says}"):
        opened(hooks(open_stream=returning(answer)))


def test_a_link_that_the_core_cannot_open_is_the_plugin_s_fault(hooks):
    made = hooks()
    assert made.opens_by_itself
    with pytest.raises(PluginError, match="its open_stream has no way to open its own link"):
        opened(made)


# Threads, contexts, time.

TENANT = contextvars.ContextVar("tenant", default="nobody")


def test_hooks_run_in_daemon_threads_and_in_a_copy_of_the_caller_s_context(hooks):
    seen = []

    def resolve_link():
        seen.append((TENANT.get(), threading.current_thread().daemon, threading.current_thread().name[:15]))
        TENANT.set("changed")
        return [LINK, LINK]

    made = hooks(resolve_link=resolve_link)
    for tenant in ("acme", "other"):
        TENANT.set(tenant)
        resolved(made)
        assert TENANT.get() == tenant
    contextvars.Context().run(lambda: resolved(made))
    assert seen == [
        ("acme", True, "downspout-hook-"),
        ("other", True, "downspout-hook-"),
        ("nobody", True, "downspout-hook-"),
    ]


def test_a_hook_that_hangs_is_abandoned_and_said_so(hooks):
    go_on, ended = threading.Event(), threading.Event()

    def resolve_link():
        go_on.wait(10)
        ended.set()

    made = hooks(limit=0.1, resolve_link=resolve_link)
    began = time.monotonic()
    with pytest.raises(
        PluginError, match=r"its resolve_link did not answer within 0.1 s and was abandoned"
    ) as caught:
        resolved(made)
    assert time.monotonic() - began < 3
    assert isinstance(caught.value.__cause__, TimeLimitExceeded)
    go_on.set()
    assert ended.wait(5)
    with pytest.raises(PluginError, match="does not answer"):
        resolved(made)


def test_calls_run_side_by_side_and_threads_are_used_again(hooks, workers):
    barrier = threading.Barrier(4, timeout=5)

    def resolve_link():
        barrier.wait()
        return [LINK, LINK]

    made = hooks(resolve_link=resolve_link)
    for _ in range(3):
        threads = [threading.Thread(target=resolved, args=(made,)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert workers._number <= 8


def test_an_idle_thread_holds_neither_credential_nor_answer(workers):
    class Held:
        pass

    def call():
        held = Held()
        references.append(weakref.ref(held))
        return workers.call(lambda: held and Held(), 5.0)

    references = []
    references.append(weakref.ref(call()))
    workers.call(lambda: None, 5.0)
    gc.collect()
    assert [reference() for reference in references] == [None, None]


@pytest.mark.parametrize("closes", [True, False])
def test_a_stream_that_comes_too_late_is_closed(workers, closes):
    go_on, stream = threading.Event(), Bytes()

    def broken():
        raise RuntimeError("it does not close")

    def open_late():
        go_on.wait(5)
        return stream

    if not closes:
        stream.close = broken
    with pytest.raises(TimeLimitExceeded):
        workers.call(open_late, 0.05)
    threads = hook_threads()
    go_on.set()
    wait_until_none(threads)
    assert stream.closed is closes


def test_ctrl_c_goes_up_as_it_is(hooks, monkeypatch):
    def interrupted(self, timeout=None):
        raise KeyboardInterrupt

    made = hooks(resolve_link=returning([LINK, LINK]))
    resolved(made)
    with monkeypatch.context() as patch:
        patch.setattr(threading.Event, "wait", interrupted)
        with pytest.raises(KeyboardInterrupt):
            resolved(made)
    assert len(resolved(made)) == 2


def hook_threads():
    return [thread for thread in threading.enumerate() if thread.name.startswith("downspout-hook")]


def wait_until_none(threads):
    for thread in threads:
        thread.join(5)
        assert not thread.is_alive()


def test_ctrl_c_while_a_hook_runs_leaves_its_thread_to_its_end(workers, monkeypatch):
    def interrupted(self, timeout=None):
        raise KeyboardInterrupt

    assert workers.call(lambda: 1, 5.0) == 1
    threads = hook_threads()
    with monkeypatch.context() as patch:
        patch.setattr(threading.Event, "wait", interrupted)
        with pytest.raises(KeyboardInterrupt):
            workers.call(lambda: 2, 5.0)
    wait_until_none(threads)
    assert workers.call(lambda: 7, 5.0) == 7


def test_closed_workers_leave_no_thread_behind():
    workers = Workers()
    go_on = threading.Event()
    busy = threading.Thread(target=lambda: workers.call(lambda: go_on.wait(5), 5.0))
    busy.start()
    assert workers.call(lambda: 1, 5.0) == 1
    workers.close()
    go_on.set()
    busy.join()
    assert workers.call(lambda: 2, 5.0) == 2  # a call that was on its way is still answered
    wait_until_none(hook_threads())


def test_the_traceback_of_a_plugin_s_error_shows_where_it_happened(hooks):
    with pytest.raises(PluginError) as caught:
        resolved(hooks(resolve_link=returning(ValueError("here"))))
    assert "in resolve_link" in "".join(traceback.format_exception(caught.value))


def test_how_long_a_hook_took_is_noted_for_debugging(hooks, caplog):
    with caplog.at_level(logging.DEBUG, "downspout"):
        resolved(hooks(resolve_link=returning([LINK, LINK])))
    assert "resolve_link(svc) took" in caplog.text
    assert issubclass(PluginError, DownspoutError)
