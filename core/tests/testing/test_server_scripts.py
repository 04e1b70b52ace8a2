"""All the lies at once: the catalogue, random scripts, and the examples of the docstrings."""

import contextlib
import doctest
import http.client
import importlib
import inspect
import pkgutil
import threading

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import downspout.testing
from downspout.testing import (
    Answer,
    BadCertificate,
    Document,
    Fault,
    HangUp,
    LyingServer,
    PlainText,
    SlowAccept,
    Together,
    every_fault,
)

CONTENT = bytes(range(250)) * 4
NOT_IN_THE_CATALOGUE = {"Fault", "LinkDeath", "Together", "Header"}


def fetch(server: LyingServer, **headers: str) -> None:
    """Ask as a hurried client does: whatever comes, it is gone soon."""
    client = http.client.HTTPConnection("127.0.0.1", server.port, timeout=0.02)
    with contextlib.suppress(http.client.HTTPException, OSError, ValueError):
        client.request("GET", "/doc", headers=headers)
        with client.getresponse() as response:
            response.read(1 << 16)
    client.close()


def test_the_catalogue_has_one_of_each_lie():
    def kinds(fault):
        return (
            {name for part in fault.faults for name in kinds(part)}
            if isinstance(fault, Together)
            else {type(fault)}
        )

    known = {name for name in downspout.testing.__all__ if name not in NOT_IN_THE_CATALOGUE}
    classes = {getattr(downspout.testing, name) for name in known}
    lies = {cls for cls in classes if inspect.isclass(cls) and issubclass(cls, Fault)}
    assert lies <= {kind for fault in every_fault() for kind in kinds(fault)}


@pytest.mark.parametrize("size", [0, 1, 1000])
def test_every_lie_is_a_plain_value_that_fits_any_answer(size):
    names = {name: getattr(downspout.testing, name) for name in downspout.testing.__all__}
    for fault in every_fault(size):
        assert eval(repr(fault), names) == fault
        assert hash(fault) == hash(eval(repr(fault), names))
        assert isinstance(fault._change(Answer(200, b"x" * size)), Answer)


@given(
    script=st.lists(st.none() | st.sampled_from(every_fault(1000)), max_size=6),
    asked=st.sampled_from(["bytes=0-", "bytes=1000-", "bytes=-5", "bytes=3-7", "bytes=999-", ""]),
    size=st.sampled_from([0, 1, 1000]),
    if_range=st.sampled_from(['"v1"', '"v2"']),
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_server_survives_any_script_and_leaves_nothing_behind(script, asked, size, if_range):
    before = threading.active_count()
    with LyingServer() as server:
        server.documents["/doc"] = Document(CONTENT[:size])
        server.script("/doc", script)
        for _ in range(len(script) + 1):
            fetch(server, Range=asked, **{"If-Range": if_range})
        server.wait_for_requests(1)
    assert threading.active_count() == before
    assert server.errors == []


@given(
    script=st.lists(
        st.none()
        | st.sampled_from(
            [HangUp(), HangUp("close"), SlowAccept(), SlowAccept(0.01), PlainText(), BadCertificate()]
        )
    )
)
@settings(max_examples=20, deadline=None)
def test_a_server_survives_any_script_for_its_connections(script):
    with LyingServer() as server:
        server.documents["/doc"] = Document(CONTENT)
        server.script_connections(script[:6], repeat_last=True)
        for _ in range(3):
            fetch(server)
    assert server.errors == []


MODULES = sorted(module.name for module in pkgutil.iter_modules(downspout.testing.__path__))


@pytest.mark.parametrize("name", [name for name in MODULES if name == "server" or name.startswith("_")])
def test_the_examples_of_the_docstrings_are_true(name):
    module = importlib.import_module(f"downspout.testing.{name}")
    names = {public: getattr(downspout.testing, public) for public in downspout.testing.__all__}
    import attrs

    finder = doctest.DocTestFinder()
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
    for test in finder.find(module, extraglobs={**names, "attrs": attrs}):
        runner.run(test)
    assert runner.failures == 0
