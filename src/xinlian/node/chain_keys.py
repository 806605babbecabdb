"""The chain keys of a node by role: in its key files, or at a remote signer where the settings name one.

Rules
1. A remote signer takes the place of the key file of its role; the file is not used then and need not be there.
2. At start every remote signer must prove that it holds its key. One that is down stops no start: publishing goes on, and
   whatever is to be sent waits for it.

Example: ``chain_keys(settings, keys)["law"].address``

Source: design 6 (Keys).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import structlog

from xinlian.chain.keys import ChainKey, LocalKey
from xinlian.chain.remote_key import RemoteKey
from xinlian.node.settings import Settings
from xinlian.protocol.errors import ChainError, ConfigError
from xinlian.store.secrets import NODE_ROLES, NodeKeys

_log = structlog.get_logger(__name__)


def chain_keys(settings: Settings, keys: NodeKeys) -> dict[str, ChainKey]:
    """A key for every role that this node signs for.

    Raises:
        ConfigError: ``chain-key-missing`` for a role of which there is neither a file nor a signer; ``signer-place``.
    """
    found: dict[str, ChainKey] = {role: LocalKey.from_secret(key.private) for role, key in keys.chain.items()}
    found |= {role: RemoteKey(one.place(), development=settings.development) for role, one in settings.signers.items()}
    missing = next((role for role in NODE_ROLES if role not in found), None)
    if missing is not None:
        raise ConfigError("chain-key-missing", f"there is neither a key file nor a signer for role {missing}", role=missing)
    return found


async def check_remote(keys: Mapping[str, ChainKey]) -> None:
    """Rule 2.

    Raises:
        ChainError: signer-refused, signer-answer.
    """
    for role, key in keys.items():
        if isinstance(key, RemoteKey):
            try:
                await key.check()
            except ChainError as error:
                if error.code != "signer-down":
                    raise
                _log.warning("signer is down", role=role, address=key.address)


async def close_remote(keys: Iterable[ChainKey]) -> None:
    """Close connections to signers."""
    for key in keys:
        if isinstance(key, RemoteKey):
            await key.close()
