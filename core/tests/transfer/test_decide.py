"""The decision table, row by row, without a network. `test_decide_on_the_wire` has the same rows over sockets."""

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from downspout import Link, Reference, Stream
from downspout._transfer.decide import Append, Complete, Fail, Identity, Restart, Said, decide
from downspout.errors import ProtocolError

NOBODY = Identity()
V1 = Identity(etag='"v1"', size=1000)
V2 = Identity(etag='"v2"', size=1000)
DATED = Identity(etag="Mon, 02 Jan 2023 03:04:05 GMT", size=1000)
LATER = Identity(etag="Tue, 03 Jan 2023 03:04:05 GMT", size=1000)
NAMED = Identity(version="7", size=1000)


def outcome(asked: int, held: Identity, said: Said) -> object:
    """Return what is decided; of what only people read, no more than that it is there."""
    decision = decide(asked, held, said, "ferry:/doc")
    if isinstance(decision, Restart):
        assert decision.why
        return "restart here" if decision.here else "restart"
    if isinstance(decision, Fail):
        assert isinstance(decision.error, ProtocolError)
        assert decision.error.message.startswith("ferry:/doc")
        return "fail"
    return decision


def said(start: int | None, identity: Identity, **more: bool) -> Said:
    return Said(start, identity, **more)


WHOLE = [
    # the first request, for all of it
    (0, NOBODY, said(0, V1, whole=True), Append(0)),
    (0, NOBODY, said(0, NOBODY, whole=True), Append(0)),
    (0, NOBODY, said(5, V1), "fail"),  # a part that nobody asked for
    (0, NOBODY, said(None, V1), "fail"),
    (0, NOBODY, said(None, NOBODY, unsatisfied=True), "fail"),
    # all of it again, though some is held
    (0, V1, said(0, V1, whole=True), Append(0)),
    (0, V1, said(0, V2, whole=True), "restart here"),
    (0, V1, said(0, NOBODY, whole=True), "restart here"),
    (0, V1, said(0, V2), "restart"),  # another version, and not all of it either
]
RANGES = [
    (100, V1, said(100, V1), Append(100)),
    (100, V1, said(60, V1), Append(60)),  # earlier than asked, as block caches answer: skipped, not appended
    (100, V1, said(0, V1), Append(0)),  # from the beginning, but a part all the same
    (100, V1, said(140, V1), "restart"),  # later than asked: a hole
    (100, V1, said(None, V1), "restart"),  # no Content-Range, multipart, a wrong unit, a length that differs
    (100, V1, said(0, V1, whole=True), "restart here"),  # a 200 is never appended
    (100, V1, said(0, V2, whole=True), "restart here"),
    (100, V1, said(0, NOBODY, whole=True), "restart here"),
    (100, V1, said(100, V2), "restart"),  # If-Range ignored, as object stores do
    (100, V1, said(100, Identity(etag='"v1"', size=999)), "restart"),  # another total
    (100, V1, said(100, Identity(etag='"v1"')), Append(100)),  # a total of `*`
    (100, V1, said(100, Identity(size=1000)), "restart"),  # no validator: nothing says that it is the same
    (100, NOBODY, said(100, V1), "restart"),  # nothing is known of what is held
    (100, Identity(size=1000), said(100, Identity(size=1000)), "restart"),  # a size is no proof
    (100, DATED, said(100, DATED), Append(100)),
    (100, DATED, said(100, LATER), "restart"),
    (100, DATED, said(100, V1), "restart"),  # a date then, a tag now
]
VERSIONS = [
    # what the service names counts for more than what the store says
    (100, NAMED, said(100, NAMED), Append(100)),
    (100, NAMED, said(100, Identity(version="8", size=1000)), "restart"),
    (100, Identity("7", '"v1"'), said(100, Identity("8", '"v1"')), "restart"),
    (100, Identity("7", '"v1"'), said(100, Identity("7")), Append(100)),
    (100, Identity("7", DATED.etag), said(100, Identity("7", LATER.etag)), Append(100)),  # dates of signing
    (100, Identity("7", '"v1"'), said(100, Identity("7", '"v2"')), "restart"),  # two tags never agree
    (100, Identity("7", DATED.etag), said(100, Identity(None, LATER.etag)), "restart"),
]
BEYOND = [
    (1000, V1, said(None, V1, unsatisfied=True), Complete()),
    (1000, Identity(etag='"v1"'), said(None, Identity(size=1000), unsatisfied=True), Complete()),
    (1000, V1, said(None, NOBODY, unsatisfied=True), Complete()),  # a 416 without a size
    (1000, Identity(etag='"v1"'), said(None, NOBODY, unsatisfied=True), "restart"),  # nobody knows the size
    (1200, Identity(etag='"v1"'), said(None, Identity(size=1000), unsatisfied=True), "restart"),  # longer
    (800, V1, said(None, V1, unsatisfied=True), "restart"),  # a 416 in the middle of the document
    (1000, V1, said(None, V2, unsatisfied=True), "restart"),
    (1000, V1, said(1000, V1, unsatisfied=True), Complete()),  # an empty, inverted 206
]


@pytest.mark.parametrize(("asked", "held", "said", "expected"), WHOLE)
def test_an_answer_to_a_request_for_all_of_it(asked, held, said, expected):
    assert outcome(asked, held, said) == expected


@pytest.mark.parametrize(("asked", "held", "said", "expected"), RANGES)
def test_an_answer_to_a_request_for_a_range(asked, held, said, expected):
    assert outcome(asked, held, said) == expected


@pytest.mark.parametrize(("asked", "held", "said", "expected"), VERSIONS)
def test_the_version_that_the_service_names_counts_for_more(asked, held, said, expected):
    assert outcome(asked, held, said) == expected


@pytest.mark.parametrize(("asked", "held", "said", "expected"), BEYOND)
def test_an_answer_that_there_is_nothing_behind(asked, held, said, expected):
    assert outcome(asked, held, said) == expected


@pytest.mark.parametrize(
    ("asked", "held", "said", "why"),
    [
        (100, V1, said(100, V2), "the document has changed"),
        (100, V1, said(0, V2, whole=True), "the document has changed"),
        (1000, V1, said(None, V2, unsatisfied=True), "the document has changed"),
        (100, V1, said(0, NOBODY, whole=True), "the server sent all of it"),
        (100, V1, said(100, NOBODY), "nothing says that it is still the same document"),
    ],
)
def test_people_are_told_why_all_begins_anew(asked, held, said, why):
    assert decide(asked, held, said, "x").why == why


versions = st.sampled_from([None, "7", "8"])
etags = st.sampled_from([None, '"v1"', '"v2"', DATED.etag, LATER.etag])
sizes = st.sampled_from([None, 0, 100, 1000])
identities = st.builds(Identity, versions, etags, sizes)
sayings = st.one_of(
    st.builds(Said, st.sampled_from([None, 0, 60, 100, 140]), identities),
    st.builds(Said, st.just(0), identities, whole=st.just(True)),
    st.builds(Said, st.sampled_from([None, 100, 1000]), identities, unsatisfied=st.just(True)),
)


@settings(deadline=None)
@given(st.sampled_from([0, 100, 1000]), identities, sayings)
def test_nothing_is_appended_that_is_not_known_to_be_the_same_document(asked, held, said):
    decision = decide(asked, held, said, "x")
    if isinstance(decision, Append) and held != NOBODY:
        assert held.confirms(said.identity)
        assert said.start is not None
        assert said.start <= asked
        assert not (said.whole and asked)
    if isinstance(decision, Complete):
        assert said.unsatisfied
        assert asked in {said.identity.size, held.size}


@settings(deadline=None)
@given(st.sampled_from([0, 100]), identities, sayings)
def test_a_restart_here_has_the_whole_document(asked, held, said):
    decision = decide(asked, held, said, "x")
    if isinstance(decision, Restart) and decision.here:
        assert said.whole


@settings(deadline=None)
@given(identities, identities)
def test_contradiction_and_confirmation_are_mutual_and_exclude_each_other(one, other):
    assert one.contradicts(other) == other.contradicts(one)
    assert one.confirms(other) == other.confirms(one)
    assert not (one.contradicts(other) and one.confirms(other))


@settings(deadline=None)
@given(identities, identities)
def test_what_both_know_together_is_what_the_second_knows_and_else_the_first(one, other):
    both = one.completed_by(other)
    for name in ("version", "etag", "size"):
        mine, theirs = getattr(one, name), getattr(other, name)
        assert getattr(both, name) == (mine if theirs is None else theirs)


class Spoken(Stream):
    """A stream that only says what it is."""

    def __init__(self, **facts: object) -> None:
        for name, value in facts.items():
            setattr(self, name, value)

    def readinto(self, buffer):
        raise AssertionError

    def close(self):
        raise AssertionError


@pytest.mark.parametrize(
    ("facts", "whole"),
    [
        ({}, True),
        ({"size": 10}, True),
        ({"size": 10, "stop": 10}, True),
        ({"size": 10, "stop": 9}, False),
        ({"stop": 9}, False),
        ({"start": 1, "size": 10, "stop": 10}, False),
        ({"start": None}, False),
        ({"unsatisfied": True}, False),
    ],
)
def test_a_stream_is_whole_if_it_has_beginning_and_end(facts, whole):
    link = Link(Reference("ferry", "/doc"), "https://x.example/")
    assert Said.by(Spoken(**facts), link).whole is whole


@pytest.mark.parametrize(("of_stream", "of_link"), list(product([None, "7"], [None, "8"])))
def test_the_version_of_the_stream_goes_before_the_link_s(of_stream, of_link):
    link = Link(Reference("ferry", "/doc"), "https://x.example/", version=of_link)
    assert Said.by(Spoken(version=of_stream), link).identity.version == (of_stream or of_link)
