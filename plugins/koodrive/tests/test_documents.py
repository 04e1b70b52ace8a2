"""What URIs name."""

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from downspout import Reference
from downspout.errors import InvalidURI
from downspout_koodrive._documents import Known, Target

TEXT = st.text(st.characters(blacklist_categories=["Cs"]), max_size=40)


@pytest.mark.parametrize(
    ("uri", "target"),
    [
        ("koodrive:F1", Target(file_id="F1")),
        ("koodrive:C1/F1", Target("C1", "F1")),
        ("koodrive:C1/F1/", Target("C1", "F1", is_folder=True)),
        ("koodrive:C1/", Target("C1", is_folder=True)),
        ("koodrive:root", Target(file_id="root", is_folder=True)),
        ("koodrive:C1/sbox", Target("C1", "sbox", is_folder=True)),
        ("koodrive:/", Target(is_folder=True)),
        ("koodrive:/a%2Fb/c", Target(path=("a", "b", "c"))),
        ("koodrive:/a b/?shared_folder=S", Target(path=("a b",), is_folder=True, shared_folder="S")),
        ("koodrive:C1/F1/?cursor=x", Target("C1", "F1", is_folder=True, cursor="x")),
        ("work:F_-1", Target(file_id="F_-1")),
    ],
)
def test_a_uri_is_taken_apart(uri, target):
    assert Target.of(Reference.parse(uri)) == target


@given(document=TEXT.filter(bool), options=st.dictionaries(TEXT.filter(bool), TEXT, max_size=2))
def test_any_text_names_something_or_is_said_to_name_nothing(document, options):
    try:
        target = Target.of(Reference("koodrive", document, options))
    except InvalidURI:
        return
    ids = [text for text in (target.container, target.file_id, target.shared_folder) if text is not None]
    assert all(text.isascii() and text.isprintable() and " " not in text for text in ids)
    assert all(name and "/" not in name for name in target.path)


def test_what_a_listing_knows_travels_between_processes():
    reference = Reference("koodrive", "C1/F1", {}, Known("a.txt", 3, "v"))
    assert pickle.loads(pickle.dumps(reference)).hint == reference.hint
