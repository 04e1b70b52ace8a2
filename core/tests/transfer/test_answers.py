"""What servers send and libraries make of it: lengths, codings, statuses, heads, names; each row of the facts.

The first answer lies, the ones after it do not, unless a test says so.
"""

import hashlib

import pytest

from downspout.errors import DownspoutError, IntegrityError, ProtocolError, Unavailable
from downspout.testing import (
    Chunked,
    ChunkedBadSize,
    ChunkedCut,
    CloseDelimited,
    ContentCoding,
    Cut,
    Disposition,
    Document,
    EmptyReply,
    EndlessHeaders,
    FlippedByte,
    Garbage,
    Gzip,
    Header,
    HeaderBytes,
    Interim,
    Lengths,
    LongHeader,
    ManyHeaders,
    OtherBody,
    Pattern,
    RangeIgnored,
    Redirect,
    SignInPage,
    Status,
    StatusLine,
    StatusOnly,
    Throttle,
    Unsatisfiable,
    WrongLength,
)

from .rig import OLD, Rig

SIZE = 5000


@pytest.fixture
def document(rig: Rig) -> Document:
    return rig.serve(SIZE)


def resumed_after(rig: Rig, fault) -> list[str | None]:
    """Let the first answer lie; return what was asked for in all, after the right bytes came."""
    rig.server.script("/doc", [fault])
    rig.get()
    assert rig.holds(rig.server.documents["/doc"])
    return rig.ranges()


# Lengths.


@pytest.mark.parametrize("ending", ["close", "reset"])
@pytest.mark.parametrize("at", [0, 1, 2000, -1])
def test_a_body_that_breaks_off_is_resumed_from_what_is_on_disk(rig: Rig, document, at, ending):
    ranges = resumed_after(rig, Cut(at, ending))
    came = at % SIZE
    assert len(ranges) == 2
    if ending == "close":  # a reset may take bytes with it that were under way
        assert ranges == [None, f"bytes={came}-{SIZE - 1}" if came else None]


def test_a_content_length_that_is_too_large_is_resumed_from_what_is_on_disk(rig: Rig, document):
    """The announced size proves wrong when the rest is asked for; then all begins anew."""
    assert resumed_after(rig, WrongLength(100)) == [None, f"bytes={SIZE}-{SIZE + 99}", None]


def test_a_content_length_that_is_too_small_is_not_the_size_the_service_says(rig: Rig, document):
    rig.ferry.facts["size"] = SIZE
    assert resumed_after(rig, WrongLength(-100)) == [None, None]
    assert len(rig.ferry.asked) == 2


def test_a_content_length_that_is_always_too_small_is_no_document(rig: Rig, document):
    rig.ferry.facts["size"] = SIZE
    rig.server.script("/doc", [WrongLength(-100)], repeat_last=True)
    error = rig.fail()
    assert isinstance(error, IntegrityError)
    assert f"{SIZE - 100} bytes" in error.message
    assert not rig.target.exists()


def test_a_body_without_a_length_has_no_size_to_be_held_against(rig: Rig, document):
    rig.server.script("/doc", [CloseDelimited()])
    result = rig.get()
    assert rig.holds(document)
    assert (result.size, result.verified) == (SIZE, "none")


def test_a_body_without_a_length_that_is_short_is_not_the_service_s_document(rig: Rig, document):
    rig.ferry.facts["size"] = SIZE
    assert resumed_after(rig, CloseDelimited() + Cut(2000)) == [None, f"bytes=2000-{SIZE - 1}"]


def test_a_body_without_length_or_validator_that_is_short_is_asked_for_again(rig: Rig):
    rig.serve(SIZE, etag=None)
    rig.ferry.facts["size"] = SIZE
    assert resumed_after(rig, CloseDelimited() + Cut(2000)) == [None, None]


def test_short_is_failure_at_the_second_try_too(rig: Rig, document):
    rig.ferry.facts["size"] = SIZE
    rig.server.script("/doc", [CloseDelimited() + Cut(2000), CloseDelimited() + Cut(0)], repeat_last=True)
    assert isinstance(rig.fail(retries=2), Unavailable)
    assert not rig.target.exists()


def test_short_is_failure_at_every_try(rig: Rig, document):
    for framing in (Lengths(("{length}",)), Chunked(100)):
        rig.server.script("/doc", [framing + Cut(100)], repeat_last=True)
        assert isinstance(rig.fail(retries=2), Unavailable)
        assert not rig.target.exists()


@pytest.mark.parametrize("crumbs", [CloseDelimited() + Cut(10), OtherBody(b"x" * 10) + Chunked()])
def test_a_server_that_gives_a_crumb_at_a_time_is_given_up(rig: Rig, document, crumbs):
    rig.ferry.facts["size"] = SIZE
    rig.server.script("/doc", [Cut(2000), crumbs], repeat_last=True)
    assert isinstance(rig.fail(retries=2), Unavailable)
    assert len(rig.server.requests) == 3


def test_what_could_not_be_gone_on_from_is_not_kept(rig: Rig):
    rig.serve(SIZE, etag=None)
    rig.server.script("/doc", [Cut(2000), Status(404)], repeat_last=True)
    rig.fail()
    assert rig.leftovers() == []


def test_a_body_that_is_longer_than_the_service_says_is_no_document(rig: Rig, document):
    rig.ferry.facts["size"] = SIZE - 100
    for fault in (CloseDelimited(), Chunked(999), Chunked(SIZE - 100)):
        rig.server.script("/doc", [fault], repeat_last=True)
        error = rig.fail()
        assert isinstance(error, IntegrityError)
        assert not rig.target.exists()
        assert rig.leftovers() == []


@pytest.mark.parametrize(
    "fault",
    [
        Cut(2000) + Chunked(700),
        ChunkedCut("before-last", size=700),
        ChunkedCut("in-last", size=700),
        ChunkedCut("in-size", 3, 700),
        *(ChunkedBadSize(line, 3, 700) for line in (b"zz", b"", b"-1", b"0x5", b"f" * 20, b"1" * 5000)),
    ],
)
def test_a_chunked_body_that_breaks_anywhere_is_never_taken_for_whole(rig: Rig, document, fault):
    ranges = resumed_after(rig, fault)
    assert ranges[0] is None
    assert len(ranges) == 2


def test_a_chunked_body_that_has_all_that_the_service_says_is_whole(rig: Rig, document):
    rig.ferry.facts["size"] = SIZE
    assert resumed_after(rig, ChunkedCut("before-last", size=700)) == [None]


def test_a_length_besides_chunks_is_void(rig: Rig, document):
    assert resumed_after(rig, Chunked(700, "5")) == [None]


@pytest.mark.parametrize("texts", [("-1",), ("abc",), ("",), ("+{length}",), ("1_0",), ("{length}", "7")])
def test_a_length_that_is_none_is_never_believed(rig: Rig, document, texts):
    rig.server.script("/doc", [Lengths(texts)], repeat_last=True)
    error = rig.fail(retries=1)
    assert isinstance(error, ProtocolError | Unavailable)
    assert not rig.target.exists()


def test_the_same_length_twice_is_one_length(rig: Rig, document):
    assert resumed_after(rig, Lengths(("{length}", "{length}"))) == [None]


def test_an_absurd_length_is_a_length_that_never_comes(rig: Rig, document):
    rig.server.script("/doc", [Lengths(("9" * 30,))], repeat_last=True)
    assert isinstance(rig.fail(retries=1), DownspoutError)
    assert not rig.target.exists()


def test_an_empty_document_is_a_document(rig: Rig):
    rig.serve(b"")
    result = rig.get()
    assert rig.target.read_bytes() == b""
    assert (result.size, result.verified) == (0, "size")


@pytest.mark.parametrize("fault", [CloseDelimited(), Chunked(), Unsatisfiable()])
def test_an_empty_body_of_no_length_is_an_empty_document_only_where_nobody_says_otherwise(
    rig: Rig, document, fault
):
    rig.ferry.facts["size"] = SIZE
    rig.server.script("/doc", [OtherBody(b"") + fault], repeat_last=True)
    assert isinstance(rig.fail(retries=1), DownspoutError)
    assert not rig.target.exists()


# Codings.


@pytest.mark.parametrize("fault", [Gzip(), Gzip(lost=9), ContentCoding("gzip"), ContentCoding("unheard-of")])
def test_a_coded_body_is_refused(rig: Rig, document, fault):
    rig.server.script("/doc", [fault], repeat_last=True)
    error = rig.fail()
    assert isinstance(error, ProtocolError)
    assert "Content-Encoding" in (error.hint or "")
    assert not rig.target.exists()


def test_only_a_plain_body_is_asked_for(rig: Rig, document):
    rig.get()
    assert rig.server.requests[0].headers.get("accept-encoding") == "identity"


# Statuses.


@pytest.mark.parametrize("interim", [Interim(), Interim((100, 102, 103, 103))])
def test_an_interim_answer_is_not_the_answer(rig: Rig, document, interim):
    assert resumed_after(rig, interim) == [None]


def test_an_interim_answer_does_not_weaken_what_must_not_be_replaced(rig: Rig, document):
    rig.target.write_bytes(b"mine")
    rig.server.script("/doc", [Interim((103,), {"Content-Disposition": 'attachment; filename="x"'})])
    assert rig.get(target=rig.folder).path == rig.folder / "doc"
    assert rig.target.read_bytes() == b"mine"


@pytest.mark.parametrize("status", [202, 204, 205, 299])
@pytest.mark.parametrize("carries", [False, True])
def test_a_success_without_a_document_is_none(rig: Rig, document, status, carries):
    rig.server.script("/doc", [StatusOnly(status) if carries else Status(status)], repeat_last=True)
    error = rig.fail(retries=1)
    assert isinstance(error, Unavailable if status == 202 else ProtocolError)
    assert str(status) in error.message
    assert not rig.target.exists()


def test_a_document_that_is_not_ready_is_asked_for_again(rig: Rig, document):
    assert resumed_after(rig, Status(202)) == [None, None]


@pytest.mark.parametrize("location", [None, ""])
def test_a_redirect_to_nowhere_is_no_document(rig: Rig, document, location):
    rig.server.script("/doc", [Redirect(location, body=b"<html>moved</html>")], repeat_last=True)
    assert isinstance(rig.fail(), ProtocolError)
    assert not rig.target.exists()


@pytest.mark.parametrize("status", [204, 206])
def test_a_success_of_the_wrong_kind_on_the_way_keeps_what_came(rig: Rig, document, status):
    rig.server.script("/doc", [Cut(2000), Status(204, b"a body")])
    assert isinstance(rig.fail(), ProtocolError)
    assert rig.record()["ranges"] == [[0, 2000]]


# Heads.


@pytest.mark.parametrize(
    "fault",
    [
        EmptyReply(),
        EmptyReply("reset"),
        Garbage(),
        Garbage(b"\x16\x03\x01", "reset"),
        StatusLine(b"HTTP/1.1 abc Fine"),
        StatusLine(b""),
        StatusLine(b"ICY 200 OK"),
        LongHeader(),
        ManyHeaders(1000),
        EndlessHeaders(),
        HeaderBytes(b"\0\r\n"),
    ],
)
def test_a_head_that_is_none_is_retried_or_refused(rig: Rig, document, fault):
    """It ends, and either in the right bytes or in a failure; never in a file of nonsense."""
    rig.server.script("/doc", [fault], repeat_last=True)
    try:
        rig.get(retries=1)
    except (Unavailable, ProtocolError):
        assert not rig.target.exists()
    else:
        assert rig.holds(document)


@pytest.mark.parametrize("fault", [EmptyReply(), EmptyReply("reset"), Status(500), Status(503)])
def test_a_server_in_trouble_is_asked_again(rig: Rig, document, fault):
    assert resumed_after(rig, fault) == [None, None]


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (b'attachment;\r\n filename="folded.txt"', "folded.txt"),
        (b'attachment; filename="a\0b.txt"', "ab.txt"),
        (b"attachment; filename=\xff\xfe.txt", "ÿþ.txt"),
        (b'attachment; filename="../../evil.sh"', "evil.sh"),
        (rb'attachment; filename="..\..\evil.exe"', "evil.exe"),
        (b'attachment; filename="/etc/passwd"', "passwd"),
        (b"attachment; filename=\"plain.txt\"; filename*=UTF-8''na%C3%AFve.txt", "naïve.txt"),
        (b"attachment; filename*=UTF-8''%2e%2e%2fevil", "evil"),
        (b'attachment; filename=".bashrc"', "bashrc"),
        (b'attachment; filename=""', "doc"),
        (b"attachment; filename=..", "doc"),
    ],
)
def test_a_name_that_a_server_chose_is_one_harmless_component(rig: Rig, document, value, name):
    rig.server.script("/doc", [Disposition(value)])
    assert rig.get(target=rig.folder).path == rig.folder / name
    assert sorted(entry.name for entry in rig.folder.parent.rglob("*") if entry.is_file()) == [name]


def test_the_service_s_name_goes_before_the_server_s(rig: Rig):
    rig.serve(SIZE, name="server.txt")
    rig.ferry.facts["name"] = "Invoice 1.pdf"
    assert rig.get(target=rig.folder).path == rig.folder / "Invoice 1.pdf"


# Real servers.


def test_a_server_that_knows_no_ranges_gives_all_of_it_again(rig: Rig):
    """As `python -m http.server` does, with a date and without a tag."""
    rig.serve(SIZE, etag=None, last_modified=OLD)
    rig.server.script("/doc", [Cut(2000), RangeIgnored() + Header("Accept-Ranges")])
    rig.get()
    assert rig.ranges() == [None, f"bytes=2000-{SIZE - 1}"]
    assert rig.holds(rig.server.documents["/doc"])


def test_a_weak_tag_for_a_coded_answer_is_no_validator(rig: Rig, document):
    """As nginx does when it compresses: it drops the range, and the tag becomes weak."""
    rig.server.script("/doc", [Cut(2000), RangeIgnored() + Chunked() + Header("ETag", ('W/"v1"',))])
    rig.get()
    assert rig.holds(document)


def test_coded_bytes_under_a_range_of_plain_ones_are_refused(rig: Rig, document):
    """As caddy and rclone do: the same strong tag, and a Content-Range of plain bytes."""
    rig.server.script("/doc", [Cut(2000), Gzip("slice")])
    rig.get()
    assert rig.holds(document)
    assert rig.ranges() == [None, f"bytes=2000-{SIZE - 1}", None]


def test_a_link_that_is_signed_for_get_is_never_asked_for_by_head(rig: Rig):
    document = rig.serve(SIZE, links_only=True)
    rig.ferry.link = {"methods": ("GET",)}
    rig.get(target=rig.folder)
    assert (rig.folder / "doc").read_bytes() == document.read()
    assert {request.method for request in rig.server.requests} == {"GET"}


def test_a_signed_link_is_sent_no_credential_besides(rig: Rig):
    document = rig.serve(SIZE, links_only=True)
    rig.ferry.link = {"refuses_credentials": True}
    rig.get()
    assert rig.holds(document)
    assert "authorization" not in rig.server.requests[0].headers


def test_an_expired_link_is_told_from_a_throttled_one(rig: Rig):
    document = rig.serve(SIZE, links_only=True)
    rig.ferry.links = [{"uses": 0, "status": 403, "body": b"Request has expired"}]
    rig.server.script("/doc", [None, Throttle("0", 503)])
    rig.get()
    assert rig.holds(document)
    assert len(rig.ferry.asked) == 2


def test_a_page_where_a_pattern_is_expected_is_not_resumed_with_it(rig: Rig, document):
    """An HTML page with status 200 in answer to a resumed request is another document."""
    rig.server.script("/doc", [Cut(2000), SignInPage()])
    rig.get()
    assert rig.holds(document)


def test_a_flipped_byte_is_seen_by_a_digest_alone(rig: Rig, document):
    rig.server.script("/doc", [FlippedByte(3)])
    assert rig.get().verified == "size"
    assert not rig.holds(document)
    rig.target.unlink()
    rig.ferry.facts["digests"] = {"SHA-256": document.sha256()}
    rig.server.script("/doc", [FlippedByte(3)])
    assert isinstance(rig.fail(), IntegrityError)
    assert not rig.target.exists()
    assert rig.leftovers() == []
    result = rig.get()
    assert (result.verified, result.sha256) == ("digest", document.sha256())
    assert rig.holds(document)


@pytest.mark.parametrize("algorithm", ["sha512", "sha384", "sha256", "sha3-256", "blake2b", "sha1", "md5"])
def test_a_digest_of_the_service_s_is_held_against_the_bytes(rig: Rig, algorithm):
    document = rig.serve(b"hello")
    name = algorithm.replace("3-", "3_")
    rig.ferry.facts["digests"] = {algorithm: hashlib.new(name, b"hello").hexdigest().upper(), "crc32": "0"}
    result = rig.get(compute_hash=True)
    assert (result.verified, result.sha256) == ("digest", document.sha256())
    rig.target.unlink()
    rig.ferry.facts["digests"] = {algorithm: hashlib.new(name, b"jello").hexdigest()}
    error = rig.fail()
    assert isinstance(error, IntegrityError)
    assert algorithm.replace("-", "") in error.message


def test_the_digest_that_was_given_is_held_against_the_bytes(rig: Rig):
    document = rig.serve(Pattern(SIZE))
    assert rig.get(digest=f"sha256:{document.sha256().upper()}").verified == "digest"
    rig.target.unlink()
    assert isinstance(rig.fail(digest="0" * 64), IntegrityError)
    assert not rig.target.exists()
