"""One document, from its source to its name: the story that everything else in this folder is a step of."""

from collections.abc import Callable
from pathlib import Path

from attrs import frozen

from downspout._models import Link, Progress, Result, Verified
from downspout._names import choose_name
from downspout._transfer.fetch import Fetch
from downspout._transfer.finished import Finished, left_by_finished, remove
from downspout._transfer.options import Options
from downspout._transfer.part import Part, digest_of_file
from downspout._transfer.patience import Patience
from downspout._transfer.record import Record, record_key
from downspout._transfer.source import Opened, Source, open_document
from downspout._transfer.target import already_there, check_target
from downspout.errors import Cancelled, DownspoutError, IntegrityError

Place = Callable[[str], Path]
"""Says where a document of a name goes."""

_ALGORITHMS = ("sha512", "sha384", "sha256", "sha3256", "blake2b", "sha1", "md5")
_HASHLIB = {"sha3256": "sha3_256"}


@frozen
class Brought:
    """What came of a transfer that went well.

    Attributes:
        result: the result; its index and text are the caller's to add.
        kept: see `Part.finish`.
        digest: `algorithm:hex` that was computed, or `None`.
    """

    result: Result
    kept: tuple[str, ...] = ()
    digest: str | None = None


def bring_down(source: Source, place: Path | Place, options: Options) -> Brought:
    """Bring one document down.

    Args:
        source: gives its links and bytes.
        place: where it goes: a path, or what says so once the name is known.
        options: what is wanted.

    Raises:
        DownspoutError: it is not there; the target is as it was.
    """
    patience = Patience(options, source.reference.shown)
    if isinstance(place, Path) and (settled := _settled(source, place, options)) is not None:
        return settled
    options.progress(Progress(source.reference, "resolving"))
    link, opened = _begin(source, patience, unnamed=not isinstance(place, Path))
    try:
        target = place if isinstance(place, Path) else place(_name(link, opened))
        if not isinstance(place, Path) and (settled := _settled(source, target, options)) is not None:
            return settled
        with Part(target) as part:
            fetch = Fetch(source, part, options, patience, link)
            opened, given = None, opened
            fetch.run(given)
            try:
                return _finish(source, part, fetch, options)
            except (Cancelled, KeyboardInterrupt):
                fetch.keep()
                raise
    finally:
        if opened is not None:
            opened.close()


def _settled(source: Source, target: Path, options: Options) -> Brought | None:
    """Look at the target before the network is asked for bytes."""
    if not check_target(target):
        return None
    finished = left_by_finished(target, record_key(source.reference))
    if finished is not None and (brought := _finished_before(source, finished, options)) is not None:
        return brought
    if options.exists in {"overwrite", "rename"}:
        return None
    if options.exists == "skip":
        return Brought(Result(source.reference, "skipped", target, target.stat().st_size))
    raise already_there(target)


def _finished_before(source: Source, finished: Finished, options: Options) -> Brought | None:
    """Return the result of a run that was killed before it could; `None` if it is not what is wanted now."""
    sha256 = None
    if options.sha256 is not None or options.compute_hash:
        sha256 = digest_of_file(finished.path, "sha256", options.cancelled)
    if options.sha256 not in {None, sha256}:
        return None
    if not options.keep_leftovers:
        remove(finished.leftovers)
    size, version = finished.record.identity.size, finished.record.identity.version
    verified: Verified = "size" if options.sha256 is None else "digest"
    result = Result(source.reference, "ok", finished.path, size, sha256, verified, version)
    digest = None if sha256 is None else f"sha256:{sha256}"
    return Brought(result, finished.leftovers if options.keep_leftovers else (), digest)


def _begin(source: Source, patience: Patience, *, unnamed: bool) -> tuple[Link, Opened | None]:
    """Return a link, and a stream of it where only the stream knows the document's name."""
    while True:
        try:
            link = source.link()
            return link, open_document(source, 0, None, None, link=link) if unnamed and not link.name else None
        except DownspoutError as exc:
            patience.after(exc)


def _name(link: Link, opened: Opened | None) -> str:
    return choose_name(link.name or (opened.stream.name if opened is not None else None), None, link.url)


def _finish(source: Source, part: Part, fetch: Fetch, options: Options) -> Brought:
    """Verify what came, and give it its name."""
    reference, identity = source.reference, fetch.identity
    size = identity.size or 0
    part.truncate(size)
    options.progress(Progress(reference, "verifying", size, size, part.target.name))
    verified, digest = _verify(part, fetch, options)
    record = Record(record_key(reference), identity, ((0, size),))
    seconds = None if fetch.modified_at is None else fetch.modified_at.timestamp()
    path, kept = part.finish(record, options.exists, seconds, keep=options.keep_leftovers)
    sha256 = digest.removeprefix("sha256:") if digest is not None and digest.startswith("sha256:") else None
    result = Result(reference, "ok", path, size, sha256, verified, identity.version, transferred=fetch.transferred)
    options.progress(Progress(reference, "done", size, size, path.name))
    return Brought(result, kept, digest)


def _verify(part: Part, fetch: Fetch, options: Options) -> tuple[Verified, str | None]:
    """Hold the bytes against every digest there is; return what they were held against, and the digest.

    Raises:
        IntegrityError: they are not the document; nothing of them is kept.
    """
    shown = fetch.shown
    expected = {name: value for name, value in fetch.link.digests.items() if name in _ALGORITHMS}
    strongest = next((name for name in _ALGORITHMS if name in expected), None)
    computed: dict[str, str] = {}

    def compute(algorithm: str) -> str:
        if algorithm not in computed:
            computed[algorithm] = part.digest(_HASHLIB.get(algorithm, algorithm), options.cancelled)
        return computed[algorithm]

    if strongest is not None and compute(strongest) != expected[strongest]:
        part.discard()
        raise _mismatch(shown, f"the bytes do not have the {strongest} digest that the service names")
    if options.sha256 is not None and compute("sha256") != options.sha256.lower():
        part.discard()
        raise _mismatch(shown, "the bytes do not have the SHA-256 that was given")
    if options.compute_hash:
        compute("sha256")
    held_against_digest = strongest is not None or options.sha256 is not None
    verified: Verified = "digest" if held_against_digest else "size" if fetch.size_was_announced else "none"
    chosen = "sha256" if "sha256" in computed else next(iter(computed), None)
    return verified, None if chosen is None else f"{chosen}:{computed[chosen]}"


def _mismatch(shown: str, what: str) -> IntegrityError:
    return IntegrityError(f"{shown}: {what}.", hint="Nothing was kept; try again, or ask the service's owner.")
