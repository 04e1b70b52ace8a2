"""App authentication: each request is signed with the app's secret (HMAC-SHA256 over a canonical form)."""

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime
from urllib.parse import quote

from downspout import Secret

ALGORITHM = "HMAC-SHA256"
_SAFE = "-_.~"


def x_date(moment: datetime) -> str:
    """Return `moment` (UTC) as the header `X-Date` has it."""
    return moment.strftime("%Y%m%dT%H%M%SZ")


def query_string(query: Sequence[tuple[str, str]]) -> str:
    """Return `query` encoded and sorted, as it is both signed and sent."""
    return "&".join(f"{name}={value}" for name, value in sorted((_quoted(n), _quoted(v)) for n, v in query))


def canonical_request(
    method: str, path: str, query: Sequence[tuple[str, str]], signed: Mapping[str, str], body: bytes
) -> str:
    """Return the text that is signed for a request.

    Args:
        method: `GET` or `POST`.
        path: as it is sent: encoded, without dot segments. It is signed with a final slash.
        query: names and values, not encoded.
        signed: the headers that are signed, by lower-case name.
        body: exactly the bytes that are sent.
    """
    names = sorted(signed)
    return "\n".join(
        (
            method,
            path if path.endswith("/") else f"{path}/",
            query_string(query),
            "".join(f"{name}:{signed[name].strip()}\n" for name in names),
            ";".join(names),
            hashlib.sha256(body).hexdigest(),
        )
    )


def authorization(app_id: str, app_secret: Secret, signed: Mapping[str, str], canonical: str) -> str:
    """Return the header `Authorization` for the request of that canonical form."""
    text = f"{ALGORITHM}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    signature = hmac.digest(app_secret.reveal().encode(), text.encode(), "sha256").hex()
    return f"{ALGORITHM} AppId={app_id},SignedHeaders={';'.join(sorted(signed))},Signature={signature}"


def _quoted(text: str) -> str:
    return quote(text, safe=_SAFE)
