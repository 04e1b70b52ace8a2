"""A document as a file object: read by position, whatever dies meanwhile, of one version or not at all."""

import csv
import io
import threading
import zipfile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from downspout import Client
from downspout.errors import (
    Cancelled,
    DownspoutError,
    IntegrityError,
    NotFound,
    PermissionDenied,
    ProtocolError,
    Unavailable,
)
from downspout.testing import (
    Chunked,
    CloseDelimited,
    ContentRange,
    Cut,
    Document,
    ETag,
    Gzip,
    Header,
    IfRangeIgnored,
    LyingServer,
    OtherBody,
    Pattern,
    RangeIgnored,
    RangeShifted,
    Replacement,
    SignInPage,
    Stall,
    Status,
    Throttle,
    Unsatisfiable,
)

from .rig import KIB, MIB, OLD, Rig

SIZE = 3 * MIB


@pytest.fixture
def document(rig: Rig) -> Document:
    return rig.serve(SIZE, links_only=True)


def table(rows: int) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerows([number, f"name {number}", "x" * 40] for number in range(rows))
    return text.getvalue().encode()


def archive(members: int, size: int) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as packed:
        for number in range(members):
            packed.writestr(f"{number}.bin", bytes(Pattern(size, seed=number).read(0, size)))
    return file.getvalue()


# As libraries use it.


def test_a_member_of_an_archive_is_read_without_the_rest(rig: Rig):
    rig.serve(archive(20, MIB - 1), links_only=True)
    with rig.client().open("ferry:/doc") as file, zipfile.ZipFile(file) as packed:
        assert packed.namelist() == [f"{number}.bin" for number in range(20)]
        assert packed.read("13.bin") == Pattern(MIB - 1, seed=13).read(0, MIB - 1)
        assert packed.testzip() is None
    assert len(rig.ferry.asked) == 1


def test_an_archive_that_is_only_looked_into_is_not_brought_down(rig: Rig):
    whole = archive(20, MIB - 1)
    rig.serve(whole, links_only=True)
    with rig.client().open("ferry:/doc") as file, zipfile.ZipFile(file) as packed:
        assert len(packed.infolist()) == 20
    assert rig.server.bytes_sent < len(whole) / 2


def test_a_table_is_read_row_by_row_whatever_dies(rig: Rig):
    data = table(40_000)
    rig.serve(data, links_only=True)
    rig.ferry.link = {"uses": 1}  # so that each time a link is refused first
    rig.server.script("/doc", [Cut(100_000), None, Cut(300_000, "reset"), None, Stall(500_000)])
    with rig.client(timeout=0.5).open("ferry:/doc") as file:
        rows = list(csv.reader(io.TextIOWrapper(file, encoding="utf-8", newline="")))
    assert len(rows) == 40_000
    assert rows[-1] == ["39999", "name 39999", "x" * 40]
    assert len(rig.ferry.asked) == 4


# Positions.


def test_it_says_what_it_is(rig: Rig, document):
    rig.ferry.facts |= {"version": "7", "name": "Report.pdf"}
    with rig.client().open("ferry:/doc") as file:
        assert (file.size, file.name, file.version) == (SIZE, "Report.pdf", "7")
        assert (file.readable(), file.seekable(), file.writable()) == (True, True, False)
        assert file.tell() == 0
        assert file.seek(-10, io.SEEK_END) == SIZE - 10
        assert file.read() == document.read(SIZE - 10)
        assert file.tell() == SIZE
        assert file.read(1) == b""
        assert file.seek(5) == 5
        assert file.seek(7, io.SEEK_CUR) == 12
        assert file.read(3) == document.read(12, 15)
        assert file.seek(SIZE + 100) == SIZE + 100
        assert file.read(10) == b""
        with pytest.raises((ValueError, OSError)):
            file.seek(-1)
        with pytest.raises(io.UnsupportedOperation):
            file.write(b"x")
    with pytest.raises(ValueError, match="closed"):
        file.read(1)


def test_the_raw_reader_is_a_raw_reader(rig: Rig, document):
    with rig.client().open("ferry:/doc") as file:
        raw = file.raw
        assert raw.read(0) == b""
        assert raw.readinto(bytearray(0)) == 0
        assert raw.read(10) == document.read(0, 10)
        assert raw.tell() == 10
        with pytest.raises(ValueError, match="before the beginning"):
            raw.seek(-11, io.SEEK_CUR)
    raw.close()
    with pytest.raises(ValueError, match="closed"):
        raw.readinto(bytearray(1))


@given(st.lists(st.tuples(st.integers(0, SIZE + 10), st.integers(0, 200_000)), min_size=1, max_size=12))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_read_is_what_is_there(shared_reader, steps):
    file, document = shared_reader
    for position, count in steps:
        file.seek(position)
        assert file.read(count) == document.read(position, max(position, min(SIZE, position + count)))


@pytest.fixture(scope="module")
def shared_reader():
    document = Document(Pattern(SIZE))
    with LyingServer() as server, Client(plugins=["web"], trust_typed=True, timeout=5.0) as client:
        server.documents["/doc"] = document
        with client.open(server.url("/doc")) as file:
            yield file, document


def test_reading_in_order_takes_ever_larger_steps(rig: Rig):
    document = rig.serve(30 * MIB)
    with rig.client().open("ferry:/doc") as file:
        file.seek(100)
        while file.read(256 * KIB):
            pass
        assert file.tell() == document.size
    assert len(rig.ranges()) <= 5  # 1, 4, 16 MiB, and the rest


def test_a_short_way_forward_is_read_over_and_a_long_one_asked_for(rig: Rig, document):
    with rig.client().open("ferry:/doc") as file:
        raw = file.raw
        raw.read(10)
        raw.seek(100_000)
        assert raw.read(10) == document.read(100_000, 100_010)
        assert len(rig.ranges()) == 1
        raw.seek(2_000_000)
        assert raw.read(10) == document.read(2_000_000, 2_000_010)
        assert len(rig.ranges()) == 2
        raw.seek(1_999_999)
        assert raw.read(10) == document.read(1_999_999, 2_000_009)
        assert len(rig.ranges()) == 3


def test_an_empty_document_is_read_as_nothing(rig: Rig):
    rig.serve(b"")
    with rig.client().open("ferry:/doc") as file:
        assert (file.size, file.read()) == (0, b"")


def test_two_threads_may_share_a_reader(rig: Rig, document):
    seen: list[bytes] = []
    with rig.client().open("ferry:/doc") as file:

        def read() -> None:
            for _ in range(20):
                seen.append(file.read(1000))

        threads = [threading.Thread(target=read) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(seen) == sorted(document.read(n * 1000, n * 1000 + 1000) for n in range(40))


# Exactly what is read.


def test_an_exact_reader_asks_for_nothing_before_it_must(rig: Rig, document):
    rig.ferry.facts |= {"size": SIZE, "name": "Report.pdf", "version": "7"}
    with rig.client().open("ferry:/doc", exact=True) as file:
        assert (file.size, file.name, file.version) == (SIZE, "Report.pdf", "7")
        assert rig.server.requests == []
        raw = file.raw
        assert raw.seek(-10, io.SEEK_END) == SIZE - 10
        assert raw.read(100) == document.read(SIZE - 10)
        raw.seek(1000)
        assert raw.read(50) == document.read(1000, 1050)
        raw.seek(0)
        assert raw.read(50) == document.read(0, 50)
    assert rig.ranges() == [f"bytes={SIZE - 10}-", "bytes=1000-1049", "bytes=0-49"]


def test_an_exact_reader_of_single_use_links_takes_what_there_is(rig: Rig, document):
    rig.ferry.facts |= {"size": SIZE, "single_use": True}
    rig.ferry.link = {"uses": 1}
    with rig.client().open("ferry:/doc", exact=True) as file:
        file.raw.seek(1000)
        assert file.raw.read(50) == document.read(1000, 1050)
    assert rig.ranges() == ["bytes=1000-"]


# A size that nobody says.


@pytest.mark.parametrize("framing", [CloseDelimited(), Chunked()])
def test_a_document_of_unknown_size_is_read_to_its_end(rig: Rig, document, framing):
    rig.server.script("/doc", [framing], repeat_last=True)
    with rig.client().open("ferry:/doc") as file:
        assert file.size is None
        with pytest.raises(io.UnsupportedOperation):
            file.raw.seek(0, io.SEEK_END)
        assert file.read() == document.read()
        assert file.size == SIZE
        assert file.seek(-10, io.SEEK_END) == SIZE - 10
        assert file.read() == document.read(SIZE - 10)


def test_beyond_the_end_of_unknown_size_there_is_nothing(rig: Rig, document):
    rig.server.script("/doc", [CloseDelimited()])
    with rig.client().open("ferry:/doc") as file:
        file.seek(SIZE + 1000)
        assert file.read(10) == b""


def test_beyond_the_end_of_unknown_size_there_is_nothing_without_ranges_either(rig: Rig, document):
    rig.server.script("/doc", [RangeIgnored() + Header("Accept-Ranges") + CloseDelimited()], repeat_last=True)
    with rig.client().open("ferry:/doc") as file:
        file.seek(SIZE + 1000)
        assert file.read(10) == b""
        assert file.size == SIZE
    assert len(rig.server.requests) == 1


def test_a_chunked_document_whose_size_the_service_says_may_not_be_short(rig: Rig, document):
    rig.ferry.facts["size"] = SIZE
    rig.server.script("/doc", [Chunked() + OtherBody(document.read(0, MIB))])
    with rig.client().open("ferry:/doc") as file:
        assert file.read() == document.read()
    assert rig.ranges()[1] == f"bytes={MIB}-"


# What dies meanwhile.


@pytest.mark.parametrize(
    "faults",
    [
        [Cut(1_000_000)],
        [Cut(1_000_000, "reset"), Cut(1_000_000, "reset")],
        [Cut(0), Cut(0)],
        [Cut(100)],
        [Stall(1_000_000)],
        [Status(503), Cut(1_000_000), Throttle("0"), Status(500)],
        [Cut(1_000_000), RangeShifted(-1000)],
        [Cut(1_000_000), RangeShifted(0, -1_000_000)],
        [Cut(1_000_000), RangeIgnored()],
        [Chunked() + Cut(1_000_000)],
    ],
)
def test_connections_that_die_go_unnoticed(rig: Rig, document, faults):
    rig.server.script("/doc", faults)
    with rig.client(timeout=0.5).open("ferry:/doc") as file:
        assert file.read() == document.read()


def test_links_that_die_go_unnoticed(rig: Rig, document):
    rig.ferry.link = {"uses": 1}
    with rig.client().open("ferry:/doc") as file:
        for position in (0, 2_000_000, 100, 1_000_000):
            file.seek(position)
            assert file.read(1000) == document.read(position, position + 1000)
    assert len(rig.ferry.asked) >= 3


def test_credentials_that_die_go_unnoticed(rig: Rig):
    document = rig.serve(SIZE)
    with rig.client().open("harbour:/doc") as file:
        for position in (0, 2_000_000, 100):
            rig.harbour.valid.clear()
            file.seek(position)
            assert file.read(1000) == document.read(position, position + 1000)
    assert rig.harbour.issued >= 3


def test_single_use_links_are_used_once_each(rig: Rig, document):
    rig.ferry.facts["single_use"] = True
    rig.ferry.link = {"uses": 1}
    with rig.client().open("ferry:/doc") as file:
        assert file.read(10) == document.read(0, 10)
        file.seek(2_000_000)
        assert file.read() == document.read(2_000_000)
    assert len(rig.ferry.asked) == len(rig.server.requests) == 2


# What cannot be read.


def test_what_is_not_there_cannot_be_opened(rig: Rig):
    client = rig.client()
    for uri, kind in (("ferry:/nope", NotFound), (rig.server.url("/nope"), NotFound)):
        with pytest.raises(kind):
            client.open(uri)


def test_a_link_that_is_always_dead_is_told(rig: Rig, document):
    rig.ferry.link = {"uses": 0}
    with pytest.raises(PermissionDenied):
        rig.client().open("ferry:/doc")


def test_trouble_without_end_is_told_where_it_happens(rig: Rig, document):
    client = rig.client(retries=2)
    with client.open("ferry:/doc") as file:
        assert file.read(10) == document.read(0, 10)
        rig.server.script("/doc", [Status(500)], repeat_last=True)
        file.seek(2_000_000)
        with pytest.raises(Unavailable):
            file.read(10)
        rig.server.script("/doc", [])
        assert file.read(10) == document.read(2_000_000, 2_000_010)


@pytest.mark.parametrize("fault", [Gzip(), Status(204), RangeShifted(10), ContentRange(None), Unsatisfiable()])
def test_an_answer_that_does_not_fit_is_never_read(rig: Rig, document, fault):
    with rig.client(retries=1).open("ferry:/doc") as file:
        assert file.read(10) == document.read(0, 10)
        rig.server.script("/doc", [fault], repeat_last=True)
        file.seek(2_000_000)
        with pytest.raises((ProtocolError, IntegrityError, Unavailable)):
            file.read(10)


@pytest.mark.parametrize("fault", [CloseDelimited() + Cut(0), OtherBody(b"") + Chunked()])
def test_answers_that_end_before_they_begin_are_given_up(rig: Rig, document, fault):
    with rig.client(retries=2).open("ferry:/doc") as file:
        file.raw.read(10)
        rig.server.script("/doc", [fault], repeat_last=True)
        file.raw.seek(2_000_000)
        with pytest.raises(Unavailable):
            file.raw.read(5)
    assert len(rig.server.requests) == 4


def test_an_answer_with_more_than_it_announced_is_not_believed(rig: Rig, document):
    with rig.client().open("ferry:/doc") as file:
        rig.server.script("/doc", [OtherBody(b"x" * SIZE) + Chunked()], repeat_last=True)
        file.seek(MIB)
        with pytest.raises(IntegrityError, match="more came"):
            file.read(2 * MIB)


def test_a_sign_in_page_is_not_opened_as_the_document(rig: Rig, document):
    rig.ferry.facts["name"] = "report.pdf"
    rig.server.script("/doc", [SignInPage()])
    client = rig.client()
    with client.open("ferry:/doc") as file:
        assert file.read(10) == document.read(0, 10)
    rig.server.script("/doc", [SignInPage()], repeat_last=True)
    with pytest.raises(IntegrityError, match="web page"):
        client.open("ferry:/doc")


def test_a_size_that_contradicts_the_service_s_is_not_opened(rig: Rig, document):
    rig.ferry.facts["size"] = SIZE + 1
    with pytest.raises(IntegrityError, match="the service says"):
        rig.client().open("ferry:/doc")
    assert len(rig.ferry.asked) == 2


# One version.

NEWER = Document(Pattern(SIZE, seed=1), etag='"v2"')


@pytest.mark.parametrize("position", [0, 2_000_000])
@pytest.mark.parametrize(
    "change",
    [
        Replacement(NEWER),
        Replacement(NEWER) + IfRangeIgnored(),
        Replacement(Document(Pattern(SIZE + 1), etag='"v1"')) + IfRangeIgnored(),
        ETag('"v2"'),
        ETag(None),
        ETag('W/"v1"'),
    ],
    ids=["If-Range honoured", "If-Range ignored", "another size", "another tag", "no tag", "a weak tag"],
)
def test_versions_are_never_mixed(rig: Rig, document, change, position):
    with rig.client().open("ferry:/doc") as file:
        raw = file.raw
        raw.seek(1_500_000)
        raw.read(10)
        rig.server.script("/doc", [change], repeat_last=True)
        raw.seek(position)
        with pytest.raises(IntegrityError):
            raw.read(10)


def test_a_new_version_of_the_service_s_is_another_version(rig: Rig, document):
    rig.ferry.link = {"uses": 1}
    rig.ferry.facts["version"] = "7"
    with rig.client().open("ferry:/doc") as file:
        file.read(10)
        rig.ferry.facts["version"] = "8"
        file.seek(2_000_000)
        with pytest.raises(IntegrityError, match="has changed while it was read"):
            file.read(10)


@pytest.mark.parametrize("etag", [None, 'W/"v1"'])
def test_without_a_validator_nothing_is_read_a_second_time(rig: Rig, etag):
    document = rig.serve(SIZE, etag=etag)
    with rig.client().open("ferry:/doc") as file:
        assert file.read(MIB) == document.read(0, MIB)
        file.seek(100)
        with pytest.raises(IntegrityError, match="nothing says") as caught:
            file.read(10)
    assert caught.value.hint == "Download it, and read the file."


def test_without_a_validator_what_breaks_cannot_go_on(rig: Rig):
    rig.serve(SIZE, etag=None)
    rig.server.script("/doc", [Cut(MIB)])
    with rig.client().open("ferry:/doc") as file, pytest.raises(IntegrityError):
        file.read()


def test_without_a_validator_an_opening_that_breaks_begins_again(rig: Rig):
    document = rig.serve(SIZE, etag=None)
    rig.server.script("/doc", [Cut(100)])
    with rig.client().open("ferry:/doc") as file:
        assert file.read() == document.read()


def test_a_date_or_the_service_s_version_will_do(rig: Rig):
    document = rig.serve(SIZE, etag=None, last_modified=OLD)
    rig.server.script("/doc", [Cut(MIB)])
    with rig.client().open("ferry:/doc") as file:
        assert file.read() == document.read()
    document = rig.serve(SIZE, "/other", etag=None)
    rig.ferry.facts["version"] = "7"
    rig.server.script("/other", [Cut(MIB)])
    with rig.client().open("ferry:/other") as file:
        assert file.read() == document.read()


# Parts, and the end of it.


@pytest.mark.parametrize(
    ("start", "stop"),
    [(0, None), (0, 100), (500, None), (500, 600), (SIZE - 1, None), (-1, None), (-500, None), (-2 * SIZE, None)],
)
def test_a_part_of_a_document_is_asked_for_in_one_request(rig: Rig, document, start, stop):
    with rig.client().open_at("ferry:/doc", start, stop) as part:
        found = b"".join(iter(lambda: part.read(64 * KIB), b""))
    first = max(0, SIZE + start) if start < 0 else start
    assert found == document.read(first, stop)
    assert len(rig.server.requests) == 1


@pytest.mark.parametrize("fault", [None, RangeIgnored()])
def test_a_part_that_is_not_there_is_not_found(rig: Rig, document, fault):
    rig.server.script("/doc", [fault])
    with pytest.raises(NotFound, match="has no byte"), rig.client().open_at("ferry:/doc", SIZE, None):
        raise AssertionError


@pytest.mark.parametrize("start", [-500, 1_000_000])
def test_a_part_is_right_from_a_server_that_knows_no_ranges(rig: Rig, document, start):
    rig.server.script("/doc", [RangeIgnored()], repeat_last=True)
    with rig.client().open_at("ferry:/doc", start, None) as part:
        assert part.read(10) == document.read(SIZE + start if start < 0 else start)[:10]


def test_the_end_of_a_document_of_unknown_size_cannot_be_asked_for(rig: Rig, document):
    rig.server.script("/doc", [RangeIgnored() + CloseDelimited()])
    with pytest.raises(ProtocolError, match="how long it is"), rig.client().open_at("ferry:/doc", -5, None):
        raise AssertionError


def test_a_client_that_is_closed_ends_its_readers(rig: Rig, document):
    client = rig.client()
    file = client.open("ferry:/doc")
    file.raw.read(10)
    client.close()
    with pytest.raises(Cancelled):
        file.raw.read(10)
    file.close()


def test_a_reader_lets_go_of_its_connection(rig: Rig, document):
    with rig.client().open("ferry:/doc") as file:
        file.read(10)
    rig.server.wait_for_connections(0)


def test_errors_of_a_reader_are_ours(rig: Rig, document):
    assert issubclass(IntegrityError, DownspoutError)
    rig.server.script("/doc", [Cut(0)], repeat_last=True)
    with pytest.raises(DownspoutError, match="ferry:/doc"):
        rig.client(retries=1).open("ferry:/doc")
