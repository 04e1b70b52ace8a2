"""Results change threads several at a time, none is lost, and what is urgent is there at once."""

import threading
import time

from downspout._batch import outbox
from downspout._batch.outbox import Outbox


def test_what_was_put_comes_in_its_order():
    box = Outbox()
    for number in range(5):
        box.put(number)
    assert list(box.take()) == [0, 1, 2, 3, 4]
    assert list(box.take()) == []


def test_whoever_stops_in_the_middle_finds_the_rest_later():
    box = Outbox()
    for number in range(3):
        box.put(number)
    taken = box.take()
    assert next(taken) == 0
    taken.close()
    assert list(box.take()) == [1, 2]


def test_what_is_urgent_and_what_is_much_wakes_whoever_waits(monkeypatch):
    monkeypatch.setattr(outbox, "_LOOK_SECONDS", 30.0)
    for items, urgent in ((1, True), (outbox._MANY, False)):
        box = Outbox()

        def fill(box=box, items=items, urgent=urgent):
            for number in range(items):
                box.put(number, urgent=urgent)

        thread = threading.Thread(target=fill)
        began = time.monotonic()
        thread.start()
        found = []
        while len(found) < items:
            found += box.take()
        thread.join()
        assert time.monotonic() - began < 10


def test_the_rest_is_looked_for_soon():
    box = Outbox()
    threading.Thread(target=lambda: box.put("late")).start()
    found = []
    while not found:
        found = list(box.take())
    assert found == ["late"]
