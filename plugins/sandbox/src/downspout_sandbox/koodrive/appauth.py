"""KooDrive's app authentication: `Authorization: HMAC-SHA256 AppId=…,SignedHeaders=…,Signature=…`."""

import hashlib
import hmac
import re
from collections.abc import Mapping
from urllib.parse import quote, unquote

_HEADER = re.compile(r"HMAC-SHA256 AppId=([^,\s]+),SignedHeaders=([a-z0-9;-]+),Signature=([0-9a-f]{64})\Z")
_SAFE = "-_.~"
REQUIRED = frozenset({"x-date", "x-user-id"})


def check(
    authorization: str,
    secrets: Mapping[str, str],
    method: str,
    target: str,
    headers: Mapping[str, str],
    body: bytes,
) -> str | None:
    """Check a signed request.

    Args:
        authorization: The whole header.
        secrets: The app secret by app id.
        method: As sent.
        target: Path and query as they came.
        headers: The request's; names are looked up in lower case, so the mapping must not mind case.
        body: As it came.

    Returns:
        The app id, or None where the signature does not hold.
    """
    match = _HEADER.match(authorization)
    if match is None:
        return None
    app_id, signed, given = match.groups()
    names = signed.split(";")
    if app_id not in secrets or not set(names) >= REQUIRED or any(name not in headers for name in names):
        return None
    request = canonical_request(method, target, {name: headers[name] for name in names}, body)
    return app_id if hmac.compare_digest(sign(secrets[app_id], request), given) else None


def canonical_request(method: str, target: str, signed: Mapping[str, str], body: bytes) -> str:
    """Give the text whose hash is signed; `signed` holds the signed headers by lower-case name."""
    path, _, query = target.partition("?")
    path = quote(_without_dots(unquote(path)), safe="/" + _SAFE)
    if not path.endswith("/"):
        path += "/"
    pairs = sorted(
        (quote(unquote(name), safe=_SAFE), quote(unquote(value), safe=_SAFE))
        for name, _, value in (each.partition("=") for each in query.split("&") if each)
    )
    names = sorted(signed)
    return "\n".join(
        [
            method,
            path,
            "&".join(f"{name}={value}" for name, value in pairs),
            "".join(f"{name}:{signed[name].strip()}\n" for name in names),
            ";".join(names),
            hashlib.sha256(body).hexdigest(),
        ]
    )


def sign(secret: str, request: str) -> str:
    """Give the signature of a canonical request: 64 hex digits."""
    text = "HMAC-SHA256\n" + hashlib.sha256(request.encode()).hexdigest()
    return hmac.digest(secret.encode(), text.encode(), "sha256").hex()


def _without_dots(path: str) -> str:
    parts: list[str] = []
    for part in path.split("/"):
        if part == "..":
            parts[1:] = parts[1:-1]
        elif part != ".":
            parts.append(part)
    return "/".join(parts)
