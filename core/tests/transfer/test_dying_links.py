"""Links and credentials that die: at arrival, on the way, at every attempt; links that may be used once."""

import pytest

from downspout.errors import (
    AuthenticationError,
    IntegrityError,
    LinkRefused,
    NotFound,
    PermissionDenied,
    ProtocolError,
    RateLimited,
    Unavailable,
)
from downspout.testing import Cut, Document, LinkDeath, Pattern, Redirect, SignInPage

from .rig import KIB, MIB, Rig

SIZE = 5000


@pytest.fixture
def document(rig: Rig) -> Document:
    return rig.serve(SIZE, links_only=True)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410])
def test_a_link_dead_on_arrival_is_resolved_again(rig: Rig, document, status):
    rig.ferry.links = [{"uses": 0, "status": status}]
    rig.get()
    assert rig.holds(document)
    assert len(rig.ferry.asked) == 2


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410])
def test_a_link_that_dies_on_the_way_costs_no_byte(rig: Rig, document, status):
    rig.ferry.links = [{"uses": 1, "status": status}]
    rig.server.script("/doc", [Cut(2000)])
    assert rig.get().transferred == SIZE
    assert rig.holds(document)
    assert rig.ranges() == [None, "bytes=2000-4999", "bytes=2000-4999"]
    assert len(rig.ferry.asked) == 2


def test_each_link_of_a_long_way_may_die(rig: Rig):
    document = rig.serve(6 * MIB, links_only=True)
    rig.ferry.link = {"uses": 1}
    cut = Cut(int(1.3 * MIB))
    # every link serves one request, so each resumption meets a refusal first: progress pays for them all
    rig.server.script("/doc", [cut, None, cut, None, cut])
    rig.get(retries=2)
    assert rig.holds(document)
    assert len(rig.ferry.asked) == 4


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, PermissionDenied),
        (401, AuthenticationError),
        (403, PermissionDenied),
        (404, NotFound),
        (410, NotFound),
    ],
)
def test_a_link_that_is_always_dead_is_given_up_after_the_second(rig: Rig, document, status, kind):
    rig.ferry.link = {"uses": 0, "status": status}
    error = rig.fail()
    assert type(error) is kind
    assert f"({status})" in error.message
    assert len(rig.ferry.asked) == 2
    assert rig.leftovers() == []


def test_a_link_that_dies_again_and_again_on_the_way_leaves_what_came(rig: Rig, document):
    rig.ferry.links = [{"uses": 1}, {"uses": 0}, {"uses": 0}]
    rig.server.script("/doc", [Cut(2000)])
    assert isinstance(rig.fail(), PermissionDenied)
    assert rig.record()["ranges"] == [[0, 2000]]
    rig.server.script("/doc", [])
    assert rig.get().transferred == SIZE - 2000
    assert rig.holds(document)


def test_a_dead_link_of_a_single_try_is_still_resolved_again_once(rig: Rig, document):
    rig.ferry.links = [{"uses": 0}]
    rig.get(retries=1)
    assert rig.holds(document)


def test_a_new_link_may_lead_elsewhere(rig: Rig, document):
    rig.serve(SIZE, "/elsewhere", links_only=True)
    rig.ferry.links = [{"uses": 1}]
    rig.server.script("/doc", [Cut(2000), None, Redirect(rig.server.link("/elsewhere"))])
    rig.get()
    assert rig.holds(document)
    assert rig.ranges("/elsewhere") == ["bytes=2000-4999"]


def test_a_new_link_may_lead_to_another_version(rig: Rig, document):
    newer = Document(Pattern(SIZE + 10, seed=1), etag='"v2"', links_only=True)
    rig.ferry.links = [{"uses": 1}]
    rig.ferry.before_link = lambda number: rig.server.documents.update({"/doc": newer} if number else {})
    rig.server.script("/doc", [Cut(2000)])
    rig.get()
    assert rig.holds(newer)


def test_a_link_that_dies_as_it_is_served_is_no_trouble(rig: Rig, document):
    rig.server.script("/doc", [LinkDeath(served=True)])
    rig.get()
    assert rig.holds(document)
    assert len(rig.ferry.asked) == 1


def test_a_service_that_does_not_answer_is_asked_again(rig: Rig, document):
    rig.ferry.troubles = [Unavailable("no"), RateLimited("slow down", retry_after=0.01)]
    rig.get()
    assert rig.holds(document)


def test_a_service_that_says_no_is_believed(rig: Rig, document):
    for trouble in (NotFound("gone"), PermissionDenied("no"), ProtocolError("nonsense")):
        rig.ferry.troubles = [trouble]
        assert rig.fail() is trouble
        assert rig.server.requests == []
        assert rig.leftovers() == []


def test_a_refresh_that_fails_on_the_way_leaves_what_came(rig: Rig, document):
    rig.ferry.links = [{"uses": 1}]
    rig.ferry.troubles = [None, NotFound("gone")]
    rig.server.script("/doc", [Cut(2000)])
    assert isinstance(rig.fail(), NotFound)
    assert rig.record()["ranges"] == [[0, 2000]]


# Links that may be used once.


def test_a_single_use_link_is_used_once(rig: Rig, document):
    rig.ferry.facts["single_use"] = True
    rig.ferry.link = {"uses": 1}
    rig.get()
    assert rig.holds(document)
    assert [request.method for request in rig.server.requests] == ["GET"]
    assert len(rig.ferry.asked) == 1


def test_a_single_use_link_is_not_burnt_by_asking_for_the_name(rig: Rig, document):
    rig.ferry.facts["single_use"] = True
    rig.ferry.link = {"uses": 1}
    rig.get(target=rig.folder)
    assert (rig.folder / "doc").read_bytes() == document.read()
    assert [request.method for request in rig.server.requests] == ["GET"]
    assert len(rig.ferry.asked) == 1


def test_a_single_use_link_that_breaks_off_is_followed_by_another(rig: Rig, document):
    rig.ferry.facts["single_use"] = True
    rig.ferry.link = {"uses": 1}
    rig.server.script("/doc", [Cut(2000)])
    rig.get()
    assert rig.holds(document)
    assert rig.ranges() == [None, "bytes=2000-4999"]
    assert len(rig.ferry.asked) == 2


def test_a_single_use_link_stays_with_one_connection(rig: Rig):
    document = rig.serve(8 * MIB, links_only=True)
    rig.ferry.facts["single_use"] = True
    rig.ferry.link = {"uses": 1}
    rig.get(connections=4)
    assert rig.holds(document)
    assert rig.ranges() == [None]


def test_no_request_asks_only_whether_a_link_works(rig: Rig, document):
    rig.get(target=rig.folder)
    rig.get(connections=4)
    assert {request.method for request in rig.server.requests} == {"GET"}
    assert len(rig.server.requests) == 2


def test_what_a_link_said_is_held_against_its_own_bytes(rig: Rig):
    """A stream of a link that may be used once is judged by that link, not by the next one."""
    rig.serve(SIZE, links_only=True)
    rig.ferry.facts |= {"single_use": True, "version": "7"}
    rig.ferry.link = {"uses": 1}
    rig.ferry.before_link = lambda number: rig.ferry.facts.update(version=str(7 + number))
    result = rig.get(target=rig.folder)
    assert result.version == "7"


# Credentials.


@pytest.fixture
def aboard(rig: Rig):
    """A document for those whose token the ferry honours."""
    return rig.serve(SIZE)


def test_a_credential_that_dies_on_the_way_is_renewed_and_costs_no_byte(rig: Rig, aboard):
    rig.server.script("/doc", [Cut(2000)])
    seen = []

    def observer(event):
        if type(event).__name__ == "Opened":
            seen.append(event.start)
            rig.harbour.valid.clear()  # it dies as soon as it was used

    result = rig.get("harbour:/doc", observer=observer)
    assert rig.holds(aboard)
    assert result.transferred == SIZE
    assert seen == [0, 2000]
    assert [request.headers.get("x-ferry-token") for request in rig.server.requests] == ["token-1", "token-2"]


def test_a_credential_that_is_never_accepted_is_given_up(rig: Rig, aboard):
    class Nobody(set):
        def add(self, token):
            pass

    rig.harbour.valid = Nobody()
    assert isinstance(rig.fail("harbour:/doc"), AuthenticationError)
    assert rig.harbour.issued <= 4
    assert rig.server.requests == []


def test_a_sign_in_page_in_place_of_a_document_is_a_dead_link(rig: Rig, document):
    rig.server.script("/doc", [SignInPage()])
    rig.get()
    assert rig.holds(document)
    assert len(rig.ferry.asked) == 2


@pytest.mark.parametrize("size", [0, 100, 3000, 64 * KIB], ids=["plain", "short", "medium", "long"])
@pytest.mark.parametrize("media_type", ["text/html", None])
def test_a_sign_in_page_every_time_is_no_document(rig: Rig, document, size, media_type):
    page = b"<!DOCTYPE html><title>Sign in</title>" + b" " * size
    rig.server.script("/doc", [SignInPage(page=page, media_type=media_type)], repeat_last=True)
    error = rig.fail()
    assert isinstance(error, IntegrityError)
    assert "web page" in error.message
    assert not rig.target.exists()
    assert rig.leftovers() == []


def test_a_sign_in_page_that_comes_in_pieces_is_seen_too(rig: Rig, document):
    page = b"<!-- " + b"x" * 1500 + b" --><html><body>" + b"y" * 3000
    rig.server.script("/doc", [SignInPage(page=page) + Cut(100), SignInPage(page=page)], repeat_last=True)
    assert isinstance(rig.fail(), IntegrityError)


def test_a_page_that_was_wanted_is_taken(rig: Rig, document):
    rig.server.script("/doc", [SignInPage()], repeat_last=True)
    assert rig.get(accept_html=True).status == "ok"
    assert rig.get(target=rig.folder / "page.html").status == "ok"


def test_what_is_no_pdf_is_not_the_pdf_that_was_promised(rig: Rig):
    rig.serve(b"PK\x03\x04 no pdf at all" * 10)
    rig.ferry.facts["media_type"] = "application/pdf"
    error = rig.fail()
    assert isinstance(error, IntegrityError)
    assert "application/pdf" in error.message


@pytest.mark.parametrize("media_type", ["text/csv", "Application/PDF; x=y", "image/png", "application/zip"])
def test_what_begins_as_it_should_is_taken(rig: Rig, media_type):
    heads = {"text/csv": b"a,b,c", "image/png": b"\x89PNG\r\n\x1a\n", "application/zip": b"PK\x03\x04"}
    rig.serve(heads.get(media_type, b"some bytes before %PDF-1.7") + b" and so on")
    rig.ferry.facts["media_type"] = media_type
    assert rig.get().status == "ok"


def test_the_refusal_of_a_link_is_never_the_last_word(rig: Rig, document):
    rig.ferry.link = {"uses": 0}
    assert not isinstance(rig.fail(retries=0), LinkRefused)
