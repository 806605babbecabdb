"""This department's keys towards others: signing statements and messages, opening what was sealed to it, rotation.

Rules
1. The newest registered key signs. Every private key that was ever current still opens, so that requests in flight are answered;
   old evidence verifies by the key sets that stood on chain then.
2. The key set holds the newest key of each use and the one before it. A key rotated out twice, or at once with ``retire`` (it may
   be stolen), stands in no newer set: it authenticates nothing any more.
3. Rotation writes the new key first and publishes the key set second; until it is mined the node goes on with the old key.
   A repeat of the same call (``idempotency``) publishes the key that was written and writes no other.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from xinlian.node.chain_state import ChainState
from xinlian.node.idempotency import current_journal
from xinlian.node.peers import Peers, sealing_kid
from xinlian.node.transactions import Transactions
from xinlian.protocol import sdjwt
from xinlian.protocol.errors import ConfigError, RefusedError
from xinlian.protocol.jwks import USE_SIGN, KeySet, build_key_set, signing_jwk
from xinlian.protocol.types import KeyId, Uscc
from xinlian.store.secrets import NodeKeys

KEPT = 2
"""Keys of each use in a key set: the newest and the one before it."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """An Ed25519 key with its id."""

    kid: KeyId
    private: Ed25519PrivateKey


class Identity:
    """The use case.

    Args:
        department: USCC of this node.
        keys: the key files.
        state: key sets on chain.
        peers: finds registered keys.
        transactions: publishes key sets with the ADMIN key.
        wall_s: wall clock.
    """

    def __init__(
        self,
        department: Uscc,
        keys: NodeKeys,
        state: ChainState,
        peers: Peers,
        transactions: Transactions,
        wall_s: Callable[[], float],
    ) -> None:
        self._department = department
        self._keys = keys
        self._state = state
        self._peers = peers
        self._transactions = transactions
        self._wall_s = wall_s

    def current_signing(self) -> SigningKey:
        """The newest signing key that the chain has registered.

        Raises:
            ConfigError: ``keys-not-registered``.
        """
        registered = self._peers.key_set_now(self._department)
        for pair in self._keys.signing.keys:
            kid = signing_jwk(pair.private.public_key()).kid
            if registered is not None and registered.find(kid, USE_SIGN) is not None:
                return SigningKey(kid, pair.private)
        raise ConfigError("keys-not-registered", "no signing key of this node stands in the department's key set on chain")

    def hpke_key(self, kid: KeyId) -> X25519PrivateKey:
        """The private key that a sealed body names.

        Raises:
            RefusedError: ``refused-key-registered`` when this node never had it.
        """
        for pair in self._keys.hpke.keys:
            if sealing_kid(pair.public) == kid:
                return pair.private
        raise RefusedError(
            "refused-key-registered", "the request is sealed to a key that is not this node's", check="key-registered"
        )

    def sign_statement(self, statement: bytes) -> str:
        """A statement as compact JWS under the current signing key."""
        key = self.current_signing()
        return sdjwt.sign(statement, key.private, key.kid)

    def key_set(self) -> KeySet:
        """The key set that this node's key files give, newest key first."""
        return key_set_of(self._department, self._keys)

    async def rotate(self, kind: str, *, retire: bool = False) -> dict[str, Any]:
        """Make a new key and publish the key set.

        Args:
            kind: signing or hpke.
            retire: take the key before it out of the set at once; what it signed and is on its way is refused then.

        Raises:
            ChainError: when the chain cannot be reached; repeat the call under its key to publish the key that was made.
        """
        journal, newest = current_journal(), self._newest(kind)
        replaced = journal.noted("replaced")
        if replaced is None:
            await journal.note_now("replaced", newest)
        if replaced in (None, newest):
            rotate = self._keys.rotate_signing if kind == "signing" else self._keys.rotate_hpke
            self._keys = rotate(int(self._wall_s()), os.urandom)
        kept = {kind: 1} if retire else {}
        key_set = key_set_of(self._department, self._keys, kept)
        done = await self._transactions.admin("DepartmentRegistry", "publishKeys", key_set.serialise().decode())
        return {"kind": kind, "tx_hash": done.tx_hash, "keys": [key.kid for key in key_set.keys]}

    def _newest(self, kind: str) -> str:
        """Id of the newest key in the key files."""
        if kind == "signing":
            return signing_jwk(self._keys.signing.keys[0].private.public_key()).kid
        return sealing_kid(self._keys.hpke.keys[0].public)


def key_set_of(department: str, keys: NodeKeys, kept: Mapping[str, int] | None = None) -> KeySet:
    """The key set that a node's key files give, with possession proofs, newest key of each use first.

    Args:
        department: USCC.
        keys: the key files.
        kept: how many of the newest keys of a kind (signing, hpke) stand in the set; two where it says nothing.
    """
    counts = {} if kept is None else kept
    signing = [pair.private for pair in keys.signing.keys[: counts.get("signing", KEPT)]]
    sealing = [pair.private.public_key() for pair in keys.hpke.keys[: counts.get("hpke", KEPT)]]
    return build_key_set(department, signing, sealing)
