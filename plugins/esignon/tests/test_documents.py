"""Documents by workflow id: parts, revisions of the API, what its codes mean."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from downspout import Folder, Link, Reference
from downspout.errors import InvalidURI, NotFound, PermissionDenied, ProtocolError, RateLimited, Unavailable

DOWNLOAD = "POST /workflow/download"
INFORMATION = "GET /api/v2/workflows/12584"
ISSUED = {"cert_url": "https://x.example/c", "doc_url": "https://x.example/d", "workflow_name": "Contract"}
INFORMED = {
    "workflow_id": 12584,
    "workflow_name": "Contract",
    "workflow_status": "Complete",
    "download_url": "https://x.example/lasting",
    "certificate_url": "https://x.example/lasting-c",
}


def test_all_is_a_folder_of_document_and_certificate(call, far, envelope):
    far.answers[DOWNLOAD] = envelope(ISSUED)
    folder = call().resolve("esignon:12584?part=all")
    assert isinstance(folder, Folder)
    assert [(child.path, str(child.reference)) for child in folder.children] == [
        ("Contract.pdf", "esignon:12584"),
        ("Contract - certificate.pdf", "esignon:12584?part=certificate"),
    ]
    assert folder.more is None


@pytest.mark.parametrize("missing", [{"cert_url": None}, {"cert_url": ""}])
def test_a_workflow_without_certificate_still_has_its_document(call, far, envelope, missing):
    far.answers[DOWNLOAD] = envelope(ISSUED | missing)
    caller = call()
    assert isinstance(caller.resolve("esignon:12584"), Link)
    assert [child.path for child in caller.resolve("esignon:12584?part=all").children] == ["Contract.pdf"]
    error = caller.resolve("esignon:12584?part=certificate")
    assert isinstance(error, NotFound)
    assert "certificate" in error.message


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Invoice 2026/01", "Invoice 2026/01.pdf"),
        ("Report.PDF", "Report.pdf"),
        ("", "12584.pdf"),
        (2026, "2026.pdf"),
    ],
)
def test_a_title_becomes_a_name(call, far, envelope, title, name):
    far.answers[DOWNLOAD] = envelope(ISSUED | {"workflow_name": title})
    assert call().resolve("esignon:12584").name == name


def test_a_title_with_a_slash_makes_no_folder_of_its_own(call, far, envelope):
    far.answers[DOWNLOAD] = envelope(ISSUED | {"workflow_name": "../2026/01"})
    paths = [child.path for child in call().resolve("esignon:12584?part=all").children]
    assert paths == [".._2026_01.pdf", ".._2026_01 - certificate.pdf"]


def test_a_client_id_is_sent_only_where_there_is_one(call, far, envelope):
    far.answers[DOWNLOAD] = envelope(ISSUED)
    call(client_id=None).resolve("esignon:12584")
    assert far.asked[0].json == {"workflow_id": "12584"}


def test_a_certificate_that_the_old_call_leaves_out_is_asked_for(call, far, envelope):
    body = {"result_url": "https://x.example/old", "wfname": "Old contract"}
    far.answers |= {DOWNLOAD: envelope(body), INFORMATION: envelope(INFORMED)}
    caller = call()
    assert caller.resolve("esignon:12584?part=certificate").url == "https://x.example/lasting-c"
    assert len(caller.resolve("esignon:12584?part=all").children) == 2
    asked = len(far.asked)
    assert caller.resolve("esignon:12584").url == "https://x.example/old"
    assert len(far.asked) == asked + 1


@pytest.mark.parametrize(
    "url", ["ftp://x.example/d", "https://x.example/ä", "https://x.example/a b", "https://:x/", "/d"]
)
def test_a_download_url_that_is_none_is_refused(call, far, envelope, url):
    far.answers[DOWNLOAD] = envelope(ISSUED | {"doc_url": url})
    assert isinstance(call().resolve("esignon:12584"), ProtocolError)


def test_the_field_names_of_2020_are_understood(call, far, envelope):
    far.answers[DOWNLOAD] = envelope({"result_url": "https://x.example/old", "wfname": "Old contract"})
    link = call().resolve("esignon:12584")
    assert (link.url, link.name) == ("https://x.example/old", "Old contract.pdf")


def test_a_service_of_2020_is_asked_again_with_its_own_field_names(call, far, envelope):
    def download(asked):
        if set(asked.json) != {"comp_id", "wfuid", "client_id"}:
            return envelope({}, "11", "A required value is missing.")
        return envelope({"result_url": f"https://x.example/{asked.json['wfuid']}", "wfname": "Old contract"})

    far.answers[DOWNLOAD] = download
    assert call(company_id="acme01").resolve("esignon:12584").url == "https://x.example/12584"


@pytest.mark.parametrize("missing", ["doc_url", "workflow_name"])
def test_a_renamed_field_is_named(call, far, envelope, missing):
    body = dict(ISSUED)
    body["renamed"] = body.pop(missing)
    far.answers[DOWNLOAD] = envelope(body)
    error = call().resolve("esignon:12584")
    assert isinstance(error, ProtocolError)
    assert missing in error.message


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("10", NotFound),
        ("11", NotFound),
        ("12", ProtocolError),
        ("13", PermissionDenied),
        ("14", PermissionDenied),
        ("95", PermissionDenied),
        ("99", ProtocolError),
        ("-1", ProtocolError),
        (0, Link),
        (10, NotFound),
        ("0", ProtocolError),
    ],
)
def test_a_result_code_is_more_than_the_status(call, far, envelope, code, kind):
    far.answers[DOWNLOAD] = envelope(ISSUED, code, "as told")
    assert isinstance(call().resolve("esignon:12584"), kind)


@pytest.mark.parametrize(
    ("status", "kind"),
    [(400, ProtocolError), (403, PermissionDenied), (404, NotFound), (429, RateLimited), (503, Unavailable)],
)
def test_a_status_is_an_error_of_its_kind(call, far, answer, status, kind):
    far.answers[DOWNLOAD] = answer(b"<html>", status)
    assert isinstance(call().resolve("esignon:12584"), kind)


@pytest.mark.parametrize("status", [404, 405, 410])
def test_where_the_old_call_is_gone_the_newer_one_is_asked(call, far, answer, envelope, status):
    far.answers |= {DOWNLOAD: answer(b"", status), INFORMATION: envelope(INFORMED)}
    link = call().resolve("esignon:12584")
    assert (link.url, link.name, link.expires_at) == ("https://x.example/lasting", "Contract.pdf", None)
    assert far.asked[1].path == "/api/v2/workflows/12584?offset=%2B09%3A00"
    assert far.asked[1].headers["Authorization"] == "esignon aB3+/w=="
    certificate = call().resolve("esignon:12584?part=certificate")
    assert certificate.url == "https://x.example/lasting-c"


@pytest.mark.parametrize("code", ["10", "11", "12", "95", "99"])
def test_where_the_old_call_refuses_the_newer_one_is_asked(call, far, envelope, code):
    far.answers |= {DOWNLOAD: envelope({}, code), INFORMATION: envelope(INFORMED)}
    assert call().resolve("esignon:12584").url == "https://x.example/lasting"


def test_the_newer_answer_may_come_without_an_envelope(call, far, envelope, answer):
    far.answers |= {DOWNLOAD: envelope({}, "10"), INFORMATION: answer(INFORMED)}
    assert call().resolve("esignon:12584").url == "https://x.example/lasting"


@pytest.mark.parametrize("change", [{"workflow_status": "Playing"}, {"workflow_id": 12585}, {"download_url": ""}])
def test_a_newer_answer_that_is_no_completed_document_of_that_id_is_no_help(call, far, envelope, change):
    far.answers |= {DOWNLOAD: envelope({}, "11", "not yet"), INFORMATION: envelope(INFORMED | change)}
    error = call().resolve("esignon:12584")
    assert isinstance(error, NotFound)
    assert "not yet" in error.message


def test_an_id_stays_one_part_of_the_path(call, far):
    call().resolve("esignon:a/../b%3Fc")
    assert far.asked[1].path == "/api/v2/workflows/a%2F..%2Fb%3Fc?offset=%2B09%3A00"


@pytest.mark.parametrize(
    "uri",
    [
        "esignon:12584?part=both",
        "esignon:12584?prat=all",
        "esignon:12584?page=2",
        "esignon:/folder",
        "esignon:/?page=0",
        "esignon:/?page=-1",
        "esignon:https://docs.esignon.net/x",
    ],
)
def test_a_uri_that_means_nothing_is_refused_before_anything_is_asked(call, far, uri):
    error = call().resolve(uri)
    assert isinstance(error, InvalidURI)
    assert far.asked == []


@given(st.text(min_size=1), st.dictionaries(st.text(min_size=1), st.text()))
def test_any_uri_is_read_or_refused(document, options):
    from downspout_esignon._asked import PARTS, Asked

    try:
        reference = Reference("esignon", document, options)
    except InvalidURI:
        return
    with contextlib.suppress(InvalidURI):
        asked = Asked.read(reference)
        assert asked.part in PARTS
        assert asked.page >= 1


def test_one_bad_document_leaves_its_neighbours_alone(call, far, envelope):
    import downspout_esignon as plugin

    caller = call()
    far.answers[DOWNLOAD] = lambda asked: (
        envelope({}, "10") if asked.json["workflow_id"] == "2" else envelope(ISSUED)
    )
    references = [Reference("esignon", number) for number in "123"]
    outcomes = plugin.resolve_link(caller.account, references, caller.signed(), caller.http(caller.signed()))
    assert [type(each) for each in outcomes] == [Link, NotFound, Link]


def test_a_service_that_repeats_the_token_shows_it_to_nobody(call, far, envelope):
    far.answers[DOWNLOAD] = lambda asked: envelope(
        {}, "99", f"bad {asked.headers['Authorization'][8:]} {asked.headers}"
    )
    error = call().resolve("esignon:12584")
    assert "aB3+/w==" not in str(error) + repr(error)
    assert "bad …" in error.message


def test_accounts_of_other_providers_are_none_of_its_business(call):
    import downspout_esignon as plugin
    from downspout import Account

    other = Account("esignon", "oracle")
    http = call().http(None)
    link = Link(Reference("esignon", "1"), "https://x.example/")
    assert plugin.authenticate(other, None, None, http) is None
    assert plugin.resolve_link(other, [Reference("esignon", "1")], None, http) is None
    assert plugin.open_stream(other, link, None, 0, None, None, http) is None
