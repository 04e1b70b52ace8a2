"""Lies in time: answers that end early, stop, or trickle."""

import attrs

from downspout.testing._answer import Answer, Ending
from downspout.testing._fault import Fault


@attrs.frozen
class Cut(Fault):
    """A body that ends early, the connection with it.

    Attributes:
        after: Body bytes before the end; negative: counted from the end of the body. At most all of them.
        ending: `close`: as if all were well; `reset`: by a TCP reset; `truncate`: over TLS without TLS's goodbye.
    """

    after: int = 0
    ending: Ending = "close"

    def _change(self, answer: Answer) -> Answer:
        return answer.with_wire(cut_after=self.after, ending=self.ending)


@attrs.frozen
class Stall(Fault):
    """A body that stops coming, the connection standing, until `LyingServer.release` or the client goes away.

    Attributes:
        after: Body bytes before the stall; negative: counted from the end of the body. At most all of them.
    """

    after: int = 0

    def _change(self, answer: Answer) -> Answer:
        return answer.with_wire(stall_after=self.after)


@attrs.frozen
class Drip(Fault):
    """A body that trickles.

    Attributes:
        rate: Bytes per second, more than 0.
        after: Body bytes that come at once before.
    """

    rate: float = 1.0
    after: int = 0

    def _change(self, answer: Answer) -> Answer:
        return answer.with_wire(rate=self.rate, rate_after=self.after)


@attrs.frozen
class HeaderDrip(Fault):
    """A head that trickles.

    Attributes:
        rate: Bytes per second, more than 0.
    """

    rate: float = 1.0

    def _change(self, answer: Answer) -> Answer:
        return answer.with_wire(head_rate=self.rate)


@attrs.frozen
class Delay(Fault):
    """A first byte that is long in coming.

    Attributes:
        seconds: How long.
    """

    seconds: float = 1.0

    def _change(self, answer: Answer) -> Answer:
        return answer.with_wire(delay=self.seconds)


@attrs.frozen
class Silence(Fault):
    """No byte at all, the connection standing, until `LyingServer.release` (then comes the answer)."""

    def _change(self, answer: Answer) -> Answer:
        return answer.with_wire(silent=True)
