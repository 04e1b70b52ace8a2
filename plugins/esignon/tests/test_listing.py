"""All completed documents: `esignon:/`."""

import pytest

from downspout import Folder
from downspout.errors import AuthenticationError, PermissionDenied, ProtocolError

LIST = "GET /worklists/new"


def entry(number, name="Contract", status="Complete"):
    return {"wfuid": number, "wfname": name, "wftype": "NORMAL", "status": status, "step": status}


def listed(envelope, *entries, total=None):
    return envelope({"page": "1", "rows": "50", "total": total or len(entries), "workflow_list": list(entries)})


def paths(folder):
    assert isinstance(folder, Folder), folder
    return [(child.path, str(child.reference)) for child in folder.children]


def test_completed_documents_are_listed_each_with_a_name_of_its_own(call, far, envelope):
    far.answers[LIST] = listed(envelope, entry(1), entry("2"), entry(3, "Offer", "Playing"), entry(4, None))
    assert paths(call().resolve("esignon:/")) == [
        ("Contract (1).pdf", "esignon:1"),
        ("Contract (2).pdf", "esignon:2"),
        ("(4).pdf", "esignon:4"),
    ]
    assert far.asked[0].path == "/worklists/new?page=1&rows=50"
    assert far.asked[0].headers["Authorization"] == "esignon aB3+/w=="


def test_a_part_is_passed_on_to_all_documents(call, far, envelope):
    far.answers[LIST] = listed(envelope, entry(1, "a/b"))
    caller = call()
    assert paths(caller.resolve("esignon:/?part=certificate")) == [
        ("a_b (1) - certificate.pdf", "esignon:1?part=certificate")
    ]
    assert paths(caller.resolve("esignon:/?part=all")) == [("a_b (1)/", "esignon:1?part=all")]


def test_pages_follow_until_the_total(call, far, envelope):
    def page(asked):
        number = int(asked.path.partition("page=")[2].partition("&")[0])
        rows = [entry(50 * (number - 1) + each) for each in range(50 if number < 3 else 20)]
        return listed(envelope, *rows, total="120")

    far.answers[LIST] = page
    caller, uri, found = call(), "esignon:/?part=certificate", []
    while uri is not None:
        folder = caller.resolve(uri)
        found += folder.children
        uri = str(folder.more) if folder.more else None
    assert len(found) == 120
    assert [each.path.partition("page=")[2] for each in far.asked] == ["1&rows=50", "2&rows=50", "3&rows=50"]


def test_an_empty_page_is_the_last_whatever_the_total_says(call, far, envelope):
    far.answers[LIST] = listed(envelope, total=10**9)
    folder = call().resolve("esignon:/")
    assert folder.children == ()
    assert folder.more is None


def test_a_listing_is_refused_as_everything_else(call, far, envelope):
    far.answers[LIST] = envelope({}, "95", "no")
    assert isinstance(call().resolve("esignon:/"), PermissionDenied)
    far.answers[LIST] = envelope({}, "94", "no")
    with pytest.raises(AuthenticationError):
        call().resolve("esignon:/")


@pytest.mark.parametrize("lost", ["total", "workflow_list"])
def test_a_renamed_field_is_named(call, far, envelope, lost):
    body = {"total": "1", "workflow_list": [entry(1)]}
    del body[lost]
    far.answers[LIST] = envelope(body)
    error = call().resolve("esignon:/")
    assert isinstance(error, ProtocolError)
    assert lost in error.message
