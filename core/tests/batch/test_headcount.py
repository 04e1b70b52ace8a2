"""How many workers work at once: all that were asked for, or one where one is quicker."""

import pytest

from downspout._batch import headcount
from downspout._batch.headcount import Headcount


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(headcount, "time", clock)
    return clock


def pass_time(clock, count, seconds, rate):
    """Let documents come at a rate; return how many workers had room in the end."""
    for _ in range(int(seconds * rate)):
        clock.now += 1 / rate
        count.finished()
    return most(count)


def most(count):
    before, count.working = count.working, 0
    while count.has_room:
        count.working += 1
    found, count.working = count.working, before
    return found


def test_all_that_were_asked_for_work_at_first(clock):
    count = Headcount(16)
    assert not count.has_room  # each is at work until it says otherwise
    count.working -= 1
    assert count.has_room
    assert most(count) == 16


def test_where_documents_take_their_time_all_work(clock):
    assert pass_time(clock, Headcount(16), 2.0, 320.0) == 16


def test_where_documents_come_quickly_one_works_as_long_as_it_is_as_quick(clock):
    count = Headcount(16)
    assert pass_time(clock, count, 0.06, 1000.0) == 1
    assert pass_time(clock, count, 0.06, 1100.0) == 1
    assert pass_time(clock, count, 1.0, 800.0) == 1
    assert pass_time(clock, count, 0.1, 600.0) == 16


def test_where_one_is_slower_all_work_again_and_one_is_not_tried_soon(clock):
    count = Headcount(64)
    assert pass_time(clock, count, 0.06, 1200.0) == 1
    assert pass_time(clock, count, 0.1, 80.0) == 64
    assert pass_time(clock, count, 4.0, 1200.0) == 64
    assert pass_time(clock, count, 2.0, 1200.0) == 1
    assert pass_time(clock, count, 0.1, 80.0) == 64
    assert pass_time(clock, count, 9.0, 1200.0) == 64


def test_where_the_one_is_held_up_all_work_again(clock):
    count = Headcount(16)
    assert pass_time(clock, count, 0.06, 1000.0) == 1
    clock.now += 1.0
    assert most(count) == 16


def test_one_stays_one(clock):
    assert pass_time(clock, Headcount(1), 1.0, 2000.0) == 1
