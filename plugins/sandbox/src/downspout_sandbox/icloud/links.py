"""Signed content links: made for docws and CloudKit, taken back by the content host.

The shape is that of real links. The signature covers the path's first part and the query to the letter, so a
client that rebuilds or re-encodes either is refused; what it appends after the signature is tolerated, as the
service does.
"""

import base64
import hashlib
import hmac
import secrets
import uuid
from typing import Final
from urllib.parse import quote, quote_plus

import attrs

PLACEHOLDER: Final = "${f}"
"""Stands for the file's name in links that CloudKit gives."""

LIFE_BY_BATCH: Final = 900.0
LIFE_BY_ID: Final = 3600.0
PARTITION: Final = "71"


class BadLink(Exception):
    """A link that was not issued here, or not like this."""


class ExpiredLink(Exception):
    """A link that was good once."""


@attrs.frozen
class Asset:
    """Bytes that a link leads to.

    Attributes:
        zone: The item's zone.
        docwsid: The item.
        part: `data`, `thumbnail` or `package`.
        mark: Names the version of the bytes.
    """

    zone: str
    docwsid: str
    part: str
    mark: str

    @property
    def signature(self) -> bytes:
        """21 bytes that change with the content; keyed in reality, so no hash of the bytes here either."""
        return b"\x01" + hashlib.sha1(f"content {self}".encode(), usedforsecurity=False).digest()

    @property
    def reference_signature(self) -> bytes:
        """21 bytes that change with the place of the content."""
        return b"\x01" + hashlib.sha1(f"reference {self}".encode(), usedforsecurity=False).digest()

    @property
    def wrapping_key(self) -> bytes:
        """16 bytes; the service decrypts by itself."""
        return hashlib.sha256(f"key {self}".encode()).digest()[:16]

    @property
    def object_key(self) -> bytes:
        """33 bytes by which the content host finds the asset."""
        return b"\x02" + hashlib.sha256(f"object {self}".encode()).digest()


def url64(data: bytes) -> str:
    """Encode bytes as links have them: base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def std64(data: bytes) -> str:
    """Encode bytes as JSON has them: base64 with padding."""
    return base64.b64encode(data).decode()


def varint(number: int) -> bytes:
    """Encode a number of protocol buffers."""
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def access_token(asset: Asset, issued_ms: int, expires_ms: int) -> bytes:
    """Make the token inside a link: a prefix byte and a protocol buffer that holds the two times."""
    who = hashlib.sha256(f"token {asset}".encode()).digest()
    times = b"\x10" + varint(issued_ms) + b"\x18" + varint(expires_ms) + b"\x22\x01\x00"
    ends = b"\x52\x04" + asset.signature[-4:] + b"\x5a\x04" + asset.reference_signature[-4:]
    inner = times + ends
    return b"\x08\x0a\x20" + who + b"\x12" + varint(len(inner)) + inner


class Links:
    """The links of one sandbox: the key that signs them and the assets they lead to."""

    def __init__(self) -> None:
        self._secret = secrets.token_bytes(32)
        self._assets: dict[str, Asset] = {}

    def token(self, asset: Asset, base: str, name: str, now: float, life: float) -> dict[str, str]:
        """Make the object that holds a link, as `data_token` and its like do.

        Args:
            asset: What the link leads to.
            base: The content host, without a final slash.
            name: The file's name, or the placeholder.
            now: The service's time, seconds since the epoch.
            life: Seconds until the link is refused.
        """
        issued = int(now * 1000)
        expires = int((now + life) * 1000)
        token = access_token(asset, issued, expires)
        return {
            "url": base + self._target(asset, token, name, expires // 1000),
            "token": std64(token),
            "signature": std64(asset.signature),
            "wrapping_key": std64(asset.wrapping_key),
            "reference_signature": std64(asset.reference_signature),
        }

    def check(self, path: str, query: str, now: float) -> Asset:
        """Find what a link leads to.

        Args:
            path: The part of the path between slashes that names the content.
            query: As it came, undecoded.
            now: The service's time.

        Raises:
            BadLink: The query was altered, or the link was never issued here.
            ExpiredLink: It is past the time that it names.
        """
        signed, mark, rest = query.partition("&s=")
        given = rest.partition("&")[0]
        if not mark or not hmac.compare_digest(given, self._sign(path, signed)):
            raise BadLink
        fields = dict(pair.partition("=")[::2] for pair in signed.split("&"))
        asset = self._assets.get(fields["o"])
        if asset is None:
            raise BadLink
        if now >= int(fields["e"]):
            raise ExpiredLink
        return asset

    def _target(self, asset: Asset, token: bytes, name: str, expires: int) -> str:
        key = url64(asset.object_key)
        self._assets[key] = asset
        path = content_path(asset)
        query = (
            f"o={key}&v=1&x=3&a={url64(token)}&e={expires}&k={url64(asset.wrapping_key)}&fl="
            f"&r={uuid.uuid4()}-1&ckc=com.apple.clouddocs&ckz={quote(asset.zone, safe='')}&p={PARTITION}"
        )
        signature = self._sign(path, query)
        if asset.part == "package":
            return f"/packageDownload?{query}&s={signature}"
        shown = PLACEHOLDER if name == PLACEHOLDER else quote_plus(name, safe="")
        return f"/B/{path}/{shown}?{query}&s={signature}"

    def _sign(self, path: str, query: str) -> str:
        return url64(hmac.digest(self._secret, f"{path}?{query}".encode(), "sha1"))


def content_path(asset: Asset) -> str:
    """Give the part of a link's path that names the content; packages have none."""
    return "" if asset.part == "package" else url64(asset.signature + asset.reference_signature)
