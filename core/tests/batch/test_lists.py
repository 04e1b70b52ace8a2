"""Lists of URIs as people and programs write them."""

import io
from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from downspout._batch import lines
from downspout._batch.wanted import Wanted, numbered
from downspout.errors import DownspoutError, InvalidURI

from .rig import failures, statuses

DIGEST = "0123456789abcdef" * 4


def read(data):
    return list(lines(io.BytesIO(data)))


def only(data):
    (wanted,) = read(data)
    return wanted


def test_a_line_is_a_uri():
    wanted = read(b"depot:a\ndepot:b c\nhttps://x.example/y")
    assert [(item.index, item.uri) for item in wanted] == [
        (1, "depot:a"),
        (2, "depot:b c"),
        (3, "https://x.example/y"),
    ]
    assert all(item.error is None and item.target is None and item.sha256 is None for item in wanted)


def test_comments_and_blank_lines_count_and_ask_for_nothing():
    assert [item.index for item in read(b"# all\n\n  \t\ndepot:a\n   # more\r\ndepot:b#x\n")] == [4, 6]


def test_a_mark_of_byte_order_and_other_line_ends_are_no_part_of_a_uri():
    assert [item.uri for item in read(b"\xef\xbb\xbfdepot:a\r\ndepot:b\r\n\r\n")] == ["depot:a", "depot:b"]


def test_a_mark_of_byte_order_before_a_comment():
    assert [item.index for item in read(b"\xef\xbb\xbf# list\ndepot:a")] == [2]


def test_columns_are_target_and_digest():
    wanted = only(f"depot:a\t x/y.pdf \t{DIGEST.upper()}\n".encode())
    assert (wanted.target, wanted.sha256, wanted.chosen) == (PurePosixPath("x/y.pdf"), DIGEST, True)


def test_an_empty_column_is_no_column():
    wanted = only(f"depot:a\t\t{DIGEST}".encode())
    assert (wanted.target, wanted.sha256, wanted.chosen) == (None, DIGEST, False)
    assert only(b"depot:a\t\t").error is None


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b"depot:a\tx\ty\tz", "more than three columns"),
        (b" \tx", "nothing in its first column"),
        (b"depot:a\tx\tnothex", "no SHA-256"),
        (b"depot:a\tx\t" + DIGEST.encode() + b"0", "no SHA-256"),
        (b"depot:\xff", "no UTF-8"),
        (b"depot:" + b"a" * 70_000, "longer than"),
        (b"depot:a\t../up", ".."),
        (b"depot:a\t/etc/passwd", "absolute"),
        (b"depot:a\t.downspout.sqlite", "keeps for its own work"),
        (b"depot:a\tdir/", "directory"),
    ],
)
def test_a_line_that_is_not_right_is_told_by_its_number(line, message):
    first, bad, last = read(b"depot:first\n" + line + b"\ndepot:last\n")
    assert (first.error, last.error) == (None, None)
    assert bad.index == 2
    assert isinstance(bad.error, DownspoutError)
    assert bad.error.message.startswith("Line 2")
    assert message in bad.error.message


def test_a_line_that_names_nobody_is_told_by_its_number_too(rig):
    listed = b"depot:a\nnonsense\n\ndepot:bad%zz\nnobody:x\nhttps://jo:pw@x.example/\ndepot:b"
    results = rig.run(lines(io.BytesIO(listed)))
    assert statuses(results) == {"ok": 2, "failed": 4}
    errors = failures(results)
    assert sorted(errors) == [2, 4, 5, 6]
    assert all(error.message.startswith(f"Line {index}: ") for index, error in errors.items())
    assert not any("pw" in error.message for error in errors.values())
    assert not any("pw" in result.uri for result in results)


def test_secrets_of_a_bad_line_are_not_repeated():
    wanted = only(b"https://x.example/?sig=planted\ta\tb\tc")
    assert "planted" not in wanted.shown + str(wanted.error)


def test_what_an_application_gives_has_no_lines(rig):
    assert failures(rig.run(["nonsense"]))[1].message.startswith("'nonsense' is no URI")


def test_lists_are_read_line_by_line():
    def endless():
        while True:
            yield b"depot:a\n"

    wanted = lines(endless())
    assert next(wanted).index == 1
    assert next(wanted).index == 2


@given(st.binary(max_size=300))
def test_any_bytes_are_a_list(data):
    for item in read(data):
        assert 1 <= item.index <= data.count(b"\n") + 1
        assert item.uri or item.error
        assert "\t" not in item.uri


@given(st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc", "Zs", "Zl", "Zp"]), min_size=1), max_size=9))
def test_uris_come_back_as_they_were_written(names):
    listed = "".join(f"depot:{name}\n" for name in names).encode()
    assert [item.uri for item in read(listed)] == [f"depot:{name}" for name in names]


def test_numbers_of_an_applications_own_are_kept():
    assert [item.index for item in numbered(["depot:a", Wanted("depot:b", index=9), "depot:c"])] == [1, 9, 3]


def test_what_has_no_reference_has_no_key():
    assert Wanted("nonsense").key == ""


def test_a_target_given_twice_in_one_list(rig):
    results = rig.run(lines(io.BytesIO(b"depot:a\tx.bin\ndepot:b\tx.bin\ndepot:a\tx.bin\n")))
    assert statuses(results) == {"ok": 1, "failed": 1, "skipped": 1} or statuses(results) == {"ok": 1, "failed": 2}


def test_an_error_is_invalid_uri():
    assert isinstance(only(b"depot:a\tx\ty\tz").error, InvalidURI)
