"""Other departments' registered keys, parsed once per key set version; a set counts only when its signing keys prove that the
department holds them, as for a verifier: nobody borrows another department's key.
"""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey

from xinlian.node.chain_state import ChainState
from xinlian.protocol.errors import EvidenceError, InputError, NotFoundError
from xinlian.protocol.jwks import USE_SEAL, KeySet, check_possession, parse_key_set, sealing_jwk
from xinlian.protocol.messages import ProviderCheck, refusal
from xinlian.protocol.types import KeyId


class Peers:
    """Finds keys that count now.

    Args:
        state: key sets on chain.
    """

    def __init__(self, state: ChainState) -> None:
        self._state = state
        self._parsed: dict[tuple[str, int, str], KeySet | None] = {}

    def key_set_now(self, uscc: str) -> KeySet | None:
        """The newest key set of a department, None when it has none that can be read."""
        department = self._state.department(uscc)
        if department is None or not department.key_sets:
            return None
        newest = department.key_sets[-1]
        key = (uscc, newest.version, newest.key_set_hash)
        if key not in self._parsed:
            try:
                parsed = parse_key_set(newest.jwks.encode())
                check_possession(parsed, uscc)
                self._parsed[key] = parsed
            except (InputError, EvidenceError):  # what stands on chain need not be a key set; then the department has no keys
                self._parsed[key] = None
        return self._parsed[key]

    def signing_key_now(self, uscc: str, kid: KeyId) -> Ed25519PublicKey:
        """A signing key registered now.

        Raises:
            RefusedError: ``refused-key-registered``.
        """
        key_set = self.key_set_now(uscc)
        try:
            if key_set is not None:
                return key_set.signing_key(kid)
        except EvidenceError:
            pass
        raise refusal(ProviderCheck.KEY_REGISTERED, "the signing key is not registered now", department=uscc)

    def hpke_key_now(self, uscc: str) -> tuple[KeyId, X25519PublicKey]:
        """The newest key to seal to.

        Raises:
            NotFoundError: ``department-keys``.
        """
        key_set = self.key_set_now(uscc)
        try:
            if key_set is not None:
                key = key_set.current(USE_SEAL)
                return key.kid, X25519PublicKey.from_public_bytes(key.x)
        except EvidenceError:
            pass
        raise NotFoundError("department-keys", "the department has no key to seal to on chain", department=uscc)


def sealing_kid(public: bytes) -> KeyId:
    """The key id of an X25519 public key (32 bytes)."""
    return sealing_jwk(X25519PublicKey.from_public_bytes(public)).kid
