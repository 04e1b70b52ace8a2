"""The drive as it is now: built from the sandbox's documents, and again when these are replaced."""

from downspout_sandbox.documents import Library
from downspout_sandbox.icloud.items import Drive
from downspout_sandbox.icloud.switches import Switches
from downspout_sandbox.world import World


class Drives:
    """Holds the one drive of a sandbox."""

    def __init__(self) -> None:
        self._made_from: tuple[Library, bool] | None = None
        self._drive: Drive | None = None

    def of(self, world: World) -> Drive:
        """Give the drive; it is built anew when documents or switches ask for another."""
        wanted = (world.library, world.switches(Switches).trouble)
        if self._drive is None or self._made_from != wanted:
            self._drive = Drive(*wanted)
            self._made_from = wanted
        return self._drive
