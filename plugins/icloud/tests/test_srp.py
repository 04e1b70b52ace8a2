"""The proof of a password, against both published vectors and an honest far side written out by hand."""

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from downspout import Secret
from downspout_icloud import _srp
from downspout_icloud._srp import PROTOCOLS, Attempt, Challenge, G, N, padded, stretched

USER, PASSWORD, SALT = "jdoe@example.com", Secret("pass word"), bytes(range(16))
A = int.from_bytes(bytes(range(0x01, 0x21)), "big")
B = int.from_bytes(bytes(range(0x21, 0x41)), "big")

VECTORS = {
    "s2k": {
        "dk": "f31c96d2b89549adfaa52e279ce3a558615a92cae69d53485208cc155699ef89",
        "public b": "10bdafcf10b4922ce28e4d15ba78fcc9f7a1b4901a9fbd9193d6079ef9fbd747",
        "m1": "0dd3210350732e05908d5dfd06d5f9849bd3f76cb56155659920235e78939036",
        "m2": "f05cfe5a6a5a126546227ea19833ac71d152f5aafee8b01a90f0adf57108480b",
        "ambiguous": True,
    },
    "s2k_fo": {
        "dk": "df5fb0383787e5dc235beca60c4d0ef64cf722f14949d32c74ae50b056c51121",
        "public b": "df7c31f686afc8ee4fa5b03cad7c1c567fb43c3f8cac7ebb9dd1240fb71082de",
        "m1": "9a80334fde0f208dd2c61223bd7eec0c2bee0da36443f57070fb80d80be87094",
        "m2": "7cbe0d4596b96eb2b082fb96867bc4dae9db103e052a4da1a39911ba07854073",
        "ambiguous": False,
    },
}


def sha(*parts: bytes) -> bytes:
    return hashlib.sha256(b"".join(parts)).digest()


def number(data: bytes) -> int:
    return int.from_bytes(data, "big")


K = number(sha(padded(N), padded(G)))


def public_b(derived: bytes, b: int = B) -> int:
    """What an honest service sends: it knows the verifier alone."""
    verifier = pow(G, number(sha(SALT, sha(b":" + derived))), N)
    return (K * verifier + pow(G, b, N)) % N


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_the_published_vectors_come_out(protocol):
    wanted = VECTORS[protocol]
    challenge = Challenge(protocol, 1000, SALT, 0)
    derived = stretched(PASSWORD, challenge)
    assert derived.hex() == wanted["dk"]
    assert sha(Attempt(A).public).hex() == "1deb90a9791476498029d9d5ef6b16021584b8f369c29140f551e502481c236e"
    b = public_b(derived)
    assert sha(padded(b)).hex() == wanted["public b"]
    proofs = Attempt(A).proofs(USER, PASSWORD, Challenge(protocol, 1000, SALT, b))
    assert (proofs.m1.hex(), proofs.m2.hex()) == (wanted["m1"], wanted["m2"])
    assert proofs.is_ambiguous is wanted["ambiguous"]


def test_the_multiplier_is_the_published_one():
    assert f"{K:064x}" == "05b9e8ef059c6b32ea59fc1d322d37f04aa30bae5aa9003b8321e21ddb04e300"


@settings(max_examples=25, deadline=None)
@given(st.text(max_size=40), st.text(min_size=1, max_size=40), st.binary(min_size=1, max_size=64))
def test_an_honest_service_gets_the_same_proof(name, password, salt):
    challenge = Challenge("s2k", 1, salt, 0)
    x = number(sha(salt, sha(b":" + stretched(Secret(password), challenge))))
    b = 7**90
    public = (K * pow(G, x, N) + pow(G, b, N)) % N
    attempt = Attempt()
    proofs = attempt.proofs(name, Secret(password), Challenge("s2k", 1, salt, public))
    u = number(sha(attempt.public, padded(public)))
    shared = pow(number(attempt.public) * pow(pow(G, x, N), u, N), b, N)
    group = bytes(left ^ right for left, right in zip(sha(padded(N)), sha(padded(G)), strict=True))
    key = sha(padded(shared))
    m1 = sha(group, sha(name.encode()), salt, attempt.public, padded(public), key)
    assert (proofs.m1, proofs.m2) == (m1, sha(attempt.public, m1, key))


@pytest.mark.parametrize(
    "challenge",
    [
        Challenge("s2k", 1000, SALT, 0),
        Challenge("s2k", 1000, SALT, N),
        Challenge("s2k", 1000, SALT, 5 * N),
        Challenge("s2k", 0, SALT, 5),
        Challenge("s2k", -1, SALT, 5),
        Challenge("s2k", 10**9, SALT, 5),
        Challenge("plain", 1000, SALT, 5),
    ],
)
def test_a_challenge_that_no_honest_service_gives_is_refused(challenge):
    with pytest.raises(ValueError, match=r"."):
        Attempt().proofs(USER, PASSWORD, challenge)


def test_no_two_attempts_are_alike_and_none_begins_with_a_zero():
    publics = {Attempt().public for _ in range(5)}
    assert len(publics) == 5
    assert all(len(public) == _srp.SIZE and public[0] for public in publics)


def test_an_attempt_does_not_show_its_secret():
    assert repr(Attempt()) == "Attempt()"
