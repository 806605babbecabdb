"""Chain keys: what every one of them must do, on the local one and on the client of a remote signer."""

from __future__ import annotations

import datetime as dt
import ipaddress
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import coincurve
import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from eth_account import Account
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.anvil import TestChain
from tests.support.deployed import DEPARTMENT, OTHER, Deployed, batch
from tests.support.web3signer import SigningServer, signing_server
from xinlian.chain import raw_tx
from xinlian.chain.calls import Call
from xinlian.chain.fees import Fees
from xinlian.chain.keys import ChainKey, LocalKey, Registry, possession_message, prove_possession, signed_by
from xinlian.chain.raw_tx import Unsigned
from xinlian.chain.remote_key import RemoteKey, SignerPlace
from xinlian.protocol.errors import ChainError, ConfigError
from xinlian.protocol.keccak import keccak256

SECRET = keccak256(b"test key of the conformance suite")
ACCOUNT = Account.from_key(SECRET)
PLACE = Registry(31337, "0x" + "11" * 20)


@pytest.fixture
async def signer() -> AsyncIterator[SigningServer]:
    async with signing_server([SECRET]) as running:
        yield running


@pytest.fixture
async def remote(signer: SigningServer) -> AsyncIterator[RemoteKey]:
    async with RemoteKey(SignerPlace(signer.url, signer.identifiers[0]), timeout_s=2.0, attempts=2) as key:
        yield key


@pytest.fixture(params=["local", "remote"])
async def key(request: pytest.FixtureRequest, remote: RemoteKey) -> ChainKey:
    return remote if request.param == "remote" else LocalKey.from_secret(SECRET)


# -- every key -----------------------------------------------------------------------------------------


async def test_it_signs_for_its_address_and_shows_no_secret(key: ChainKey) -> None:
    assert key.address == ACCOUNT.address
    assert SECRET.hex() not in repr(key)
    assert key.address in repr(key)


@pytest.mark.parametrize("message", [b"", b"\x00", b"abc", b"\xff" * 5_000])
async def test_a_signature_is_the_chains_form_over_the_keccak_of_the_message(key: ChainKey, message: bytes) -> None:
    signature = await key.sign(message)
    assert (len(signature), signature[64] in {27, 28}) == (65, True)
    assert signed_by(message, signature) == key.address
    assert signed_by(message + b"x", signature) != key.address


@pytest.mark.parametrize("fees", [Fees(7, None), Fees(0, None), Fees(100, 3), Fees(0, 0)])
@pytest.mark.parametrize("to", [None, "0x00000000000000000000000000000000000A11cE"])
async def test_a_transaction_is_that_of_eth_account(key: ChainKey, fees: Fees, to: str | None) -> None:
    unsigned = Unsigned(31337, 300, 21_000, fees, Call(to, b"\x01\x02", "stored transaction", 5))
    signed = await raw_tx.sign(key, unsigned)
    assert Account.recover_transaction(signed.raw) == key.address
    assert raw_tx.parse(signed.raw, 31337) == unsigned


async def test_a_proof_of_possession_is_eip_712(key: ChainKey) -> None:
    proof = await prove_possession(key, PLACE, DEPARTMENT, 5)
    typed = possession_message(PLACE, DEPARTMENT, key.address, 5)
    assert proof.possession == bytes(ACCOUNT.sign_typed_data(full_message=typed).signature)


async def test_the_chain_takes_its_transactions_and_proofs(chain: TestChain, deployed: Deployed, key: ChainKey) -> None:
    chain.rpc("anvil_setBalance", key.address, hex(10**21))
    await deployed.register(OTHER, key)
    await deployed.send(deployed.ledger.anchor([batch(1)], []), key)
    one = batch(1)
    asked = deployed.ledger.is_anchored(OTHER, one)
    assert await deployed.rpc.ask(asked)


# -- signatures ----------------------------------------------------------------------------------------

ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=80), st.integers(0, 64), st.integers(0, 7))
def test_a_flipped_bit_is_another_signature(message: bytes, place: int, bit: int) -> None:
    signature = bytearray(ACCOUNT.unsafe_sign_hash(keccak256(message)).signature)
    assert signed_by(message, bytes(signature)) == ACCOUNT.address
    signature[place] ^= 1 << bit
    assert signed_by(message, bytes(signature)) != ACCOUNT.address


async def test_the_other_half_of_the_order_is_refused() -> None:
    """The same signature with -s recovers, too, but no chain takes it (EIP-2)."""
    good = await LocalKey.from_secret(SECRET).sign(b"m")
    twin = good[:32] + (ORDER - int.from_bytes(good[32:64])).to_bytes(32) + bytes([27 + 28 - good[64]])
    assert signed_by(b"m", twin) is None
    assert signed_by(b"m", good[:64] + b"\x00") is None
    assert signed_by(b"m", bytes(64) + b"\x1b") is None
    assert signed_by(b"m", good[:-1]) is None


# -- the remote signer ---------------------------------------------------------------------------------


async def refused(remote: RemoteKey) -> ChainError:
    with pytest.raises(ChainError) as caught:
        await remote.sign(b"message")
    assert "message" not in str(caught.value.fields)
    return caught.value


async def test_it_is_asked_as_documented(signer: SigningServer, remote: RemoteKey) -> None:
    await remote.sign(b"message")
    assert signer.asked == [b"message"]
    await remote.check()
    assert signer.asked[1].startswith(b"xinlian: ")
    await remote.check()
    assert signer.asked[1] != signer.asked[2], "no signature can be kept and shown again"


@pytest.mark.parametrize("form", ["plain", "prefixed", "compressed", "without 0x", "upper case"])
async def test_an_identifier_is_the_public_key_in_any_form(signer: SigningServer, form: str) -> None:
    point = coincurve.PrivateKey(SECRET).public_key
    whole = point.format(compressed=False).hex()
    forms = {
        "plain": "0x" + whole[2:],
        "prefixed": "0x" + whole,
        "compressed": "0x" + point.format().hex(),
        "without 0x": whole[2:],
        "upper case": whole[2:].upper(),
    }
    async with RemoteKey(SignerPlace(signer.url + "/", forms[form])) as key:
        assert key.address == ACCOUNT.address
        await key.check()


async def test_a_signer_with_another_key_is_not_ours(remote: RemoteKey, signer: SigningServer) -> None:
    other = coincurve.PrivateKey(keccak256(b"another"))
    signer.keys = dict.fromkeys(signer.keys, other)
    error = await refused(remote)
    assert (error.code, error.retryable, error.fields["address"]) == ("signer-answer", False, ACCOUNT.address)
    with pytest.raises(ChainError) as caught:
        await remote.check()
    assert caught.value.code == "signer-answer"


async def test_a_key_it_does_not_hold(remote: RemoteKey, signer: SigningServer) -> None:
    signer.keys = {}
    error = await refused(remote)
    assert (error.code, error.fields["status"]) == ("signer-refused", 404)


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (web.Response(status=400), "signer-refused"),
        (web.Response(status=401), "signer-refused"),
        (web.Response(status=500), "signer-refused"),
        (web.Response(status=302, headers={"location": "http://127.0.0.1:1/"}), "signer-refused"),
        (web.Response(text=""), "signer-answer"),
        (web.Response(text="0x" + "ab" * 64), "signer-answer"),
        (web.Response(text="0x" + "zz" * 65), "signer-answer"),
        (web.Response(text="0x" + "00" * 65), "signer-answer"),
        (web.Response(text="0x" + "ab" * 50_000), "signer-answer"),
    ],
)
async def test_what_it_must_not_answer(remote: RemoteKey, signer: SigningServer, answer: web.Response, code: str) -> None:
    signer.answer = answer
    assert (await refused(remote)).code == code
    assert signer.times == 1, "asking again would not help"


async def test_a_busy_signer_is_asked_again_and_then_is_down(remote: RemoteKey, signer: SigningServer) -> None:
    signer.answer = web.Response(status=503)
    error = await refused(remote)
    assert (error.code, error.retryable, signer.times) == ("signer-down", True, 2)
    signer.answer = None
    assert signed_by(b"message", await remote.sign(b"message")) == ACCOUNT.address


async def test_a_signer_that_is_not_there() -> None:
    async with RemoteKey(SignerPlace("http://127.0.0.1:9", "0x" + _public_hex()), timeout_s=0.3, attempts=1) as key:
        assert (await refused(key)).code == "signer-down"


@pytest.mark.parametrize(
    ("url", "identifier"),
    [
        ("https://signer:9000", "0x1234"),
        ("https://signer:9000", "04" + "01" * 64),
        ("https://signer:9000", "not hex"),
        ("signer:9000", "public key"),
        ("ftp://signer", "public key"),
        ("http://signer:9000", "public key"),
        ("https://signer:9000?x=1", "public key"),
    ],
)
def test_a_place_that_is_none_is_named(url: str, identifier: str) -> None:
    with pytest.raises(ConfigError) as caught:
        RemoteKey(SignerPlace(url, _public_hex() if identifier == "public key" else identifier))
    assert caught.value.code == "signer-place"


def test_plain_http_over_a_network_only_in_development() -> None:
    assert RemoteKey(SignerPlace("http://signer:9000", _public_hex()), development=True).address == ACCOUNT.address


def _public_hex() -> str:
    return coincurve.PrivateKey(SECRET).public_key.format(compressed=False)[1:].hex()


# -- over TLS ------------------------------------------------------------------------------------------


def certificate(folder: Path, name: str) -> tuple[Path, Path]:
    """A certificate of its own for 127.0.0.1 and its key, PEM files."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    built = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    files = folder / f"{name}.pem", folder / f"{name}.key"
    files[0].write_bytes(built.public_bytes(serialization.Encoding.PEM))
    private = serialization.PrivateFormat.PKCS8
    files[1].write_bytes(key.private_bytes(serialization.Encoding.PEM, private, serialization.NoEncryption()))
    return files


async def test_over_tls_both_sides_show_a_certificate(tmp_path: Path) -> None:
    theirs, ours = certificate(tmp_path, "signer"), certificate(tmp_path, "node")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=ours[0])
    context.load_cert_chain(*theirs)
    context.verify_mode = ssl.CERT_REQUIRED
    async with signing_server([SECRET], tls=context) as signer:
        identifier = signer.identifiers[0]
        async with RemoteKey(SignerPlace(signer.url, identifier, theirs[0], *ours), attempts=1) as key:
            await key.check()
        for place in (
            SignerPlace(signer.url, identifier, theirs[0]),  # without our certificate
            SignerPlace(signer.url, identifier, None, *ours),  # theirs comes from nobody the system trusts
        ):
            async with RemoteKey(place, attempts=1) as key:
                assert (await refused(key)).code == "signer-down"


@pytest.mark.parametrize("missing", ["ca_file", "certificate_file"])
def test_a_certificate_file_that_is_not_there(tmp_path: Path, missing: str) -> None:
    with pytest.raises(ConfigError) as caught:
        RemoteKey(SignerPlace("https://signer", _public_hex(), **{missing: tmp_path / "none.pem"}))
    assert caught.value.code == "signer-place"
