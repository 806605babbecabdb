"""Keys of other departments that count now."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from xinlian.node.chain_state import DepartmentState, KeySetVersion
from xinlian.node.peers import Peers
from xinlian.protocol.errors import NotFoundError, RefusedError
from xinlian.protocol.jwks import build_key_set, signing_jwk
from xinlian.protocol.types import KeyId, Uscc

USCC = Uscc("12411599MBDEM00233")
SIGNING, SEALING = Ed25519PrivateKey.generate(), X25519PrivateKey.generate()


def peers_of(*jwks: str) -> Peers:
    versions = [KeySetVersion(i, i, text, f"0x{i}") for i, text in enumerate(jwks, start=1)]
    department = DepartmentState(USCC, 1, "n", "e", 1, key_sets=versions)
    state: Any = SimpleNamespace(department=lambda uscc: department if uscc == USCC else None)
    return Peers(state)


def key_set(*, sealing: bool = True) -> str:
    keys = [SEALING.public_key()] if sealing else []
    return build_key_set(USCC, [SIGNING], keys).serialise().decode()


def test_only_the_newest_set_counts() -> None:
    kid = signing_jwk(SIGNING.public_key()).kid
    other = build_key_set(USCC, [Ed25519PrivateKey.generate()], [SEALING.public_key()]).serialise().decode()
    assert peers_of(other, key_set()).signing_key_now(USCC, kid).public_bytes_raw() == SIGNING.public_key().public_bytes_raw()
    with pytest.raises(RefusedError) as caught:
        peers_of(key_set(), other).signing_key_now(USCC, kid)
    assert caught.value.code == "refused-key-registered"


@pytest.mark.parametrize("peers", [peers_of(), peers_of("no key set"), peers_of(key_set(), "no key set")])
def test_a_department_without_a_key_set_that_can_be_read_has_no_keys(peers: Peers) -> None:
    for _ in range(2):  # the second time from what was remembered
        with pytest.raises(RefusedError) as refused:
            peers.signing_key_now(USCC, KeyId("x" * 43))
        assert refused.value.code == "refused-key-registered"
    with pytest.raises(NotFoundError) as caught:
        peers.hpke_key_now(USCC)
    assert caught.value.code == "department-keys"


def test_a_set_without_a_sealing_key_and_a_department_nobody_knows() -> None:
    for peers, uscc in ((peers_of(key_set(sealing=False)), USCC), (peers_of(key_set()), "12411599MBDEM0058M")):
        with pytest.raises(NotFoundError) as caught:
            peers.hpke_key_now(uscc)
        assert caught.value.code == "department-keys"


def test_the_newest_sealing_key_is_sealed_to() -> None:
    kid, key = peers_of(key_set()).hpke_key_now(USCC)
    assert key.public_bytes_raw() == SEALING.public_key().public_bytes_raw()
    assert len(kid) == 43
