"""Remarks: what a reader must know although no check failed.

``hint-wrong`` (block, time or transaction in a receipt), ``successor-not-supplied``, ``successor-not-marked``,
``anchored-late``, ``issued-after-anchoring``, ``compromised``, ``department-not-active`` (pending only), ``not-asked``.

Source: design.md 4.2, 4.3, 4.6.
"""

from __future__ import annotations

from typing import Final

from xinlian.protocol.chainview import Anchoring, ChainView
from xinlian.protocol.errors import ChainError
from xinlian.protocol.receipt import Receipt
from xinlian.protocol.record import Statement
from xinlian.protocol.report import Remark
from xinlian.protocol.types import Status, uscc_of_issuer
from xinlian.protocol.verification_facts import Facts

LATE_AFTER_S: Final = 86_400
"""An anchoring later than this after ``iat`` is remarked."""
CLOCK_TOLERANCE_S: Final = 300
"""``iat`` may be this much after the anchoring block's time before it is remarked."""


def remarks_on(facts: Facts) -> list[Remark]:
    """Return the remarks on a bundle; none without a usable view."""
    if facts.view is None:
        return []
    remarks = _status_remarks(facts)
    if facts.receipt is not None and facts.anchoring is not None:
        remarks += _hint_remarks("", facts.receipt, facts.anchoring) + _time_remarks(facts.statement, facts.anchoring)
    return remarks + _department_remarks(facts, facts.view) + _successor_remarks(facts, facts.view)


def _hint_remarks(who: str, receipt: Receipt, anchoring: Anchoring) -> list[Remark]:
    hints = (
        ("block_number", receipt.block_number == anchoring.block_number),
        ("block_time", receipt.block_time == anchoring.block_time),
        ("tx_hash", receipt.tx_hash == anchoring.tx_hash.lower()),
    )
    return [Remark("hint-wrong", f"{who}the receipt's {name} is not the chain's") for name, right in hints if not right]


def _time_remarks(statement: Statement, anchoring: Anchoring) -> list[Remark]:
    delay_s = anchoring.block_time - statement.iat
    if delay_s > LATE_AFTER_S:
        return [Remark("anchored-late", f"anchored {delay_s} s after it was issued")]
    if delay_s < -CLOCK_TOLERANCE_S:
        return [Remark("issued-after-anchoring", f"its own time is {-delay_s} s after the anchoring block's")]
    return []


def _status_remarks(facts: Facts) -> list[Remark]:
    successor = facts.bundle.successor
    if facts.status is Status.SUPERSEDED and successor is None:
        return [Remark("successor-not-supplied", "superseded; the bundle does not hold the next revision")]
    return []


def _department_remarks(facts: Facts, view: ChainView) -> list[Remark]:
    department = uscc_of_issuer(facts.statement.iss)
    try:
        if facts.anchoring is not None and view.is_compromised_at(department, facts.anchoring.block_number):
            return [Remark("compromised", "the authority marks the department's keys as compromised since before the anchoring")]
        if facts.receipt is None and facts.moment is not None and not view.is_active_at(department, facts.moment.number):
            return [Remark("department-not-active", "the department is not active as of then")]
    except ChainError as error:
        return [Remark("not-asked", f"{error.code}: {error.message}")]
    return []


def _successor_remarks(facts: Facts, view: ChainView) -> list[Remark]:
    successor = facts.bundle.successor
    if successor is None or facts.moment is None:
        return []
    receipt = successor.receipt
    try:
        anchoring = view.anchoring(receipt.department, receipt.stream, receipt.sequence)
    except ChainError as error:
        return [Remark("not-asked", f"{error.code}: {error.message}")]
    if anchoring is None:
        return []
    remarks = _hint_remarks("successor: ", receipt, anchoring)
    if facts.status is Status.CURRENT and anchoring.block_number <= facts.moment.number:
        remarks.append(Remark("successor-not-marked", "a next revision is anchored, but the ledger says current"))
    return remarks
