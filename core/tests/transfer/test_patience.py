"""How long to try: budgets, waits, what a service asks for; stalls and slowness."""

import itertools
import time
from email.utils import formatdate

import pytest
from attrs import evolve

from downspout._transfer import pace, patience
from downspout._transfer.options import Options
from downspout._transfer.pace import SpeedWatch
from downspout._transfer.patience import PROGRESS, Patience
from downspout.errors import (
    Cancelled,
    DownspoutError,
    LinkRefused,
    NotFound,
    PermissionDenied,
    RateLimited,
    Unavailable,
)
from downspout.testing import Cut, Drip, EmptyReply, HeaderDrip, Silence, Stall, Status, Throttle

from .rig import KIB, MIB, Rig

SIZE = 5000
TROUBLE = Unavailable("no answer")


class Waiting(Patience):
    """Patience that notes how long it would wait."""

    def __init__(self, **options: object) -> None:
        super().__init__(Options(**options), "ferry:/doc")
        self.waits: list[float] = []

    def wait(self, seconds: float, enough=None) -> None:
        self.waits.append(seconds)


# The budget, without a network.


@pytest.mark.parametrize("retries", [0, 1, 5])
def test_so_many_attempts_in_a_row_and_no_more(retries):
    waiting = Waiting(retries=retries)
    for _ in range(retries):
        waiting.after(TROUBLE)
    with pytest.raises(Unavailable):
        waiting.after(TROUBLE)
    assert len(waiting.waits) == retries


def test_only_progress_refills_the_budget():
    waiting = Waiting(retries=2)
    for done in (0, 1000, PROGRESS - 1):
        waiting.reached(done)
    waiting.after(TROUBLE)
    waiting.after(TROUBLE)
    waiting.reached(PROGRESS)
    waiting.after(TROUBLE)
    waiting.after(TROUBLE)
    waiting.reached(1000)  # begun again: what was there before is no progress
    waiting.reached(PROGRESS)
    with pytest.raises(Unavailable):
        waiting.after(TROUBLE)


def test_waits_grow_up_to_a_limit_and_are_never_the_same(monkeypatch):
    monkeypatch.setattr(patience, "_FIRST_WAIT", 0.25)
    waiting = Waiting(retries=20)
    for _ in range(20):
        waiting.after(TROUBLE)
    for number, wait in enumerate(waiting.waits):
        longest = min(0.25 * 2**number, 20.0)
        assert longest / 2 <= wait <= longest
    assert len(set(waiting.waits)) == 20


def test_what_cannot_help_is_not_tried():
    waiting = Waiting()
    with pytest.raises(NotFound):
        waiting.after(NotFound("gone"))
    assert waiting.waits == []


def test_a_refused_link_is_not_waited_for():
    waiting = Waiting()
    waiting.after(LinkRefused("dead", final=NotFound))
    assert waiting.waits == []
    with pytest.raises(NotFound, match="dead"):
        waiting.after(LinkRefused("dead", final=NotFound))


def test_a_link_whose_time_was_over_says_nothing_about_the_document():
    waiting = Waiting(retries=3)
    for _ in range(3):
        waiting.after(LinkRefused("late", expired=True))
    with pytest.raises(PermissionDenied):
        waiting.after(LinkRefused("late", expired=True))


@pytest.mark.parametrize("kind", [RateLimited, Unavailable])
def test_a_service_that_asks_for_a_pause_gets_it_and_is_reported(kind):
    told: list[DownspoutError] = []
    waiting = Waiting(throttled=told.append)
    error = kind("later", retry_after=7.0)
    waiting.after(error)
    assert waiting.waits == [7.0]
    assert told == [error]


def test_being_throttled_without_a_time_is_reported_and_waited_for_as_ever():
    told: list[DownspoutError] = []
    waiting = Waiting(throttled=told.append)
    waiting.after(RateLimited("later"))
    assert len(told) == len(waiting.waits) == 1


@pytest.mark.parametrize("kind", [RateLimited, Unavailable])
def test_a_pause_that_is_too_long_is_an_error_that_says_so(kind):
    waiting = Waiting()
    with pytest.raises(kind, match="asks to wait 86400 s, which is too long") as caught:
        waiting.after(kind("The service is busy.", retry_after=86400.0))
    assert caught.value.hint == "Try again in 1440 minutes."
    assert caught.value.retry_after == 86400.0
    assert waiting.waits == []


def test_a_pause_longer_than_a_caller_waits_is_left_to_the_caller():
    waiting = Waiting(longest_wait=1.0)
    error = RateLimited("later", retry_after=5.0)
    with pytest.raises(RateLimited) as caught:
        waiting.after(error)
    assert caught.value is error


def test_beginning_again_is_bounded_but_not_waited_for():
    waiting = Waiting(retries=2)
    for _ in range(3):
        waiting.restarted(TROUBLE)
    with pytest.raises(Unavailable):
        waiting.restarted(TROUBLE)
    assert waiting.waits == []


def test_a_wait_ends_as_soon_as_it_is_cancelled():
    answers = itertools.chain([False, False], itertools.repeat(True))
    patient = Patience(Options(cancelled=lambda: next(answers)), "ferry:/doc")
    begun = time.monotonic()
    with pytest.raises(Cancelled, match="ferry:/doc"):
        patient.wait(60)
    assert time.monotonic() - begun < 2


def test_a_wait_ends_as_soon_as_it_is_enough():
    answers = itertools.chain([False, False], itertools.repeat(True))
    begun = time.monotonic()
    Patience(Options(), "ferry:/doc").after(RateLimited("later", retry_after=60.0), lambda: next(answers))
    assert time.monotonic() - begun < 2


# The same with a server.


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("value", ["0", "-5", "1.5", "soon", "", None])
def test_a_throttled_transfer_goes_on_whatever_the_service_wrote(rig: Rig, status, value):
    document = rig.serve(SIZE)
    rig.server.script("/doc", [Throttle(value, status), Cut(2000), Throttle(value, status)])
    rig.get()
    assert rig.holds(document)


@pytest.mark.parametrize("value", ["1", None])
def test_a_pause_is_kept_to_the_second(rig: Rig, value):
    document = rig.serve(SIZE)
    text = value or formatdate(time.time() + 2, usegmt=True)  # a date of whole seconds: one to two from now
    rig.server.script("/doc", [Throttle(text)])
    begun = time.monotonic()
    rig.get()
    assert 0.9 <= time.monotonic() - begun < 4
    assert rig.holds(document)


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("value", ["86400", "99999999", "9" * 40, "Fri, 31 Dec 2099 23:59:59 GMT"])
def test_a_day_is_not_waited_for(rig: Rig, status, value):
    rig.serve(SIZE)
    rig.server.script("/doc", [Cut(2000), Throttle(value, status)])
    begun = time.monotonic()
    error = rig.fail()
    assert isinstance(error, RateLimited if status == 429 else Unavailable)
    assert "too long" in error.message
    assert time.monotonic() - begun < 3
    assert rig.record()["ranges"] == [[0, 2000]]


@pytest.mark.parametrize("fault", [Status(500), Throttle(None), Cut(0), EmptyReply(), EmptyReply("reset")])
def test_trouble_without_end_is_given_up(rig: Rig, fault):
    rig.serve(SIZE)
    rig.server.script("/doc", [fault], repeat_last=True)
    assert isinstance(rig.fail(retries=3), Unavailable | RateLimited)
    assert len(rig.server.requests) == 4
    assert rig.leftovers() == []


def test_progress_buys_new_attempts(rig: Rig):
    document = rig.serve(8 * MIB)
    rig.server.script("/doc", [Cut(int(1.1 * MIB))] * 7)
    rig.get(retries=1, connections=1)
    assert rig.holds(document)


def test_a_server_that_is_down_for_a_moment_is_waited_for(rig: Rig):
    document = rig.serve(SIZE)
    rig.server.script("/doc", [Cut(2000, "reset"), EmptyReply("reset"), EmptyReply("reset")])
    rig.get()
    assert rig.holds(document)


def test_nobody_at_the_address_is_an_error_within_bounds(rig: Rig):
    url = rig.server.url("/doc")
    rig.server.stop()
    begun = time.monotonic()
    with pytest.raises(Unavailable):
        rig.client(retries=2).download(url, rig.target)
    assert time.monotonic() - begun < 3
    assert rig.leftovers() == []


# Stalls are not slowness.


@pytest.mark.parametrize("fault", [Stall(2000), Silence(), Stall(0)])
def test_a_body_that_stands_still_is_asked_for_elsewhere(rig: Rig, fault):
    document = rig.serve(SIZE)
    rig.server.script("/doc", [fault])
    begun = time.monotonic()
    rig.get(timeout=0.4)
    assert rig.holds(document)
    assert time.monotonic() - begun < 3


def test_a_head_that_drips_has_the_same_time_as_one_that_does_not_come(rig: Rig):
    document = rig.serve(SIZE)
    rig.server.script("/doc", [HeaderDrip(20.0)])
    begun = time.monotonic()
    rig.get(timeout=0.4)
    assert rig.holds(document)
    assert time.monotonic() - begun < 3


def test_slow_is_not_stalled(rig: Rig):
    """No deadline for the whole: what comes little by little may take longer than the time limit."""
    document = rig.serve(1200)
    rig.server.script("/doc", [Drip(1000.0)])
    begun = time.monotonic()
    rig.get(timeout=0.4)
    assert rig.holds(document)
    assert len(rig.server.requests) == 1
    assert time.monotonic() - begun > 0.8


def test_bytes_that_trickle_too_slowly_are_asked_for_elsewhere(rig: Rig, monkeypatch):
    """The window is 30 s; nobody can wait for that in a test."""
    monkeypatch.setattr(pace, "_WINDOW", 1.0)
    document = rig.serve(SIZE)
    rig.server.script("/doc", [Drip(20.0, 2000)])
    rig.get(min_speed=1000.0)
    assert rig.holds(document)
    assert len(rig.server.requests) == 2


def test_the_least_speed_is_measured_over_its_window_alone(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(pace.time, "monotonic", lambda: now[0])
    watch = SpeedWatch(100.0, "ferry:/doc")

    def seconds(count: int, bytes_each: int) -> None:
        for _ in range(count):
            now[0] += 1.0
            watch.came(bytes_each)

    seconds(20, 0)  # slow, but not for long enough to say so
    seconds(10, 300)
    seconds(10, 300)  # what was long ago does not count
    with pytest.raises(Unavailable, match="fewer than 100 bytes per second came for 30 s"):
        seconds(25, 0)
    assert now[0] < 65.0


def test_without_a_least_speed_nothing_is_too_slow(monkeypatch):
    monkeypatch.setattr(pace.time, "monotonic", itertools.count(0.0, 1000.0).__next__)
    watch = SpeedWatch(0, "ferry:/doc")
    for _ in range(10):
        watch.came(0)


def test_options_are_checked_at_the_door():
    with pytest.raises(ValueError, match="exists"):
        Options(exists="replace")
    for wrong in ({"connections": 0}, {"retries": -1}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            evolve(Options(), **wrong)
    assert Options(connections=KIB).connections == KIB
