import http.client
import time

import pytest
import urllib3
from hypothesis import given
from hypothesis import strategies as st

from downspout_sandbox.content import Part, Unsatisfiable, parse_range
from downspout_sandbox.koodrive.names import file_id

LARGE = file_id("large")


@given(st.integers(0, 50), st.integers(0, 60), st.integers(0, 60))
def test_a_range_selects_what_a_slice_would(size, first, last):
    data = bytes(range(size))
    for text, wanted in (
        (f"bytes={first}-{last}", data[first : last + 1] if first <= last else None),
        (f"bytes={first}-", data[first:]),
        (f"bytes=-{last}", data[-last:] if last else b""),
    ):
        part = parse_range(text, size)
        if wanted is None:
            assert part == Part(0, size, whole=True)
        elif wanted == b"":
            assert isinstance(part, Unsatisfiable)
        else:
            assert not part.whole
            assert data[part.start : part.stop] == wanted


@given(st.text(max_size=20))
def test_what_is_no_range_means_everything(text):
    part = parse_range(text, 10)
    assert isinstance(part, Part | Unsatisfiable)


@pytest.mark.parametrize(
    "text", [None, "", "bytes=", "bytes=-", "lines=1-2", "bytes=1-2,4-5", "bytes=a-b", "bytes=5-4"]
)
def test_several_ranges_and_other_units_are_ignored(text):
    assert parse_range(text, 10) == Part(0, 10, whole=True)


def test_three_forms_of_range_and_one_beyond_the_end(koodrive, pool):
    drive = koodrive()
    link = drive.link()
    whole = pool.request("GET", link)
    size = len(whole.data)
    assert whole.status == 200
    for text, wanted, shown in (
        ("bytes=0-499", whole.data[:500], f"bytes 0-499/{size}"),
        ("bytes=500-", whole.data[500:], f"bytes 500-{size - 1}/{size}"),
        ("bytes=-50", whole.data[-50:], f"bytes {size - 50}-{size - 1}/{size}"),
    ):
        part = pool.request("GET", link, headers={"Range": text})
        assert (part.status, part.data, part.headers["Content-Range"]) == (206, wanted, shown)
        assert part.headers["ETag"] == whole.headers["ETag"]
        assert part.headers["Content-Length"] == str(len(wanted))
    beyond = pool.request("GET", link, headers={"Range": f"bytes={size}-"})
    assert (beyond.status, beyond.headers["Content-Range"]) == (416, f"bytes */{size}")
    assert b"<Code>InvalidRange</Code>" in beyond.data


def test_if_range_and_if_match_hold_only_for_the_same_bytes(koodrive, pool):
    link = koodrive().link()
    whole = pool.request("GET", link)
    etag, date = whole.headers["ETag"], whole.headers["Last-Modified"]

    def status(**headers):
        shown = {name.replace("_", "-"): value for name, value in headers.items()}
        return pool.request("GET", link, headers={"Range": "bytes=1-", **shown}).status

    assert [status(If_Range=each) for each in (etag, date, '"other"', f"W/{etag}")] == [206, 206, 200, 200]
    assert [status(If_Match=each) for each in (etag, "*", f'"a", {etag}', '"other"')] == [206, 206, 206, 412]


def test_switches_take_ranges_validators_and_length_away(koodrive, pool):
    drive = koodrive(no_etag=True)
    link = drive.link()
    assert "ETag" not in pool.request("GET", link).headers
    ranged = {"Range": "bytes=1-4"}
    assert pool.request("GET", link, headers={**ranged, "X-Sandbox-Ignore-Range": "1"}).status == 200
    wrong = {**ranged, "If-Range": '"other"', "X-Sandbox-Ignore-If-Range": "1"}
    assert pool.request("GET", link, headers=wrong).status == 206
    chunked = pool.request("GET", link, headers={"X-Sandbox-No-Length": "1"})
    assert "Content-Length" not in chunked.headers
    assert len(chunked.data) == len(pool.request("GET", link).data)


@pytest.mark.parametrize("more", [{}, {"no_length": True}])
def test_a_cut_answer_gives_exactly_the_bytes_before_the_cut(koodrive, pool, more, capfd):
    drive = koodrive(cut_after=100_000, cut_times=1, **more)
    link = drive.link(LARGE)
    answer = pool.request("GET", link, preload_content=False)
    got = b""
    with pytest.raises(urllib3.exceptions.ProtocolError):  # noqa: PT012
        while piece := answer.read(1000):
            got += piece
    assert len(got) == 100_000
    again = pool.request("GET", link, headers={"Range": "bytes=100000-"})
    assert (again.status, len(again.data)) == (206, 20 * 2**20 - 100_000)
    assert capfd.readouterr() == ("", "")


def test_a_request_is_recorded_before_its_answer_arrives(koodrive, pool):
    drive = koodrive(rate=1_000_000)
    answer = pool.request("GET", drive.link(LARGE), preload_content=False)
    assert drive.sandbox.requests[-1].endpoint == "koodrive-store"
    answer.close()


def test_a_silent_answer_keeps_the_connection(koodrive, pool):
    drive = koodrive(stall_after=1000)
    answer = pool.request("GET", drive.link(LARGE), preload_content=False, timeout=0.3)
    assert len(answer.read(1000)) == 1000
    with pytest.raises(urllib3.exceptions.ReadTimeoutError):
        answer.read(1)


def test_the_rate_holds_for_each_connection(koodrive, pool):
    drive = koodrive(rate=1_000_000)
    link = drive.link(LARGE)
    begun = time.monotonic()
    part = pool.request("GET", link, headers={"Range": "bytes=0-299999"})
    assert len(part.data) == 300_000
    assert 0.25 < time.monotonic() - begun < 3


def test_a_document_changes_after_so_many_answers(koodrive, pool):
    drive = koodrive(change_after=2)
    etags = []
    for _ in range(4):
        answer = pool.request("GET", drive.link(LARGE), headers={"Range": "bytes=0-9"})
        etags.append((answer.headers["ETag"], answer.data))
    assert etags[0] == etags[1] != etags[2] == etags[3]


def test_a_client_that_goes_leaves_no_noise(koodrive, capfd):
    drive = koodrive()
    link = drive.link(LARGE)
    connection = http.client.HTTPConnection(*link.split("/")[2].split(":"))
    connection.request("GET", "/" + link.split("/", 3)[3])
    connection.getresponse().read(10)
    connection.close()
    drive.sandbox.reset()
    assert drive.download(LARGE).status == 200
    assert capfd.readouterr() == ("", "")


def test_a_sign_in_page_may_come_instead_of_a_document(koodrive, pool):
    link = koodrive(login_page=True).link()
    answer = pool.request("GET", link)
    assert (answer.status, answer.headers["Content-Type"].split(";")[0]) == (200, "text/html")


def test_a_redirect_leads_to_an_origin_of_nobodys(koodrive, pool):
    drive = koodrive(redirect=True)
    answer = pool.request("GET", drive.link(), redirect=False)
    place = answer.headers["Location"]
    assert (answer.status, place.startswith(drive.sandbox.url("elsewhere"))) == (302, True)
    drive.sandbox.set(redirect=False)
    whole = pool.request("GET", drive.link())
    there = pool.request("GET", place, headers={"Range": "bytes=1-9"})
    assert (there.status, there.data, there.headers["ETag"]) == (206, whole.data[1:10], whole.headers["ETag"])
    assert pool.request("GET", place, headers={"Range": "bytes=99999-"}).status == 416
    assert pool.request("GET", place + "/nothing").status == 404
    assert [each.status for each in drive.sandbox.requests if each.endpoint == "elsewhere"] == [206, 416, 404]


def test_a_document_is_empty_and_has_no_range(koodrive, pool):
    link = koodrive().link(file_id("empty"))
    whole = pool.request("GET", link)
    assert (whole.status, whole.data, whole.headers["Content-Length"]) == (200, b"", "0")
    assert pool.request("GET", link, headers={"Range": "bytes=0-"}).status == 416
