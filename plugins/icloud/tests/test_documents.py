"""What a URI names, and what a folder's entries are asked for with."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from downspout import Reference
from downspout.errors import InvalidURI
from downspout_icloud._documents import Entry, Path, Share, Target, folded, reference_to
from downspout_icloud._wire import Item, Owner

CLOUD_DOCS = "com.apple.CloudDocs"


def target(uri: str) -> Target:
    return Target.of(Reference.parse(uri))


def item(name: str, kind: str = "FILE", zone: str = CLOUD_DOCS, docwsid: str = "D1", **more: object) -> Item:
    return Item(f"{kind}::{zone}::{docwsid}", docwsid, zone, name, kind.removesuffix("_IN_SHARED_FOLDER"), **more)


@pytest.mark.parametrize(
    ("uri", "what"),
    [
        ("icloud:8C3C-0E05", Entry("8C3C-0E05", CLOUD_DOCS, None, False)),
        ("icloud:8C3C-0E05/", Entry("8C3C-0E05", CLOUD_DOCS, None, True)),
        ("icloud:D1?zone=com.apple.Pages", Entry("D1", "com.apple.Pages", None, False)),
        ("icloud:FILE::com.apple.Pages::D1", Entry("D1", "com.apple.Pages", "FILE", False)),
        ("icloud:FOLDER::com.apple.Pages::documents", Entry("documents", "com.apple.Pages", "FOLDER", True)),
        ("icloud:/", Path((), True)),
        ("icloud:/a/b.txt", Path(("a", "b.txt"), False)),
        ("icloud://a//b/", Path(("a", "b"), True)),
        ("icloud:/Re\u0301sume\u0301.pdf", Path(("Résumé.pdf",), False)),
        ("icloud:/50%25 off%3F.txt", Path(("50% off?.txt",), False)),
        ("icloud:https://www.icloud.com/iclouddrive/0aB_-9#My_File", Share("0aB_-9", False, "My File")),
        ("icloud:https://icloud.com/iclouddrive/0aB/", Share("0aB", False, None)),
        ("icloud:https://www.icloud.com.cn/iclouddrive/0aB#a%20b", Share("0aB", True, "a b")),
    ],
)
def test_a_uri_names_a_thing(uri, what):
    assert target(uri).what == what


@pytest.mark.parametrize(
    "uri",
    [
        "icloud:a b",
        "icloud:a/b",
        "icloud:é",
        "icloud:a::b",
        "icloud:a::b::c",
        "icloud:FILE::z::",
        "icloud:FILE::../x::D1",
        "icloud:D1?zone=..",
        "icloud:D1?zone=a/b",
        "icloud:D1?zone=",
        "icloud:/a?zone=z",
        "icloud:FILE::a::D1?zone=b",
        "icloud:/a/../b",
        "icloud:D1?part=all",
        "icloud:D1?version=2",
        "icloud:" + "x" * 300,
        "icloud:https://www.icloud.com/photos/0aB",
        "icloud:https://www.icloud.com/iclouddrive/",
        "icloud:https://www.icloud.com/iclouddrive/a/b",
        "icloud:https://evil.example/iclouddrive/0aB",
        "icloud:https%3A//www.icloud.com/iclouddrive/0aB?part=thumbnail",
    ],
)
def test_what_no_icloud_has_is_said_before_it_is_asked_for(uri):
    with pytest.raises(InvalidURI) as caught:
        target(uri)
    assert caught.value.message.endswith(".")


@settings(deadline=None)
@given(st.text(min_size=1), st.dictionaries(st.sampled_from(["zone", "part", "x"]), st.text(), max_size=2))
def test_any_text_is_a_thing_or_an_error_of_ours(document, options):
    try:
        reference = Reference("icloud", document, options)
        assert isinstance(Target.of(reference).what, Entry | Path | Share)
    except InvalidURI:
        return


@pytest.mark.parametrize(
    ("entry", "parent", "uri"),
    [
        (item("a", extension="txt"), ("F",), "icloud:D1"),
        (item("a", extension="txt", zone="com.apple.Pages"), ("F",), "icloud:D1?zone=com.apple.Pages"),
        (item("sub", "FOLDER"), ("F",), "icloud:/F/sub/"),
        (item("sub", "FOLDER"), (), "icloud:/sub/"),
        (item("sub", "FOLDER"), None, "icloud:D1/"),
        (item("a/b", "FOLDER"), ("F",), "icloud:D1/"),
        (item("..", "FOLDER"), ("F",), "icloud:D1/"),
        (item("Pages", "FOLDER", "com.apple.Pages", "documents"), None, "icloud:documents/?zone=com.apple.Pages"),
        (item("a", "FILE_IN_SHARED_FOLDER", owner=Owner("_o")), ("F",), "icloud:/F/a"),
        (
            item("a", "FILE_IN_SHARED_FOLDER", owner=Owner("_o")),
            None,
            f"icloud:FILE_IN_SHARED_FOLDER::{CLOUD_DOCS}::D1",
        ),
        (item("a?#%", owner=Owner("_o")), ("F",), "icloud:/F/a%3F%23%25"),
        (item("Re\u0301", "FOLDER"), (), "icloud:/Ré/"),
    ],
)
def test_an_entry_is_asked_for_with_what_works_without_its_hint(entry, parent, uri):
    reference = reference_to(entry, "icloud", parent, alone=True)
    assert str(reference) == uri
    assert reference.hint is entry
    assert isinstance(Target.of(Reference.parse(uri)).what, Entry | Path)


def test_two_of_a_name_are_asked_for_by_id():
    assert str(reference_to(item("sub", "FOLDER"), "icloud", ("F",), alone=False)) == "icloud:D1/"


def test_names_are_compared_composed_and_without_case():
    assert folded("Re\u0301SUME\u0301.PDF") == folded("résumé.pdf")
    assert folded("Straße") == folded("STRASSE")
