"""`ls`, `link` and `cat`: look at documents without keeping them."""

import re
import sys
from typing import TYPE_CHECKING, Any

import click

from downspout._cli.common import (
    closed_pipe,
    debug_option,
    emit,
    human,
    json_option,
    report,
    rfc3339,
    start_logging,
    user_client,
    visible,
)

if TYPE_CHECKING:
    from downspout._cli.signals import Stop
    from downspout._client import Client
    from downspout._models import Folder, Link

_BLOCK = 1024 * 1024
_RANGE = re.compile(r"(\d{1,18})?-(\d{1,18})?\Z")


@click.command()
@click.argument("uri")
@json_option
@debug_option
def ls(uri: str, as_json: bool, debug: bool) -> int:
    """List a folder, or show a document's name, size and version."""
    start_logging(debug=debug)
    from downspout._models import Link

    with user_client() as client:
        outcome = client.resolve(uri)
        if isinstance(outcome, Link):
            _show_document(outcome, as_json=as_json)
            return 0
        _show_folder(client, outcome, as_json=as_json)
    return 0


def _show_document(link: "Link", *, as_json: bool) -> None:
    from downspout._names import choose_name

    name = choose_name(link.name, None, link.url)
    _entry(name, link.reference.shown, link.size, link.version, as_json=as_json)


def _show_folder(client: "Client", folder: "Folder", *, as_json: bool) -> None:
    from downspout._batch import MOST_BARREN
    from downspout._models import Folder
    from downspout.errors import ProtocolError

    page: Folder | None = folder
    barren = 0
    while page is not None:
        for child in page.children:
            _entry(child.path, child.reference.shown, child.size, child.version, as_json=as_json)
        more = None if page.more is None else client.resolve(page.more)
        if more is not None and not isinstance(more, Folder):
            raise ProtocolError("The next page of the folder is no page.")
        barren = barren + 1 if more is None or not more.children or more.children == page.children else 0
        if barren > MOST_BARREN:
            raise ProtocolError("The listing of the folder has no end.")
        page = more


def _entry(path: str, uri: str, size: int | None, version: str | None, *, as_json: bool) -> None:
    if as_json:
        folder = path.endswith("/")
        emit({"name": path, "uri": uri, "folder": folder, "size": size, "version": version})
    else:
        amount = "-" if path.endswith("/") else human(size)
        click.echo(f"{amount:>12}  {visible(version or '-'):<12}  {visible(path)}")


@click.command()
@click.argument("uris", metavar="URI...", nargs=-1, required=True)
@json_option
@debug_option
def link(uris: tuple[str, ...], as_json: bool, debug: bool) -> int:
    """Print where documents are right now. The URL may be all that one needs to read them: handle it with care."""
    start_logging(debug=debug)
    from downspout._models import Link
    from downspout.errors import DownspoutError, InvalidURI

    status = 0
    with user_client() as client:
        for uri, outcome in zip(uris, client.resolve_many(uris), strict=True):
            if isinstance(outcome, Link):
                emit(_link_facts(client, uri, outcome)) if as_json else click.echo(outcome.url)
                continue
            error = (
                outcome
                if isinstance(outcome, DownspoutError)
                else InvalidURI(f"{visible(uri)} is a folder.", hint="Use `downspout ls` to see what is in it.")
            )
            report(error)
            status = 1
    return status


def _link_facts(client: "Client", uri: str, found: "Link") -> dict[str, Any]:
    return {
        "uri": found.reference.shown if found.reference.is_url else uri,
        "url": found.url,
        "name": found.name,
        "size": found.size,
        "version": found.version,
        "expires_at": rfc3339(found.expires_at),
        "needs_credential": client.needs_credential(found),
    }


@click.command()
@click.argument("uri")
@click.option("--range", "byte_range", metavar="A-B", help="Only these bytes, as in HTTP: 0-499, 500-, -500.")
@debug_option
def cat(uri: str, byte_range: str | None, debug: bool) -> int:
    """Write a document to standard output."""
    start_logging(debug=debug)
    from downspout._cli.signals import stopping

    wanted = _range(byte_range)
    with stopping() as stop, user_client() as client:
        return copy_to_stdout(client, uri, stop, *wanted)


def _range(text: str | None) -> tuple[int, int | None]:
    """Return first position (negative: so many last bytes) and the position behind the last one, or `None`."""
    if text is None:
        return 0, None
    match = _RANGE.match(text.strip().removeprefix("bytes="))
    if match is None or match[0] == "-":
        raise click.UsageError("--range takes A-B, A- or -N.")
    first, last = match[1], match[2]
    if first is None:
        return -int(last), None
    if last is not None and int(last) < int(first):
        raise click.UsageError("--range ends before it begins.")
    return int(first), None if last is None else int(last) + 1


def copy_to_stdout(
    client: "Client", uri: str, stop: "Stop", start: int = 0, end: int | None = None, sha256: str | None = None
) -> int:
    """Write bytes of a document to standard output; return the exit status.

    Raises:
        IntegrityError: they do not have the digest `sha256`; they were written all the same.
    """
    import hashlib

    from downspout.errors import Cancelled, IntegrityError

    out, digest = sys.stdout.buffer, hashlib.sha256()
    try:
        with client.open_at(uri, start, end, stop.asked) as document:
            while block := document.read(_BLOCK):
                out.write(block)
                if sha256 is not None:
                    digest.update(block)
        out.flush()
    except BrokenPipeError:
        return closed_pipe()
    except Cancelled:
        return stop.status
    if sha256 is not None and digest.hexdigest() != sha256.lower():
        raise IntegrityError(
            f"{visible(uri)}: the bytes do not have the SHA-256 that was given.", hint="Discard them."
        )
    return 0
