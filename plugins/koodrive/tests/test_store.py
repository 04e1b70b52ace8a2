"""Bytes, and what the object store says instead of them."""

import pytest

from downspout.errors import LinkRefused, NotFound, PermissionDenied, ProtocolError, Unavailable


def xml(code, message):
    inner = f"<Code>{code}</Code><Message>{message}</Message><Resource>/k</Resource>"
    return f'<?xml version="1.0"?>\n<Error>{inner}</Error>'.encode()


def read(stream):
    buffer = bytearray(100)
    count = stream.readinto(buffer)
    stream.close()
    return bytes(buffer[:count])


def test_bytes_come_from_the_store(drive, service, say):
    service.on("/k", say(b"hello", 206, Content_Range="bytes 2-6/7", ETag='"e"'))
    stream = drive().open(f"{service.url}/k?X-Amz-Signature=s%2F%2f", 2)
    assert (read(stream), stream.start, stream.size, stream.etag) == (b"hello", 2, 7, '"e"')
    (asked,) = service.asked
    assert (asked.method, asked.target) == ("GET", "/k?X-Amz-Signature=s%2F%2f")
    assert asked.headers["range"] == "bytes=2-"


def test_the_store_is_told_nothing_about_the_user(drive, service, say):
    service.on("/k", say(b"hello"))
    account = drive(trace_id="t" * 58)
    account.authenticate()
    account.open(f"{service.url}/k").close()
    assert set(service.asked[0].headers) <= {"host", "user-agent", "accept", "accept-encoding"}


@pytest.mark.parametrize(
    ("status", "code", "message", "final", "words"),
    [
        (403, "AccessDenied", "Request has expired", PermissionDenied, "expired"),
        (400, "ExpiredRequest", "?", PermissionDenied, "expired"),
        (403, "AccessDenied", "Request is not yet valid", PermissionDenied, "not valid yet"),
        (403, "AccessDenied", "Access Denied", PermissionDenied, "AccessDenied"),
        (403, "SignatureDoesNotMatch", "?", PermissionDenied, "SignatureDoesNotMatch"),
        (401, "InvalidAccessKeyId", "?", PermissionDenied, "InvalidAccessKeyId"),
        (404, "NoSuchKey", "?", NotFound, "NoSuchKey"),
        (410, "", "?", NotFound, "410"),
        (403, "bad code", "?", PermissionDenied, "403"),
    ],
)
def test_a_refusal_asks_for_a_new_link(drive, service, say, status, code, message, final, words):
    service.on("/k", say(xml(code, message), status, Content_Type="application/xml"))
    with pytest.raises(LinkRefused, match=words) as caught:
        drive().open(f"{service.url}/k?X-Amz-Signature=s3cret")
    assert type(caught.value.settle()) is final
    assert "s3cret" not in caught.value.message
    assert caught.value.message.startswith("koodrive:F1: ")


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, xml("RequestTimeout", "?"), Unavailable),
        (503, xml("SlowDown", "?"), Unavailable),
        (500, b"", Unavailable),
        (412, xml("PreconditionFailed", "?"), ProtocolError),
    ],
)
def test_what_passes_is_tried_again_and_what_is_strange_is_not(drive, service, say, status, body, kind):
    service.on("/k", say(body, status))
    with pytest.raises(kind):
        drive().open(f"{service.url}/k")


@pytest.mark.parametrize("body", [b"", b"\xff\xfe", b"<Error><Code>", b"<Code>" * 5000, b"\x00" * 100_000])
def test_no_body_of_a_refusal_breaks_the_reading(drive, service, say, body):
    service.on("/k", say(body, 403))
    with pytest.raises(LinkRefused):
        drive().open(f"{service.url}/k")
