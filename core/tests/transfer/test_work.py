"""Ranges, and how connections share them."""

import threading
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from downspout._transfer import work
from downspout._transfer.ranges import merged, missing, total
from downspout._transfer.work import LEAST_SHARE, Work

from .rig import KIB, MIB


def never() -> None:
    return None


class Clock:
    """Time that passes when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(work, "time", clock)
    return clock


ranges = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), max_size=8)


def positions(pairs: object) -> set[int]:
    return {position for start, stop in pairs for position in range(start, stop)}


@settings(deadline=None)
@given(ranges)
def test_merged_ranges_are_the_same_positions_sorted_and_apart(pairs):
    result = merged(pairs)
    assert positions(result) == positions(pairs)
    assert all(start < stop for start, stop in result)
    assert all(one[1] < other[0] for one, other in pairwise(result))
    assert total(result) == len(positions(pairs))


@settings(deadline=None)
@given(ranges, st.integers(0, 60))
def test_what_is_missing_and_what_is_done_make_the_whole(pairs, size):
    done = merged(pairs)
    gaps = missing(done, size)
    assert positions(gaps) == set(range(size)) - positions(done)
    assert merged(gaps) == gaps


def test_what_nobody_has_taken_is_taken_first():
    shared = Work([(0, 10)], [(10, 20), (30, 40)])
    one, other = shared.next(never), shared.next(never)
    assert [(one.position, one.stop), (other.position, other.stop)] == [(10, 20), (30, 40)]
    assert shared.fetched == 10
    assert shared.largest_rest() == 10


def test_the_longest_rest_is_halved_for_whoever_is_idle():
    shared = Work((), [(0, 2 * MIB), (4 * MIB, 20 * MIB)])
    shared.next(never)
    long = shared.next(never)
    half = shared.next(never)
    assert (half.position, half.stop) == (12 * MIB, 20 * MIB)
    assert long.stop == 12 * MIB


def test_a_rest_that_is_soon_down_is_left_alone(clock):
    shared = Work((), [(0, 2 * LEAST_SHARE - 1)])
    shared.next(never)
    assert shared.take() is None


def test_a_slow_rest_is_halved_down_to_what_a_second_brings(clock):
    shared = Work((), [(0, MIB)])
    slow = shared.take()
    shared.advance(slow, 500 * KIB)
    assert shared.take() is None  # nothing is known of its speed yet
    clock.now += 1.0
    shared.advance(slow, 12 * KIB)
    assert shared.take() is None  # at 512 KiB/s, a second brings the rest
    clock.now += 1.0
    shared.advance(slow, 12 * KIB)
    half = shared.take()
    assert (half.position, half.stop) == (MIB - 250 * KIB, MIB)
    assert slow.stop == half.position


@pytest.fixture
def race(clock):
    """A connection that stands still after 1000 bytes, and one that does the same work."""
    shared = Work((), [(0, MIB)])
    stuck = shared.take()
    shared.advance(stuck, 1000)
    assert shared.take() is None
    clock.now += 2.0
    rival = shared.take()
    assert (rival.position, rival.stop) == (1000, MIB)
    return shared, stuck, rival


def test_work_is_done_once_more_only_where_all_who_do_it_are_stuck(race, clock):
    shared, stuck, rival = race
    shared.advance(rival, 500)
    clock.now += 1.9
    assert shared.take() is None
    clock.now += 0.1
    third = shared.take()
    assert third.position == 1500
    shared.advance(third, third.left)
    shared.put_back(third)
    assert stuck.is_complete
    assert rival.is_complete
    assert shared.next(never) is None
    assert shared.done() == ((0, MIB),)


def test_the_first_of_two_to_have_it_ends_the_other(race):
    shared, stuck, rival = race
    woken = []
    stuck.interrupt = lambda: woken.append(True)
    shared.advance(rival, MIB - 1000)
    shared.put_back(rival)
    assert stuck.is_complete
    assert woken == [True]
    assert shared.next(never) is None  # though the other has not noticed yet
    shared.advance(stuck, 500)  # it had these bytes in hand
    assert (stuck.position, shared.fetched) == (1000, MIB)
    shared.put_back(stuck)
    assert (shared.fetched, shared.done()) == (MIB, ((0, MIB),))


def test_a_connection_that_comes_to_life_again_may_be_the_first(race):
    shared, stuck, rival = race
    shared.advance(rival, 500)
    shared.advance(stuck, MIB - 1000)
    shared.put_back(stuck)
    assert rival.is_complete
    shared.put_back(rival)
    assert (shared.fetched, shared.done()) == (MIB, ((0, MIB),))
    assert shared.next(never) is None


@pytest.mark.parametrize("fails", ["stuck", "rival"])
def test_what_one_of_two_leaves_the_other_has(race, clock, fails):
    shared, stuck, rival = race
    gone, other = (stuck, rival) if fails == "stuck" else (rival, stuck)
    shared.advance(gone, 200)
    shared.put_back(gone)
    shared.advance(other, other.left - 5)
    assert shared.take() is None
    shared.put_back(other)
    rest = shared.take()
    assert (rest.position, rest.stop) == (MIB - 5, MIB)


def test_a_rest_of_unknown_length_is_nobody_else_s(clock):
    shared = Work((), [(0, None)])
    shared.next(never)
    clock.now += 60
    assert shared.take() is None
    assert shared.largest_rest() == 0


def test_what_is_put_back_is_taken_up_where_it_was():
    shared = Work((), [(0, 100)])
    segment = shared.next(never)
    shared.advance(segment, 30)
    shared.put_back(segment)
    again = shared.next(never)
    assert (again.position, again.stop) == (30, 100)
    assert shared.done() == ((0, 30),)


def test_there_is_nothing_to_wait_for_when_all_are_done():
    shared = Work((), [(0, 10)])
    segment = shared.next(never)
    shared.advance(segment, 10)
    shared.put_back(segment)
    assert shared.next(never) is None
    assert shared.done() == ((0, 10),)


def test_who_is_idle_waits_for_what_others_leave():
    shared = Work((), [(0, 1000)])
    segment = shared.next(never)
    found = []
    idle = threading.Thread(target=lambda: found.append(shared.next(never)))
    idle.start()
    shared.advance(segment, 400)
    shared.put_back(segment)
    idle.join(5)
    assert [(one.position, one.stop) for one in found] == [(400, 1000)]


def test_who_waits_is_told_when_to_stop():
    shared = Work((), [(0, 1000)])
    shared.next(never)

    def stop() -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        shared.next(stop)


@settings(deadline=None)
@given(st.randoms(use_true_random=False), st.integers(1, 12 * MIB), st.integers(0, 12 * MIB))
def test_however_work_is_shared_every_byte_is_fetched(random, size, held):
    clock = Clock()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(work, "time", clock)
        share(random, size, held, clock)


def share(random, size, held, clock):
    """Let up to four connections that come and go, or stand still, fetch `size` bytes."""
    done = [(0, held)] if 0 < held < size else []
    shared = Work(done, missing(done, size))
    hands = []
    while hands or shared.done() != ((0, size),):
        segment = shared.take() if len(hands) < 4 else None
        if segment is not None:
            hands.append(segment)
        clock.now += random.choice([0.0, 0.1, 2.5])
        segment = random.choice(hands)
        shared.advance(segment, min(segment.left, random.randint(1, 3 * MIB)))
        if segment.is_complete or random.random() < 0.2:
            hands.remove(segment)
            shared.put_back(segment)
    assert shared.fetched == size
    assert shared.next(never) is None
