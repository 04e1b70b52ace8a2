"""Whatever the service answers: the right link, or an error of ours that says what is wrong."""

import copy
import json
from collections.abc import Iterator

import pytest

from downspout import Folder, Link
from downspout.errors import DownspoutError

V1 = "/koodrive/ose/v1"
URL = "https://store.example/k?X-Amz-Date=20260101T000000Z&X-Amz-Expires=3600"
DOWNLOADS = {
    "downloads": [
        {"fileId": "F1", "url": URL, "fileName": "a.txt", "code": "0", "msg": "success"},
        {"fileId": "F2", "code": "13000302", "msg": "?"},
    ],
    "batchCode": 0,
    "code": 0,
    "msg": "Success.",
}
LISTING = {
    "category": "drive#fileList",
    "files": [{"id": "F1", "fileName": "a.txt", "fileType": 45, "size": 3, "editedTime": "2026-01-01T00:00:00Z"}],
    "nextCursor": "c2",
    "code": 0,
    "msg": "Success.",
}
SPACE = {"code": 0, "msg": "Success.", "data": {"containerId": "C7", "ownerId": "7"}}
USER = {"code": 0, "msg": "Success.", "data": {"userId": "7", "role": "member"}}
SESSION = {"code": 0, "data": {"sessionInfo": {"accessToken": "AT x", "expiresIn": 1800, "refreshToken": "r2"}}}
REFUSAL = {"code": 13000201, "msg": "no", "error_code": "APIGW.0301", "error_msg": "?", "request_id": "1"}

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
    "x" * 100_000,
    "%00%ff%",
    "../../etc/passwd",
    "𐏿é\ufffe",
]


def places(value: object, path: tuple[object, ...] = ()) -> Iterator[tuple[object, ...]]:
    """Yield where in `value` something could be replaced: every field and entry, and the whole."""
    yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in inner:
        yield from places(child, (*path, key))


def replaced(value: object, path: tuple[object, ...], strange: object) -> object:
    if not path:
        return strange
    changed = copy.deepcopy(value)
    at = changed
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = strange
    return changed


def without(value: object, path: tuple[object, ...]) -> object:
    changed = copy.deepcopy(value)
    at = changed
    for key in path[:-1]:
        at = at[key]
    del at[path[-1]]
    return changed


def mutated(value: object) -> Iterator[bytes]:
    """Yield `value` as JSON with each field replaced, each field left out, and cut at every byte."""
    for path in places(value):
        for strange in STRANGE:
            yield json.dumps(replaced(value, path, strange)).encode()
        if path:
            yield json.dumps(without(value, path)).encode()
    whole = json.dumps(value).encode()
    for length in range(len(whole)):
        yield whole[:length]
    yield b"[" * 100_000
    yield b'{"code":0,"data":' * 5_000
    yield b"\xef\xbb\xbf" + whole
    yield b'{"code":0,"msg":"\xff"}'
    yield b'{"code":0,"msg":"\\ud800","downloads":[]}'


def outcomes_of(ask) -> list[object]:
    try:
        found = ask()
    except DownspoutError as exc:
        found = [exc]
    for outcome in found:
        if isinstance(outcome, DownspoutError):
            assert outcome.message.endswith(".")
            assert outcome.message.isprintable()
            assert len(outcome.message) < 1000
    return list(found)


@pytest.mark.parametrize("status", [200, 400])
def test_links(drive, service, say, status):
    account = drive()
    for body in mutated(DOWNLOADS):
        service.on(f"{V1}/files/download", say(body, status))
        for outcome in outcomes_of(lambda: account.resolve("koodrive:F1", "koodrive:F2")):
            assert isinstance(outcome, DownspoutError | Link)
            if isinstance(outcome, Link):
                assert status == 200
                assert outcome.url.startswith("https://")
                assert outcome.reference.document in {"F1", "F2"}


def test_listings(drive, service, say):
    account = drive()
    for body in mutated(LISTING):
        service.on(f"{V1}/files/0", say(body))
        for outcome in outcomes_of(lambda: account.resolve("koodrive:C1/Fdir/")):
            assert isinstance(outcome, DownspoutError | Folder)
            for child in outcome.children if isinstance(outcome, Folder) else ():
                assert "/" not in child.path.removesuffix("/")
                assert child.size is None or child.size >= 0


def test_paths(drive, service, say):
    account = drive()
    for body in mutated(LISTING | {"nextCursor": None}):
        service.on(f"{V1}/files/0", say(body))
        for outcome in outcomes_of(lambda: account.resolve("koodrive:/a.txt")):
            assert isinstance(outcome, DownspoutError | Link | Folder)


def test_spaces(drive, service, say):
    account = drive(container_id=None)
    for body in mutated(SPACE):
        service.on(f"{V1}/space/1505084218764547200", say(body))
        for outcome in outcomes_of(lambda: account.resolve("koodrive:F1")):
            assert isinstance(outcome, DownspoutError | Link)


def test_users(drive, service, say):
    account = drive(user_id=None)
    for body in mutated(USER):
        service.on(f"{V1}/session/auth", say(body))
        outcomes_of(lambda: [account.authenticate()])


def test_renewals(drive, service, say):
    account = drive(refresh_token="r1")
    refused = account.authenticate()
    for body in mutated(SESSION):
        service.on(f"{V1}/auth/refreshToken", say(body))
        outcomes_of(lambda: [account.authenticate(refused=refused)])


@pytest.mark.parametrize("status", [400, 401, 403, 429, 500])
def test_refusals(drive, service, say, status):
    account = drive()
    for body in mutated(REFUSAL):
        service.on(f"{V1}/files/download", say(body, status))
        for outcome in outcomes_of(lambda: account.resolve("koodrive:F1")):
            assert isinstance(outcome, DownspoutError)
