"""The service's side of the password proof: SRP-6a over RFC 5054's 2048-bit group with SHA-256.

The password never travels: the account's record holds a verifier, both sides prove that they reached the same
key. Two twists make this Apple's own: the password is hashed before it is stretched (`s2k`: the raw digest,
`s2k_fo`: its hex text), and the account name is left out of the private key `x`, yet taken into the proof.

Clients differ in one point that nobody outside can settle: whether a number with leading zero bytes is hashed
padded to the group's width or as its shortest bytes. About one sign-in in ninety shows it, so either is accepted.

Nothing here is shared with the client plugin: what both sides agree on is the protocol alone.
"""

import hashlib
import hmac
import secrets
from collections.abc import Iterator
from typing import Final

import attrs

GENERATOR: Final = 2
WIDTH: Final = 256
"""Bytes of a number of the group when it is padded."""

MODULUS: Final = int(
    "AC6BDB41324A9A9BF166DE5E1389582FAF72B6651987EE07FC3192943DB56050A37329CBB4A099ED8193E0757767A13DD52312AB"
    "4B03310DCD7F48A9DA04FD50E8083969EDB767B0CF6095179A163AB3661A05FBD5FAAAE82918A9962F0B93B855F97993EC975EEAA"
    "80D740ADBF4FF747359D041D5C33EA71D281E446B14773BCA97B43A23FB801676BD207A436C6481F1D2B9078717461A5B9D32E688"
    "F87748544523B524B0D57D5EA77A2775D2ECFA032CFBDBF52FB3786160279004E57AE6AF874E7303CE53299CCC041C7BC308D82A5"
    "698F3A8D0C38271AE35F8E9DBFBB694B5C803D89F7AE435DE236D525F54759B65E372FCD68EF20FA7111F9E4AFF73",
    16,
)


def _hash(*parts: bytes) -> bytes:
    return hashlib.sha256(b"".join(parts)).digest()


def _padded(number: int) -> bytes:
    return number.to_bytes(WIDTH, "big")


def _shortest(number: int) -> bytes:
    return number.to_bytes(max(1, (number.bit_length() + 7) // 8), "big")


MULTIPLIER: Final = int.from_bytes(_hash(_padded(MODULUS), _padded(GENERATOR)), "big")
_GROUP_MASK: Final = bytes(n ^ g for n, g in zip(_hash(_padded(MODULUS)), _hash(_padded(GENERATOR)), strict=True))


def stretch(password: str, salt: bytes, iterations: int, protocol: str) -> bytes:
    """Turn a password into the 32 bytes that stand for it.

    Args:
        password: As the user types it.
        salt: The account's salt.
        iterations: Rounds of PBKDF2-HMAC-SHA256.
        protocol: `s2k` or `s2k_fo`.

    Raises:
        ValueError: The protocol is neither of the two.
    """
    digest = hashlib.sha256(password.encode())
    if protocol == "s2k":
        secret = digest.digest()
    elif protocol == "s2k_fo":
        secret = digest.hexdigest().encode()
    else:
        raise ValueError(f"No such password protocol: {protocol!r}.")
    return hashlib.pbkdf2_hmac("sha256", secret, salt, iterations, 32)


def private_key(stretched: bytes, salt: bytes) -> int:
    """Return `x`, the number that only the password's owner can compute."""
    return int.from_bytes(_hash(salt, _hash(b":", stretched)), "big")


@attrs.frozen
class Verifier:
    """What the service keeps of a password.

    Attributes:
        salt: The account's salt.
        iterations: Rounds of PBKDF2 that the client has to run.
        protocol: `s2k` or `s2k_fo`.
        value: `v`, the generator to the power of `x`.
    """

    salt: bytes
    iterations: int
    protocol: str
    value: int = attrs.field(repr=False)

    @classmethod
    def of(cls, password: str, salt: bytes, iterations: int, protocol: str) -> "Verifier":
        """Make the record of one password (ValueError: an unknown protocol)."""
        key = private_key(stretch(password, salt, iterations, protocol), salt)
        return cls(salt, iterations, protocol, pow(GENERATOR, key, MODULUS))


def _secret_exponent() -> int:
    return int.from_bytes(secrets.token_bytes(32), "big") | 1


@attrs.frozen
class Handshake:
    """One exchange: the client's number has arrived, ours goes out, a proof is awaited.

    Attributes:
        username: The account name to the letter as the client sent it; the proof covers it.
        verifier: The account's record.
        client_public: `A`.
        secret: `b`, drawn anew for every exchange.

    Raises:
        ValueError: `A` is a multiple of the modulus, with which a proof needs no password, or is too wide.
    """

    username: str
    verifier: Verifier = attrs.field(repr=False)
    client_public: int = attrs.field(repr=False)
    secret: int = attrs.field(factory=_secret_exponent, repr=False)

    def __attrs_post_init__(self) -> None:
        """Refuse the numbers with which the proof would prove nothing."""
        if self.client_public.bit_length() > WIDTH * 8 or self.client_public % MODULUS == 0:
            raise ValueError("The client's public number is not one of the group.")

    @property
    def public(self) -> int:
        """`B`, the service's number."""
        blinded = MULTIPLIER * self.verifier.value + pow(GENERATOR, self.secret, MODULUS)
        return blinded % MODULUS

    @property
    def public_bytes(self) -> bytes:
        """`B` padded to 256 bytes, as it goes out."""
        return _padded(self.public)

    @property
    def scrambler(self) -> int:
        """`u`, which ties the key to both public numbers."""
        return int.from_bytes(_hash(_padded(self.client_public), self.public_bytes), "big")

    @property
    def shared(self) -> int:
        """`S`, which both sides reach if the password was right."""
        base = self.client_public * pow(self.verifier.value, self.scrambler, MODULUS)
        return pow(base, self.secret, MODULUS)

    def proofs(self) -> Iterator[tuple[bytes, bytes]]:
        """Yield the pairs of proofs (M1, M2) to accept: padded numbers first, then the shortest bytes."""
        shared, public = self.shared, self.public
        for encode in (_padded, _shortest):
            client, service = encode(self.client_public), encode(public)
            key = _hash(encode(shared))
            name = _hash(self.username.encode())
            first = _hash(_GROUP_MASK, name, self.verifier.salt, client, service, key)
            yield first, _hash(client, first, key)

    def accepts(self, first: bytes, second: bytes) -> bool:
        """Tell whether both proofs show the password, in one of the two forms."""
        return any(
            hmac.compare_digest(first, mine) and hmac.compare_digest(second, also) for mine, also in self.proofs()
        )
