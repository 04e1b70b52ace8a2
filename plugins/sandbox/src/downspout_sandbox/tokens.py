"""Tokens that expire: after their life, after a number of uses, or because they were replaced."""

import hashlib

import attrs

from downspout_sandbox.world import World


def make_secret(*parts: object) -> str:
    """Make 64 hex digits that look random and are the same in every run."""
    return hashlib.sha256("|".join(map(str, ("downspout-sandbox", *parts))).encode()).hexdigest()


@attrs.define
class Token:
    """One token.

    Attributes:
        text: As it is sent.
        owner: The user, the link or whatever it stands for.
        issued_at: The sandbox's age then, in seconds.
        uses: How often it was accepted.
        ended: It was replaced, or its session is over.
    """

    text: str
    owner: str
    issued_at: float = 0.0
    uses: int = 0
    ended: bool = False


class Tokens:
    """The tokens of one kind.

    Args:
        kind: Makes these tokens' texts differ from others'.
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.issued = 0
        self._tokens: dict[str, Token] = {}
        self._wearing: dict[str, str] = {}

    def issue_first(self, owner: str, text: str | None = None) -> Token:
        """Make the token that is there from the beginning, with the text of `first_text` where none is given."""
        return self._add(Token(text or self.first_text(owner), owner))

    def first_text(self, owner: str) -> str:
        """Give the text of the token that `issue_first` makes; the environment knows it beforehand."""
        return make_secret(self.kind, owner, 0)

    def issue(self, owner: str, world: World, text: str | None = None) -> Token:
        """Make a token that is new now; its text is made up where none is given."""
        self.issued += 1
        return self._add(Token(text or make_secret(self.kind, owner, self.issued), owner, world.age()))

    def use(
        self, text: str, world: World, life: float, *, slide: bool = False, wears: bool = True
    ) -> Token | None:
        """Accept a token, or give None where it is unknown, too old or worn out.

        Args:
            text: What the client sent.
            world: Tells the time and the switches.
            life: Seconds that the service gives; the switch `token_life` overrides it.
            slide: Whether its life begins anew with each use.
            wears: Whether the switch `token_uses` holds: for the first token of each owner, and no other.
        """
        token = self.known(text)
        if token is None or token.ended:
            return None
        seconds = life if world.general.token_life is None else world.general.token_life
        if world.age() >= token.issued_at + seconds or (wears and self._is_worn(token, world.general.token_uses)):
            return None
        token.uses += 1
        if slide:
            token.issued_at = world.age()
        return token

    def known(self, text: str) -> Token | None:
        """Give a token whether or not it still holds, or None."""
        return self._tokens.get(text)

    def end(self, text: str) -> None:
        """Accept a token no more; it stays known, so that a session's id can renew it."""
        token = self.known(text)
        if token is not None:
            token.ended = True

    def _is_worn(self, token: Token, limit: int | None) -> bool:
        wearing = self._wearing.setdefault(token.owner, token.text)
        return limit is not None and token.text == wearing and token.uses >= limit

    def _add(self, token: Token) -> Token:
        self._tokens[token.text] = token
        return token
