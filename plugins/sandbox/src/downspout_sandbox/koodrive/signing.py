"""Signed links of the object store, made and checked.

AWS Signature Version 4 in the query ("presigning", AWS documentation of 2025), as S3 does it: the path is encoded
once, the payload is not signed. And the older form with `Expires` and `Signature`, an HMAC-SHA1.
"""

import base64
import calendar
import functools
import hashlib
import hmac
import time
import typing
from collections.abc import Mapping
from urllib.parse import quote, unquote

import attrs

from downspout_sandbox.tokens import make_secret

ACCESS_KEY = "SANDBOXACCESSKEY0001"
SECRET_KEY = make_secret("store", "secret key")[:40]
REGION = "sandbox-1"
ALGORITHM = "AWS4-HMAC-SHA256"
LONGEST = 604_800  # seconds
_SAFE = "-_.~"
_PATH_SAFE = "/-_.~"
_LEEWAY = 900  # seconds by which a link may lie in the future

# Parameters that the older form signs with the path, as sub-resources are.
_OLD_SIGNED = frozenset({"response-content-disposition", "response-content-type"})


@attrs.frozen
class Problem(Exception):
    """Why a link is refused, as the store's XML says it.

    Attributes:
        status: Of the answer.
        code: `AccessDenied`, `SignatureDoesNotMatch`, …
        message: For people.
        details: More elements of the error, by name.
    """

    status: int
    code: str
    message: str
    details: Mapping[str, str] = attrs.field(factory=dict)


def sign_link(base: str, path: str, parameters: Mapping[str, str], now: float, life: int) -> str:
    """Make a link for GET.

    Args:
        base: Scheme, host and port, without a final slash.
        path: Unencoded, from the first slash.
        parameters: More query parameters, unencoded; they come first.
        now: Seconds since the epoch.
        life: Seconds.
    """
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))
    scope = f"{stamp[:8]}/{REGION}/s3/aws4_request"
    query = {
        **parameters,
        "X-Amz-Algorithm": ALGORITHM,
        "X-Amz-Date": stamp,
        "X-Amz-SignedHeaders": "host",
        "X-Amz-Expires": str(life),
        "X-Amz-Credential": f"{ACCESS_KEY}/{scope}",
    }
    pairs = [(quote(name, safe=_SAFE), quote(value, safe=_SAFE)) for name, value in query.items()]
    encoded_path = quote(path, safe=_PATH_SAFE)
    headers = f"host:{base.partition('://')[2]}\n"
    request = _canonical("GET", encoded_path, pairs, headers, "host")
    signature = _signature(request, stamp, scope)[0]
    shown = "&".join(f"{name}={value}" for name, value in pairs)
    return f"{base}{encoded_path}?{shown}&X-Amz-Signature={signature}"


def sign_old_link(base: str, path: str, parameters: Mapping[str, str], expires_at: int) -> str:
    """Make a link for GET in the older form; `expires_at` is in seconds since the epoch."""
    encoded_path = quote(path, safe=_PATH_SAFE)
    signature = _old_signature("GET", encoded_path, list(parameters.items()), str(expires_at))
    query = {
        **parameters,
        "AWSAccessKeyId": ACCESS_KEY,
        "Expires": str(expires_at),
        "Signature": signature,
    }
    shown = "&".join(f"{quote(name, safe=_SAFE)}={quote(value, safe=_SAFE)}" for name, value in query.items())
    return f"{base}{encoded_path}?{shown}"


def check_link(method: str, target: str, headers: Mapping[str, str], now: float) -> dict[str, str]:
    """Check a request that a link made.

    Args:
        method: `GET`, `HEAD`, …
        target: Path and query as they came.
        headers: The request's; names are looked up in lower case, so the mapping must not mind case.
        now: Seconds since the epoch.

    Returns:
        The query's parameters, decoded.

    Raises:
        Problem: The link does not hold.
    """
    path, _, query = target.partition("?")
    pieces = [_read_piece(each) for each in query.split("&") if each]
    found = {piece.name: piece.value for piece in pieces}
    if "Authorization" in headers and ("X-Amz-Signature" in found or "Signature" in found):
        message = "Only one auth mechanism allowed: the signed query or the Authorization header."
        raise Problem(400, "InvalidArgument", message)
    if "X-Amz-Algorithm" in found:
        _check_new(method, path, pieces, found, headers, now)
    elif "Signature" in found and "Expires" in found:
        _check_old(method, path, [(piece.name, piece.value) for piece in pieces], found, now)
    else:
        raise Problem(403, "AccessDenied", "Access Denied")
    return found


def _check_new(
    method: str,
    path: str,
    pieces: list["_Piece"],
    found: Mapping[str, str],
    headers: Mapping[str, str],
    now: float,
) -> None:
    stamp, expires, signed, scope = _read_parameters(found)
    _check_time(stamp, int(expires), now)
    names = signed.split(";")
    if "host" not in names:
        raise _parameters_problem("X-Amz-SignedHeaders must include host.")
    values = []
    for name in names:
        if name not in headers:
            raise Problem(403, "AccessDenied", "There were headers in the signature which are not present.")
        values.append(f"{name}:{' '.join(headers[name].split())}\n")
    pairs = [piece.canonical for piece in pieces if piece.name != "X-Amz-Signature"]
    canonical_path = quote(unquote(path), safe=_PATH_SAFE)
    wanted, to_sign = _signature(_canonical(method, canonical_path, pairs, "".join(values), signed), stamp, scope)
    if not hmac.compare_digest(wanted.encode(), found["X-Amz-Signature"].encode()):
        raise Problem(
            403,
            "SignatureDoesNotMatch",
            "The request signature we calculated does not match the signature you provided.",
            {"AWSAccessKeyId": ACCESS_KEY, "StringToSign": to_sign},
        )


def _read_parameters(found: Mapping[str, str]) -> tuple[str, str, str, str]:
    """Give the date, the life, the names of the signed headers and the scope, each of the right form."""
    for name in ("X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires", "X-Amz-SignedHeaders", "X-Amz-Signature"):
        if not found.get(name):
            raise _parameters_problem(f"Query-string authentication requires {name}.")
    if found["X-Amz-Algorithm"] != ALGORITHM:
        raise _parameters_problem(f'X-Amz-Algorithm only supports "{ALGORITHM}".')
    stamp, expires = found["X-Amz-Date"], found["X-Amz-Expires"]
    if _read_stamp(stamp) is None:
        raise _parameters_problem("X-Amz-Date must be in the ISO8601 long form \"yyyyMMdd'T'HHmmss'Z'\".")
    if not (expires.isascii() and expires.isdigit()) or not 1 <= int(expires) <= LONGEST:
        raise _parameters_problem(f"X-Amz-Expires must be from 1 to {LONGEST} seconds.")
    key, _, scope = found["X-Amz-Credential"].partition("/")
    date, _, rest = scope.partition("/")
    if date != stamp[:8] or len(rest.split("/")) != 3 or not rest.endswith("/s3/aws4_request"):
        raise _parameters_problem("The scope of X-Amz-Credential is wrong.")
    if key != ACCESS_KEY:
        raise Problem(403, "InvalidAccessKeyId", "The access key ID you provided does not exist in our records.")
    return stamp, expires, found["X-Amz-SignedHeaders"], scope


def _check_time(stamp: str, life: int, now: float) -> None:
    signed_at = _read_stamp(stamp) or 0
    if signed_at > now + _LEEWAY:
        raise Problem(403, "AccessDenied", "Request is not yet valid")
    if now >= signed_at + life:
        times = {"X-Amz-Expires": str(life), "Expires": _iso(signed_at + life), "ServerTime": _iso(now)}
        raise Problem(403, "AccessDenied", "Request has expired", times)


def _check_old(method: str, path: str, pairs: list[tuple[str, str]], found: Mapping[str, str], now: float) -> None:
    if found.get("AWSAccessKeyId", found.get("AccessKeyId")) != ACCESS_KEY:
        raise Problem(403, "InvalidAccessKeyId", "The access key ID you provided does not exist in our records.")
    expires = found["Expires"]
    if not (expires.isascii() and expires.isdigit() and len(expires) < 13):
        raise Problem(403, "AccessDenied", "Invalid date (should be seconds since epoch).")
    if now >= int(expires):
        times = {"Expires": _iso(int(expires)), "ServerTime": _iso(now)}
        raise Problem(403, "AccessDenied", "Request has expired", times)
    wanted = _old_signature(method, path, pairs, expires)
    if not hmac.compare_digest(wanted.encode(), found["Signature"].encode()):
        raise Problem(403, "SignatureDoesNotMatch", "The signature does not match.")


def _parameters_problem(message: str) -> Problem:
    return Problem(400, "AuthorizationQueryParametersError", message)


class _Piece(typing.NamedTuple):
    """One parameter of a query: decoded, and as the signature has it."""

    name: str
    value: str
    canonical: tuple[str, str]


@functools.lru_cache(maxsize=1024)
def _read_piece(text: str) -> _Piece:
    """Read `name=value`; cached, since most parameters are the same in all links of one second."""
    name, _, value = text.partition("=")
    name, value = unquote(name), unquote(value)
    return _Piece(name, value, (quote(name, safe=_SAFE), quote(value, safe=_SAFE)))


def _canonical(method: str, path: str, pairs: list[tuple[str, str]], headers: str, signed: str) -> str:
    query = "&".join(f"{name}={value}" for name, value in sorted(pairs))
    return f"{method}\n{path}\n{query}\n{headers}\n{signed}\nUNSIGNED-PAYLOAD"


def _signature(request: str, stamp: str, scope: str) -> tuple[str, str]:
    """Give the signature and the text that it signs."""
    hashed = hashlib.sha256(request.encode()).hexdigest()
    to_sign = f"{ALGORITHM}\n{stamp}\n{scope}\n{hashed}"
    return hmac.digest(_key(scope), to_sign.encode(), "sha256").hex(), to_sign


@functools.lru_cache(maxsize=64)
def _key(scope: str) -> bytes:
    key = b"AWS4" + SECRET_KEY.encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


def _old_signature(method: str, path: str, pairs: list[tuple[str, str]], expires: str) -> str:
    signed = "&".join(f"{name}={value}" for name, value in sorted(pairs) if name in _OLD_SIGNED)
    resource = f"{path}?{signed}" if signed else path
    text = f"{method}\n\n\n{expires}\n{resource}"
    return base64.b64encode(hmac.digest(SECRET_KEY.encode(), text.encode(), "sha1")).decode()


@functools.lru_cache(maxsize=256)
def _read_stamp(text: str) -> int | None:
    try:
        parts = time.strptime(text, "%Y%m%dT%H%M%SZ")
    except ValueError:
        return None
    if len(text) != 16:
        return None
    return calendar.timegm(parts)


def _iso(moment: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(moment))
