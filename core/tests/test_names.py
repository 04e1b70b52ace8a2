"""Names from outside become one harmless path component, or nothing."""

import sys
import unicodedata
from pathlib import PurePosixPath

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from downspout._names import (
    checked_target,
    choose_name,
    distinct_name,
    free_number,
    name_from_disposition,
    name_from_url,
    numbered_name,
    relative_target,
    safe_name,
)
from downspout.errors import ProtocolError, StorageError, TargetExists

ANY_TEXT = st.text(st.characters(), max_size=300)
NASTY = st.text(
    st.sampled_from(
        "./\\: ._-aAcoOnNuUlLcmM1¹\0\r\n\t\u202e\u200b\u0301\u1100\u1161\ud800é中😀\U0001f3fb\"'*%;=?()"
    ),
    max_size=400,
)
HOSTILE = ANY_TEXT | NASTY


def assert_is_harmless(name):
    assert name
    assert name not in {".", ".."}
    assert not set(name) & set('/\\<>:"|?*\0')
    assert not name.startswith((".", " "))
    assert not name.endswith((".", " "))
    assert len(name.encode()) <= 255
    assert unicodedata.is_normalized("NFC", name)
    assert not {unicodedata.category(character) for character in name} & {"Cc", "Cf", "Cs", "Zl", "Zp"}
    stem = name.partition(".")[0].rstrip().upper()
    assert stem not in {"CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"}
    assert not (stem[:3] in {"COM", "LPT"} and stem[3:] in set("0123456789¹²³"))


@given(HOSTILE)
@example("CON" + " " * 300 + ".txt")
@example("con.\u3000" * 90)
@example("a" * 250 + ". . ..pdf")
@example("<\u0338")
@example("a\u034f\u0301")
def test_any_text_becomes_a_harmless_name(text):
    assert_is_harmless(safe_name(text))


@given(HOSTILE, HOSTILE)
@example("COM¹.x", "")
@example(" " * 5000 + "x", "")
def test_a_safe_name_stays_as_it_is(text, fallback):
    once = safe_name(text, fallback)
    assert_is_harmless(once)
    assert safe_name(once) == once


def test_every_character_of_unicode_is_harmless_or_replaced():
    for start in range(0, sys.maxunicode + 1, 64):
        for code in range(start, start + 64):
            name = safe_name(f"a{chr(code)}b")
            assert not set(name) & set('/\\<>:"|?*\0')
        assert_is_harmless(safe_name("".join(map(chr, range(start, start + 64)))))


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("report.pdf", "report.pdf"),
        ("发票1.pdf", "发票1.pdf"),
        ("Über uns.txt", "Über uns.txt"),
        ("U\u0308ber uns.txt", "Über uns.txt"),
        ("Invoice 1/2.pdf", "Invoice 1_2.pdf"),
        ("a\\b", "a_b"),
        ("report.pdf:evil.exe", "report.pdf_evil.exe"),
        ("..", "download"),
        (".", "download"),
        ("", "download"),
        ("\u200b\u202e", "download"),
        (".bashrc", "bashrc"),
        (".downspout-0123456789abcdef.part", "downspout-0123456789abcdef.part"),
        (". .profile", "profile"),
        ("trailing. . ", "trailing"),
        ("two\r\nlines", "two lines"),
        ("invoice\u202efdp.exe", "invoicefdp.exe"),
        ("con", "_con"),
        ("NUL.tar.gz", "_NUL.tar.gz"),
        ("com¹.txt", "_com¹.txt"),
        ("LPT9 .log", "_LPT9 .log"),
        ("CONIN$", "_CONIN$"),
        ("console.log", "console.log"),
        ("COM10", "COM10"),
        ("half\ud83d.txt", "half.txt"),
    ],
)
def test_safe_names(text, name):
    assert safe_name(text) == name


@pytest.mark.parametrize("extension", [".pdf", ".tar.gz", ".pdf.p7m", ".文档"])
@pytest.mark.parametrize("letter", ["x", "é", "中", "😀", "e\u0301\u0323"])
def test_a_long_name_keeps_its_extension(letter, extension):
    name = safe_name(letter * 300 + extension)
    assert name.endswith(extension)
    assert 255 - 16 < len(name.encode()) <= 255
    assert_is_harmless(name)


def test_a_cut_does_not_part_a_mark_from_its_letter():
    letter = "q\u0308\u0323"  # nothing that NFC could put into one character
    stem = safe_name(letter * 100 + ".txt").removesuffix(".txt")
    assert len(stem) % 3 == 0


def test_a_hand_keeps_the_colour_of_its_skin():
    stem = safe_name("👍🏽" * 60)
    assert stem == "👍🏽" * 31


def test_a_letter_with_hundreds_of_marks_is_cut_all_the_same():
    assert 250 < len(safe_name("a" + "\u0301" * 500).encode()) <= 255


def test_the_fallback_is_made_safe_too():
    assert safe_name("..", "../x") == "_x"
    assert safe_name("..", "..") == "download"


# Promises, item 11: names with which a server got somewhere it should not have.
@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        ('attachment; filename="..\\\\..\\\\evil.exe"', "evil.exe"),  # curl CVE-2010-3842: backslashes
        ('attachment; filename="..\\..\\evil.exe"', "evil.exe"),
        ('attachment; filename="c:evil.exe"', "c_evil.exe"),  # curl CVE-2016-0754: a drive and a colon
        ('attachment; filename="report.txt::$DATA"', "report.txt__$DATA"),
        ('attachment; filename=".wgetrc"', "wgetrc"),  # wget CVE-2010-2252, CVE-2016-4971: dot files
        ('attachment; filename="../.bash_profile"', "bash_profile"),
        ('attachment; filename="/root/.ssh/authorized_keys"', "authorized_keys"),  # wget CVE-2014-4877
        ('attachment; filename="../../../../etc/passwd"', "passwd"),  # aria2 CVE-2010-1512, pip #6413
        ("attachment; filename*=UTF-8''..%2F..%2Fetc%2Fpasswd", "passwd"),
        ("attachment; filename*=UTF-8''..%5C..%5Cevil.exe", "evil.exe"),
        ("attachment; filename*=UTF-8''%252e%252e%252fevil.exe", "%2e%2e%2fevil.exe"),  # pip CVE-2026-13346
        ('attachment; filename="aux.h"', "_aux.h"),
        ("attachment; filename*=UTF-8''invoice%E2%80%AEfdp.exe", "invoicefdp.exe"),
        ('attachment; filename="a\0b.txt"', "ab.txt"),
        ('attachment; filename="a\r\n b.txt"', "a b.txt"),
        ('attachment; filename=".."', "last"),
        ('attachment; filename=""', "last"),
        ("attachment", "last"),
    ],
)
def test_a_name_that_a_server_chose_is_data(disposition, name):
    assert choose_name(None, disposition, "https://host.example/dir/last?x=1") == name


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ("attachment; filename=report.pdf", "report.pdf"),
        ('INLINE ; FILENAME = "report.pdf" ; x=y', "report.pdf"),
        ("attachment; filename=\"plain.pdf\"; filename*=UTF-8''%e2%82%ac%20rates.pdf", "€ rates.pdf"),
        ("attachment; filename*=utf-8'en'%e2%82%ac.pdf; filename=plain.pdf", "€.pdf"),
        ("attachment; filename*=iso-8859-1''caf%E9.pdf", "café.pdf"),
        ("attachment; filename*=\"UTF-8''%41.pdf\"", "A.pdf"),
        ("attachment; filename*=UTF-8''50%.pdf", "50%.pdf"),
        ("attachment; filename*=UTF-8''%ff.pdf; filename=plain.pdf", "plain.pdf"),  # no UTF-8
        ("attachment; filename*=rot13''cynva.pdf; filename=plain.pdf", "plain.pdf"),  # not a charset for names
        ("attachment; filename*=plain.pdf; filename=other.pdf", "other.pdf"),  # no charset at all
        ("attachment; filename*=UTF-8''\u4e2d; filename=other.pdf", "other.pdf"),
        (r'attachment; filename="a \"quoted\" name.pdf"', 'a "quoted" name.pdf'),
        ('attachment; filename="semi;colon.pdf"', "semi;colon.pdf"),
        ('attachment; filename="no end.pdf', "no end.pdf"),
        ("attachment; filename=two words.pdf; size=3", "two words.pdf"),
        ("filename=bare.pdf", "bare.pdf"),
        ("attachment; filename=first.pdf; filename=second.pdf", "first.pdf"),
        ('attachment; filename="' + "发票1.pdf".encode().decode("latin-1") + '"', "发票1.pdf"),
        ('attachment; filename="café.pdf"', "café.pdf"),
        ('attachment; filename="发票1.pdf"', "发票1.pdf"),
        ('attachment; filename="%E5%8F%91%E7%A5%A81.pdf"', "%E5%8F%91%E7%A5%A81.pdf"),  # for the provider
        ('attachment; filename="=?UTF-8?B?5Y+R56WoMS5wZGY=?="', "发票1.pdf"),
        ("attachment; filename==?utf-8?Q?caf=C3=A9_?= =?iso-8859-1?q?cr=E8me.pdf?=", "café crème.pdf"),
        ('attachment; filename="=?rot13?Q?x?="', "=?rot13?Q?x?="),  # not a charset for names
        ("attachment; filename==?utf-8?B?A?=; x", "=?utf-8?B?A?="),  # half a byte
        ("attachment; filename=dir/", None),
        ("attachment", None),
        ("", None),
    ],
)
def test_names_in_dispositions(value, name):
    assert name_from_disposition(value) == name


@given(HOSTILE)
def test_no_disposition_raises(text):
    for value in (text, f"attachment; filename={text}", f"a; filename=\"{text}\"; filename*=UTF-8''{text}"):
        assert_is_harmless(choose_name(None, value, "https://host.example/x"))


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="/\\"), min_size=1))
def test_an_extended_name_survives_the_way(text):
    escaped = "".join(f"%{byte:02X}" for byte in text.encode())
    assert name_from_disposition(f"attachment; filename*=UTF-8''{escaped}") == (text.strip() or None)


def test_a_long_disposition_is_read_in_bounded_time():
    for part in ('"', "\\", ";", "a=", "filename=", "=?", "'", '"\\', " "):
        assert_is_harmless(choose_name("", "attachment; filename=" + part * 500_000, "https://host.example/"))


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://h.example/a/report%20one.pdf?sig=x#y", "report one.pdf"),
        ("https://h.example/%E5%8F%91%E7%A5%A8.pdf", "发票.pdf"),
        ("https://h.example/caf%E9.pdf", "café.pdf"),
        ("https://h.example/%252e%252e%252fx", "%2e%2e%2fx"),
        ("https://h.example/a/..%2F..%2Fetc%2Fpasswd", "../../etc/passwd"),
        ("https://h.example/a/", None),
        ("https://h.example", None),
        ("https://[broken/x", None),
    ],
)
def test_names_in_urls_are_decoded_once(url, name):
    assert name_from_url(url) == name


def test_an_escaped_path_in_a_url_is_one_component():
    assert choose_name(None, None, "https://h.example/a/..%2F..%2Fetc%2Fpasswd") == "_.._etc_passwd"


@given(HOSTILE)
def test_no_url_raises(text):
    for url in (text, f"https://host.example/{text}"):
        assert_is_harmless(choose_name(None, None, url))


def test_the_provider_knows_the_name_best():
    url = "https://h.example/url.pdf"
    assert choose_name("given.pdf", "attachment; filename=header.pdf", url) == "given.pdf"
    assert choose_name("..", "attachment; filename=header.pdf", url) == "header.pdf"
    assert choose_name(None, None, url) == "url.pdf"
    assert choose_name("", "", "https://h.example/") == "download"


def test_paths_of_a_folder_become_safe_components():
    assert relative_target("2024/Q1 /a:b.pdf") == PurePosixPath("2024/Q1/a_b.pdf")
    assert relative_target("./a//b") == PurePosixPath("a/b")
    assert relative_target("C:/x") == PurePosixPath("C_/x")
    assert relative_target("..\\x") == PurePosixPath("_x")


@pytest.mark.parametrize("path", ["/etc/passwd", "a/../b", "..", "", ".", "//", "a/" * 101])
def test_a_path_that_leaves_its_folder_is_refused(path):
    with pytest.raises(ProtocolError):
        relative_target(path)


@given(st.lists(HOSTILE, max_size=5).map("/".join))
def test_no_path_of_a_folder_leaves_it(path):
    try:
        target = relative_target(path)
    except ProtocolError:
        return
    for part in target.parts:
        assert_is_harmless(part)


@pytest.mark.parametrize(
    "text", ["a.pdf", "2024/a.pdf", "a:b", "with\\backslash", "-x", ".hidden", "a b/c", "con"]
)
def test_a_target_that_was_typed_stays_as_it_is(text):
    assert str(checked_target(text, windows=False)) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        ".",
        "/",
        "/etc/passwd",
        "../x",
        "a/../b",
        "a/..",
        "a\0b",
        "a\udc80",
        "dir/",
        "a/.",
        ".downspout.sqlite",
    ],
)
@pytest.mark.parametrize("windows", [False, True])
def test_a_target_that_leads_elsewhere_is_refused(text, windows):
    with pytest.raises(StorageError) as caught:
        checked_target(text, windows=windows)
    assert "relative" in caught.value.hint


@pytest.mark.parametrize(
    "text",
    [r"C:\x", "c:x", r"\x", r"\\host\share\x", r"a\..\b", "a.txt:stream", "nul", "a/COM1.txt", "a./b", "b "],
)
def test_windows_has_its_own_objections(text):
    with pytest.raises(StorageError):
        checked_target(text, windows=True)


def test_on_windows_a_backslash_separates():
    assert checked_target(r"a\b\c.txt", windows=True) == PurePosixPath("a/b/c.txt")


@given(HOSTILE)
def test_what_was_typed_stays_below_the_directory(text):
    try:
        target = checked_target(text)
    except StorageError:
        return
    assert not target.is_absolute()
    assert ".." not in target.parts


@pytest.mark.parametrize(
    ("name", "second"),
    [
        ("a.pdf", "a (1).pdf"),
        ("a.tar.gz", "a (1).tar.gz"),
        ("contract.pdf.p7m", "contract (1).pdf.p7m"),
        ("v1.2.pdf", "v1.2 (1).pdf"),
        ("README", "README (1)"),
        (".bashrc", ".bashrc (1)"),
        ("x" * 251 + ".pdf", "x" * 247 + " (1).pdf"),
    ],
)
def test_the_second_of_a_name_gets_a_number(name, second):
    assert distinct_name(name, lambda _: False) == name
    assert distinct_name(name, {name}.__contains__) == second


def test_a_thousand_of_a_name_are_told_apart_in_few_questions():
    taken, questions = set(), 0

    def is_taken(name):
        nonlocal questions
        questions += 1
        return name in taken

    for _ in range(1000):
        taken.add(distinct_name("a.pdf", is_taken))
    assert taken == {"a.pdf"} | {f"a ({number}).pdf" for number in range(1, 1000)}
    assert questions < 1000 * 22


@given(st.sets(st.integers(1, 40)), st.integers(0, 20))
def test_a_free_number_is_free(used, after):
    number = free_number(used.__contains__, after)
    assert number > after
    assert number not in used
    assert number == after + 1 or number - 1 in used


@given(HOSTILE.map(safe_name), st.integers(1, 2**40))
def test_a_numbered_name_is_as_harmless(name, number):
    assert_is_harmless(numbered_name(name, number))


def test_where_everything_is_taken_it_is_said():
    with pytest.raises(TargetExists):
        distinct_name("a.pdf", lambda _: True)
