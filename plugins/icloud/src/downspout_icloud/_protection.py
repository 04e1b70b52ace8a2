"""Advanced Data Protection: documents stay shut on the web until a device of the owner's consents."""

import json
import time
from collections.abc import Callable, Iterator

from attrs import frozen

from downspout import Interaction
from downspout.errors import AuthenticationError, PermissionDenied
from downspout_icloud._cookies import PCS_DOCUMENTS
from downspout_icloud._errors import refusal_of
from downspout_icloud._session import Session
from downspout_icloud._setup import Setup
from downspout_icloud._wire import AccessState, PCSAnswer

_LONGEST_PAUSE = 8.0  # seconds
_PATIENCE, _IMPATIENCE = 180.0, 12.0  # seconds: with and without somebody to consent


@frozen
class Protection:
    """The way to the cookies for protected data.

    Attributes:
        setup: asks.
        interaction: told what to do on a device, or `None` when nobody is there.
    """

    setup: Setup
    interaction: Interaction | None

    def opened(self, session: Session, *, is_new: bool) -> Session:
        """Return the session with the cookies for protected documents; as it was where there is no protection.

        Args:
            session: that may ask for data.
            is_new: whether its cookies came just now; those of an older one may have been what was refused.

        Raises:
            AuthenticationError: no device has consented, or sent the cookies, in time.
            PermissionDenied: access from the web is switched off.
        """
        if is_new and PCS_DOCUMENTS in session.cookies:
            return session
        state, session = self._state(session)
        if state is None or not state.isICDRSDisabled:
            return session
        if not state.isDeviceConsentedForPCS:
            session = self._consented(session)
        return self._fetched(session)

    def _state(self, session: Session) -> tuple[AccessState | None, Session]:
        response, session = self.setup.post("/requestWebAccessState", None, session)
        if not response.ok:
            return None, session
        state = response.json(AccessState)
        if state.isWebAccessAllowed is False:
            raise PermissionDenied(
                f"{self._account}: access to iCloud data on the web is switched off for this Apple ID.",
                hint="Switch it on in the iCloud settings of a device.",
            )
        return state, session

    def _consented(self, session: Session) -> Session:
        if self.interaction is None:
            raise self._shut("a device has to consent")
        response, session = self.setup.post("/enableDeviceConsentForPCS", None, session)
        refusal = refusal_of(response)
        if refusal is not None:
            raise refusal.error(self._account)
        self.interaction.tell(
            "This Apple ID uses Advanced Data Protection: allow access on one of your devices now."
        )
        for _ in self._pauses():
            state, session = self._state(session)
            if state is not None and state.isDeviceConsentedForPCS:
                return session
        raise self._shut("no device has consented in time")

    def _fetched(self, session: Session) -> Session:
        derived = True
        if self.interaction is not None:
            self.interaction.tell("Waiting for a device to send what opens the documents.")
        for _ in self._pauses():
            body = {"appName": "iclouddrive", "derivedFromUserAction": derived}
            response, session = self.setup.post("/requestPCS", json.dumps(body).encode(), session)
            refusal = refusal_of(response)
            if refusal is not None and not refusal.status >= 500:
                raise refusal.error(self._account)
            if (
                refusal is None
                and response.json(PCSAnswer).status == "success"
                and PCS_DOCUMENTS in session.cookies
            ):
                return session
            derived = False
        raise self._shut("no device has sent what opens the documents")

    def _pauses(self, sleep: Callable[[float], None] = time.sleep) -> Iterator[None]:
        """Yield at once, then after growing pauses, as long as there is patience."""
        left, pause = _IMPATIENCE if self.interaction is None else _PATIENCE, 0.25
        yield
        while left > 0:
            sleep(min(pause, left))
            left -= pause
            pause = min(pause * 2, _LONGEST_PAUSE)
            yield

    @property
    def _account(self) -> str:
        return self.setup.site.account

    def _shut(self, why: str) -> AuthenticationError:
        return AuthenticationError(
            f"{self._account}: Advanced Data Protection keeps the documents shut: {why}.",
            hint=f"Run {self.setup.site.login} with one of your devices at hand, unlocked.",
        )
