"""This department's chain signers: a further key, a remote signer in place of a file, a key taken out of use.

Rules
1. A signer comes from a registration request of the same department (``xinlian department request``), which proves that the key
   is held. Its key set is not taken over.
2. The last signer of a role is not retired: add its successor first. The ADMIN key that signs cannot retire itself (contract).
3. When all keys are lost or stolen the authority recovers the department (``recovery``).

Example: ``await node.signers.add(request_file, Role.ANCHOR)``

Source: design 6 (Keys).
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final

from xinlian.node.chain_state import ChainState
from xinlian.node.paging import Page, Window, page_of
from xinlian.node.registration import parse_registration
from xinlian.node.transactions import Done, Transactions
from xinlian.protocol.errors import ConflictError, InputError, NotFoundError
from xinlian.protocol.types import Role, Uscc

_CONTRACT: Final = "DepartmentRegistry"


@dataclass(frozen=True, slots=True)
class ShownSigner:
    """A signer of this department: 0x address, roles bitmask, blocks from which and until which it may sign."""

    address: str
    roles: Role
    from_block: int
    to_block: int | None

    def to_json(self) -> dict[str, object]:
        """As the API gives it."""
        return {
            "address": self.address,
            "roles": role_names(self.roles),
            "from_block": self.from_block,
            "to_block": self.to_block,
        }


class Signers:
    """The use case.

    Args:
        department: USCC of this node.
        state: signers on chain.
        transactions: sends with the ADMIN key.
    """

    def __init__(self, department: Uscc, state: ChainState, transactions: Transactions) -> None:
        self._department = department
        self._state = state
        self._transactions = transactions
        self._retiring = asyncio.Lock()

    def all(self, window: Window) -> Page[ShownSigner]:
        """This department's signers, retired ones among them, in order of registration."""
        return page_of(self._own(), window, lambda one: (one.from_block, one.address))

    async def add(self, request: bytes, role: Role) -> Done:
        """Register the request's key of one role as a further signer.

        Raises:
            InputError: ``registration-form``, ``registration-proof``, ``signer-foreign``.
            NotFoundError: ``signer-unknown`` when the request names no key of the role.
            ConflictError: ``signer-exists``; ``tx-reverted`` with the contract's reason.
        """
        found = parse_registration(request)
        if found.uscc != self._department:
            raise InputError("signer-foreign", "the request is of another department", department=found.uscc)
        wanted = next((one for one in found.signers if one.roles == role), None)
        if wanted is None:
            raise NotFoundError("signer-unknown", "the request names no key of this role", role=role_names(role)[0])
        earlier = await self._transactions.earlier(_CONTRACT, "addSigner")
        if earlier is not None:
            return earlier
        if self._find(wanted.address) is not None:
            raise ConflictError("signer-exists", f"{wanted.address} was registered before", address=wanted.address)
        signer = {"signer": wanted.address, "roles": wanted.roles, "possession": wanted.possession}
        return await self._transactions.admin(_CONTRACT, "addSigner", signer)

    async def retire(self, address: str) -> Done:
        """Take a signer out of use for good; what it signed stays proven.

        Raises:
            NotFoundError: ``signer-unknown``.
            ConflictError: ``signer-retired``, ``signer-last``; ``tx-reverted`` with the contract's reason.
        """
        async with self._retiring:  # two at the same time would each count on the other
            earlier = await self._transactions.earlier(_CONTRACT, "retireSigner")
            return await self._retired(address) if earlier is None else earlier

    async def _retired(self, address: str) -> Done:
        found = self._find(address)
        if found is None:
            raise NotFoundError("signer-unknown", "no signer of this department has this address", address=address[:64])
        if found.to_block is not None:
            raise ConflictError("signer-retired", f"{found.address} is retired", address=found.address, block=found.to_block)
        left = [one.roles for one in self._own() if one.to_block is None and one.address != found.address]
        alone = [role for role in Role if role & found.roles and not any(role & other for other in left)]
        if alone:
            text = f"{found.address} is the last signer of role {role_names(alone[0])[0]}"
            raise ConflictError("signer-last", text, address=found.address)
        return await self._transactions.admin(_CONTRACT, "retireSigner", found.address)

    def _own(self) -> list[ShownSigner]:
        return [
            ShownSigner(address, Role(one.roles), one.from_block, one.to_block)
            for address, one in self._state.signers.items()
            if one.department == self._department
        ]

    def _find(self, address: str) -> ShownSigner | None:
        return next((one for one in self._own() if one.address.lower() == address.lower()), None)


def role_names(roles: int) -> list[str]:
    """The names of the roles in a bitmask."""
    return [str(role.name).lower() for role in Role if roles & role]
