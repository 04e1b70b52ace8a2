"""Takes from a text what nobody but the service may see: signed URLs, user information, known secrets."""

import re
from collections.abc import Iterable

MASK = "…"

# A URL ends at white space, a double quote, an angle bracket, or an apostrophe that closes a quotation. What
# follows a space inside a broken URL is caught by `_SIGNATURES`: the names that services sign with.
_URL = re.compile(r"(?i)https?://(?:[^\s'\"<>]|'(?![.,;:!?)\]}']*(?:\s|$)))+")
_AUTHORITY = re.compile(r"(?i)^(https?://)[^/?#]*@")
_PARAMETER = re.compile(r"([^=&;]{1,64}=)?[^&;]+")
_SIGNATURES = re.compile(
    r"(?i)\b((?:x-amz-[a-z-]+|signature|sig|access_?token|refresh_?token|token|key-pair-id|policy|expires|"
    r"password|passwd|secret|dsid|clientid)=)[^&\s'\"<>]+"
)
_SUSPICIOUS = re.compile(r"[=@ ?#+]")
_HEADERS = re.compile(r"(?i)\b((?:bearer|basic|esignon|hmac-sha256)[ +])[A-Za-z0-9._~+/=,;-]{8,}")


def redact_url(url: str) -> str:
    """Return `url` with its user information, its query values and its fragment replaced by `…`."""
    if "?" not in url and "#" not in url and "@" not in url:
        return url
    head, _, fragment = url.partition("#")
    path, mark, query = head.partition("?")
    path = _AUTHORITY.sub(rf"\1{MASK}@", path)
    query = _PARAMETER.sub(lambda match: (match[1] or "") + MASK, query)
    return path + mark + query + (f"#{MASK}" if fragment else "")


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """Return `text` without the values that sign URLs or prove who is asking.

    Args:
        text: anything that is about to be shown, logged or kept.
        secrets: further values to mask wherever they stand; those under four characters are left alone,
            because masking them would eat words.
    """
    for secret in secrets:
        if len(secret) >= 4:
            text = text.replace(secret, MASK)
    if not _SUSPICIOUS.search(text):
        return text
    text = _URL.sub(lambda match: redact_url(match.group()), text)
    return _HEADERS.sub(rf"\1{MASK}", _SIGNATURES.sub(rf"\1{MASK}", text))
