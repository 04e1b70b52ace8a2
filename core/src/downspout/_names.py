"""Names that come from outside, made fit for a directory (design section 5).

A name that a service chose is data: it becomes one harmless path component here, or nothing. What a user typed is
not improved but refused, with a reason.
"""

import binascii
import os
import re
import unicodedata
from collections.abc import Callable
from pathlib import PurePosixPath
from urllib.parse import unquote_to_bytes, urlsplit

from downspout.errors import ProtocolError, StorageError, TargetExists

LONGEST = 255
"""Bytes of UTF-8 in one component: what ext4, XFS, Btrfs, ZFS allow; NTFS and APFS allow as many characters."""

_LAST_RESORT = "download"
_OUR_OWN = ".downspout"  # parts, records, the ledger
_DEEPEST = 100
_LONGEST_HEADER = 8192
_LONGEST_INPUT = 4096  # NFC takes quadratic time on a long run of combining marks

# Most names are safe as they are; others are looked at character by character.
_HARMLESS = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_ .()+,=@-]*[A-Za-z0-9_()+,=@-])?")
_USUAL_URL = re.compile(r"https?://[A-Za-z0-9.:-]+/(?:[A-Za-z0-9_.~/-]*/)?([A-Za-z0-9_.~-]*)(?:\?[!-\"$-~]*)?")
_BREAKS = re.compile(r"[\t-\r\x85\u2028\u2029]+")
_REFUSED = re.compile(r'[<>:"/\\|?*]')
_EDGES = "." + "".join(filter(str.isspace, map(chr, range(0x3001))))
# They are letters, marks or symbols by category, and yet nothing can be seen of them.
_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
# Windows opens the device whatever the extension, and with blanks before it; it takes superscripts for digits.
_DEVICE = re.compile(r"(?i)(?:con|prn|aux|nul|conin\$|conout\$|clock\$|(?:com|lpt)[0-9\xb9\xb2\xb3])\s*(?:\.|\Z)")
# Of `a.tar.gz` and `contract.pdf.p7m` both parts say what the file is; of `v1.2.pdf` only the last.
_EXTENSION = re.compile(
    r"(?i)(?:\.tar|\.[a-z][a-z0-9]{0,4}(?=\.(?:gz|bz2|xz|zst|lz4?|br|z|asc|sig|gpg|pgp|age|p7[ms])\Z))?"
    r"\.[^\s.]{1,16}\Z"
)

_FOLD = re.compile(r"[\r\n]+[ \t]*")
_PARAMETER = re.compile(r'(?:"(?:[^"\\]|\\.)*+(?:"|\\?\Z)|[^;"])+', re.DOTALL)
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)', re.DOTALL)
_EXTENDED = re.compile(r"([\w.:-]+)'[^']*'(.*)", re.DOTALL)
_WORD = re.compile(r"=\?([\w.:-]+)(?:\*[^?]*)?\?([bBqQ])\?([^?]*)\?=")
_BETWEEN_WORDS = re.compile(r"(?<=\?=)\s+(?==\?)")
# RFC 8187 asks for the first; the others are what senders use. A list, because a codec is code.
_CHARSETS = frozenset(
    {"utf-8", "utf8", "iso-8859-1", "latin1", "us-ascii", "windows-1252"}
    | {"gb2312", "gbk", "gb18030", "big5", "shift_jis", "euc-jp", "iso-2022-jp", "euc-kr"}
)


def safe_name(name: str, fallback: str = _LAST_RESORT) -> str:
    """Return `name` as one path component that is harmless on every system we run on.

    NFC, visible characters only, no separators and nothing else that Windows refuses (`_` instead), no dots or
    blanks at either end, no device names, at most 255 bytes of UTF-8 with the extension kept. Never empty, never
    a work file of ours (those begin with a dot). A safe name stays as it is.

    Args:
        name: any text.
        fallback: taken, and made safe, if nothing of `name` is left.
    """
    return _made_safe(name) or _made_safe(fallback) or _LAST_RESORT


def name_from_disposition(value: str) -> str | None:
    """Return the file name of a `Content-Disposition` header (RFC 6266), or `None`.

    `filename*` (RFC 8187) goes before `filename`; of a path only the last component counts (section 4.3 there).
    The result is not safe yet. Escapes in a plain `filename` stay: a service that encodes twice is known to its
    provider alone. Nothing raises: what cannot be read is not there.

    Args:
        value: the header's value, as `http.client` gives it: bytes read as ISO-8859-1.
    """
    parameters = _parameters(_FOLD.sub(" ", value[:_LONGEST_HEADER]).replace("\0", ""))
    for text in (_extended(parameters.get("filename*", "")), _plain(parameters.get("filename", ""))):
        last = re.split(r"[/\\]", text)[-1].strip()
        if last:
            return last
    return None


def name_from_url(url: str) -> str | None:
    """Return the last path segment of `url`, decoded once, or `None` if there is none. It is not safe yet."""
    usual = _USUAL_URL.fullmatch(url)
    if usual is not None:
        return usual[1] or None
    try:
        path = urlsplit(url).path
    except ValueError:
        return None
    data = unquote_to_bytes(path.rpartition("/")[2].encode("utf-8", "replace"))
    return _utf8_or_latin1(data) or None


def choose_name(provider_name: str | None, disposition: str | None, url: str) -> str:
    """Return the safe name of a document: the first of its names of which something is left.

    Args:
        provider_name: `Link.name`, or `None`.
        disposition: the value of the `Content-Disposition` header, or `None`.
        url: where the bytes come from.
    """
    return (
        _made_safe(provider_name or "")
        or _made_safe((name_from_disposition(disposition) if disposition else None) or "")
        or safe_name(name_from_url(url) or "")
    )


def relative_target(path: str) -> PurePosixPath:
    """Return the path that a service gives a document of a folder, each component made safe.

    Args:
        path: relative to the folder, parts separated by `/`. Empty parts and `.` count for nothing.

    Raises:
        ProtocolError: the path is absolute, empty, has `..` in it, or is absurdly deep.
    """
    parts = [part for part in path.split("/") if part not in {"", "."}]
    if path.startswith("/") or ".." in parts or not parts or len(parts) > _DEEPEST:
        raise ProtocolError(
            f"The service lists a document at {path[:120]!r}, which is no path below a folder.",
            hint="Ask for the document by its own URI, and report it to the service.",
        )
    return PurePosixPath(*map(safe_name, parts))


def checked_target(text: str, *, windows: bool = os.name == "nt") -> PurePosixPath:
    r"""Return the relative target that a user typed, unchanged.

    Args:
        text: the target; `/` separates its parts, on Windows `\` as well.
        windows: whether the rules of Windows hold.

    Raises:
        StorageError: it is empty, absolute, ends in a separator, has `..`, NUL or half a character in it, or is
            the name of a work file of ours; on Windows also if it names a drive, a stream or a device.
    """
    path = text.replace("\\", "/") if windows else text
    parts = path.split("/")
    why = _objection(path, parts) or (_windows_objection(parts) if windows else None)
    if why:
        raise StorageError(
            f"The target {text[:120]!r} {why}.",
            hint="Write a path that is relative to the target directory, such as 2024/report.pdf.",
        )
    return PurePosixPath(path)


def distinct_name(name: str, taken: Callable[[str], bool]) -> str:
    """Return `name`, or the first `name (1).ext`, `name (2).ext`, … that is free.

    Args:
        name: one path component.
        taken: whether a name is in use. Asked a few dozen times at most, however many are; so where the numbers
            in use have gaps, the result need not be the lowest that is free.

    Raises:
        TargetExists: none is free.
    """
    if not taken(name):
        return name
    return numbered_name(name, free_number(lambda number: taken(numbered_name(name, number))))


def numbered_name(name: str, number: int) -> str:
    """Return `name` with ` (number)` before its extension, within 255 bytes."""
    stem, extension = _split(name)
    tail = f" ({number}){extension}"
    return _cut(stem, LONGEST - len(tail.encode("utf-8", "surrogateescape"))) + tail


def free_number(taken: Callable[[int], bool], after: int = 0) -> int:
    """Return a number above `after` that is free, found in a logarithmic number of questions.

    It is the next one where the numbers in use have no gaps.

    Raises:
        TargetExists: whatever is tried is taken.
    """
    low, step = after, 1
    while taken(low + step):
        low, step = low + step, step * 2
        if step > 2**31:
            raise TargetExists("There is no free name left.", hint="Choose another directory with -d.")
    high = low + step
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if taken(middle) else (low, middle)
    return high


def _made_safe(name: str) -> str:
    """Return `name` made safe, or nothing if nothing is left of it."""
    if not name or (len(name) <= LONGEST and _HARMLESS.fullmatch(name) and not _DEVICE.match(name)):
        return name
    if len(name) > _LONGEST_INPUT:
        name = name[: _LONGEST_INPUT - 1024] + name[-1024:]
    text = "".join(filter(_is_visible, _BREAKS.sub(" ", name)))
    text = unicodedata.normalize("NFC", _REFUSED.sub("_", text)).strip(_EDGES)
    if _DEVICE.match(text):
        text = "_" + text
    if len(text.encode()) <= LONGEST:
        return text
    stem, extension = _split(text)
    return _cut(stem, LONGEST - len(extension.encode())).rstrip(_EDGES) + extension


def _is_visible(character: str) -> bool:
    """Return whether it is none of those that hide or reorder what a name says (nor half a character)."""
    if character.isascii():
        return character.isprintable()
    return unicodedata.category(character) not in {"Cc", "Cf", "Cs", "Zl", "Zp"} and character not in _BLANK


def _split(name: str) -> tuple[str, str]:
    """Return stem and extension; a name that is all extension is all stem."""
    found = _EXTENSION.search(name)
    at = found.start() if found else 0
    return (name[:at], name[at:]) if at else (name, "")


def _cut(text: str, limit: int) -> str:
    """Return what of `text` fits into `limit` bytes, marks not parted from their letter unless they are many."""
    data = text.encode("utf-8", "surrogateescape")
    if len(data) <= limit:
        return text
    longest = len(data[:limit].decode("utf-8", "ignore"))
    for end in range(longest, max(longest - 16, 0), -1):
        if not unicodedata.category(text[end]).startswith("M") and not "\U0001f3fb" <= text[end] <= "\U0001f3ff":
            return text[:end]
    return text[:longest]


def _parameters(value: str) -> dict[str, str]:
    """Return the parameters of a header by lower-case name, values raw; of two alike the first."""
    parameters: dict[str, str] = {}
    for piece in _PARAMETER.findall(value):
        name, equals, text = piece.partition("=")
        if equals:
            parameters.setdefault(name.strip().lower(), text.strip())
    return parameters


def _unquoted(text: str) -> str:
    quoted = _QUOTED.match(text)
    return re.sub(r"(?s)\\(.)", r"\1", quoted.group(1)) if quoted else text


def _extended(value: str) -> str:
    """Return the text of `charset'language'escaped` (RFC 8187), or nothing. Quotes around it are tolerated."""
    parts = _EXTENDED.match(_unquoted(value))
    try:
        return _decoded(unquote_to_bytes(parts[2].encode("latin-1")), parts[1]) if parts else ""
    except ValueError:
        return ""


def _plain(value: str) -> str:
    """Return the text of a plain `filename`: a token or a quoted string, in the encodings that are met."""
    text = _unquoted(value)
    try:
        text = _utf8_or_latin1(text.encode("latin-1"))
    except ValueError:
        return text
    return _WORD.sub(_word, _BETWEEN_WORDS.sub("", text))


def _word(match: re.Match[str]) -> str:
    """Return the text of an encoded word (RFC 2047, which RFC 6266 forbids here, and which is met)."""
    charset, encoding, text = match.groups()
    try:
        data = text.encode("ascii")
        if encoding in "bB":
            return _decoded(binascii.a2b_base64(data + b"=="), charset)
        return _decoded(binascii.a2b_qp(data, header=True), charset)
    except ValueError:
        return match.group()


def _decoded(data: bytes, charset: str) -> str:
    if charset.lower() not in _CHARSETS:
        raise ValueError(charset)
    return data.decode(charset)


def _utf8_or_latin1(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _objection(path: str, parts: list[str]) -> str | None:
    """Return why `path` is no relative target anywhere, or `None`."""
    if not path.strip() or not any(part not in {"", "."} for part in parts):
        return "is empty"
    if "\0" in path or any("\ud800" <= character <= "\udfff" for character in path):
        return "has a character in it that no file name has"
    if path.startswith("/"):
        return "is absolute"
    if ".." in parts:
        return "has '..' in it"
    if parts[-1] in {"", "."}:
        return "names a directory"
    if any(part.lower().startswith(_OUR_OWN) for part in parts):
        return "is a name that downspout keeps for its own work"
    return None


def _windows_objection(parts: list[str]) -> str | None:
    """Return why Windows would not take the parts for what they say, or `None`."""
    if any(part != "." and part != part.rstrip(" .") for part in parts):
        return "has a part that ends in a dot or a space"
    if any(_REFUSED.search(part) or _DEVICE.match(part) for part in parts):
        return "has a part that Windows keeps for a drive, a stream or a device"
    return None
