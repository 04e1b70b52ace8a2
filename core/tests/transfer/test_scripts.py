"""Random scripts of lies: they end in the right bytes, or in a clear failure with the old file intact; never hang.

The seed of each run is printed; `--hypothesis-seed` repeats it. `-m slow` runs a thousand.
"""

import hashlib
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import attrs
import hypothesis
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from downspout import DownspoutError
from downspout._transfer import patience, work
from downspout.testing import (
    Document,
    Fault,
    HangUp,
    SlowAccept,
    Together,
    every_fault,
)
from downspout.testing import Replacement as Replaced

from .rig import MIB, Rig, rigs

OLD = b"the old file"
TIMEOUT = 0.25
LONGEST = 20.0
"""Seconds that a script may take on a busy machine; a hang takes for ever."""

SMALL = 5000
CONNECTIONS = [None, None, HangUp(), HangUp("close"), SlowAccept(0.05)]


def faults(size: int) -> st.SearchStrategy[Fault]:
    """Return one lie, or two of them about one answer."""
    one = st.sampled_from([fault for fault in every_fault(size) if ends_soon(fault)])
    return st.one_of(one, st.lists(one, min_size=2, max_size=2).map(Together))


def ends_soon(fault: Fault) -> bool:
    """Return whether a lie is over in no time: waits that a service asks for have tests of their own."""
    return getattr(fault, "retry_after", None) not in {"1", "2"} and getattr(fault, "rate", 1e9) > 100


@attrs.frozen
class Plan:
    """All that is random about one download."""

    script: Sequence[Fault | None]
    connections: Sequence[Any]
    repeats: bool
    links: Sequence[dict[str, Any]]
    facts: dict[str, Any]
    etag: str | None
    several: int
    exists: str
    resumes: bool
    digest: bool


def plans(size: int) -> st.SearchStrategy[Plan]:
    """Return what may happen to a document of `size` bytes."""
    return st.builds(
        Plan,
        script=st.lists(st.none() | faults(size), max_size=8),
        connections=st.lists(
            st.sampled_from([None, None, HangUp(), HangUp("close"), SlowAccept(0.05)]), max_size=4
        ),
        repeats=st.booleans(),
        links=st.lists(st.fixed_dictionaries({"uses": st.sampled_from([0, 1, 2, None])}), max_size=4),
        facts=st.fixed_dictionaries(
            {},
            optional={
                "size": st.just(size),
                "version": st.just("7"),
                "single_use": st.booleans(),
                "name": st.just("report.pdf"),
            },
        ),
        etag=st.sampled_from(['"v1"', '"v1"', 'W/"v1"', None]),
        several=st.sampled_from([1, 1, 3]),
        exists=st.sampled_from(["fail", "overwrite", "rename"]),
        resumes=st.booleans(),
        digest=st.booleans(),
    )


def play(rig: Rig, plan: Plan, size: int) -> None:
    """Bring the document down as the plan has it; check what came of it."""
    document = rig.serve(size, etag=plan.etag, links_only=True)
    rig.ferry.facts, rig.ferry.links = dict(plan.facts), list(plan.links)
    if plan.digest:
        rig.ferry.facts["digests"] = {"sha256": document.sha256()}
    rig.server.script("/doc", plan.script, repeat_last=plan.repeats)
    rig.server.script_connections(plan.connections)
    if plan.exists != "fail":
        rig.target.write_bytes(OLD)
    if plan.resumes:
        rig.leave_part(document.read(0, size // 3))
    result: Any = None
    error: DownspoutError | None = None
    begun = time.monotonic()
    try:
        result = rig.get(timeout=TIMEOUT, retries=2, connections=plan.several, exists=plan.exists)
    except DownspoutError as exc:
        error = exc
    assert time.monotonic() - begun < LONGEST
    assert error is None or (error.message.endswith(".") and "signature" not in repr(error))
    outcome = "right bytes" if error is None else type(error).__name__
    hypothesis.event(
        outcome + ("" if can_be_told(plan) or plan.digest else ", or wrong ones that nobody can tell")
    )
    check(rig, plan, result, document)


def check(rig: Rig, plan: Plan, result: Any, document: Document) -> None:
    """Right bytes, or the old file; and a run without lies brings the document down."""
    old = None if plan.exists == "fail" else OLD
    there = rig.target.read_bytes() if rig.target.exists() else None
    if result is None:
        assert there == old
    else:
        data = result.path.read_bytes()
        assert result.size == len(data)
        if plan.exists == "rename":
            assert there == old
        if can_be_told(plan):
            assert data in (document.read(), *(other.read() for other in replacements(plan)))
        if plan.digest:
            assert hashlib.sha256(data).hexdigest() == document.sha256()
            assert result.verified == "digest"
    rig.server.script("/doc", [])
    rig.server.script_connections([])
    rig.ferry.links, rig.ferry.facts = [], {}
    rig.server.documents["/doc"] = document
    again = rig.get(exists="overwrite")
    assert again.path.read_bytes() == document.read()
    assert rig.leftovers() == []


def parts(plan: Plan) -> list[Fault]:
    """Return all the lies of a plan, one by one."""
    return [
        part
        for fault in plan.script
        if fault is not None
        for part in (fault.faults if isinstance(fault, Together) else (fault,))
    ]


def replacements(plan: Plan) -> list[Document]:
    return [fault.document for fault in parts(plan) if isinstance(fault, Replaced)]


def can_be_told(plan: Plan) -> bool:
    """Return whether wrong bytes would show without a digest.

    They do not where the bytes themselves lie under a head that does not, where a validator or a range is put over
    bytes that are not its own, or where nobody says how long the document is and its end is moved.
    """
    names = {type(fault).__name__ for fault in parts(plan)}
    if names & {"FlippedByte", "OtherBody"}:
        return False
    if {"ETag", "Replacement"} <= names or {"MultipartRange", "ContentRange"} <= names:
        return False
    return "size" in plan.facts or not names & {"WrongLength", "Lengths", "CloseDelimited", "WrongTotal"}


class Stage:
    """Where plans are played: one server and one provider for all of them, a folder for each."""

    def __init__(self, **server: Any) -> None:
        self.server = server

    def play(self, plan: Plan, size: int) -> None:
        with tempfile.TemporaryDirectory() as folder:
            for rig in rigs(Path(folder) / "out", **self.server):
                play(rig, plan, size)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "_FIRST_WAIT", 0.001)
    monkeypatch.setattr(work, "_STUCK_SECONDS", 0.2)


COMMON = settings(
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
    phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.target],
)


@pytest.fixture(autouse=True)
def say_the_seed(request: pytest.FixtureRequest) -> None:
    seed = request.config.getoption("hypothesis_seed")
    print(f"hypothesis {hypothesis.__version__}, seed: {'its own, printed if it fails' if seed is None else seed}")


@settings(COMMON, max_examples=60)
@given(plan=plans(SMALL))
def test_a_script_of_lies_ends_well_or_in_a_clear_failure(plan):
    Stage().play(plan, SMALL)


@settings(COMMON, max_examples=8)
@given(plan=plans(3 * MIB))
def test_a_script_of_lies_about_a_large_document(plan):
    Stage(rate=64.0 * MIB).play(attrs.evolve(plan, several=3), 3 * MIB)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@settings(COMMON, max_examples=1000)
@given(plan=plans(SMALL))
def test_a_thousand_scripts_of_lies(plan):
    Stage().play(plan, SMALL)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@settings(COMMON, max_examples=200)
@given(plan=plans(3 * MIB))
def test_many_scripts_of_lies_about_a_large_document(plan):
    Stage(rate=64.0 * MIB).play(attrs.evolve(plan, several=3), 3 * MIB)
