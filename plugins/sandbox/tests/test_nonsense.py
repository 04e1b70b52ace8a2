"""Whatever a client sends, the services answer as they would; a server error is a bug of the sandbox."""

import json
import time

import pytest
import urllib3
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from downspout_sandbox import Sandbox

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
KOODRIVE = "IAADfsBFCO6WtAtuA9add2fea594e4e75b8feb8474ef236"
CALLS = [
    ("koodrive", "/koodrive/ose/v1/files/download", {"containerId": KOODRIVE, "fileIds": ["F1"]}),
    (
        "koodrive",
        "/koodrive/ose/v1/files/0",
        {
            "containerId": KOODRIVE,
            "parentFileId": "root",
            "pageInfo": {"pageSize": 5, "pageCursor": ""},
            "fileName": "",
        },
    ),
    ("koodrive", "/koodrive/ose/v1/files/F1/detail", {"containerId": KOODRIVE}),
    ("koodrive", "/koodrive/ose/v1/session/", {"code": "x", "domain": "y"}),
    ("koodrive", "/koodrive/ose/v1/auth/refreshToken", {"refreshToken": "x"}),
    ("koodrive", "/koodrive/ose/v1/share/verify", {"extractCode": "x"}),
    ("koodrive", "/koodrive/ose/v1/share/public/download", {"shareId": "x", "fileId": "F1", "kdstoken": "k"}),
    ("esignon", "/workflow/download", {"workflow_id": 12584, "client_id": "x"}),
    (
        "esignon",
        "/api/acme01/login",
        {"header": {"request_code": "1001Q"}, "body": {"memb_email": "a", "memb_pwd": ""}},
    ),
    (
        "esignon",
        "/api/acme01/search",
        {"header": {"request_code": "5009Q"}, "body": {"start_date": "a", "end_date": "b"}},
    ),
    ("oracle", "/documents/api/1.2/applinks/file/D", {"assignedUser": "u", "role": "viewer"}),
    ("oracle", "/documents/api/1.2/publiclinks/folder/self", {"role": "viewer", "password": "12345678"}),
]


@pytest.fixture(scope="module")
def sandbox():
    with Sandbox(["koodrive", "esignon", "oracle"], token_life=1e9) as running:
        yield running


@pytest.fixture(scope="module")
def ask(sandbox):
    environment = sandbox.environment
    authorizations = {
        "koodrive": f"Bearer {environment['DOWNSPOUT_KOODRIVE_TOKEN']}",
        "esignon": f"esignon {environment['DOWNSPOUT_ESIGNON_TOKEN']}",
        "oracle": f"Bearer {environment['DOWNSPOUT_ORACLE_TOKEN']}",
    }

    with urllib3.PoolManager(retries=False, timeout=10) as pool:

        def send(service, method, path, body=None, **headers):
            all_headers = {
                "Authorization": authorizations.get(service, ""),
                "Content-Type": "application/json",
                "X-User-Id": "1505084218764547200",
                "X-Date": time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(time.time() - 5)),
                **headers,
            }
            return pool.request(
                method, sandbox.url(service) + path, body=body, headers=all_headers, redirect=False
            )

        yield send


def _places(value, path=()):
    yield path
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _places(inner, (*path, name))


def _replaced(value, path, new):
    if not path:
        return new
    return {**value, path[0]: _replaced(value[path[0]], path[1:], new)}


@pytest.mark.parametrize(("service", "path", "body"), CALLS)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_field_may_be_anything(ask, service, path, body, data):
    place = data.draw(st.sampled_from(list(_places(body))))
    changed = _replaced(body, place, data.draw(JSON))
    assert ask(service, "POST", path, json.dumps(changed)).status < 500


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(
        [
            ("koodrive", "/koodrive/ose/v1/files/path?fileId="),
            ("koodrive", "/koodrive/ose/v1/space/1?type="),
            ("esignon", "/worklists/new?page="),
            ("esignon", "/worklists/new?rows="),
            ("esignon", "/api/v2/workflows/"),
            ("oracle", "/documents/api/1.2/files/"),
            ("oracle", "/documents/api/1.2/files/D34A657B8723A96097F80926T0000000000100000001/data?version="),
            ("oracle", "/documents/api/1.2/folders/items?limit="),
            ("oracle", "/documents/api/1.2/folders/items?offset="),
            ("oracle", "/documents/api/1.2/folders/items?orderby="),
        ]
    ),
    st.text(max_size=12) | st.integers(-1, 10**40).map(str) | st.sampled_from(["²", "1²", "٣", "F" + "9" * 32]),
)
def test_any_parameter_may_be_anything(ask, call, text):
    service, path = call
    encoded = "".join(f"%{byte:02X}" for byte in text.encode("utf-8", "surrogatepass"))
    assert ask(service, "GET", path + encoded).status < 500


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(
        ["Authorization", "Cookie", "LinkID", "appLinkID", "accessToken", "Range", "If-Range", "X-Date"]
    ),
    st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"), max_size=40),
    st.sampled_from(["", "Basic ", "Bearer ", "HMAC-SHA256 ", "bytes="]),
)
def test_any_header_may_be_anything(ask, name, text, start):
    value = (start + text).encode("latin-1").decode("latin-1").strip()
    for service, method, path in (
        ("oracle", "GET", "/documents/api/1.2/files/D34A657B8723A96097F80926T0000000000100000001/data"),
        ("oracle", "GET", "/documents/api/1.2/folders/items"),
        ("oracle-identity", "POST", "/oauth2/v1/token"),
        ("koodrive", "POST", "/koodrive/ose/v1/files/download"),
        ("koodrive-store", "GET", "/0001" + b"large".hex() + "?X-Amz-Algorithm=AWS4-HMAC-SHA256"),
        ("esignon", "POST", "/workflow/download"),
    ):
        assert ask(service, method, path, **{name: value}).status < 500
