"""The core's own answer to `open_stream`, last in line: plain HTTP without a credential."""

from downspout._models import Http, Link, Stream
from downspout.hookspecs import hookimpl


@hookimpl(trylast=True)
def open_stream(link: Link, start: int, stop: int | None, etag: str | None, http: Http) -> Stream | None:
    """Open http and https links; what identifies the caller is in the link itself."""
    if not link.url.lower().startswith(("https://", "http://")):
        return None
    return http.open("GET", link.url, start=start, stop=stop, etag=etag)
