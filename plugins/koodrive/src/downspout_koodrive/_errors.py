"""KooDrive's codes, and what each asks of the caller.

The vendor's error-code page lists them up to 13000414; what is not listed is judged by its HTTP status.
"""

import re
from collections.abc import Iterable

from attrs import frozen

from downspout import Response
from downspout.errors import (
    AuthenticationError,
    ConfigurationError,
    DownspoutError,
    InvalidURI,
    NotFound,
    PermissionDenied,
    ProtocolError,
    RateLimited,
    Unavailable,
)
from downspout_koodrive._wire import Code, Envelope, is_zero

FOLDER_CODE = "13000406"
_THROTTLED = re.compile(r"APIG\w*\.0308")  # "The throttling threshold has been reached"


@frozen
class Meaning:
    """What a code says.

    Attributes:
        kind: the class of error.
        words: completes the sentence "URI: …".
        hint: what to do, or `None`.
        concerns_one: whether it is about one document of a call, so that the others may be asked for alone.
    """

    kind: type[DownspoutError]
    words: str
    hint: str | None = None
    concerns_one: bool = True


_RESTORE = "Restore it from the recycle bin."
_OTHER_SPACE = "Check the file id, and name its space: CONTAINER/FILE."

MEANINGS = {
    "13000102": Meaning(
        InvalidURI,
        "the service does not take these parameters",
        "Check the container id, the file id and the settings user_id and trace_id.",
    ),
    "13000301": Meaning(
        NotFound, "its space does not exist or is out of order", "Check the container id.", concerns_one=False
    ),
    "13000302": Meaning(NotFound, "there is no such file in that space", _OTHER_SPACE),
    "13000304": Meaning(NotFound, "that is no folder that could be listed"),
    "13000305": Meaning(NotFound, "the folder is in the recycle bin", _RESTORE),
    "13000306": Meaning(NotFound, "the file is in the recycle bin", _RESTORE),
    "13000309": Meaning(NotFound, "the service knows nothing of that id"),
    FOLDER_CODE: Meaning(InvalidURI, "it is a folder", "Write a slash behind it."),
    "13000407": Meaning(NotFound, "the service has no download address for it"),
    "13000408": Meaning(Unavailable, "the service failed to provide it"),
    "13000410": Meaning(
        PermissionDenied, "the user may not use that space", "Ask its owner for access.", concerns_one=False
    ),
    "13000411": Meaning(NotFound, "the file is not in that space", _OTHER_SPACE),
    "13000412": Meaning(
        PermissionDenied, "that space is not active", "Ask its administrator to activate it.", concerns_one=False
    ),
}


@frozen
class Refusal:
    """Why a call, or a record of its answer, came to nothing.

    Attributes:
        code: KooDrive's or the gateway's, as text; empty if there was none.
        said: the service's own words, cleaned and cut.
        response: the answer of a call that failed as a whole, or `None` for a record.
    """

    code: str
    said: str = ""
    response: Response | None = None

    @property
    def concerns_one(self) -> bool:
        """Whether it is known to be about one document alone."""
        return self.code in MEANINGS and MEANINGS[self.code].concerns_one

    @property
    def is_known(self) -> bool:
        """Whether the code says by itself what is wrong."""
        return self.code in MEANINGS

    def error(self, subject: str) -> DownspoutError:
        """Return the error for `subject`, a URI or an account."""
        meaning = MEANINGS.get(self.code)
        if meaning is not None:
            words = f"{subject}: {meaning.words} (KooDrive code {self.code})."
            return meaning.kind(words, hint=meaning.hint)
        if self.response is not None and not self.response.ok:
            return self._by_status(subject, self.response)
        return ProtocolError(
            f"{subject}: KooDrive answered {self._shown}.", hint="Report it if it stays that way."
        )

    def _by_status(self, subject: str, response: Response) -> DownspoutError:
        if response.status == 429 or _THROTTLED.fullmatch(self.code):
            later = response.error(subject)
            after = later.retry_after if isinstance(later, RateLimited | Unavailable) else None
            return RateLimited(f"{subject}: KooDrive asks for a pause.", retry_after=after)
        if response.status in {400, 401}:  # 400 is published as "authentication did not pass"
            return AuthenticationError(
                f"{subject}: KooDrive does not accept who is asking: {self._shown}.",
                hint="Sign in again; a session ends after 20 minutes without use.",
            )
        if response.status == 404:
            return ConfigurationError(
                f"{subject}: there is no KooDrive at its endpoint (404).", hint="Correct the setting endpoint."
            )
        return response.error(subject)

    @property
    def _shown(self) -> str:
        status = [str(self.response.status)] if self.response is not None and not self.response.ok else []
        code = [f"code {self.code}"] if self.code else []
        said = [f"“{self.said}”"] if self.said else []
        return ", ".join(status + code + said) or "nothing that explains it"


def code_text(code: Code | None) -> str:
    """Return a code as text, fit to be shown."""
    return "" if code is None else _clean(str(code), 40)


def refusal(
    code: Code | None, said: str | None, response: Response | None = None, secrets: Iterable[str] = ()
) -> Refusal:
    """Return the refusal that a code and the service's words make; `secrets` that it repeats are masked."""
    words = said or ""
    for secret in sorted(secrets, key=len, reverse=True):
        words = words.replace(secret, "…")
    return Refusal(code_text(code), _clean(words, 200).rstrip(". "), response)


def refusal_of(response: Response, secrets: Iterable[str] = ()) -> Refusal | None:
    """Return why a call failed as a whole, or `None` if nothing in its envelope says so.

    Args:
        response: the answer.
        secrets: what the service was told and nobody else may see.

    Raises:
        ProtocolError: a 2xx answer that is no JSON object.
    """
    try:
        envelope = response.json(Envelope)
    except ProtocolError:
        if response.ok:
            raise
        envelope = Envelope()
    if response.ok and is_zero(envelope.code):
        return None
    if response.ok and envelope.code is None and envelope.error_code is None:
        return None  # the shape that is read next names what is missing
    if envelope.error_code is not None:
        return refusal(envelope.error_code, envelope.error_msg, response, secrets)
    return refusal(envelope.code, envelope.msg, response, secrets)


@frozen
class Failure:
    """An error that further documents of the same call share.

    Attributes:
        error: as it was met.
        subject: whom it was about.
    """

    error: DownspoutError
    subject: str

    def about(self, subject: str) -> DownspoutError:
        """Return the same error for another subject."""
        return type(self.error)(self.error.message.replace(self.subject, subject), hint=self.error.hint)


def _clean(text: str, longest: int) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in text[:longest]).split())
