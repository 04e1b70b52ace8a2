"""What a request may do: where it may go, and what goes with it (design section 6)."""

from collections.abc import Mapping, Set

from attrs import field, frozen

from downspout._http.address import Site
from downspout.errors import PermissionDenied

REDIRECTS = 10
_EVERYWHERE = ("range", "if-range", "user-agent")


@frozen
class Rules:
    """The rules of one account.

    Attributes:
        trusted: origins that the user named (the account's endpoints, a typed URL's): exempt from the rules on
            addresses and on `http:`.
        allow_http: whether links may be `http:`.
        allow_private: whether links may lead to addresses that are not public.
        ca_bundle: see `Route`.
        proxy: URL of the proxy for `https:`, or `None`.
        http_proxy: URL of the proxy for `http:`, or `None`.
        no_proxy: whether a host is asked directly all the same.
    """

    trusted: Set[str] = frozenset()
    allow_http: bool = False
    allow_private: bool = False
    ca_bundle: str | None = None
    proxy: str | None = field(default=None, repr=False)  # may hold a password
    http_proxy: str | None = field(default=None, repr=False)
    no_proxy: frozenset[str] = frozenset()

    def guarded(self, origin: str) -> bool:
        """Return whether addresses of `origin` are checked."""
        return not self.allow_private and origin not in self.trusted

    def check_step(self, before: Site | None, site: Site, shown: str) -> None:
        """Check that a link, or a redirect from `before`, may be followed.

        Raises:
            PermissionDenied: it leads from https to http, or is http though nothing allows that.
        """
        if site.scheme != "http":
            return
        if before is not None and before.scheme == "https":
            raise PermissionDenied(f"{shown}: the server redirects from https to http, which is never followed.")
        if before is None and not self.allow_http and site.origin not in self.trusted:
            raise PermissionDenied(
                f"{shown}: its link is plain http, which is not allowed.",
                hint="Set allow_http for this account if that is meant.",
            )

    def proxy_for(self, site: Site) -> str | None:
        """Return the proxy for `site`, or `None`."""
        proxy = self.proxy if site.scheme == "https" else self.http_proxy
        if proxy is None or "*" in self.no_proxy:
            return None
        for pattern in self.no_proxy:
            bare = pattern.lstrip(".")
            if site.host == bare or site.host.endswith("." + bare):
                return None
        return proxy


def bare(headers: Mapping[str, str]) -> dict[str, str]:
    """Return those of `headers` that tell nobody who is asking."""
    return {
        name: value
        for name, value in headers.items()
        if name.lower() in _EVERYWHERE or name.lower().startswith("accept")
    }
