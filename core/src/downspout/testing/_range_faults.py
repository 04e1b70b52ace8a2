"""Lies about ranges and about which bytes they are of. On answers without a document, most change nothing."""

from typing import Final

import attrs

from downspout.testing._answer import Answer
from downspout.testing._content import read_all
from downspout.testing._document import answer_for, partial_answer
from downspout.testing._fault import Fault

_BOUNDARY: Final = "downspout-part"


def _numbered(text: str, start: int, stop: int, size: int) -> str:
    # Not str.format: the text may be anything, braces included.
    numbers = {"{first}": start, "{last}": stop - 1, "{size}": size}
    for mark, number in numbers.items():
        text = text.replace(mark, str(number))
    return text


@attrs.frozen
class RangeIgnored(Fault):
    """The whole document (200), whatever range was asked for."""

    def _change(self, answer: Answer) -> Answer:
        document = answer.document
        if document is None or answer.status not in (206, 416):
            return answer
        return answer.replaced_by(Answer(200, document.content, document.fields()))


@attrs.frozen
class RangeShifted(Fault):
    """A 206 that starts or ends elsewhere than asked, and says so truthfully.

    Attributes:
        start: Bytes by which it starts later; negative: earlier.
        stop: Bytes by which it ends later; negative: earlier.
    """

    start: int = 0
    stop: int = 0

    def _change(self, answer: Answer) -> Answer:
        document = answer.document
        if document is None or answer.status != 206:
            return answer
        start = min(max(0, answer.start + self.start), document.size - 1)
        stop = min(max(start + 1, answer.stop + self.stop), document.size)
        return answer.replaced_by(partial_answer(document, start, stop))


@attrs.frozen
class ContentRange(Fault):
    """A 206 that says another range than it carries.

    Attributes:
        text: The Content-Range field; `{first}`, `{last}`, `{size}` stand for the honest numbers. None: none.

    Example:
        >>> ContentRange("items {first}-{last}/{size}")  # a wrong unit
        ContentRange(text='items {first}-{last}/{size}')
    """

    text: str | None = None

    def _change(self, answer: Answer) -> Answer:
        document = answer.document
        if document is None or answer.status != 206:
            return answer
        if self.text is None:
            return answer.with_header("Content-Range")
        said = _numbered(self.text, answer.start, answer.stop, document.size)
        return answer.with_header("Content-Range", said)


@attrs.frozen
class WrongTotal(Fault):
    """A 206 or 416 that says another size of the document.

    Attributes:
        by: Bytes by which the size is wrong.
    """

    by: int = 1

    def _change(self, answer: Answer) -> Answer:
        said = answer.header("content-range")
        document = answer.document
        if document is None or said is None:
            return answer
        return answer.with_header("Content-Range", f"{said.rpartition('/')[0]}/{document.size + self.by}")


@attrs.frozen
class EmptyRange(Fault):
    """A 206 without a byte, whose range ends before it starts, as some stores say instead of 416."""

    def _change(self, answer: Answer) -> Answer:
        document = answer.document
        if document is None or answer.status not in (206, 416):
            return answer
        start = answer.start if answer.status == 206 else document.size
        said = ("Content-Range", f"bytes {start}-{start - 1}/{document.size}")
        return answer.replaced_by(Answer(206, b"", (*document.fields(), said)))


@attrs.frozen
class MultipartRange(Fault):
    """A 206 in `multipart/byteranges` though one range was asked for.

    Attributes:
        parts: Parts that the range is cut into.
    """

    parts: int = 1

    def _change(self, answer: Answer) -> Answer:
        document = answer.document
        if document is None or answer.status != 206:
            return answer
        step = -(-answer.length // max(1, self.parts))
        body = bytearray()
        for start in range(answer.start, answer.stop, step):
            stop = min(start + step, answer.stop)
            body += f"--{_BOUNDARY}\r\nContent-Range: bytes {start}-{stop - 1}/{document.size}\r\n\r\n".encode()
            body += read_all(answer.content, start, stop) + b"\r\n"
        body += f"--{_BOUNDARY}--\r\n".encode()
        whole = answer.with_header("Content-Range").with_header(
            "Content-Type", f"multipart/byteranges; boundary={_BOUNDARY}"
        )
        return whole.with_body(bytes(body))


@attrs.frozen
class Unsatisfiable(Fault):
    """A 416, whatever was asked for.

    Attributes:
        text: The Content-Range field; `{size}` stands for the honest size. None: none is sent.
    """

    text: str | None = "bytes */{size}"

    def _change(self, answer: Answer) -> Answer:
        size = answer.length if answer.document is None else answer.document.size
        headers = () if self.text is None else (("Content-Range", _numbered(self.text, 0, size, size)),)
        return answer.replaced_by(Answer(416, b"", headers))


@attrs.frozen
class ETag(Fault):
    """Another validator over the same bytes.

    Attributes:
        value: The ETag field: weak, changed, unquoted, anything; None: none is sent.
    """

    value: str | None = None

    def _change(self, answer: Answer) -> Answer:
        return answer.with_header("ETag") if self.value is None else answer.with_header("ETag", self.value)


@attrs.frozen
class IfRangeIgnored(Fault):
    """The range that was asked for, though If-Range names another version (as object stores do)."""

    def _change(self, answer: Answer) -> Answer:
        document = answer.document
        if document is None or answer.status != 200 or answer.request is None:
            return answer
        return answer.replaced_by(answer_for(document, answer.request, "ignored"))


@attrs.frozen
class IfRangeRefused(Fault):
    """The whole document (200) to any If-Range, though it names the right version."""

    def _change(self, answer: Answer) -> Answer:
        document = answer.document
        if document is None or answer.status != 206 or answer.request is None:
            return answer
        return answer.replaced_by(answer_for(document, answer.request, "refused"))
