"""What the first bytes say: a sign-in page is not a document."""

import re
from pathlib import PurePath

from downspout._models import Link

_HTML = re.compile(
    rb"\A(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*"
    rb"<(?:!doctype\s+html|html|head|body|title|meta|script|form|div)\b",
    re.IGNORECASE | re.DOTALL,
)
_HTML_NAMES = frozenset(
    {".html", ".htm", ".xhtml", ".shtml", ".xht", ".mhtml", ".php", ".asp", ".aspx", ".jsp", ".cgi", ".hta", ""}
)
_MAGIC = {
    "application/pdf": (rb"%PDF-", 1024),  # the mark may stand behind other bytes, as readers allow
    "application/zip": (rb"PK(?:\x03\x04|\x05\x06|\x07\x08)", 0),
    "image/png": (rb"\x89PNG\r\n\x1a\n", 0),
    "image/jpeg": (rb"\xff\xd8\xff", 0),
    "image/gif": (rb"GIF8[79]a", 0),
}
HEAD = 2048
"""So many first bytes are looked at."""


def is_html(head: bytes) -> bool:
    """Return whether a document that begins with `head` is a page of HTML."""
    return _HTML.match(head) is not None


def name_says_html(name: str) -> bool:
    """Return whether a name may belong to a page: by its extension, or by having none."""
    return PurePath(name).suffix.lower() in _HTML_NAMES


def contradicts_type(head: bytes, media_type: str | None) -> bool:
    """Return whether `head` cannot begin a document of the type that the service declared.

    Types without a mark of their own are contradicted by a page of HTML only.
    """
    if media_type is None:
        return False
    essence = media_type.partition(";")[0].strip().lower()
    magic = _MAGIC.get(essence)
    if magic is not None:
        pattern, within = magic
        return not re.search(pattern, head[: within + 16]) if within else not re.match(pattern, head)
    return False


def objection(head: bytes, link: Link, name: str, *, accept_html: bool, has_digest: bool) -> str | None:
    """Return what speaks against bytes that begin with `head` being the document of `link`, or `None`.

    Args:
        head: at most `HEAD` first bytes.
        link: what the service says of the document.
        name: the name that the document has or gets.
        accept_html: whether a page of HTML will do under any name.
        has_digest: whether a digest will tell in the end.
    """
    if head and contradicts_type(head, link.media_type):
        return f"what came is no {link.media_type}" + (" but a web page" if is_html(head) else "")
    verifiable = has_digest or link.size is not None or bool(link.digests)
    if not verifiable and not accept_html and is_html(head) and not name_says_html(name):
        return "a web page came instead of the document, perhaps to sign in"
    return None
