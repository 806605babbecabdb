"""Corrections on chain: opening one, every later step, the mark of what is late.

Rules
1. Numbers are the receiver's own: date (UTC+8, law time) and six digits, rising within the day.
2. A step is checked here against the followed chain first, with the codes that the contract's rejection has too; the contract
   decides.

Example: ``await corrections.open(Opened(provider, grant, target, evidence, document), number)``

Source: Decree 809 art. 26; ICorrectionRegistry.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from xinlian.node.chain_state import ChainState, CorrectionState, CorrectionStep, GrantState
from xinlian.node.corrections.steps import STEPS, Step, check_party, check_state
from xinlian.node.transactions import Transactions
from xinlian.protocol.errors import ConflictError, NotFoundError
from xinlian.protocol.working_days import date_of, day_of

CONTRACT = "CorrectionRegistry"
_SERIALS = 1_000_000


@dataclass(frozen=True, slots=True)
class Opened:
    """A correction to open: the grant under which the value came, and the digests (32 bytes each) of what is disputed, of the
    evidence, and of the application.
    """

    grant: GrantState
    target: bytes
    evidence: bytes
    document: bytes


@dataclass(frozen=True, slots=True)
class Corrections:
    """The use case.

    Args:
        department: USCC of this node.
        state: corrections as followed.
        transactions: signs with the LAW key.
        law_s: law time, epoch seconds.
    """

    department: str
    state: ChainState
    transactions: Transactions
    law_s: Callable[[], int]

    def known(self, receiver: str, number: int) -> CorrectionState:
        """A correction on the followed chain.

        Raises:
            NotFoundError: ``correction-unknown``.
        """
        found = self.state.correction(receiver, number)
        if found is None:
            raise NotFoundError("correction-unknown", f"there is no correction {number} of {receiver[:18]}")
        return found

    def grant(self, provider: str, number: int) -> GrantState:
        """The grant under which this department received the value, running or not.

        Raises:
            NotFoundError: ``grant-unknown``.
            ConflictError: ``correction-party`` when another department received it.
        """
        found = self.state.grants.get((provider, number))
        if found is None:
            raise NotFoundError("grant-unknown", "there is no such grant", grant=number)
        if found.receiver != self.department:
            raise ConflictError(
                "correction-party", "only who received a value under the grant disputes it", expected=found.receiver
            )
        return found

    def next_number(self, reserved: int = 0) -> int:
        """The number that the next correction of this department gets.

        Args:
            reserved: highest number that a proposal waits with, 0 for none.

        Raises:
            ConflictError: ``correction-number``.
        """
        first = int(date_of(day_of(self.law_s())).strftime("%Y%m%d")) * _SERIALS + 1
        number = max(self.state.newest_correction_number(self.department, first), reserved) + 1
        if number // _SERIALS != first // _SERIALS:
            raise ConflictError("correction-number", "no correction number of this day is left")
        return number

    def check(self, step: Step, receiver: str, number: int) -> CorrectionState:
        """The correction, when this department may take the step now.

        Raises:
            NotFoundError: ``correction-unknown``.
            ConflictError: ``correction-state``, ``correction-party``.
        """
        correction = self.known(receiver, number)
        check_party(step, correction, self.department)
        check_state(step, correction)
        return correction

    # -- sending -----------------------------------------------------------------------------------

    async def open(self, new: Opened, number: int) -> str:
        """Open a correction under a reserved number; gives the transaction's hash.

        Raises:
            XinlianError: the contract's rejection under its code.
            ChainError: when the chain cannot be reached.
        """
        opening = {
            "number": number,
            "provider": new.grant.provider,
            "grantNumber": new.grant.number,
            "serial": new.grant.serial,
            "version": new.grant.version,
            "target": "0x" + new.target.hex(),
            "evidence": "0x" + new.evidence.hex(),
            "document": "0x" + new.document.hex(),
        }
        return (await self.transactions.law(CONTRACT, "open", opening)).tx_hash

    async def withdraw(self, correction: CorrectionState, document: bytes) -> str:
        """Withdraw what is not answered; as ``open``."""
        return (await self.transactions.law(CONTRACT, "withdraw", correction.number, "0x" + document.hex())).tx_hash

    async def answer(self, correction: CorrectionState, outcome: CorrectionStep, document: bytes) -> str:
        """Answer as the addressee: corrected or maintained; as ``open``."""
        key = correction.receiver, correction.number
        return (await self.transactions.law(CONTRACT, "answer", *key, int(outcome), "0x" + document.hex())).tx_hash

    async def forward(self, correction: CorrectionState, source: str, document: bytes) -> str:
        """Hand it on to the source department; as ``open``."""
        key = correction.receiver, correction.number
        return (await self.transactions.law(CONTRACT, "forward", *key, source, "0x" + document.hex())).tx_hash

    async def mark_overdue(self, receiver: str, number: int) -> str:
        """Record on chain that the addressee is late; any department may, nobody before the deadline.

        Raises:
            NotFoundError: ``correction-unknown``.
            ConflictError: ``correction-state``, ``not-overdue``, ``overdue-recorded``.
            ChainError: when the chain cannot be reached.
        """
        self.check(STEPS["record-overdue"], receiver, number)
        return (await self.transactions.law(CONTRACT, "recordOverdue", receiver, number)).tx_hash
