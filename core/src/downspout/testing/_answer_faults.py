"""Lies about which answer it is: other statuses, other pages, other places, other content."""

import attrs

from downspout.testing._answer import Answer, HeaderPairs, header_pairs
from downspout.testing._content import Content, Virtual, size_of
from downspout.testing._document import Document
from downspout.testing._fault import Fault, Stage
from downspout.testing._message import Request

_SIGN_IN = b"""<!DOCTYPE html>
<html><head><title>Sign in</title></head>
<body><form action="/login" method="post"><input name="user"><input type="password" name="pass"></form></body>
</html>
"""


@attrs.frozen
class Status(Fault):
    """Another status in place of the answer.

    Attributes:
        status: The status code, from 200 on.
        body: The body; a status that has none (204, 205, 304) gets this one all the same if it is not empty.
        headers: Header fields.
        reason: The reason phrase; None: the usual one.
    """

    status: int
    body: bytes = b""
    headers: HeaderPairs = attrs.field(default=(), converter=header_pairs)
    reason: str | None = None

    def _change(self, answer: Answer) -> Answer:
        return answer.replaced_by(Answer(self.status, self.body, self.headers, reason=self.reason))


@attrs.frozen
class StatusOnly(Fault):
    """Another status code over the honest fields and body: a 202 or 299 that carries the document.

    Attributes:
        status: The status code.
    """

    status: int

    def _change(self, answer: Answer) -> Answer:
        return attrs.evolve(answer, status=self.status, reason=None)


@attrs.frozen
class Throttle(Fault):
    """A refusal that asks for patience.

    Attributes:
        retry_after: The Retry-After field: any text; None: none is sent.
        status: 429 or 503.
    """

    retry_after: str | None = "1"
    status: int = 429

    def _change(self, answer: Answer) -> Answer:
        headers = () if self.retry_after is None else (("Retry-After", self.retry_after),)
        return answer.replaced_by(Answer(self.status, b"slow down\n", headers))


@attrs.frozen
class SignInPage(Fault):
    """An HTML page to sign in, where a document is expected.

    Attributes:
        status: Its status.
        page: The page.
        media_type: Its Content-Type; None: the document's own, the meanest lie.
    """

    status: int = 200
    page: bytes = _SIGN_IN
    media_type: str | None = "text/html; charset=utf-8"

    def _change(self, answer: Answer) -> Answer:
        media_type = self.media_type or answer.header("content-type") or "application/octet-stream"
        return answer.replaced_by(Answer(self.status, self.page, {"Content-Type": media_type}))


@attrs.frozen
class Redirect(Fault):
    """A redirect to anywhere.

    Attributes:
        location: The Location field: a URL, a path, `//host/`, nonsense, or empty; None: none is sent.
        status: The status.
        body: The body.
    """

    location: str | bytes | None
    status: int = 302
    body: bytes = b""

    def _change(self, answer: Answer) -> Answer:
        headers: HeaderPairs = () if self.location is None else (("Location", self.location),)
        return answer.replaced_by(Answer(self.status, self.body, headers))


@attrs.frozen
class Replacement(Fault):
    """A document that is replaced just before this request, for good.

    Attributes:
        document: What stands at the request's path from now on.
    """

    document: Document

    def _prepare(self, stage: Stage, request: Request) -> None:
        stage.documents[request.path] = self.document


@attrs.frozen
class LinkDeath(Fault):
    """Links of the document that die at this request.

    Attributes:
        served: Whether this request is still served; otherwise it is the first that is refused.
    """

    served: bool = False

    def _prepare(self, stage: Stage, request: Request) -> None:
        if not self.served:
            stage.kill_links(request.path)

    def _conclude(self, stage: Stage, request: Request) -> None:
        if self.served:
            stage.kill_links(request.path)


@attrs.frozen
class OtherBody(Fault):
    """Other bytes under the honest header fields; Content-Length is right for them.

    Attributes:
        content: The whole body.
    """

    content: bytes | Content = b""

    def _change(self, answer: Answer) -> Answer:
        return answer.with_body(self.content)


@attrs.frozen
class FlippedByte(Fault):
    """One byte of the body that is wrong, all else being right: only a digest can tell.

    Attributes:
        at: Which byte of the body; counted from the end if negative. A body without it is left alone.
    """

    at: int = 0

    def _change(self, answer: Answer) -> Answer:
        place = answer.start + self.at if self.at >= 0 else answer.stop + self.at
        if not answer.start <= place < answer.stop:
            return answer
        flipped = Virtual(size_of(answer.content), _Flipped(answer.content, place))
        return attrs.evolve(answer, content=flipped)


@attrs.frozen
class _Flipped:
    """Reads content with one byte inverted."""

    content: bytes | Content
    place: int

    def __call__(self, start: int, stop: int) -> bytes:
        content = self.content
        data = bytearray(content[start:stop] if isinstance(content, bytes) else content.read(start, stop))
        if start <= self.place < start + len(data):
            data[self.place - start] ^= 0xFF
        return bytes(data)
