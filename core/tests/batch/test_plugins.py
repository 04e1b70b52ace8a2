"""A broken or hanging plugin costs its own documents, and nobody else's time."""

import threading
import time

import pytest

from downspout import Folder, Reference
from downspout.hookspecs import hookimpl

from .rig import Depot, content, failures, statuses, uris


@pytest.mark.parametrize("trouble", [ValueError("bug"), SystemExit(3), KeyError("x"), RecursionError()])
def test_a_plugin_that_raises_anything_costs_its_own_documents(rig, trouble):
    other = rig.add(Depot(rig.server, "other"))
    other.troubles = [trouble] * 9
    results = rig.run([*uris(5), *uris(5, "other", 50)])
    assert statuses(results) == {"ok": 5, "failed": 5}
    assert {error.kind for error in failures(results).values()} == {"plugin"}
    assert all("plugin other is broken" in error.message for error in failures(results).values())


@pytest.mark.parametrize(
    "answer",
    [None, "links", 7, [], [None] * 4, ["a"] * 3, {"a": 1}, b"ab"],
    ids=lambda answer: repr(answer)[:20],
)
def test_a_plugin_that_answers_nonsense_costs_its_own_documents(rig, answer):
    class Odd(Depot):
        @hookimpl
        def resolve_link(self, account):
            return answer

    rig.add(Odd(rig.server, "odd"))
    results = rig.run([*uris(3), *uris(3, "odd", 50)])
    assert statuses(results) == {"ok": 3, "failed": 3}
    assert {error.kind for error in failures(results).values()} == {"plugin"}


def test_one_wrong_outcome_costs_one_document(rig):
    rig.depot.outcomes["d00001"] = 42
    results = rig.run(uris(3))
    assert statuses(results) == {"ok": 2, "failed": 1}


def test_a_plugin_that_hangs_is_given_up(rig):
    hanging = rig.add(Depot(rig.server, "hanging"))
    hanging.gate.clear()
    began = time.monotonic()
    results = rig.run([*uris(5), *uris(200, "hanging", 50)], hook_timeout=0.5)
    hanging.gate.set()
    assert time.monotonic() - began < 5
    assert statuses(results) == {"ok": 5, "failed": 200}
    assert "did not answer within 0.5 s" in next(iter(failures(results).values())).message
    assert len(hanging.calls) == 1


class Deaf(Depot):
    """A depot whose streams never open."""

    silence = threading.Event()
    opened = 0

    @hookimpl
    def open_stream(self, link):
        self.opened += 1
        self.silence.wait(30)


def test_a_plugin_that_hangs_opening_is_given_up(rig):
    deaf = rig.add(Deaf(rig.server, "deaf"))
    began = time.monotonic()
    results = rig.run([*uris(5), *uris(60, "deaf", 50)], hook_timeout=0.5, jobs=4)
    deaf.silence.set()
    assert statuses(results) == {"ok": 5, "failed": 60}
    assert time.monotonic() - began < 5
    assert deaf.opened <= 4


def test_a_plugin_that_does_not_load_costs_its_own_documents(rig):
    class Old(Depot):
        pass

    old = rig.add(Old(rig.server, "old"))
    old.provider = type(old.provider)("old", "Old", hook_version=99)
    results = rig.run([*uris(3), *uris(3, "old", 50)])
    assert statuses(results) == {"ok": 3, "failed": 3}


def test_a_document_that_is_a_folder_where_a_link_was_asked_again_fails_alone(rig):
    answers = [lambda ref: rig.depot.link_to(ref), lambda ref: Folder([])]
    rig.depot.outcomes["x"] = lambda ref: answers.pop(0)(ref)
    rig.depot.link = {"uses": 0}
    results = rig.run(["depot:x"])
    assert failures(results)[1].kind == "invalid-uri"


def test_a_hint_of_the_plugin_comes_back_to_it(rig):
    seen = []
    rig.depot.outcomes["top"] = Folder([("a.bin", Reference("depot", "a", hint={"id": 7}), None, None)])
    rig.depot.outcomes["a"] = lambda ref: seen.append(ref.hint) or rig.depot.link_to(ref)
    assert statuses(rig.run(["depot:top"])) == {"ok": 1}
    assert seen == [{"id": 7}]
    assert rig.files() == {"a.bin": content("a")}
