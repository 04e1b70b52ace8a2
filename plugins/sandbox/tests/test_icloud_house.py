"""What the iCloud emulation says of itself, held to what it is."""

import json

import pytest
import urllib3
from hypothesis import given, settings
from hypothesis import strategies as st

from downspout_sandbox import Sandbox, icloud
from downspout_sandbox.documents import Library
from downspout_sandbox.icloud import authority, codes
from downspout_sandbox.icloud.identity import Identity, Phase
from downspout_sandbox.icloud.items import CLOUD_DOCS, Drive, Kind, docwsid_of
from downspout_sandbox.switches import describe


def test_every_switch_is_in_the_table():
    missing = [name for name, _, _ in describe(icloud.Switches) if f"`{name}`" not in icloud.__doc__]

    assert missing == []


def test_no_switch_is_on_that_an_option_could_not_turn_off():
    assert [name for name, default, _ in describe(icloud.Switches) if default is True] == []


def test_the_environment_signs_in_or_carries_a_token():
    with Sandbox(services=["icloud"]) as sandbox:
        seeded = set(sandbox.environment)
        sandbox.set(sign_in=True)
        signing = set(sandbox.environment)

    endpoints = {f"DOWNSPOUT_ICLOUD_{name}_ENDPOINT" for name in ("AUTH", "SETUP", "SHARE")}
    assert endpoints <= seeded & signing
    assert {f"DOWNSPOUT_ICLOUD_{name}" for name in ("ENDPOINT", "DSID", "TOKEN", "CLIENT_ID")} == seeded - signing
    assert signing - seeded == {"DOWNSPOUT_ICLOUD_USERNAME", "DOWNSPOUT_ICLOUD_PASSWORD"}


def test_each_endpoint_is_an_origin_of_its_own():
    with Sandbox(services=["icloud"]) as sandbox:
        ports = {name: port for name, port in sandbox.world.ports.items() if name.startswith("icloud")}

    wanted = ["icloud-auth", "icloud-setup", "icloud-drive", "icloud-docs", "icloud-content", "icloud-share"]
    assert list(ports) == wanted
    assert len(set(ports.values())) == len(wanted)


def test_every_item_has_one_place_and_every_file_its_bytes():
    drive = Drive(Library(1000, 10), trouble=True)
    root = drive.by_path("/")
    queue, seen = [root], set()
    while queue:
        item = queue.pop()
        assert item.key not in seen
        seen.add(item.key)
        queue.extend(drive.children(item))
        assert (drive.document(item) is not None) is (item.kind is Kind.FILE)
    assert len(seen) > 40


@pytest.mark.parametrize("number", [0, 9, 123_456])
def test_small_documents_are_there_whether_listed_or_not(number):
    drive = Drive(Library(1000, 10), trouble=False)

    item = drive.find(CLOUD_DOCS, docwsid_of(f"small-{number:05}"))

    assert drive.document(item).size == 16 * 1024
    assert drive.find(CLOUD_DOCS, "00000000-0000-4000-8000-x") is None


FIELDS = [
    "a", "accountName", "protocols", "c", "m1", "m2", "trustTokens", "securityCode", "code", "phoneNumber", "id",
    "mode", "dsWebAuthToken", "trustToken", "trustBrowser", "acceptedICloudTerms", "appName", "drivewsid",
    "shareID", "items", "document_id", "shortGUIDs", "value", "zoneID",
]  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20) | st.sampled_from(["s2k", "sms", "AAAA"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=4),
    max_leaves=12,
)
CALLS = [
    ("icloud-auth", "POST", "/appleauth/auth/federate"),
    ("icloud-auth", "POST", "/appleauth/auth/signin/init"),
    ("icloud-auth", "POST", "/appleauth/auth/signin/complete"),
    ("icloud-auth", "PUT", "/appleauth/auth/verify/phone"),
    ("icloud-auth", "POST", "/appleauth/auth/verify/phone/securitycode"),
    ("icloud-auth", "POST", "/appleauth/auth/verify/trusteddevice/securitycode"),
    ("icloud-setup", "POST", "/setup/ws/1/accountLogin"),
    ("icloud-setup", "GET", "/setup/ws/1/repairDone"),
    ("icloud-setup", "POST", "/setup/ws/1/requestPCS"),
    ("icloud-drive", "POST", "/retrieveItemDetailsInFolders"),
    ("icloud-drive", "POST", "/retrieveItemDetails"),
    ("icloud-docs", "POST", "/ws/com.apple.CloudDocs/download/batch"),
    ("icloud-docs", "POST", "/ws/com.apple.CloudDocs/list/lookup_by_path"),
    ("icloud-share", "POST", "/database/1/com.apple.cloudkit/production/public/records/resolve"),
    ("icloud-setup", "POST", "/setup/ws/1/logout"),  # the last: it ends the session
]


@pytest.fixture(scope="module")
def session():
    """Give a sandbox, a connection pool, and headers with which every call gets as far as its body."""
    with Sandbox(services=["icloud"], icloud_iterations=1) as sandbox, urllib3.PoolManager(retries=False) as pool:
        world = sandbox.world
        sign_in = world.state(Identity).open()
        sign_in.phase = Phase.PASSWORD
        headers = codes.headers_for(sign_in) | {"X-Apple-Widget-Key": codes.WIDGET_KEY}
        opened = world.state(authority.Sessions).open(world.now(), trusted=True)
        cookie = f"{authority.WEB_TOKEN}={authority.cookie_value(opened.token)}; X-APPLE-WEBAUTH-REPAIR=x"
        yield sandbox, pool, headers | {"Cookie": cookie, "Origin": "https://www.icloud.com"}


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call[2].rpartition("/")[2])
@settings(max_examples=40, deadline=None)
@given(body=JSON)
def test_no_body_upsets_a_call(session, call, body):
    sandbox, pool, headers = session
    endpoint, method, path = call

    answer = pool.request(method, sandbox.url(endpoint) + path, body=json.dumps(body), headers=headers)

    assert answer.status < 500
    answer.json()
