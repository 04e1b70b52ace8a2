"""Files and folders: by id, by path, page by page."""

import contextlib
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from downspout import Folder, Link, Reference
from downspout.errors import InvalidURI, LinkRefused, NotFound, PermissionDenied, ProtocolError, Unavailable

API = "/documents/api/1.2"


@pytest.fixture
def tree(far, answer, refusal):
    """Serve folders: id to items. `filterName` is obeyed unless `tree.generous`."""

    class Tree(dict):
        generous = False
        rows = None

        def __setitem__(self, guid, items):
            super().__setitem__(guid, items)
            far.answers[f"GET {API}/folders/{guid}/items"] = self.items_of(guid)

        def items_of(self, guid):
            def listing(asked):
                query = {name: value[0] for name, value in parse_qs(urlsplit(asked.path).query).items()}
                items = [i for i in self[guid] if self.generous or query.get("filterName") in {None, i["name"]}]
                start, rows = int(query.get("offset", 0)), self.rows or int(query["limit"])
                page = items[start : start + rows]
                more = "1" if start + rows < len(items) else "0"
                return answer({"items": page, "hasMore": more, "count": str(len(page)), "errorCode": "0"})

            return listing

    return Tree()


def file(guid, name, **fields):
    return {"id": guid, "name": name, "type": "file", "size": "13", "version": "2", **fields}


def folder(guid, name):
    return {"id": guid, "name": name, "type": "folder"}


def paths(outcome):
    assert isinstance(outcome, Folder), outcome
    return [(child.path, str(child.reference), child.size, child.version) for child in outcome.children]


def test_a_files_name_size_version_and_date_are_known(call, far, answer, described_file):
    far.answers[f"GET {API}/files/D1"] = answer(described_file())
    link = call().resolve("oracle:D1")
    assert (link.name, link.size, link.version) == ("report.pdf", 13, "3")
    assert link.modified_at == datetime(2026, 1, 1, 8, 30, tzinfo=UTC)
    assert (link.expires_at, link.media_type) == (None, None)


def test_the_newest_version_is_asked_for_by_its_number(call, far, answer, described_file):
    far.answers[f"GET {API}/files/D1"] = answer(described_file())
    assert call().resolve("oracle:D1").url == f"{far.url}{API}/files/D1/data?version=3"


def test_a_version_that_is_gone_meanwhile_asks_again(call, far, answer, refusal, described_file):
    far.answers |= {
        f"GET {API}/files/D1": answer(described_file(version="1")),
        f"GET {API}/files/D1/data": refusal("-16", status=404),
    }
    caller = call()
    with pytest.raises(LinkRefused) as caught:
        caller.open(caller.resolve("oracle:D1"))
    assert caught.value.final is NotFound
    with pytest.raises(NotFound):
        caller.open(caller.resolve("oracle:D1?version=1"))


def test_another_version_than_the_one_asked_for_is_no_answer(call, far, answer, described_file):
    far.answers[f"GET {API}/files/D1"] = answer(described_file(version="3"))
    assert isinstance(call().resolve("oracle:D1?version=2"), ProtocolError)
    assert call().resolve("oracle:D1?version=03").version == "03"


def test_another_file_than_the_one_asked_for_is_no_answer(call, far, answer, described_file):
    far.answers[f"GET {API}/files/D1"] = answer(described_file("D2"))
    assert isinstance(call().resolve("oracle:D1"), ProtocolError)


def test_a_folder_has_no_versions(call, far, answer, described_file):
    far.answers[f"GET {API}/files/F1"] = answer(described_file("F1", type="folder", version="1"))
    error = call().resolve("oracle:F1?version=1")
    assert isinstance(error, NotFound)
    assert "folder" in error.message


def test_refused_metadata_leave_the_file_to_be_tried(call, far, answer, refusal):
    far.answers |= {
        f"GET {API}/files/D1": refusal("-20"),
        f"GET {API}/files/D1/data": answer(b"%PDF", media_type="x/y"),
    }
    caller = call()
    link = caller.resolve("oracle:D1?version=2")
    assert (link.name, link.size, link.version) == (None, None, None)
    assert link.url.endswith("/files/D1/data?version=2")
    assert caller.read(link) == b"%PDF"
    assert caller.resolve("oracle:D1").url.endswith("/files/D1/data")


def test_an_error_in_the_body_counts_whatever_the_status(call, far, answer, described_file):
    far.answers[f"GET {API}/files/D1"] = answer(described_file(errorCode="-16"))
    assert isinstance(call().resolve("oracle:D1"), NotFound)


@pytest.mark.parametrize(
    "key", ["!csX!csCloudItemInsufficientPrivileges,User", "csCloudItemInsufficientPrivileges"]
)
def test_an_unknown_code_is_read_by_its_key(call, far, refusal, key):
    far.answers[f"GET {API}/folders/F1/items"] = refusal("-77", key, 400)
    assert isinstance(call().resolve("oracle:F1"), PermissionDenied)


def test_an_unknown_failure_says_what_the_service_says(call, far, refusal):
    far.answers[f"GET {API}/files/D1"] = refusal("-1", status=400, message="Something\nbroke.")
    error = call().resolve("oracle:D1")
    assert isinstance(error, ProtocolError)
    assert error.message == "oracle:D1: Something broke (-1)."


def test_trouble_of_the_server_passes(call, far, refusal):
    far.answers[f"GET {API}/files/D1"] = refusal("-1", status=503)
    assert isinstance(call().resolve("oracle:D1"), Unavailable)


def test_a_folder_by_id_lists_files_and_folders(call, tree):
    tree["F1"] = [folder("F2", "a/b"), file("D1", "one.pdf"), file("D2", "x", size=None, version=None)]
    tree["F1"].append({"id": "C1", "name": "a conversation", "type": "conversation"})
    assert paths(call().resolve("oracle:F1")) == [
        ("a_b/", "oracle:F2", None, None),
        ("one.pdf", "oracle:D1", 13, "2"),
        ("x", "oracle:D2", None, None),
    ]


def test_what_a_listing_told_is_not_asked_again(call, far, tree):
    tree["F1"] = [file("D1", "one.pdf", modifiedTime="2026-01-01T08:30:00Z")]
    caller = call()
    [child] = caller.resolve("oracle:F1").children
    link = caller.resolve(child.reference)
    assert (link.name, link.size, link.version) == ("one.pdf", 13, "2")
    assert link.url.endswith("/files/D1/data?version=2")
    assert len(far.asked) == 1


def test_an_id_that_was_taken_for_the_wrong_kind_is_tried_as_the_other(call, far, tree, answer, described_file):
    tree["X1"] = [file("D1", "one.pdf")]
    far.answers[f"GET {API}/files/F9"] = answer(described_file("F9"))
    assert isinstance(call().resolve("oracle:X1"), Folder)
    assert isinstance(call().resolve("oracle:F9"), Link)
    assert isinstance(call().resolve("oracle:X2"), NotFound)


def test_links_are_passed_on_to_all_children(call, tree):
    tree["F1"] = [folder("F2", "a"), file("D1", "b")]
    caller = call()
    assert [each[1] for each in paths(caller.resolve("oracle:F1?link=LF1", signed=False))] == [
        "oracle:F2?link=LF1",
        "oracle:D1?link=LF1",
    ]


def test_pages_follow_each_other(call, tree):
    tree["self"], tree.rows = [file(f"D{n}", f"{n:03}") for n in range(25)], 10
    caller, uri, found = call(), "oracle:/", []
    while uri is not None:
        page = caller.resolve(uri)
        found += [child.path for child in page.children]
        uri = str(page.more) if page.more else None
    assert found == [f"{n:03}" for n in range(25)]


def test_an_empty_page_is_the_last_whatever_it_says(call, far, answer):
    far.answers[f"GET {API}/folders/F1/items"] = answer({"items": [], "hasMore": "1"})
    assert call().resolve("oracle:F1").more is None


def test_a_path_is_walked_name_by_name(call, far, tree):
    tree["self"] = [folder("F1", "Reports & more"), file("D0", "x")]
    tree["F1"] = [folder("F2", "2025")]
    tree["F2"] = [file("D1", "report.pdf")]
    caller = call()
    link = caller.resolve("oracle:/Reports & more//2025/report.pdf")
    assert (link.name, link.version) == ("report.pdf", "2")
    assert link.url.endswith("/files/D1/data?version=2")
    assert [urlsplit(asked.path).path for asked in far.asked] == [
        f"{API}/folders/{guid}/items" for guid in ("self", "F1", "F2")
    ]
    assert "filterName=Reports+%26+more" in far.asked[0].path
    assert paths(caller.resolve("oracle:/Reports & more/2025")) == [("report.pdf", "oracle:D1", 13, "2")]


def test_a_version_of_a_file_is_had_by_its_path(call, far, tree, answer, described_file):
    tree["self"] = [folder("F1", "a"), file("D1", "a")]
    far.answers[f"GET {API}/files/D1"] = answer(described_file(version="1", size="5"))
    link = call().resolve("oracle:/a?version=1")
    assert (link.version, link.size) == ("1", 5)
    tree["self"] = [folder("F1", "a")]
    assert isinstance(call().resolve("oracle:/a?version=1"), NotFound)


def test_a_file_goes_before_a_folder_of_its_name_unless_a_slash_says_otherwise(call, tree):
    tree["self"] = [folder("F1", "twin"), file("D1", "twin")]
    tree["F1"] = [file("D2", "twin")]
    caller = call()
    assert caller.resolve("oracle:/twin").url.endswith("/files/D1/data?version=2")
    assert paths(caller.resolve("oracle:/twin/")) == [("twin", "oracle:D2", 13, "2")]
    assert caller.resolve("oracle:/twin/twin").url.endswith("/files/D2/data?version=2")


@pytest.mark.parametrize("path", ["/nothing", "/x/report.pdf", "/x/", "/F/nothing"])
def test_a_path_that_leads_nowhere_says_where_it_ended(call, tree, path):
    tree["self"], tree["F1"] = [file("D1", "x"), folder("F1", "F")], []
    error = call().resolve(f"oracle:{path}")
    assert isinstance(error, NotFound)


def test_a_filter_that_is_ignored_does_no_harm(call, tree):
    tree.generous, tree.rows = True, 2
    tree["self"] = [file(f"D{n}", f"n{n}") for n in range(7)]
    assert call().resolve("oracle:/n6").url.endswith("/files/D6/data?version=2")
    assert isinstance(call().resolve("oracle:/N6"), NotFound)


def test_a_name_is_found_in_whichever_form_it_was_typed(call, tree):
    tree.generous = True
    tree["self"] = [file("D1", "re\u0301sume\u0301.pdf")]
    assert isinstance(call().resolve("oracle:/résumé.pdf"), Link)


def test_an_endpoint_may_name_another_version_of_the_api(call, far, answer, described_file):
    far.answers["GET /documents/api/1.1/files/D1"] = answer(described_file())
    assert (
        call(endpoint=f"{far.url}/documents/api/1.1/")
        .resolve("oracle:D1")
        .url.startswith(f"{far.url}/documents/api/1.1/files/D1/data")
    )


@pytest.mark.parametrize("name", ["report.pdf", "page.html"])
def test_a_page_where_a_document_should_be_is_a_sign_in(call, far, answer, described_file, name):
    from downspout.errors import AuthenticationError

    far.answers |= {
        f"GET {API}/files/D1": answer(described_file(name=name, size="6")),
        f"GET {API}/files/D1/data": answer(b"<html>sign in", media_type="text/html"),
    }
    caller = call()
    link = caller.resolve("oracle:D1")
    if name == "page.html":
        assert caller.read(link) == b"<html>sign in"  # the core compares sizes
    else:
        with pytest.raises(AuthenticationError):
            caller.open(link)
        far.answers[f"GET {API}/files/D1/data"] = answer(b"<html>", media_type="text/html")
        assert caller.read(link) == b"<html>"


@given(st.text(min_size=1), st.dictionaries(st.sampled_from(["version", "link", "applink", "offset"]), st.text()))
def test_any_uri_is_read_or_refused(document, options):
    from downspout_oracle._asked import Asked

    try:
        reference = Reference("oracle", document, options)
    except InvalidURI:
        return
    with contextlib.suppress(InvalidURI):
        asked = Asked.read(reference)
        assert asked.offset >= 0
        assert all(text is None or text.isascii() for text in (asked.version, asked.link, asked.applink))
