"""The store's links, against botocore: it signs and ours accepts, ours signs and it agrees."""

import datetime
import re
import time
import urllib.parse

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import botocore.session
import pytest
from botocore.config import Config
from hypothesis import given
from hypothesis import strategies as st

from downspout_sandbox.koodrive import signing
from downspout_sandbox.koodrive.names import file_id

KEY = "0001" + b"large".hex()


def _client(sandbox, version="s3v4"):
    session = botocore.session.Session()
    return session.create_client(
        "s3",
        region_name=signing.REGION,
        endpoint_url=sandbox.url("koodrive-store"),
        aws_access_key_id=signing.ACCESS_KEY,
        aws_secret_access_key=signing.SECRET_KEY,
        config=Config(signature_version=version, s3={"addressing_style": "path"}),
    )


def _botocore_link(sandbox, version="s3v4", expires=60, key=KEY, **more):
    parameters = {"Bucket": "bucket", "Key": key, **more}
    return _client(sandbox, version).generate_presigned_url("get_object", Params=parameters, ExpiresIn=expires)


@pytest.mark.parametrize("version", ["s3v4", "s3"])
def test_a_link_that_botocore_signs_is_accepted(koodrive, pool, version):
    sandbox = koodrive().sandbox
    disposition = 'attachment; filename="%E5%8F%91%E7%A5%A81.pdf"'
    link = _botocore_link(sandbox, version, ResponseContentDisposition=disposition)
    answer = pool.request("GET", link, headers={"Range": "bytes=0-9"})
    assert (answer.status, answer.headers["Content-Disposition"]) == (206, disposition)
    assert "%25E5%258F" in link


@pytest.mark.parametrize("version", ["s3v4", "s3"])
def test_a_link_of_botocores_for_another_method_or_object_is_refused(koodrive, pool, version):
    link = _botocore_link(koodrive().sandbox, version)
    assert pool.request("HEAD", link).status == 403
    other = pool.request("GET", link.replace(KEY, "0001" + b"empty".hex()))
    assert other.status == 403
    assert b"<Code>SignatureDoesNotMatch</Code>" in other.data


@pytest.mark.parametrize("version", ["s3v4", "s3"])
def test_a_link_of_botocores_expires(koodrive, pool, version):
    sandbox = koodrive().sandbox
    link = _botocore_link(sandbox, version, expires=30)
    sandbox.advance(29 - 5)
    assert pool.request("GET", link).status == 200
    sandbox.advance(7)
    answer = pool.request("GET", link)
    assert (answer.status, answer.headers["Content-Type"].split(";")[0]) == (403, "application/xml")
    assert b"<Code>AccessDenied</Code><Message>Request has expired</Message>" in answer.data


def _botocore_signature(link, method="GET"):
    """What botocore, told the time of a link, signs for the same request."""
    parts = urllib.parse.urlsplit(link)
    query = urllib.parse.parse_qs(parts.query)
    asked = "&".join(each for each in parts.query.split("&") if not each.startswith("X-Amz-"))
    url = urllib.parse.urlunsplit(parts._replace(query=asked))
    request = botocore.awsrequest.AWSRequest(method=method, url=url)
    credentials = botocore.credentials.Credentials(signing.ACCESS_KEY, signing.SECRET_KEY)
    expires = int(query["X-Amz-Expires"][0])
    signer = botocore.auth.S3SigV4QueryAuth(credentials, "s3", signing.REGION, expires=expires)
    stamp = query["X-Amz-Date"][0]
    moment = datetime.datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=datetime.UTC)
    original = botocore.auth.get_current_datetime
    botocore.auth.get_current_datetime = lambda *_a, **_k: moment.replace(tzinfo=None)
    try:
        signer.add_auth(request)
    finally:
        botocore.auth.get_current_datetime = original
    return urllib.parse.parse_qs(urllib.parse.urlsplit(request.url).query)["X-Amz-Signature"]


@given(
    st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=20),
    st.integers(1_600_000_000, 2_000_000_000),
)
def test_a_link_that_ours_signs_is_what_botocore_signs(name, now):
    query = {"response-content-disposition": f'attachment; filename="{urllib.parse.quote(name)}"'}
    link = signing.sign_link("http://127.0.0.1:8080", "/" + KEY, query, now, 60)
    assert urllib.parse.parse_qs(urllib.parse.urlsplit(link).query)["X-Amz-Signature"] == _botocore_signature(link)


def test_the_api_gives_links_that_botocore_would_sign(koodrive):
    link = koodrive().link()
    assert urllib.parse.parse_qs(urllib.parse.urlsplit(link).query)["X-Amz-Signature"] == _botocore_signature(link)


def test_a_link_is_for_get_alone_and_takes_no_authorization(koodrive, pool):
    link = koodrive().link()
    assert pool.request("GET", link).status == 200
    for method in ("HEAD", "POST", "PUT", "DELETE"):
        assert pool.request(method, link).status == 403
    answer = pool.request("GET", link, headers={"Authorization": "Bearer x"})
    assert (answer.status, b"<Code>InvalidArgument</Code>" in answer.data) == (400, True)


@pytest.mark.parametrize(
    ("pattern", "new", "status", "code"),
    [
        (r"X-Amz-Signature=.", "X-Amz-Signature=g", 403, "SignatureDoesNotMatch"),
        (r"&X-Amz-Signature=\w+", "", 400, "AuthorizationQueryParametersError"),
        (r"X-Amz-Expires=\d+", "X-Amz-Expires=3601", 403, "SignatureDoesNotMatch"),
        (r"X-Amz-Expires=\d+", "X-Amz-Expires=604801", 400, "AuthorizationQueryParametersError"),
        (r"X-Amz-Expires=\d+", "X-Amz-Expires=-1", 400, "AuthorizationQueryParametersError"),
        (r"X-Amz-Expires=\d+", "X-Amz-Expires=%D9%A1", 400, "AuthorizationQueryParametersError"),
        (r"X-Amz-Date=\w+", "X-Amz-Date=yesterday", 400, "AuthorizationQueryParametersError"),
        (r"Date=\d{8}", "Date=20200101", 400, "AuthorizationQueryParametersError"),
        (r"AWS4-HMAC-SHA256", "AWS4-HMAC-SHA1", 400, "AuthorizationQueryParametersError"),
        (r"SANDBOXACCESSKEY0001", "OTHER", 403, "InvalidAccessKeyId"),
        (r"SignedHeaders=host", "SignedHeaders=x-none", 400, "AuthorizationQueryParametersError"),
        (r"SignedHeaders=host", "SignedHeaders=host%3Bx-none", 403, "AccessDenied"),
        (r"attachment", "inline", 403, "SignatureDoesNotMatch"),
        (r"\?.*", "", 403, "AccessDenied"),
        (r"$", "&extra=1", 403, "SignatureDoesNotMatch"),
    ],
)
def test_a_link_that_was_touched_is_refused(koodrive, pool, pattern, new, status, code):
    link = re.sub(pattern, new, koodrive().link(), count=1)
    answer = pool.request("GET", link)
    assert (answer.status, re.findall(rb"<Code>(\w+)</Code>", answer.data)) == (status, [code.encode()])


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=60))
def test_no_query_at_all_breaks_the_check(text):
    with pytest.raises(signing.Problem):
        signing.check_link("GET", f"/{KEY}?X-Amz-Algorithm=AWS4-HMAC-SHA256&{text}", {"host": "h"}, time.time())


def test_a_link_of_tomorrow_is_not_yet_valid(koodrive, pool):
    drive = koodrive(token_life=100_000)
    drive.sandbox.advance(86_400)
    link = drive.link()
    drive.sandbox.advance(-86_400)
    answer = pool.request("GET", link)
    assert (answer.status, b"Request is not yet valid" in answer.data) == (403, True)


def test_the_order_of_the_query_does_not_matter(koodrive, pool):
    head, query = koodrive().link().split("?")
    assert pool.request("GET", head + "?" + "&".join(reversed(query.split("&")))).status == 200


def test_the_older_form_holds_and_expires(koodrive, pool):
    drive = koodrive(koodrive_old_links=True, link_life=20)
    link = drive.link(file_id("large"))
    assert re.search(r"AWSAccessKeyId=\w+&Expires=\d{10}&Signature=[\w%-]+$", link)
    assert pool.request("GET", link, headers={"Range": "bytes=0-0"}).status == 206
    assert pool.request("GET", link.replace("Signature=", "Signature=x")).status == 403
    assert pool.request("GET", link.replace("Expires=", "Expires=9")).status == 403
    drive.sandbox.advance(20)
    assert b"Request has expired" in pool.request("GET", link).data


def test_the_store_refuses_a_document_without_saying_why(koodrive, pool):
    answer = pool.request("GET", koodrive().link(file_id("denied")))
    assert (answer.status, b"<Message>Access Denied</Message>" in answer.data) == (403, True)


def test_an_object_that_is_not_there_is_not_found(koodrive, pool):
    sandbox = koodrive().sandbox
    for key in ("nothing", "0001ff", "0009" + b"large".hex()):
        assert pool.request("GET", _botocore_link(sandbox, key=key)).status == 404


def test_an_old_link_leads_to_the_old_version(koodrive, pool):
    drive = koodrive()
    link = drive.link()
    before = pool.request("GET", link)
    drive.sandbox.change("invoice")
    after = pool.request("GET", drive.link())
    assert pool.request("GET", link).data == before.data != after.data
    assert before.headers["ETag"] != after.headers["ETag"]
