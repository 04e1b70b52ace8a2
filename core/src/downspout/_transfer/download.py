"""One document, from its source to its name: the story that everything else in this folder is a step of."""

from collections.abc import Callable
from pathlib import Path

from attrs import frozen

from downspout._models import Link, Progress, Result, Stream, Verified
from downspout._names import choose_name
from downspout._transfer.fetch import Fetch
from downspout._transfer.options import Options
from downspout._transfer.part import Part, already_there, check_target, left_by_finished, mismatch, remove
from downspout._transfer.patience import Patience
from downspout._transfer.record import Record, record_key
from downspout._transfer.source import Source
from downspout.errors import DownspoutError, LinkRefused

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
    kept: tuple[Path, ...] = ()
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
    if isinstance(place, Path) and (skipped := _settled(source, place, options)) is not None:
        return skipped
    options.progress(Progress(source.reference, "resolving"))
    link, first = _begin(source, patience, unnamed=not isinstance(place, Path))
    try:
        target = place if isinstance(place, Path) else place(_name(link, first))
        if not isinstance(place, Path) and (skipped := _settled(source, target, options)) is not None:
            return skipped
        with Part(target) as part:
            fetch = Fetch(source, part, options, patience)
            first, given = None, first
            fetch.run(link, given)
            return _finish(source, part, fetch, options)
    finally:
        if first is not None:
            first.close()


def _settled(source: Source, target: Path, options: Options) -> Brought | None:
    """Look at the target before the network is asked for bytes."""
    if not check_target(target):
        return None
    size = target.stat().st_size
    leftovers = left_by_finished(target, record_key(source.reference))
    if leftovers:
        if not options.keep_leftovers:
            remove(leftovers)
        return Brought(Result(source.reference, "ok", target, size, verified="size"), leftovers)
    if options.exists in {"overwrite", "rename"}:
        return None
    if options.exists == "skip":
        return Brought(Result(source.reference, "skipped", target, size))
    raise already_there(target)


def _begin(source: Source, patience: Patience, *, unnamed: bool) -> tuple[Link, Stream | None]:
    """Return a link, and a stream of it where only the stream knows the document's name."""
    while True:
        link = None
        try:
            link = source.link()
            if not unnamed or link.name:
                return link, None
            return link, source.open(link, 0, None, None)
        except DownspoutError as exc:
            if isinstance(exc, LinkRefused) and link is not None:
                source.refuse(link)
            patience.after(exc)


def _name(link: Link, stream: Stream | None) -> str:
    return choose_name(link.name or (stream.name if stream is not None else None), None, link.url)


def _finish(source: Source, part: Part, fetch: Fetch, options: Options) -> Brought:
    """Verify what came, and give it its name."""
    reference = source.reference
    link = fetch.link or source.link()
    size = fetch.identity.size
    part.truncate(size or 0)
    options.progress(Progress(reference, "verifying", size or 0, size, fetch.name))
    verified, digest = _verify(part, link, fetch, options)
    when = link.modified_at or fetch.modified_at
    record = Record(record_key(reference), fetch.identity, ((0, size or 0),))
    seconds = None if when is None else when.timestamp()
    path, kept = part.finish(record, options.exists, seconds, keep=options.keep_leftovers)
    sha256 = digest.removeprefix("sha256:") if digest is not None and digest.startswith("sha256:") else None
    result = Result(
        reference, "ok", path, size, sha256, verified, fetch.identity.version, transferred=fetch.transferred
    )
    options.progress(Progress(reference, "done", size or 0, size, path.name))
    return Brought(result, kept, digest)


def _verify(part: Part, link: Link, fetch: Fetch, options: Options) -> tuple[Verified, str | None]:
    """Hold the bytes against every digest there is; return what they were held against, and the digest.

    Raises:
        IntegrityError: they are not the document; nothing of them is kept.
    """
    shown = fetch.shown
    expected = {name: value for name, value in link.digests.items() if name in _ALGORITHMS}
    strongest = next((name for name in _ALGORITHMS if name in expected), None)
    computed: dict[str, str] = {}

    def compute(algorithm: str) -> str:
        if algorithm not in computed:
            computed[algorithm] = part.digest(_HASHLIB.get(algorithm, algorithm), options.cancelled)
        return computed[algorithm]

    if strongest is not None and compute(strongest) != expected[strongest]:
        part.discard()
        raise mismatch(shown, f"the bytes do not have the {strongest} digest that the service names")
    if options.sha256 is not None and compute("sha256") != options.sha256.lower():
        part.discard()
        raise mismatch(shown, "the bytes do not have the SHA-256 that was given")
    if options.compute_hash:
        compute("sha256")
    held_against_digest = strongest is not None or options.sha256 is not None
    verified: Verified = "digest" if held_against_digest else "size" if fetch.size_was_announced else "none"
    chosen = "sha256" if "sha256" in computed else next(iter(computed), None)
    return verified, None if chosen is None else f"{chosen}:{computed[chosen]}"
