"""The password proof of the iCloud emulation, held against vectors and against the client's own formulas."""

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from downspout_sandbox.icloud import srp

SALT = bytes(range(16))
USER = "jdoe@example.com"
PASSWORD = "pass word"
CLIENT_SECRET = int.from_bytes(bytes(range(0x01, 0x21)), "big")
SERVICE_SECRET = int.from_bytes(bytes(range(0x21, 0x41)), "big")


def handshake(protocol):
    verifier = srp.Verifier.of(PASSWORD, SALT, 1000, protocol)
    public = pow(srp.GENERATOR, CLIENT_SECRET, srp.MODULUS)
    return srp.Handshake(USER, verifier, public, SERVICE_SECRET)


def client_proofs(exchange, password, protocol):
    """Compute the client's side from the formulas, to see that both sides meet."""
    key = srp.private_key(srp.stretch(password, SALT, 1000, protocol), SALT)
    base = (exchange.public - srp.MULTIPLIER * pow(srp.GENERATOR, key, srp.MODULUS)) % srp.MODULUS
    return pow(base, CLIENT_SECRET + exchange.scrambler * key, srp.MODULUS)


def test_the_multiplier_is_that_of_the_group():
    assert f"{srp.MULTIPLIER:064x}" == "05b9e8ef059c6b32ea59fc1d322d37f04aa30bae5aa9003b8321e21ddb04e300"


@pytest.mark.parametrize(
    ("protocol", "stretched", "key"),
    [
        (
            "s2k",
            "f31c96d2b89549adfaa52e279ce3a558615a92cae69d53485208cc155699ef89",
            "312e255d29f6ece58e1c69ee8fee7f14bd15f440f42fc63f6f46e8ba86fac51e",
        ),
        (
            "s2k_fo",
            "df5fb0383787e5dc235beca60c4d0ef64cf722f14949d32c74ae50b056c51121",
            "b202e18e62d3deefeaedb3e96d156a31900b8beb45fbeda9d025b9ad8ef59c46",
        ),
    ],
)
def test_a_password_is_stretched_as_the_vectors_say(protocol, stretched, key):
    derived = srp.stretch(PASSWORD, SALT, 1000, protocol)

    assert derived.hex() == stretched
    assert f"{srp.private_key(derived, SALT):064x}" == key


def test_s2k_meets_its_vector_in_both_encodings():
    exchange = handshake("s2k")
    padded, shortest = exchange.proofs()

    assert (
        hashlib.sha256(exchange.client_public.to_bytes(256, "big")).hexdigest()
        == "1deb90a9791476498029d9d5ef6b16021584b8f369c29140f551e502481c236e"
    )
    assert (
        hashlib.sha256(exchange.public_bytes).hexdigest()
        == "10bdafcf10b4922ce28e4d15ba78fcc9f7a1b4901a9fbd9193d6079ef9fbd747"
    )
    assert f"{exchange.scrambler:064x}" == "47f9f11f1289311ab5bf8b5c3a7e32707901ccd109d06bf26b453b4434338d5d"
    assert exchange.shared.to_bytes(256, "big")[:2].hex() == "00d3"
    assert padded[0].hex() == "0dd3210350732e05908d5dfd06d5f9849bd3f76cb56155659920235e78939036"
    assert padded[1].hex() == "f05cfe5a6a5a126546227ea19833ac71d152f5aafee8b01a90f0adf57108480b"
    assert shortest[0].hex() == "8e7265938dd864272ea767900cf0fb307ad53938dd577eee19cd9698ccf5429d"


def test_s2k_fo_meets_its_vector():
    exchange = handshake("s2k_fo")
    padded, _ = exchange.proofs()

    assert (
        hashlib.sha256(exchange.public_bytes).hexdigest()
        == "df7c31f686afc8ee4fa5b03cad7c1c567fb43c3f8cac7ebb9dd1240fb71082de"
    )
    assert (
        hashlib.sha256(exchange.shared.to_bytes(256, "big")).hexdigest()
        == "f12c428e43685e14c421618c9aed3845b835882be4cf71d3cd6db2ed5ebf3a3d"
    )
    assert padded[0].hex() == "9a80334fde0f208dd2c61223bd7eec0c2bee0da36443f57070fb80d80be87094"
    assert padded[1].hex() == "7cbe0d4596b96eb2b082fb96867bc4dae9db103e052a4da1a39911ba07854073"


@pytest.mark.parametrize("protocol", ["s2k", "s2k_fo"])
def test_both_sides_reach_one_secret(protocol):
    exchange = handshake(protocol)

    assert client_proofs(exchange, PASSWORD, protocol) == exchange.shared
    assert client_proofs(exchange, "another word", protocol) != exchange.shared


def test_a_proof_is_accepted_in_either_encoding_but_not_mixed():
    exchange = handshake("s2k")
    padded, shortest = exchange.proofs()

    assert exchange.accepts(*padded)
    assert exchange.accepts(*shortest)
    assert not exchange.accepts(padded[0], shortest[1])


@settings(max_examples=25, deadline=None)
@given(st.binary(max_size=64), st.binary(max_size=64))
def test_no_other_bytes_are_a_proof(first, second):
    assert not handshake("s2k").accepts(first, second)


@pytest.mark.parametrize("number", [0, srp.MODULUS, 1 << 2048])
def test_a_number_that_would_need_no_password_is_refused(number):
    verifier = srp.Verifier.of(PASSWORD, SALT, 1000, "s2k")

    with pytest.raises(ValueError, match="not one of the group"):
        srp.Handshake(USER, verifier, number)


def test_an_unknown_protocol_is_refused():
    with pytest.raises(ValueError, match="No such password protocol"):
        srp.stretch(PASSWORD, SALT, 1000, "s2k_xx")
