"""Proof of a password that never leaves this machine: SRP-6a as Apple has it.

RFC 5054 with its group of 2048 bits and SHA-256, but the user name is left out of the private key, and the
password is stretched by PBKDF2 before. Every number that is hashed has the length of the modulus.
"""

import hashlib
import secrets

from attrs import Factory, field, frozen

from downspout import Secret

PROTOCOLS = ("s2k", "s2k_fo")
SIZE = 256
"""Bytes of the modulus, and of every number that goes with it."""

N = int(
    "AC6BDB41324A9A9BF166DE5E1389582FAF72B6651987EE07FC3192943DB56050A37329CBB4A099ED8193E0757767A13DD52312AB"
    "4B03310DCD7F48A9DA04FD50E8083969EDB767B0CF6095179A163AB3661A05FBD5FAAAE82918A9962F0B93B855F97993EC975EEA"
    "A80D740ADBF4FF747359D041D5C33EA71D281E446B14773BCA97B43A23FB801676BD207A436C6481F1D2B9078717461A5B9D32E6"
    "88F87748544523B524B0D57D5EA77A2775D2ECFA032CFBDBF52FB3786160279004E57AE6AF874E7303CE53299CCC041C7BC308D8"
    "2A5698F3A8D0C38271AE35F8E9DBFBB694B5C803D89F7AE435DE236D525F54759B65E372FCD68EF20FA7111F9E4AFF73",
    16,
)
G = 2


@frozen
class Challenge:
    """What the service answers to a name.

    Attributes:
        protocol: how the password is hashed before it is stretched: one of `PROTOCOLS`.
        iterations: rounds of stretching.
        salt: the account's.
        b: the service's public number (`B`).
    """

    protocol: str
    iterations: int
    salt: bytes
    b: int


@frozen
class Proofs:
    """What convinces the service.

    Attributes:
        m1: the client's proof.
        m2: the proof that a service would give; this one wants it from the client.
        is_ambiguous: whether the shared number begins with a zero byte. Then those who cut it off and those
            who keep it get different proofs, and nobody outside knows which of them Apple is.
    """

    m1: bytes
    m2: bytes
    is_ambiguous: bool


def _fresh() -> int:
    """Return a private number whose public one does not begin with a zero byte."""
    while True:
        a = secrets.randbits(256)
        if pow(G, a, N) >> (8 * (SIZE - 1)):
            return a


@frozen
class Attempt:
    """One attempt to prove a password: never used twice.

    Attributes:
        public: the number that the service gets (`A`), `SIZE` bytes.
    """

    _a: int = field(factory=_fresh, repr=False)
    public: bytes = field(init=False, repr=False, default=Factory(lambda self: self._shown(), takes_self=True))

    def _shown(self) -> bytes:
        return padded(pow(G, self._a, N))

    def proofs(self, username: str, password: Secret, challenge: Challenge) -> Proofs:
        """Return the proofs for `challenge`.

        Args:
            username: exactly as it was sent.
            password: the user's.
            challenge: the service's answer to `username` and `public`.

        Raises:
            ValueError: the challenge is one that an honest service never gives.
        """
        if challenge.protocol not in PROTOCOLS or not 0 < challenge.iterations <= 2_000_000:
            raise ValueError("unknown protocol")
        a, b = self.public, padded(challenge.b % N)
        u = _number(_hash(a, b))
        if not challenge.b % N or not u:
            raise ValueError("a number that gives the password away")
        x = _number(_hash(challenge.salt, _hash(b":", stretched(password, challenge))))
        k = _number(_hash(padded(N), padded(G)))
        shared = padded(pow(challenge.b - k * pow(G, x, N), self._a + u * x, N))
        key = _hash(shared)
        group = bytes(m ^ n for m, n in zip(_hash(padded(N)), _hash(padded(G)), strict=True))
        m1 = _hash(group, _hash(username.encode()), challenge.salt, a, b, key)
        return Proofs(m1, _hash(a, m1, key), is_ambiguous=0 in (shared[0], b[0]))


def stretched(password: Secret, challenge: Challenge) -> bytes:
    """Return the password as the private key is made of it, 32 bytes."""
    digest = _hash(password.reveal().encode())
    secret = digest.hex().encode() if challenge.protocol == "s2k_fo" else digest
    return hashlib.pbkdf2_hmac("sha256", secret, challenge.salt, challenge.iterations, 32)


def padded(number: int) -> bytes:
    """Return a number as `SIZE` bytes, the highest first."""
    return number.to_bytes(SIZE, "big")


def _hash(*parts: bytes) -> bytes:
    return hashlib.sha256(b"".join(parts)).digest()


def _number(data: bytes) -> int:
    return int.from_bytes(data, "big")
