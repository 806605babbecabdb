"""What the competent authority does on chain, from the node that holds the authority's key.

Rules
1. A registration request proves possession of every key: chain signers on chain (EIP-712), Ed25519 keys by a signature here.
2. Nothing here decides by itself; each call is one transaction of the authority's key.
3. Decisions about datasets are taken by two persons: ``catalogue_steps``.
"""

from __future__ import annotations

from dataclasses import dataclass

from xinlian.node.registration import parse_registration
from xinlian.node.transactions import Done, Transactions
from xinlian.protocol.codes import check_uscc

__all__ = ["Authority", "Done"]


@dataclass(frozen=True, slots=True)
class Authority:
    """The use case; ``transactions`` sends with the key of role ``authority``."""

    transactions: Transactions

    async def register(self, request: bytes) -> Done:
        """Register a department or other receiver.

        Args:
            request: the registration request file.

        Raises:
            InputError: ``registration-form``, ``registration-proof``.
            ChainError: ``tx-reverted`` with the contract's reason.
        """
        found = parse_registration(request)
        return await self.transactions.authority(
            "DepartmentRegistry",
            "register",
            found.uscc,
            found.kind,
            found.name,
            found.endpoint,
            found.jwks,
            [{"signer": s.address, "roles": s.roles, "possession": s.possession} for s in found.signers],
        )

    async def suspend(self, uscc: str, reason: int) -> Done:
        """Suspend a department."""
        check_uscc(uscc)
        return await self.transactions.authority("DepartmentRegistry", "suspend", uscc, reason)

    async def reinstate(self, uscc: str) -> Done:
        """Lift a suspension."""
        check_uscc(uscc)
        return await self.transactions.authority("DepartmentRegistry", "reinstate", uscc)

    async def mark_compromised(self, uscc: str, since_block: int) -> Done:
        """Mark a department's batches as suspect from a block on."""
        check_uscc(uscc)
        return await self.transactions.authority("DepartmentRegistry", "markCompromised", uscc, since_block)
