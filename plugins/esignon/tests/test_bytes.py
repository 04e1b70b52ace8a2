"""The bytes: no credential travels with them, and a page is no document."""

import pytest
from attrs import evolve

from downspout.errors import IntegrityError, LinkRefused, NotFound, PermissionDenied, Unavailable

DOWNLOAD = "POST /workflow/download"
INFORMATION = "GET /api/v2/workflows/12584"
PDF = b"%PDF-1.7 " + bytes(range(256))


@pytest.fixture
def link(call, far, store, envelope):
    body = {"cert_url": f"{store.url}/c", "doc_url": f"{store.url}/d?sig=1", "workflow_name": "Contract"}
    far.answers[DOWNLOAD] = envelope(body)
    return call().resolve("esignon:12584")


def test_no_credential_reaches_the_host_of_the_documents(call, store, link, answer):
    store.answers["GET /d"] = answer(PDF, media_type="application/pdf")
    assert call(token="secret-token").read(link) == PDF
    [asked] = store.asked
    assert asked.path == "/d?sig=1"
    assert not {name.lower() for name in asked.headers} - {"host", "accept", "accept-encoding", "user-agent"}
    assert "aB3" not in repr(asked)


def test_no_credential_goes_along_even_at_the_same_origin(call, far, link, answer):
    far.answers["GET /d"] = answer(PDF, media_type="application/pdf")
    assert call().read(evolve(link, url=f"{far.url}/d")) == PDF
    assert "Authorization" not in far.asked[-1].headers


def test_a_range_is_asked_for_and_a_whole_answer_is_fine(call, store, link, answer):
    store.answers["GET /d"] = answer(PDF, media_type="application/pdf")
    stream = call().open(link, 5, 9, '"tag"')
    assert (stream.start, stream.size) == (0, len(PDF))
    stream.close()
    assert store.asked[0].headers["Range"] == "bytes=5-8"
    assert store.asked[0].headers["If-Range"] == '"tag"'


@pytest.mark.parametrize(
    ("status", "final"), [(403, PermissionDenied), (404, NotFound), (410, NotFound), (400, PermissionDenied)]
)
def test_a_dead_link_asks_for_a_new_one(call, store, link, answer, status, final):
    store.answers["GET /d"] = answer(b"gone", status)
    with pytest.raises(LinkRefused) as caught:
        call().open(link)
    assert caught.value.final is final


@pytest.mark.parametrize("media_type", ["text/html", "Text/HTML; charset=utf-8", "application/xhtml+xml"])
def test_a_page_instead_of_a_document_asks_for_a_new_link(call, store, link, answer, media_type):
    store.answers["GET /d"] = answer(b"<html>expired", media_type=media_type)
    with pytest.raises(LinkRefused) as caught:
        call().open(link)
    assert caught.value.final is IntegrityError
    assert "esignon:12584" in caught.value.message
    assert "sig=" not in caught.value.message


def test_a_link_that_fails_before_its_time_gives_way_to_the_lasting_one(call, far, store, link, answer, envelope):
    body = {"workflow_name": "Contract", "workflow_status": "Complete"}
    urls = {"download_url": f"{store.url}/lasting", "certificate_url": f"{store.url}/lasting-c"}
    far.answers[INFORMATION] = envelope(body | urls)
    store.answers |= {"GET /d": answer(b"", 403), "GET /c": answer(b"<html>", media_type="text/html")}
    store.answers |= {"GET /lasting": answer(PDF), "GET /lasting-c": answer(b"%PDF certificate")}
    caller = call()
    assert caller.read(link) == PDF
    assert caller.read(caller.resolve("esignon:12584?part=certificate")) == b"%PDF certificate"
    assert all("Authorization" not in asked.headers for asked in store.asked)


def test_a_link_that_has_worked_is_issued_again(call, far, store, link, answer):
    store.answers["GET /d"] = answer(b"", 403)
    asked = len(far.asked)
    with pytest.raises(LinkRefused):
        call().open(link, start=5)
    assert len(far.asked) == asked


def test_an_expired_link_is_issued_again(call, far, store, link, answer):
    store.answers["GET /d"] = answer(b"", 403)
    past = link.expires_at.replace(year=2020)
    asked = len(far.asked)
    with pytest.raises(LinkRefused):
        call().open(evolve(link, expires_at=past))
    assert len(far.asked) == asked


@pytest.mark.parametrize(
    "change", [{"certificate_url": None}, {"certificate_url": "no url"}, {"workflow_status": "Canceled"}]
)
def test_a_lasting_link_that_is_none_is_no_help(call, far, store, link, answer, envelope, change):
    body = {"workflow_name": "Contract", "download_url": f"{store.url}/l", "certificate_url": f"{store.url}/l"}
    far.answers[INFORMATION] = envelope(body | change)
    store.answers["GET /c"] = answer(b"", 403)
    caller = call()
    with pytest.raises(LinkRefused):
        caller.open(caller.resolve("esignon:12584?part=certificate"))


def test_trouble_of_the_server_is_no_fault_of_the_link(call, store, link, answer):
    store.answers["GET /d"] = answer(b"", 503)
    with pytest.raises(Unavailable):
        call().open(link)
