"""Answers, changed field by field."""

import json
import random
from collections.abc import Iterator
from itertools import zip_longest
from typing import Any

from attrs import frozen

from downspout.testing._answer import Answer

Path = tuple[str | int, ...]

STRANGE: tuple[object, ...] = (
    None,
    True,
    0,
    -1,
    7.5,
    10**30,
    "",
    "0",
    "x",
    "\x00\x1b[31m\r\nX-Evil: 1\u202e",
    "A" * 70_000,
    "../../etc/passwd",
    "%00%ff",
    "9999-12-31T23:59:60Z",
    [],
    [None],
    ["x"],
    {},
    {"x": None},
)
_LONG = 40


@frozen
class Change:
    """One way to change a JSON body.

    Attributes:
        where: the field, as people write it.
        what: what becomes of it.
        body: the changed body.
    """

    where: str
    what: str
    body: bytes

    def of(self, answer: Answer) -> Answer:
        """Return the answer with the changed body."""
        return answer.with_body(self.body)


def changes_of(body: bytes) -> list[Change]:
    """Return every change of a body, none if it is no JSON that holds anything."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return []
    if not isinstance(value, dict | list) or not value:
        return []
    return [*_fields(value), *_cuts(body)]


def some_changes(body: bytes, most: int) -> list[Change]:
    """Return at most `most` changes: of every field some, and the same ones each time."""
    by_field: dict[str, list[Change]] = {}
    for change in changes_of(body):
        by_field.setdefault(change.where, []).append(change)
    chance = random.Random(most)
    for changes in by_field.values():
        chance.shuffle(changes)
    rounds = zip_longest(*by_field.values())
    return [change for each in rounds for change in each if change is not None][:most]


def _fields(value: Any) -> Iterator[Change]:
    for path in _places(value):
        for strange in STRANGE:
            yield Change(_written(path), f"becomes {_shown(strange)}", _dumped(_changed(value, path, strange)))
        if path:
            yield Change(_written(path), "is missing", _dumped(_changed(value, path, _GONE)))


def _cuts(body: bytes) -> Iterator[Change]:
    for length in sorted({len(body) * part // 8 for part in range(1, 8)}):
        yield Change("the body", f"ends after {length} bytes", body[:length])


def _places(value: object, path: Path = ()) -> Iterator[Path]:
    yield path
    inner: Any = ()
    if isinstance(value, dict):
        inner = value.items()
    elif isinstance(value, list):
        inner = enumerate(value[:2])  # the third record is like the second
    for key, child in inner:
        yield from _places(child, (*path, key))


_GONE = object()


def _changed(value: Any, path: Path, strange: object) -> Any:
    """Return a copy of `value` with what is at `path` replaced, or taken out for `_GONE`."""
    if not path:
        return strange
    key, rest = path[0], path[1:]
    copy: Any = dict(value) if isinstance(value, dict) else list(value)
    if not rest and strange is _GONE:
        del copy[key]
    else:
        copy[key] = _changed(copy[key], rest, strange)
    return copy


def _dumped(value: object) -> bytes:
    return json.dumps(value).encode()


def _written(path: Path) -> str:
    return "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in path).lstrip(".") or "everything"


def _shown(value: object) -> str:
    text = json.dumps(value)
    return text if len(text) <= _LONG else f"{text[:12]}… ({len(text)} characters)"
