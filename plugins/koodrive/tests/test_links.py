"""What a signed link says by itself."""

from datetime import UTC, datetime
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from downspout.errors import ProtocolError
from downspout_koodrive._links import expires_at, name_in

PATH = "/koodrive/ose/v1/files/download"


@pytest.mark.parametrize(
    ("query", "when"),
    [
        ("X-Amz-Date=20231227T072939Z&X-Amz-Expires=3600", datetime(2023, 12, 27, 8, 29, 39, tzinfo=UTC)),
        ("x-amz-expires=60&x-amz-date=20240229T235959Z", datetime(2024, 3, 1, 0, 0, 59, tzinfo=UTC)),
        ("AccessKeyId=a&Expires=1703665779&Signature=b", datetime(2023, 12, 27, 8, 29, 39, tzinfo=UTC)),
        ("AWSAccessKeyId=a&Expires=0&Signature=b", datetime(1970, 1, 1, tzinfo=UTC)),
        ("X-Amz-Date=yesterday&X-Amz-Expires=3600", None),
        ("X-Amz-Date=20231227T072939Z&X-Amz-Expires=999999999999999", None),
        ("X-Amz-Date=20231227T072939Z", None),
        ("Expires=99999999999999999", None),
        ("Expires=-1", None),
        ("", None),
    ],
)
def test_a_link_says_when_it_dies(query, when):
    assert expires_at(f"https://store.example/key?{query}") == when


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        ('attachment; filename="%E5%8F%91%E7%A5%A81.pdf"', "发票1.pdf"),
        ("attachment;filename=plain.txt", "plain.txt"),
        ("attachment", None),
        ('attachment; filename=""', None),
        ("", None),
    ],
)
def test_the_name_in_a_link_is_decoded_twice(disposition, name):
    assert name_in(f"https://store.example/key?response-content-disposition={quote(disposition)}") == name


@given(st.text(st.characters(blacklist_categories=["Cs"]), min_size=1).filter(str.strip))
def test_any_name_survives_the_double_encoding(name):
    disposition = f'attachment; filename="{quote(name, safe="")}"'
    assert name_in(f"https://store.example/key?response-content-disposition={quote(disposition)}") == name.strip()


@given(st.text(max_size=200))
def test_no_query_breaks_the_reading(query):
    expires_at(f"https://store.example/key?{query}")
    name_in(f"https://store.example/key?{query}")


def test_the_name_comes_from_the_answer_then_from_the_link(drive, service, make_record):
    disposition = quote('attachment; filename="%C3%BC.txt"')
    named = make_record(
        "F1", url=f"https://store.example/k?response-content-disposition={disposition}", fileName="a"
    )
    nameless = {**named, "fileId": "F2", "fileName": ""}
    service.on(PATH, {"downloads": [named, nameless], "code": 0, "batchCode": 1})
    assert [link.name for link in drive().resolve("koodrive:F1", "koodrive:F2")] == ["a", "ü.txt"]


@pytest.mark.parametrize(
    "url", ["", None, "ftp://x/", "https://", "no url", "https://a b/", "https://store/\x07", "x" * 20000]
)
def test_what_is_no_link_fails_for_that_document_alone(drive, service, make_record, url):
    service.on(PATH, {"downloads": [make_record("F1", url=url), make_record("F2")], "code": 0, "batchCode": 1})
    bad, good = drive().resolve("koodrive:F1", "koodrive:F2")
    assert isinstance(bad, ProtocolError)
    assert "koodrive:F1" in bad.message
    assert good.name == "F2.txt"
