"""The decision table over sockets: a transfer that broke off, and what the server says when it is resumed.

A row names the second answer, what is asked for in all, and how it ends; the bytes are right in the end, always.
"""

import pytest

from downspout._transfer.decide import Identity
from downspout.errors import DownspoutError, IntegrityError, ProtocolError, Unavailable
from downspout.testing import (
    Chunked,
    CloseDelimited,
    ContentCoding,
    ContentRange,
    Cut,
    Document,
    EmptyRange,
    ETag,
    Gzip,
    Header,
    IfRangeIgnored,
    IfRangeRefused,
    MultipartRange,
    OtherBody,
    Pattern,
    RangeIgnored,
    RangeShifted,
    Replacement,
    Status,
    StatusOnly,
    Unsatisfiable,
    WrongLength,
    WrongTotal,
)

from .rig import OLD, Rig

SIZE, CUT = 5000, 2000
REST = f"bytes={CUT}-{SIZE - 1}"
SHORTER = bytes(Pattern(SIZE).read(CUT, 2500))
OTHER = Document(Pattern(SIZE, seed=1), etag='"v2"')
OTHER_SIZE = Document(Pattern(SIZE - 700, seed=1), etag='"v2"')
NO_TAG = Document(Pattern(SIZE, seed=1), etag=None)

# name, the answer to the resumed request, what is asked for
ROWS = [
    ("an honest 206", None, [REST]),
    ("a 200, though a range was asked for", RangeIgnored(), [REST]),
    ("a 206 that starts earlier", RangeShifted(-300), [REST]),
    ("a 206 that starts at the beginning", RangeShifted(-CUT), [REST]),
    ("a 206 that starts later", RangeShifted(300), [REST, None]),
    ("a 206 that ends earlier", RangeShifted(0, -300), [REST, f"bytes={SIZE - 300}-{SIZE - 1}"]),
    ("a 206 that ends earlier than what is held", RangeShifted(-CUT, -4000), [REST, REST]),
    ("a 206 without Content-Range", ContentRange(None), [REST, None]),
    ("a 206 with an empty Content-Range", ContentRange(""), [REST, None]),
    ("a 206 in another unit", ContentRange("items {first}-{last}/{size}"), [REST, None]),
    ("a 206 with a wrong first byte", ContentRange("bytes 2100-{last}/{size}"), [REST, None]),
    ("a 206 that ends before it starts", ContentRange("bytes {last}-{first}/{size}"), [REST, None]),
    ("a 206 beyond its own size", ContentRange("bytes {first}-{last}/100"), [REST, None]),
    ("a 206 of no known size", ContentRange("bytes {first}-{last}/*"), [REST]),
    ("a 206 of another size", WrongTotal(1), [REST, None]),
    ("a 206 in parts", MultipartRange(), [REST, None]),
    ("a 206 in several parts", MultipartRange(3), [REST, None]),
    ("an empty 206 in the middle", EmptyRange(), [REST, None]),
    ("a 206 whose body is longer than its range", OtherBody(b"x" * 9000), [REST, None]),
    ("a chunked 206 whose body is longer than its range", OtherBody(b"x" * 9000) + Chunked(), [REST, None]),
    (
        "a chunked 206 whose body is shorter",
        OtherBody(bytes(Pattern(SIZE).read(CUT, 2500))) + Chunked(),
        [REST, f"bytes=2500-{SIZE - 1}"],
    ),
    ("a 206 with a wrong Content-Length", WrongLength(10), [REST, None]),
    ("a 206 up to the end of the connection", CloseDelimited(), [REST]),
    ("a 416 in the middle", Unsatisfiable(), [REST, None]),
    ("a 416 in the middle, without a size", Unsatisfiable(None), [REST, None]),
    ("another version, and If-Range honoured", Replacement(OTHER), [REST]),
    ("another version, and If-Range ignored", Replacement(OTHER) + IfRangeIgnored(), [REST, None]),
    ("another size, and If-Range ignored", Replacement(OTHER_SIZE) + IfRangeIgnored(), [REST, None]),
    ("no tag any more, and If-Range ignored", Replacement(NO_TAG) + IfRangeIgnored(), [REST, None]),
    ("the same version, and If-Range refused", IfRangeRefused(), [REST]),
    ("a weak tag on the 206", ETag('W/"v1"'), [REST, None]),
    ("a tag without quotes on the 206", ETag("v1"), [REST, None]),
    ("gzip of the slice", Gzip("slice"), [REST, None]),
    ("a slice of the gzip", Gzip("encoded"), [REST, None]),
    ("a coding that nobody knows", ContentCoding("unheard-of"), [REST, None]),
]


@pytest.mark.parametrize(("fault", "asked"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_a_resumed_transfer_ends_in_the_right_bytes(rig: Rig, fault, asked):
    rig.serve(SIZE)
    rig.server.script("/doc", [Cut(CUT), fault])
    result = rig.get()
    assert rig.holds(rig.server.documents["/doc"])
    assert rig.ranges() == [None, *asked]
    assert (result.size, result.verified) == (rig.server.documents["/doc"].size, "size")
    assert rig.leftovers() == []


@pytest.mark.parametrize(("fault", "asked"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_a_part_of_an_earlier_run_ends_in_the_right_bytes(rig: Rig, fault, asked):
    document = rig.serve(SIZE)
    rig.leave_part(document.read(0, CUT), identity=Identity(etag='"v1"', size=SIZE))
    rig.server.script("/doc", [fault])
    rig.get()
    assert rig.holds(rig.server.documents["/doc"])
    assert rig.ranges() == asked
    assert rig.leftovers() == []


@pytest.mark.parametrize(
    "document",
    [
        Document(Pattern(SIZE), etag=None),
        Document(Pattern(SIZE), etag='W/"v1"'),
        Document(Pattern(SIZE), etag="v1"),
        Document(Pattern(SIZE), etag='W/"v1"', last_modified=OLD),
    ],
    ids=["nothing at all", "a weak tag", "no quotes", "a weak tag and a date"],
)
def test_without_a_strong_validator_nothing_is_appended(rig: Rig, document):
    rig.server.documents["/doc"] = document
    rig.server.script("/doc", [Cut(CUT)])
    rig.get()
    assert rig.holds(document)
    assert rig.ranges() == [None, REST, None]
    assert [request.headers.get("if-range") for request in rig.server.requests] == [None, None, None]


def test_a_date_will_do_where_it_is_old_enough(rig: Rig):
    document = rig.serve(SIZE, etag=None, last_modified=OLD)
    rig.server.script("/doc", [Cut(CUT)])
    rig.get()
    assert rig.holds(document)
    assert [request.headers.get("if-range") for request in rig.server.requests] == [None, OLD]


def test_a_date_of_just_now_will_not_do(rig: Rig):
    document = rig.serve(SIZE, etag=None, last_modified=OLD)
    same_minute = Header("Date", ("Mon, 02 Jan 2023 03:05:00 GMT",))
    rig.server.script("/doc", [same_minute + Cut(CUT), same_minute])
    rig.get()
    assert rig.holds(document)
    assert rig.ranges() == [None, REST, None]


def test_another_date_is_another_version(rig: Rig):
    rig.serve(SIZE, etag=None, last_modified=OLD)
    newer = Document(Pattern(SIZE, seed=1), etag=None, last_modified="Tue, 03 Jan 2023 03:04:05 GMT")
    rig.server.script("/doc", [Cut(CUT), Replacement(newer) + IfRangeIgnored()])
    rig.get()
    assert rig.holds(newer)
    assert rig.ranges() == [None, REST, None]


def test_the_service_s_version_lets_a_transfer_go_on_without_any_tag(rig: Rig):
    document = rig.serve(SIZE, etag=None)
    rig.ferry.facts["version"] = "7"
    rig.server.script("/doc", [Cut(CUT)])
    result = rig.get()
    assert rig.holds(document)
    assert rig.ranges() == [None, REST]
    assert result.version == "7"


def test_a_new_version_of_the_service_s_is_begun_anew_though_the_tag_is_the_same(rig: Rig):
    rig.serve(SIZE)
    rig.ferry.facts["version"] = "7"
    newer = Document(Pattern(SIZE, seed=1))

    def second_link(number: int) -> None:
        if number == 1:
            rig.ferry.facts["version"] = "8"
            rig.server.documents["/doc"] = newer

    rig.ferry.before_link = second_link
    rig.ferry.links = [{"uses": 1}]
    rig.server.script("/doc", [Cut(CUT)])
    result = rig.get()
    assert rig.holds(newer)
    assert result.version == "8"
    assert rig.ranges() == [None, REST, REST, None]


@pytest.mark.parametrize("fault", [Unsatisfiable(), EmptyRange(), None], ids=["a 416", "an empty 206", "honest"])
def test_a_part_that_is_complete_is_the_document(rig: Rig, fault):
    document = rig.serve(SIZE)
    rig.leave_part(document.read())
    rig.server.script("/doc", [fault])
    assert rig.get().transferred == 0
    assert rig.holds(document)
    assert rig.ranges() == [f"bytes={SIZE}-"]


def test_a_complete_part_of_unknown_size_is_begun_again_after_a_416_that_says_none(rig: Rig):
    document = rig.serve(SIZE)
    rig.leave_part(document.read())
    rig.server.script("/doc", [Unsatisfiable(None)])
    rig.get()
    assert rig.holds(document)
    assert rig.ranges() == [f"bytes={SIZE}-", None]


def test_a_complete_part_of_known_size_is_asked_for_one_byte_and_its_validator(rig: Rig):
    document = rig.serve(SIZE)
    rig.leave_part(document.read(), identity=Identity(etag='"v1"', size=SIZE))
    assert rig.get().transferred == 0
    assert rig.holds(document)
    assert rig.ranges() == [f"bytes={SIZE - 1}-{SIZE - 1}"]


def test_a_complete_part_of_another_version_is_begun_again(rig: Rig):
    document = rig.serve(SIZE, etag='"v2"')
    rig.leave_part(b"x" * SIZE, identity=Identity(etag='"v1"', size=SIZE))
    rig.get()
    assert rig.holds(document)


@pytest.mark.parametrize("ignored", [False, True])
def test_a_part_longer_than_the_document_is_begun_again(rig: Rig, ignored):
    document = rig.serve(SIZE)
    rig.leave_part(b"x" * (SIZE + 100))
    rig.server.script("/doc", [RangeIgnored() if ignored else None])
    rig.get()
    assert rig.holds(document)
    assert rig.ranges() == [f"bytes={SIZE + 100}-"] + [None] * (not ignored)


def test_a_plain_answer_in_a_form_that_nobody_asked_for_is_refused(rig: Rig):
    rig.serve(SIZE)
    for fault in (Gzip(), ContentCoding("br"), StatusOnly(206), Status(416), Unsatisfiable()):
        rig.server.script("/doc", [fault], repeat_last=True)
        assert isinstance(rig.fail(), ProtocolError)
        assert not rig.target.exists()
        assert rig.leftovers() == []


# Servers that never come to their senses: bounded, and nothing is left but what a later run can use.

STUBBORN = [
    ("the first block whatever is asked for", RangeShifted(-SIZE, -4000)),
    ("a range that ends where it should begin", RangeShifted(-300, -SIZE)),
    ("an empty body under a range that ends earlier", RangeShifted(0, -300) + CloseDelimited() + Cut(0)),
    ("an empty body", CloseDelimited() + Cut(0)),
    ("a later part", RangeShifted(10)),
    ("a 416", Unsatisfiable()),
    ("parts", MultipartRange()),
    ("gzip", Gzip()),
]


@pytest.mark.parametrize("fault", [row[1] for row in STUBBORN], ids=[row[0] for row in STUBBORN])
def test_a_server_that_always_lies_about_ranges_is_given_up(rig: Rig, fault):
    rig.serve(SIZE)
    rig.server.script("/doc", [Cut(CUT), *[fault, Cut(CUT)] * 20])
    assert isinstance(rig.fail(retries=2), DownspoutError)
    assert len(rig.ranges()) <= 12
    assert not rig.target.exists()


def test_a_document_that_changes_all_the_time_is_given_up(rig: Rig):
    rig.serve(SIZE)
    versions = [Replacement(Document(Pattern(SIZE, seed=n), etag=f'"{n}"')) + Cut(CUT) for n in range(50)]
    rig.server.script("/doc", versions)
    assert isinstance(rig.fail(retries=3), Unavailable)
    assert len(rig.ranges()) <= 10
    assert not rig.target.exists()


def test_a_size_that_contradicts_the_service_s_own_is_no_document(rig: Rig):
    rig.serve(SIZE)
    rig.ferry.facts["size"] = SIZE + 1
    error = rig.fail()
    assert isinstance(error, IntegrityError)
    assert f"{SIZE} bytes" in error.message
    assert len(rig.ferry.asked) == 2  # a fresh link might have led elsewhere
    assert not rig.target.exists()
    assert rig.leftovers() == []
