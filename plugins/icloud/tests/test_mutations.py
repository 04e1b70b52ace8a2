"""Whatever iCloud answers: the right link, or an error of ours that says what is wrong."""

import base64
import copy
import json
from collections.abc import Iterator

import pytest

from downspout import Credential, Folder, Link
from downspout.errors import DownspoutError
from downspout.testing import Answer
from downspout_icloud._codes import give_code
from downspout_icloud._identity import Identity
from downspout_icloud._settings import Site

DOCS = "/docs/ws/com.apple.CloudDocs/download"
SHARES = "/share/database/1/com.apple.cloudkit/production/public/records/resolve"
URL = "https://c.example/a.txt?e=1579446080"
TOKEN = {"url": URL}
DOWNLOADS = [
    {"document_id": "D1", "data_token": TOKEN, "thumbnail_token": TOKEN, "double_etag": "1::2"},
    {"document_id": "D2", "error_code": "WSObjectNotFound", "serverErrorCode": "NOT_FOUND", "reason": "?"},
    {"document_id": "D3", "package_token": TOKEN, "status": {"status_code": 0}},
]
FAULT = {"error_code": "x", "serverErrorCode": "BAD_REQUEST", "errorCode": 1, "reason": "?", "retryAfter": 1}
FILE = {
    "drivewsid": "FILE::com.apple.CloudDocs::D1",
    "docwsid": "D1",
    "zone": "com.apple.CloudDocs",
    "name": "a",
    "extension": "txt",
    "type": "FILE",
    "size": 3,
    "etag": "1::2",
    "dateModified": "2026-01-01T00:00:00Z",
    "owner": {"ownerRecordName": "_a"},
}
FOLDER = FILE | {"drivewsid": "FOLDER::com.apple.CloudDocs::F", "docwsid": "F", "name": "sub", "type": "FOLDER"}
LISTING = [
    {
        "drivewsid": "FOLDER::com.apple.CloudDocs::root",
        "status": "OK",
        "items": [FILE, FOLDER | {"extension": None, "shareID": {"zoneID": {"zoneName": "z"}}}],
    }
]
SHARE = {
    "results": [
        {
            "shortGUID": {"value": "0abc", "shouldFetchRootRecord": True},
            "requireAppleLogin": False,
            "anonymousPublicAccess": {"token": "t"},
            "rootRecord": {
                "recordType": "content",
                "fields": {
                    "encryptedBasename": {"value": "YQ=="},
                    "extension": {"value": "txt"},
                    "size": {"value": 3},
                    "mtime": {"value": 1700000000},
                    "fileContent": {
                        "value": {
                            "fileChecksum": "AQ",
                            "size": 3,
                            "downloadURL": "https://c.example/${f}?e=1579446080",
                        }
                    },
                },
            },
        }
    ]
}
ACCOUNT = {
    "dsInfo": {"dsid": "1", "isWebAccessAllowed": True},
    "webservices": {
        "drivews": {"url": "https://p1-drivews.icloud.com:443", "pcsRequired": True},
        "docws": {"url": "https://p1-docws.icloud.com:443", "pcsRequired": True},
    },
    "hsaTrustedBrowser": True,
    "hsaChallengeRequired": False,
    "termsUpdateNeeded": False,
}
CHALLENGE = {
    "iteration": 1000,
    "salt": "AAECAwQFBgc=",
    "protocol": "s2k",
    "b": base64.b64encode(b"\x7f" * 256).decode(),
    "c": "d-1",
}
CODES = {"authType": "hsa2", "serviceErrors": [{"code": "-20101"}]}
WAYS = {
    "trustedPhoneNumbers": [{"id": 1, "numberWithDialCode": "+1 ..81", "nonFTEU": False, "pushMode": "sms"}],
    "securityCode": {"length": 6, "tooManyCodesSent": False, "securityCodeLocked": False},
    "noTrustedDevices": False,
    "trustedDeviceCount": 1,
    "phoneNumberVerification": {"trustedPhoneNumber": {"id": 2}},
}
VERDICT = {"securityCode": {"valid": True, "securityCodeCooldown": False}, "service_errors": [{"code": "-21669"}]}
ACCESS = {"isWebAccessAllowed": True, "isDeviceConsentedForPCS": True, "isICDRSDisabled": True}
COOKIE = [("Set-Cookie", 'X-APPLE-WEBAUTH-TOKEN="t"; Path=/; Max-Age=86400'), ("X-Apple-Session-Token", "s2")]
PROTECTED = ("Set-Cookie", 'X-APPLE-WEBAUTH-PCS-Documents="p"; Path=/')

STRANGE = [
    None,
    0,
    -1,
    7.5,
    1e300,
    10**30,
    True,
    [],
    ["x"],
    {},
    {"x": None},
    "",
    "0",
    "x",
    "\x00\x1b[31m\r\nX: y\u202e",
    "x" * 20_000,
    "%00%ff%",
    "../../etc/passwd",
    "https://[",
    "𐏿é\ufffe",
]


def places(value: object, path: tuple[object, ...] = ()) -> Iterator[tuple[object, ...]]:
    """Yield where in `value` something could be replaced: every field and entry, and the whole."""
    yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in inner:
        yield from places(child, (*path, key))


def changed(value: object, path: tuple[object, ...], strange: object = ..., /) -> object:
    """Return `value` with another thing at `path`, or, without one, with nothing there."""
    if not path:
        return strange
    whole = copy.deepcopy(value)
    at = whole
    for key in path[:-1]:
        at = at[key]
    if strange is ...:
        del at[path[-1]]
    else:
        at[path[-1]] = strange
    return whole


def compact(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def mutated(value: object) -> Iterator[bytes]:
    """Yield `value` as JSON with each field replaced, each field left out, and cut at every byte."""
    for path in places(value):
        for strange in STRANGE:
            yield compact(changed(value, path, strange))
        if path:
            yield compact(changed(value, path))
    whole = compact(value)
    for length in range(len(whole)):
        yield whole[:length]
    yield b"[" * 100_000
    yield b'{"dsInfo":' * 5_000
    yield b"\xef\xbb\xbf" + whole
    yield b'{"document_id":"\xff"}'
    yield b'[{"document_id":"\\ud800","items":[]}]'


class Bodies:
    """The body that a server answers with now, one after the other."""

    now = b""

    def of(self, value: object) -> Iterator[bytes]:
        for self.now in mutated(value):
            yield self.now


def checked(ask) -> list[object]:
    """Return what `ask` gives; an error has to be one sentence that can be shown."""
    try:
        found = list(ask())
    except DownspoutError as exc:
        found = [exc]
    for outcome in found:
        if isinstance(outcome, DownspoutError):
            assert outcome.message.endswith(".")
            assert outcome.message.isprintable()
            assert len(outcome.message) < 1000
    return found


@pytest.mark.parametrize("status", [200, 400])
def test_batches(signed, icloud, status):
    icloud.on(f"GET {DOCS}/by_id", FAULT, 404)
    bodies = Bodies()
    icloud.on(f"POST {DOCS}/batch", lambda _: bodies.now, status)
    for _ in bodies.of(DOWNLOADS):
        for outcome in checked(lambda: signed.resolve("icloud:D1", "icloud:D2", "icloud:D3")):
            assert isinstance(outcome, DownspoutError | Link)
            if isinstance(outcome, Link):
                assert status == 200
                assert outcome.reference.document in ("D1", "D3")
                assert outcome.url.startswith("https://")


def test_links_one_by_one(signed, icloud):
    icloud.on(f"POST {DOCS}/batch", b"", 400)
    bodies = Bodies()
    icloud.on(f"GET {DOCS}/by_id", lambda _: bodies.now)
    for _ in bodies.of(DOWNLOADS[0]):
        for outcome in checked(lambda: signed.resolve("icloud:D1")):
            assert isinstance(outcome, DownspoutError | Link)
            assert not isinstance(outcome, Link) or outcome.url == URL or len(outcome.url) < 9


@pytest.mark.parametrize("status", [400, 403, 404, 409, 421, 423, 429, 500, 503])
def test_refusals(signed, icloud, status):
    bodies = Bodies()
    icloud.on(f"POST {DOCS}/batch", lambda _: bodies.now, status)
    icloud.on(f"GET {DOCS}/by_id", lambda _: bodies.now, status)
    for _ in bodies.of(FAULT):
        for outcome in checked(lambda: signed.resolve("icloud:D1")):
            assert isinstance(outcome, DownspoutError)


def test_listings(signed, icloud):
    bodies = Bodies()
    icloud.on("POST /drive/retrieveItemDetailsInFolders", lambda _: bodies.now)
    for _ in bodies.of(LISTING):
        for outcome in checked(lambda: signed.resolve("icloud:/")):
            assert isinstance(outcome, DownspoutError | Folder)
            for child in outcome.children if isinstance(outcome, Folder) else ():
                assert "/" not in child.path.removesuffix("/")
                assert child.size is None or child.size >= 0


def test_paths(signed, icloud):
    bodies = Bodies()
    icloud.on("POST /drive/retrieveItemDetailsInFolders", lambda _: bodies.now)
    icloud.on(f"POST {DOCS}/batch", DOWNLOADS)
    for _ in bodies.of(LISTING):
        for outcome in checked(lambda: signed.resolve("icloud:/a.txt")):
            assert isinstance(outcome, DownspoutError | Link)


def test_details(signed, icloud):
    bodies = Bodies()
    icloud.on("POST /drive/retrieveItemDetails", lambda _: bodies.now)
    icloud.on("POST /drive/retrieveItemDetailsInFolders", [{"drivewsid": "x", "status": "ID_INVALID"}])
    icloud.on(f"POST {DOCS}/batch", FAULT, 400)
    for _ in bodies.of([FILE | {"size": 0, "items": [FOLDER]}]):
        for outcome in checked(lambda: signed.resolve("icloud:D1")):
            assert isinstance(outcome, DownspoutError | Link)


def test_shares(call, icloud):
    caller, bodies = call(), Bodies()
    icloud.on(f"POST {SHARES}", lambda _: bodies.now)
    for _ in bodies.of(SHARE):
        for outcome in checked(lambda: caller.resolve("icloud:https://www.icloud.com/iclouddrive/0abc#a")):
            assert isinstance(outcome, DownspoutError | Link)
            assert not isinstance(outcome, Link) or outcome.url.startswith("https://c.example/")


@pytest.fixture
def willing(icloud):
    """An Apple that takes every password and every code."""
    icloud.on("GET /auth/authorize/signin", b"<html>", 200, [("scnt", "1")])
    icloud.on("POST /auth/signin/init", CHALLENGE)
    icloud.on("POST /auth/signin/complete", CODES, 409, [("X-Apple-Session-Token", "s1")])
    icloud.on("GET /auth", WAYS)
    icloud.on("PUT /auth/verify/trusteddevice/securitycode", b"", 202)
    icloud.on("POST /auth/verify/trusteddevice/securitycode", VERDICT, 409)
    icloud.on("GET /auth/2sv/trust", b"", 204, [("X-Apple-TwoSV-Trust-Token", "t2")])
    icloud.on("POST /setup/accountLogin", ACCOUNT, 200, COOKIE)
    icloud.on("POST /setup/validate", ACCOUNT, 200, COOKIE)
    icloud.on("POST /setup/requestWebAccessState", ACCESS)
    icloud.on("POST /setup/requestPCS", {"status": "success"}, 200, [PROTECTED])
    return icloud


@pytest.mark.parametrize(
    ("request_line", "answer", "status", "headers"),
    [
        ("POST /auth/signin/init", CHALLENGE, 200, ()),
        ("POST /auth/signin/complete", CODES, 401, ()),
        ("POST /auth/signin/complete", CODES, 409, [("X-Apple-Session-Token", "s1")]),
    ],
)
def test_sign_ins(call, willing, answers, request_line, answer, status, headers):
    caller, bodies = call(username="jo@acme.example", password="x"), Bodies()
    willing.on(request_line, lambda _: Answer(status, bodies.now, headers))
    for _ in bodies.of(answer):
        for outcome in checked(lambda: [caller.authenticate(None, answers(How="", Code="123456"))]):
            assert isinstance(outcome, DownspoutError | Credential)


@pytest.mark.parametrize(
    ("request_line", "answer", "status"),
    [("GET /auth", WAYS, 200), ("POST /auth/verify/trusteddevice/securitycode", VERDICT, 409)],
)
def test_codes(call, willing, answers, request_line, answer, status):
    caller, bodies = call(username="jo@acme.example"), Bodies()
    willing.on(request_line, lambda _: Answer(status, bodies.now))
    for _ in bodies.of(answer):
        identity = Identity(Site.of(caller.account), caller.http(), "client-1")
        checked(lambda identity=identity: [give_code(identity, answers(How="", Code="123456"))])


@pytest.mark.parametrize(
    ("path", "answer"), [("accountLogin", ACCOUNT), ("validate", ACCOUNT), ("requestWebAccessState", ACCESS)]
)
def test_renewals(signed, willing, path, answer):
    refused, bodies = signed.credential, Bodies()
    willing.on(f"POST /setup/{path}", lambda _: Answer(200, bodies.now, COOKIE))
    if path == "accountLogin":
        willing.on("POST /setup/validate", b"", 421)
    for _ in bodies.of(answer):
        for outcome in checked(lambda: [signed.authenticate(refused)]):
            assert isinstance(outcome, DownspoutError | Credential)
            if isinstance(outcome, Credential):
                assert all(".icloud.com" in origin or "127.0.0.1" in origin for origin in outcome.origins)


def test_a_willing_apple_gives_a_session(call, willing, answers):
    caller = call(username="jo@acme.example", password="x")
    credential = caller.authenticate(None, answers(How="devices", Code="123456"))
    assert credential.reveal("trust_token") == "t2"
    assert credential.reveal("drive") == "https://p1-drivews.icloud.com"
    assert json.loads(credential.reveal("cookies")) == {
        "X-APPLE-WEBAUTH-TOKEN": '"t"',
        "X-APPLE-WEBAUTH-PCS-Documents": '"p"',
    }


@pytest.mark.parametrize("header", ["Set-Cookie", "X-Apple-Session-Token", "scnt", "X-Apple-TwoSV-Trust-Token"])
def test_fields_that_no_answer_should_have(call, willing, answers, header):
    caller = call(username="jo@acme.example", password="x")
    token = "X-APPLE-WEBAUTH-TOKEN"
    odd = ["", "=", ";", "a", "é=ü", "X=" + "y" * 20_000, "a=b; Max-Age=9e9", "x" * 30_000]
    for value in (*odd, f"{token}=\x01", f"{token}=a b", f'{token}=""'):
        more = [(header, value.encode("latin-1"))]
        willing.on("GET /auth/authorize/signin", b"<html>", 200, more)
        willing.on("GET /auth/2sv/trust", b"", 204, more)
        willing.on("POST /setup/accountLogin", ACCOUNT, 200, [*COOKIE, *more])
        for outcome in checked(lambda: [caller.authenticate(None, answers(How="devices", Code="123456"))]):
            assert isinstance(outcome, Credential | DownspoutError)
