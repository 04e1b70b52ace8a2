"""What would go on for ever if nobody counted, on streams that a test makes."""

import time
from pathlib import Path

import pytest

from downspout import Stream
from downspout._transfer import Options, bring_down
from downspout.errors import RateLimited, Unavailable

from .test_engine import CONTENT, SIZE, Berth, Changed, Piece, honest, is_further, paused


def test_a_beginning_that_never_goes_on_is_given_up(tmp_path: Path):
    """Each answer is right by itself, and all has to be done again each time."""

    def make(number: int, start: int, stop: int | None) -> Stream:
        return (
            Piece(CONTENT[start:1000], start, size=SIZE) if start == 0 else Piece(CONTENT[start:], None, size=SIZE)
        )

    berth = Berth(make)
    with pytest.raises(Unavailable, match="again and again"):
        bring_down(berth, tmp_path / "doc", Options(retries=2))
    assert len(berth.streams) == 8
    assert list(tmp_path.iterdir()) == []


def test_a_further_connection_that_is_throttled_hands_its_work_back_at_once(tmp_path: Path):
    def make(number: int, start: int, stop: int | None) -> Stream:
        if is_further():
            raise RateLimited("slow down", retry_after=60.0)
        return honest(number, start, stop)

    begun = time.monotonic()
    bring_down(Berth(make), tmp_path / "doc", Options(connections=4))
    assert time.monotonic() - begun < 1.5
    assert (tmp_path / "doc").read_bytes() == CONTENT


def test_a_new_version_that_a_further_connection_finds_is_no_failure_of_the_first(tmp_path: Path):
    """It is stopped by the finder, which is none of its attempts: there may be no further one."""

    def make(number: int, start: int, stop: int | None) -> Stream:
        return paused() if number == 0 else Changed(lambda _: None)

    bring_down(Berth(make), tmp_path / "doc", Options(connections=2, retries=0))
    assert (tmp_path / "doc").read_bytes() == CONTENT
