"""Header fields, read strictly: what is malformed is absent."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from downspout._http.fields import (
    ContentRange,
    content_range,
    http_date,
    media_type,
    range_field,
    retry_after,
    strong_validator,
    unsatisfied_size,
)

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
FIELD = st.text(st.characters(max_codepoint=0xFF), max_size=60) | st.text(
    "bytes 0123456789-/*,:GMT+JanFri", max_size=40
)


@pytest.mark.parametrize(
    ("value", "read"),
    [
        ("bytes 0-9/10", ContentRange(0, 10, 10)),
        (" bytes  5-9/* ", ContentRange(5, 10, None)),
        ("bytes 10-9/10", ContentRange(10, 10, 10)),
        ("bytes 0-0/1", ContentRange(0, 1, 1)),
        ("bytes 0-0/0", None),
        ("bytes 0-10/10", None),
        ("bytes 9-5/10", None),
        ("bytes */10", None),
        ("items 0-9/10", None),
        ("bytes 0-9", None),
        ("bytes -1-9/10", None),
        ("bytes 0-9/10, bytes 0-9/10", None),
        ("bytes ٠-٩/10", None),
        (f"bytes 0-{'9' * 20}/*", None),
        ("", None),
        (None, None),
    ],
)
def test_a_content_range_is_read_as_rfc_9110_has_it(value, read):
    assert content_range(value) == read


@given(FIELD)
def test_a_content_range_never_contradicts_itself(value):
    read = content_range(value)
    if read is not None:
        assert 0 <= read.start <= read.stop
        assert read.size is None or read.stop <= read.size or read.start == read.stop


@pytest.mark.parametrize(
    ("value", "size"), [("bytes */10", 10), ("bytes */*", None), ("bytes 0-1/10", None), ("", None), (None, None)]
)
def test_an_unsatisfied_range_may_tell_the_size(value, size):
    assert unsatisfied_size(value) == size


@pytest.mark.parametrize(
    ("start", "stop", "field"),
    [(0, None, None), (0, 10, "bytes=0-9"), (5, None, "bytes=5-"), (5, 6, "bytes=5-5"), (-5, None, "bytes=-5")],
)
def test_a_range_is_asked_for_in_http_s_closed_form(start, stop, field):
    assert range_field(start, stop) == field


@pytest.mark.parametrize(
    ("value", "when"),
    [
        ("Fri, 02 Jan 2026 03:04:05 GMT", NOW),
        ("Fri, 02 Jan 2026 03:04:05", NOW),
        ("Fri, 02 Jan 2026 05:04:05 +0200", NOW),
        ("Fri, 31 Dec 9999 23:59:59 -1200", None),
        ("Fri, 99 Jan 2026 03:04:05 GMT", None),
        ("soon", None),
        ("", None),
        (None, None),
    ],
)
def test_a_date_is_an_aware_time_or_absent(value, when):
    assert http_date(value) == when


@given(FIELD)
@example("1 Jan 1 0:0:0 +2359")
@example("Fri, 31 Dec 9999 23:59:59 -2359")
def test_no_date_breaks_anything(value):
    read = http_date(value)
    assert read is None or read.tzinfo is UTC


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0.0),
        (" 120 ", 120.0),
        ("9999999999", 1e9),
        ("9" * 5000, 1e9),
        ("Fri, 02 Jan 2026 03:05:05 GMT", 60.0),
        ("Fri, 02 Jan 2026 03:00:05 GMT", 0.0),
        ("-5", None),
        ("1.5", None),
        ("٣", None),
        ("soon", None),
        ("", None),
        (None, None),
    ],
)
def test_a_wish_for_patience_is_seconds_or_absent(value, seconds):
    assert retry_after(value, NOW) == seconds


@given(FIELD)
def test_no_wish_for_patience_is_negative(value):
    seconds = retry_after(value, NOW)
    assert seconds is None or seconds >= 0


def dated(age, **more):
    last = (NOW - timedelta(seconds=age)).strftime("%a, %d %b %Y %H:%M:%S GMT")
    return {"date": NOW.strftime("%a, %d %b %Y %H:%M:%S GMT"), "last-modified": last, **more}


@pytest.mark.parametrize(
    ("headers", "validator"),
    [
        ({"etag": '"v1"'}, '"v1"'),
        ({"etag": '""'}, '""'),
        ({"etag": '"é"'}, '"é"'),
        ({"etag": 'W/"v1"'}, None),
        ({"etag": "v1"}, None),
        ({"etag": '"a" "b"'}, None),
        ({"etag": '"a", "b"'}, None),
        ({"etag": '"a\x00b"'}, None),
        ({"etag": ""}, None),
        (dated(61), dated(61)["last-modified"]),
        (dated(59), None),
        (dated(61, etag='W/"v1"'), None),
        ({"last-modified": dated(61)["last-modified"]}, None),
        ({"date": dated(61)["date"]}, None),
        (dated(61, **{"last-modified": "Thu, 01 Jan 2026\r\n 03:04:05 GMT"}), None),
        ({}, None),
    ],
)
def test_only_a_strong_validator_is_one(headers, validator):
    assert strong_validator(headers) == validator


@pytest.mark.parametrize(
    ("value", "read"),
    [
        ("Text/HTML; charset=utf-8", "text/html"),
        (" application/pdf ", "application/pdf"),
        ("text", None),
        ("", None),
        (None, None),
    ],
)
def test_a_media_type_is_type_and_subtype(value, read):
    assert media_type(value) == read
