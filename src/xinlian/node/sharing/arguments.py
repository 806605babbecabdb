"""The arguments of each step's call, in the order of ISharingRegistry.

Rules
1. A step of the requester begins with the number, every other one with requester and number.
2. Terms that stand on chain are handed back as they stand there; new ones are translated by the dataset's schema.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final

from xinlian.node.chain_state import SharingRequest
from xinlian.node.sharing.conditions import StepDetails, ground_bits
from xinlian.node.sharing.steps import Party, Step
from xinlian.node.sharing.terms import chain_scope, chain_terms, known_scope, known_terms
from xinlian.protocol.dataset import DatasetSchema
from xinlian.protocol.errors import InputError

_NOTHING: Final[Mapping[str, object]] = {"verifyMask": 0, "queryMask": 0, "answerMask": 0, "batchMask": 0}
Arguments = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class StepCall:
    """One step about to be taken.

    Args:
        request: as it stands.
        details: what the step says.
        grant_number: that a delivery gives.
        schema: fetches the dataset's schema; only steps with new names need it.
    """

    request: SharingRequest
    details: StepDetails
    grant_number: int
    schema: Callable[[SharingRequest], Awaitable[DatasetSchema]]

    async def arguments(self, step: Step) -> Arguments:
        """What follows the function's name.

        Raises:
            InputError: names that the dataset does not have, or terms that are missing.
            PeerError: when the schema cannot be had.
        """
        who: Arguments = (self.request.number,)
        if step.party is not Party.REQUESTER:
            who = (self.request.requester, self.request.number)
        build = _SHAPES.get(step.function)
        middle = () if build is None else await build(self)
        document = self.details.document
        return (*who, *middle) if step.form is None else (*who, *middle, "0x" + (document or bytes(32)).hex())

    async def new_terms(self) -> Arguments:
        """Terms by name."""
        if self.details.terms is None:
            raise InputError("request-body", "this step needs terms", field="terms")
        return (chain_terms(await self.schema(self.request), self.details.terms),)

    async def refiled(self) -> Arguments:
        """Of resubmit."""
        return (*await self.new_terms(), self.details.out_of_scope, "0x" + self.details.legal_basis.hex())

    async def proposed(self) -> Arguments:
        """Of acceptChange."""
        assert self.request.proposed is not None
        return (known_terms(self.request.proposed),)

    async def days(self) -> Arguments:
        """Working days."""
        return (self.details.days,)

    async def refused(self) -> Arguments:
        """Of refuse."""
        return (ground_bits(self.details.grounds),)

    async def delivered(self) -> Arguments:
        """Of deliver."""
        return (self.grant_number, known_terms(self.request.terms))

    async def agreed(self) -> Arguments:
        """Of agree."""
        scope = await self._scope(known_scope(self.request.terms))
        return (known_terms(self.request.terms), scope, ground_bits(self.details.grounds), int(self.details.cover))

    async def reviewed(self) -> Arguments:
        """Of reviewScope."""
        return (known_terms(self.request.terms), await self._scope(known_scope(self.request.terms)))

    async def settled(self) -> Arguments:
        """Of settleDispute."""
        return (known_terms(self.request.terms), await self._scope(_NOTHING), int(self.details.cover))

    async def _scope(self, default: Mapping[str, object]) -> Mapping[str, object]:
        if self.details.scope is None:
            return default
        return chain_scope(await self.schema(self.request), self.details.scope)


_SHAPES: Final[dict[str, Callable[[StepCall], Awaitable[Arguments]]]] = {
    "resubmit": StepCall.refiled,
    "acceptChange": StepCall.proposed,
    "proposeChange": StepCall.new_terms,
    "askExtension": StepCall.days,
    "extend": StepCall.days,
    "consentExtension": StepCall.days,
    "suspendUse": StepCall.days,
    "refuse": StepCall.refused,
    "deliver": StepCall.delivered,
    "agree": StepCall.agreed,
    "reviewScope": StepCall.reviewed,
    "settleDispute": StepCall.settled,
}
