"""The content host of the iCloud emulation: signed links, their life, their bytes."""

import hashlib
import json
from email.utils import parsedate_to_datetime
from urllib.parse import parse_qs, quote

import pytest
import urllib3
from hypothesis import given, settings
from hypothesis import strategies as st

from downspout_sandbox import Sandbox
from downspout_sandbox.icloud import docwsid_of, shares
from downspout_sandbox.icloud.items import SEED_ID
from downspout_sandbox.icloud.links import Asset, BadLink, ExpiredLink, Links, access_token


@pytest.fixture(scope="module")
def running():
    with Sandbox(services=["icloud"], small_count=5) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running):
    usual = running.world.switch_values()
    running.reset()
    yield running
    running.set(**usual)


@pytest.fixture
def http():
    with urllib3.PoolManager(retries=False, timeout=10) as pool:
        yield pool


def tokens(sandbox, http, docwsid, call="batch", **headers):
    environment = sandbox.environment
    query = "clientBuildNumber=1&clientMasteringNumber=1" + "".join(
        f"&{name}={quote(environment[f'DOWNSPOUT_ICLOUD_{setting}'], safe='')}"
        for name, setting in (("clientId", "CLIENT_ID"), ("dsid", "DSID"), ("token", "TOKEN"))
    )
    url = f"{sandbox.url('icloud-docs')}/ws/com.apple.CloudDocs/download/{call}?{query}"
    if call == "by_id":
        return http.request("GET", f"{url}&document_id={docwsid}", headers=headers).json()
    body = json.dumps([{"document_id": docwsid}])
    return http.request("POST", url, body=body, headers=headers).json()[0]


def link(sandbox, http, docwsid, call="batch", **headers):
    return tokens(sandbox, http, docwsid, call, **headers)["data_token"]["url"]


@pytest.mark.parametrize(("call", "life"), [("batch", 900), ("by_id", 3600)])
def test_a_link_lives_as_long_as_it_says(sandbox, http, call, life):
    url = link(sandbox, http, SEED_ID, call)
    assert abs(int(parse_qs(url)["e"][0]) - sandbox.world.now() - life) < 5

    sandbox.advance(life - 5)
    assert http.request("GET", url).status == 200
    sandbox.advance(6)
    gone = http.request("GET", url)
    assert gone.status == 410
    assert gone.data == b"Gone\n"


def test_a_links_life_can_be_set_for_all_or_for_one_request(sandbox, http):
    short = link(sandbox, http, SEED_ID, **{"X-Sandbox-Link-Life": "0"})
    usual = link(sandbox, http, SEED_ID)

    assert http.request("GET", short).status == 410
    assert http.request("GET", usual).status == 200


def test_what_a_client_appends_is_tolerated(sandbox, http):
    url = link(sandbox, http, SEED_ID) + "&clientBuildNumber=1&clientId=x&dsid=1"

    assert http.request("GET", url).status == 200


@pytest.mark.parametrize(
    "alter",
    [
        lambda url: url.replace("&v=1", "&v=2"),
        lambda url: url.replace("?o=", "?p=1&o="),
        lambda url: url.replace("&fl=", "&fl"),
        lambda url: url[:-1],
        lambda url: url.partition("&s=")[0],
        lambda url: url.partition("?")[0],
        lambda url: url.replace("/B/", "/B/A"),
    ],
)
def test_an_altered_link_is_refused(sandbox, http, alter):
    assert http.request("GET", alter(link(sandbox, http, SEED_ID))).status == 400


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 400), st.characters(codec="ascii"))
def test_no_single_character_of_a_link_can_be_another(place, character):
    links, asset = Links(), Asset("com.apple.CloudDocs", SEED_ID, "data", "1")
    url = links.token(asset, "", "x", 1_000.0, 900.0)["url"]
    path, _, query = url.removeprefix("/B/").partition("?")
    path = path.partition("/")[0]
    assert links.check(path, query, 1_000.0) == asset

    place %= len(query)
    altered = query[:place] + character + query[place + 1 :]
    if altered != query:
        with pytest.raises(BadLink):
            links.check(path, altered, 1_000.0)


def test_a_link_is_not_good_in_another_sandbox():
    asset = Asset("com.apple.CloudDocs", SEED_ID, "data", "1")
    url = Links().token(asset, "", "x", 0.0, 900.0)["url"]
    path, _, query = url.removeprefix("/B/").partition("?")

    with pytest.raises(BadLink):
        Links().check(path.partition("/")[0], query, 0.0)


def test_a_link_ends_on_the_second():
    links, asset = Links(), Asset("z", "d", "data", "1")
    url = links.token(asset, "", "x", 0.0, 900.0)["url"]
    path, _, query = url.removeprefix("/B/").partition("?")

    assert links.check(path.partition("/")[0], query, 899.0) == asset
    with pytest.raises(ExpiredLink):
        links.check(path.partition("/")[0], query, 900.0)


def test_a_token_has_the_layout_of_the_published_one():
    asset = Asset("z", "d", "data", "1")

    token = access_token(asset, 1_579_445_180_321, 1_579_446_080_321)

    assert token[:3] == b"\x08\x0a\x20"
    assert token[35:38] == b"\x12\x1d\x10"
    assert token[-12:-10] + token[-6:-4] == b"\x52\x04\x5a\x04"
    assert token[-10:-6] == asset.signature[-4:]
    assert token[-4:] == asset.reference_signature[-4:]
    assert len(asset.signature) == len(asset.reference_signature) == 21
    assert (len(asset.wrapping_key), len(asset.object_key)) == (16, 33)


def test_headers_are_those_that_were_recorded(sandbox, http):
    answer = http.request("GET", link(sandbox, http, SEED_ID))

    headers = answer.headers
    assert headers["Content-Type"] == "application/octet-stream"
    assert headers["Accept-Ranges"] == "bytes"
    assert headers["Content-Length"] == str(len(answer.data))
    name = "Gescanntes%20Dokument.pdf"
    assert headers["Content-Disposition"] == f"attachment; filename=\"{name}\"; filename*=UTF-8''{name}"
    signed = parsedate_to_datetime(headers["Last-Modified"]).timestamp()
    assert abs(signed - sandbox.world.now()) < 5
    assert "ETag" not in headers


def test_a_range_is_honoured_and_one_beyond_the_end_refused(sandbox, http):
    url, size = link(sandbox, http, docwsid_of("large")), 20 * 2**20
    whole = hashlib.sha256(http.request("GET", url).data).hexdigest()
    assert whole == sandbox.world.library.get("large").sha256

    part = http.request("GET", url, headers={"Range": "bytes=1048576-1048579"})
    assert (part.status, part.headers["Content-Range"]) == (206, f"bytes 1048576-1048579/{size}")
    assert part.data == bytes(sandbox.world.library.get("large").read(1048576, 1048580))
    beyond = http.request("GET", url, headers={"Range": f"bytes={size}-"})
    assert (beyond.status, beyond.headers["Content-Range"]) == (416, f"bytes */{size}")


def test_a_thumbnail_is_a_picture(sandbox, http):
    url = tokens(sandbox, http, SEED_ID)["thumbnail_token"]["url"]

    assert http.request("GET", url).data[:3] == b"\xff\xd8\xff"


def test_no_cookie_is_wanted_and_a_link_is_its_own_authority(sandbox, http):
    url = link(sandbox, http, SEED_ID)
    sandbox.set(token_uses=0)

    assert http.request("GET", url, headers={"Cookie": "a=b"}).status == 200


def test_content_may_be_at_another_place(sandbox, http):
    sandbox.set(icloud_redirect=True)
    url = link(sandbox, http, SEED_ID)

    moved = http.request("GET", url)

    assert moved.status == 330
    assert http.request("GET", moved.headers["Location"]).status == 200


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410])
def test_fresh_links_may_be_refused_a_few_times(sandbox, http, status):
    sandbox.set(icloud_refuse_first=1, icloud_refuse_status=status)
    url = link(sandbox, http, SEED_ID)

    assert [http.request("GET", url).status for _ in range(2)] == [status, 200]


def test_content_may_end_early_or_the_host_be_busy(sandbox, http):
    url = link(sandbox, http, docwsid_of("large"))
    sandbox.set(cut_after=100_000, cut_times=1)
    with pytest.raises(urllib3.exceptions.HTTPError):
        http.request("GET", url)
    sandbox.set(fail_first=10**6, faults_at="icloud-content", retry_after="7")
    busy = http.request("GET", url)
    assert (busy.status, busy.headers["Retry-After"]) == (503, "7")


def test_an_older_link_leads_to_the_older_bytes(sandbox, http):
    old = link(sandbox, http, docwsid_of("notes"))
    before = http.request("GET", old).data
    sandbox.change("notes")
    new = link(sandbox, http, docwsid_of("notes"))

    assert http.request("GET", old).data == before
    assert http.request("GET", new).data != before


@pytest.mark.parametrize("document", ["hostile", "invoice", "resume"])
def test_any_name_fits_into_a_link(sandbox, http, document):
    answer = http.request("GET", link(sandbox, http, docwsid_of(document)))

    assert hashlib.sha256(answer.data).hexdigest() == sandbox.world.library.get(document).sha256
    assert answer.headers["Content-Disposition"].isascii()


def resolve(sandbox, http, *guids, container="com.apple.cloudkit", body=None):
    url = f"{sandbox.url('icloud-share')}/database/1/{container}/production/public/records/resolve"
    sent = {"shortGUIDs": [{"value": guid} for guid in guids]} if body is None else body
    return http.request("POST", url, body=json.dumps(sent), headers={"Content-Type": "text/plain"})


@pytest.mark.parametrize("container", ["com.apple.cloudkit", "com.apple.clouddocs"])
def test_a_public_share_gives_a_link_with_a_place_for_the_name(sandbox, http, container):
    (result,) = resolve(sandbox, http, shares.SHARED_DOCUMENT, container=container).json()["results"]

    fields = result["rootRecord"]["fields"]
    url = fields["fileContent"]["value"]["downloadURL"]
    assert "/${f}?" in url
    assert fields["encryptedBasename"]["value"] == "R2VzY2FubnRlcyBEb2t1bWVudA=="
    assert (fields["extension"]["value"], result["requireAppleLogin"]) == ("pdf", False)
    answer = http.request("GET", url.replace("${f}", "a%2Fb.pdf"))
    assert answer.status == 200
    assert len(answer.data) == fields["size"]["value"]
    assert 'filename="a%2Fb.pdf"' in answer.headers["Content-Disposition"]
    untouched = http.request("GET", url, headers={"Range": "bytes=0-0"})
    assert 'filename="%24%7Bf%7D"' in untouched.headers["Content-Disposition"]


def test_shares_fail_within_a_good_answer(sandbox, http):
    answer = resolve(sandbox, http, "0unknown", "", shares.SHARED_IN_PRIVATE, shares.SHARED_FOLDER)

    unknown, empty, private, folder = answer.json()["results"]
    assert answer.status == 200
    assert (unknown["serverErrorCode"], unknown["reason"]) == ("NOT_FOUND", "Cannot resolve shortGUID")
    assert empty["serverErrorCode"] == "BAD_REQUEST"
    assert private["requireAppleLogin"] is True
    assert "rootRecord" not in private
    assert folder["rootRecord"]["recordType"] == "folder"
    assert folder["rootRecord"]["fields"] == {}


def test_a_shares_size_may_be_text_and_its_link_short_lived(sandbox, http):
    sandbox.set(icloud_share_size_text=True, link_life=1)

    (result,) = resolve(sandbox, http, shares.SHARED_LARGE).json()["results"]

    content = result["rootRecord"]["fields"]["fileContent"]["value"]
    assert content["size"] == str(20 * 2**20)
    sandbox.advance(2)
    assert http.request("GET", content["downloadURL"]).status == 410


@pytest.mark.parametrize("code", ["ACCESS_DENIED", "AUTHENTICATION_REQUIRED", "THROTTLED"])
def test_a_switch_makes_every_share_fail(sandbox, http, code):
    sandbox.set(icloud_share_error=code)

    (result,) = resolve(sandbox, http, shares.SHARED_DOCUMENT).json()["results"]

    assert result["serverErrorCode"] == code
    assert result["requireAppleLogin"] is code.startswith("AUTHENTICATION")


@pytest.mark.parametrize("body", [{}, {"shortGUIDs": []}, {"shortGUIDs": [3]}, {"shortGUIDs": "x"}, [1]])
def test_a_request_that_names_no_share_is_a_bad_one(sandbox, http, body):
    assert resolve(sandbox, http, body=body).status == 400
