"""URIs of Oracle Content Management, read."""

import re

from attrs import frozen

from downspout import Reference
from downspout.errors import InvalidURI

_OPTIONS = ("version", "link", "applink", "offset")
_NUMBER = re.compile(r"[0-9]{1,9}\Z")
_LINK_ID = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,256}\Z")
"""A public link's id becomes part of a cookie's name: a token of RFC 9110, 5.6.2."""
_APPLINK_ID = re.compile(r"[!-~]{1,1024}\Z")


@frozen
class Asked:
    """What a URI asks for.

    Attributes:
        reference: the URI.
        version: the version's number as text, or `None` for the newest.
        link: id of the public link that authorises it, or `None`.
        applink: id of the application link that does, or `None`.
        offset: where the page of a folder begins.
    """

    reference: Reference
    version: str | None
    link: str | None
    applink: str | None
    offset: int

    @classmethod
    def read(cls, reference: Reference) -> "Asked":
        """Return what a URI asks for.

        Raises:
            InvalidURI: an option is unknown, or cannot have that value.
        """
        options, shown = reference.options, reference.shown
        unknown = sorted(set(options) - set(_OPTIONS))
        if reference.is_url:
            raise InvalidURI(
                f"{shown}: pages of the web interface are not understood.",
                hint=f"Write {reference.account}:FILE_ID or {reference.account}:/path.",
            )
        if unknown:
            raise InvalidURI(
                f"{shown}: there is no option {unknown[0]!r}.", hint="Use ?version=, ?link= or ?applink=."
            )
        if "link" in options and "applink" in options:
            raise InvalidURI(f"{shown}: has both a public and an application link.", hint="Keep one of the two.")
        return cls(
            reference,
            _checked(options.get("version"), _NUMBER, f"{shown}: a version is a number."),
            _checked(options.get("link"), _LINK_ID, f"{shown}: that is no id of a public link."),
            _checked(options.get("applink"), _APPLINK_ID, f"{shown}: that is no id of an application link."),
            int(_checked(options.get("offset"), _NUMBER, f"{shown}: an offset is a number.") or 0),
        )

    @property
    def grant(self) -> dict[str, str]:
        """The options that authorise, which a folder's children inherit."""
        return {name: value for name in ("link", "applink") if (value := self.reference.options.get(name))}

    def item(self, document: str, hint: object, **options: str) -> Reference:
        """Return the reference of another item that is authorised the same way."""
        return Reference(self.reference.account, document, {**self.grant, **options}, hint)


def _checked(value: str | None, pattern: re.Pattern[str], complaint: str) -> str | None:
    if value is not None and not pattern.match(value):
        raise InvalidURI(complaint)
    return value
