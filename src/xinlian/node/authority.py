"""What the competent authority does on chain, from the node that holds the authority's key.

Rules
1. A registration request proves possession of every key: chain signers on chain (EIP-712), Ed25519 keys by a signature here.
2. Nothing here decides by itself; each call is one transaction of the authority's key.
3. A decision on a dataset is written down and kept before it is sent; the chain holds its salted digest (``documents``).
"""

from __future__ import annotations

from dataclasses import dataclass

from xinlian.node.catalogue_entry import APPROVED, DECISION, decision_content
from xinlian.node.documents import Documents
from xinlian.node.registration import parse_registration
from xinlian.node.transactions import Done, Transactions
from xinlian.protocol.codes import check_uscc
from xinlian.protocol.errors import InputError
from xinlian.protocol.objects import dataset_object

__all__ = ["Authority", "Done"]


@dataclass(frozen=True, slots=True)
class Authority:
    """The use case; ``transactions`` sends with the key of role ``authority``, ``documents`` keeps its decisions."""

    transactions: Transactions
    documents: Documents

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

    async def publish_dataset(self, code: str, version: int, opinion: str = APPROVED) -> Done:
        """Publish a proposed catalogue entry version.

        Raises:
            InputError: ``code-form``, ``reason-missing``.
        """
        return await self._decide("publish", code, version, opinion)

    async def return_dataset(self, code: str, version: int, reason: str) -> Done:
        """Send a proposed catalogue entry version back for change (退回修改).

        Raises:
            InputError: ``code-form``, ``reason-missing``.
        """
        return await self._decide("return", code, version, reason)

    async def retire_dataset(self, code: str, version: int, reason: str) -> Done:
        """Retire a catalogue entry version.

        Raises:
            InputError: ``code-form``, ``reason-missing``.
        """
        return await self._decide("retire", code, version, reason)

    async def _decide(self, decision: str, code: str, version: int, reason: str) -> Done:
        owner, serial = _split(code)
        dataset = dataset_object(f"{owner}/{serial:06d}", version)
        document = await self.documents.put(DECISION, dataset, decision_content(decision, reason))
        word = "0x" + document.digest.hex()
        return await self.transactions.authority("DatasetCatalog", _CALLS[decision], owner, serial, version, word)


_CALLS = {"publish": "publish", "return": "returnForChange", "retire": "retire"}


def _split(code: str) -> tuple[str, int]:
    owner, _, serial = code.replace(".", "/").partition("/")
    check_uscc(owner)
    if len(serial) != 6 or not serial.isdecimal():
        raise InputError("code-form", "a catalogue code is <USCC>/<6 digits>")
    return owner, int(serial)
