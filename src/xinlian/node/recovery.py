"""Recovery of a department whose keys are lost or stolen: the authority announces, the department may object, then it is done.

Rules
1. The successors come from a registration request of the same department (``xinlian department request``): each proves that it
   holds its key. Its key set is not taken over; the recovered node publishes its own (``xinlian department rotate-keys``).
2. From the announcement to the replacement pass two working days, in which the department's node may object (docs/adr/009).
3. A calendar year that is not loaded stops only the replacement.

Example: ``await node.recovery.announce(request_file)``
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from xinlian.node.calendar import WorkingDays
from xinlian.node.chain_state import ChainState, RecoveryState
from xinlian.node.registration import parse_registration
from xinlian.node.signers import role_names
from xinlian.node.transactions import Done, Transactions
from xinlian.protocol.clocks import ClockReading, Term
from xinlian.protocol.codes import check_uscc
from xinlian.protocol.errors import ConflictError, NotFoundError
from xinlian.protocol.types import Uscc

DELAY_WD: Final = 2
_CONTRACT: Final = "DepartmentRegistry"


@dataclass(frozen=True, slots=True)
class Announced:
    """An announced recovery.

    Args:
        department: USCC.
        state: as announced.
        clock: of its delay: it may be carried out from its deadline on.
    """

    department: str
    state: RecoveryState
    clock: ClockReading

    def to_json(self) -> dict[str, object]:
        """As the API gives it."""
        signers = [{"address": address, "roles": role_names(roles)} for address, roles in self.state.candidates]
        return {
            "department": self.department,
            "announced_at": self.state.announced_at,
            "earliest": self.clock.deadline_s,
            "missing_year": self.clock.missing_year,
            "signers": signers,
        }


class Recovery:
    """The use case.

    Args:
        department: USCC of this node.
        state: departments and announced recoveries.
        working_days: reads the delay.
        law_s: law time.
        transactions: sends with the authority's key, or with this department's ADMIN key.
    """

    def __init__(
        self,
        department: Uscc,
        state: ChainState,
        working_days: WorkingDays,
        law_s: Callable[[], int],
        transactions: Transactions,
    ) -> None:
        self._department = department
        self._state = state
        self._working_days = working_days
        self._law_s = law_s
        self._transactions = transactions

    def announced(self, uscc: str) -> Announced:
        """The recovery that is announced for a department.

        Raises:
            NotFoundError: ``department-unknown``.
            ConflictError: ``recovery-unknown``.
        """
        found = self._state.department(uscc)
        if found is None:
            raise NotFoundError("department-unknown", "no department of this USCC is registered on the chain")
        if found.recovery is None:
            raise ConflictError("recovery-unknown", f"no recovery of {uscc} is announced", department=uscc)
        clock = self._working_days.read(Term(found.recovery.announced_at, DELAY_WD))
        return Announced(uscc, found.recovery, clock)

    async def announce(self, request: bytes) -> Done:
        """Authority: announce that all signers of a department will be replaced by those of the request.

        Raises:
            InputError: ``registration-form``, ``registration-proof``.
            NotFoundError: ``department-unknown``.
            ChainError: ``tx-reverted`` with the contract's reason.
        """
        found = parse_registration(request)
        if self._state.department(found.uscc) is None:
            raise NotFoundError("department-unknown", "no department of this USCC is registered on the chain")
        signers = [{"signer": one.address, "roles": one.roles, "possession": one.possession} for one in found.signers]
        return await self._transactions.authority(_CONTRACT, "announceRecovery", found.uscc, signers)

    async def withdraw(self, uscc: str) -> Done:
        """Authority: withdraw an announcement; raises like ``announced``."""
        check_uscc(uscc)
        earlier = await self._transactions.earlier(_CONTRACT, "cancelRecovery")
        if earlier is not None:
            return earlier
        self.announced(uscc)
        return await self._transactions.authority(_CONTRACT, "cancelRecovery", uscc)

    async def carry_out(self, uscc: str) -> Done:
        """Authority: replace the signers, after the delay.

        Raises:
            NotFoundError: ``department-unknown``.
            ConflictError: ``recovery-unknown``, ``recovery-too-early``, ``calendar-year-missing``.
            ChainError: ``tx-reverted`` with the contract's reason.
        """
        check_uscc(uscc)
        earlier = await self._transactions.earlier(_CONTRACT, "recover")
        if earlier is not None:
            return earlier
        self._require_delay(uscc)
        return await self._transactions.authority(_CONTRACT, "recover", uscc)

    async def object(self) -> Done:
        """This department: object to its own recovery, with its ADMIN key; needs no calendar. Raises like ``announced``."""
        earlier = await self._transactions.earlier(_CONTRACT, "cancelRecovery")
        if earlier is not None:
            return earlier
        self.announced(self._department)
        return await self._transactions.admin(_CONTRACT, "cancelRecovery", self._department)

    def _require_delay(self, uscc: str) -> None:
        announced = self.announced(uscc)
        earliest_s = self._working_days.deadline(Term(announced.state.announced_at, DELAY_WD))
        if self._law_s() < earliest_s:
            text = f"the recovery of {uscc} may be carried out after {announced.clock.last_day}"
            raise ConflictError("recovery-too-early", text, department=uscc, earliest=earliest_s)
