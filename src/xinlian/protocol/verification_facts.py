"""Facts for a verification: what the view says about one bundle, asked once, before any check speaks.

Rules
1. A view of another chain than the manifest's, or RPC nodes that disagree on what it is, answers nothing else.
2. The as-of block is never later than the newest block; an anchoring counts when it is final and not after the as-of block.

Source: design.md 4.6.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from xinlian.protocol.bundle import Bundle
from xinlian.protocol.chainview import Anchoring, BlockRef, ChainView
from xinlian.protocol.errors import ChainError, InputError
from xinlian.protocol.manifest import Deployment
from xinlian.protocol.receipt import Receipt
from xinlian.protocol.record import Statement
from xinlian.protocol.report import Moment, time_text
from xinlian.protocol.types import VCT_ACT, VCT_ANSWER, VCT_READ, VCT_SELF_ACCESS, Status, Stream

FIXED_VCT: Final = {Stream.ANSWERS: (VCT_ANSWER,), Stream.READS: (VCT_READ, VCT_ACT, VCT_SELF_ACCESS)}
"""The types of the streams that hold no published records."""


@dataclass(frozen=True, slots=True)
class AsOf:
    """The moment of interest: a block number or a time (epoch seconds); exactly one is given."""

    block: int | None = None
    time: int | None = None

    def __post_init__(self) -> None:
        if (self.block is None) == (self.time is None):
            raise ValueError("as-of takes either a block or a time")


def parse_as_of(text: str) -> AsOf:
    """Read ``--as-of``: digits are a block number, ``@`` and digits epoch seconds, else an RFC 3339 time.

    Raises:
        InputError: ``as-of-form`` for anything else, a time without offset included.
    """
    if text.isascii() and text.isdigit() and len(text) < 16:
        return AsOf(block=int(text))
    if text.startswith("@") and text[1:].isascii() and text[1:].isdigit() and len(text) < 16:
        return AsOf(time=int(text[1:]))
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise InputError("as-of-form", "expected a block number or a time such as 2026-03-02T09:00:00+08:00") from error
    if moment.tzinfo is None:
        raise InputError("as-of-form", "the time has no offset; write +08:00 or Z")
    return AsOf(time=int(moment.timestamp()))


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known when the checks run.

    ``view`` is None when there is none that can be used, and ``why`` says why. ``final`` is the newest final block.
    ``anchoring`` is what the view found for the receipt's batch; ``reached`` tells whether it is final and not after
    ``moment``.
    """

    bundle: Bundle
    deployment: Deployment | None
    stream: Stream
    view: ChainView | None
    why: str
    foreign_view: bool = False
    moment: Moment | None = None
    anchoring: Anchoring | None = None
    reached: bool = False
    status: Status | None = None

    @property
    def statement(self) -> Statement:
        """The bundle's statement."""
        return self.bundle.statement

    @property
    def receipt(self) -> Receipt | None:
        """The bundle's receipt."""
        return self.bundle.receipt


def gather(bundle: Bundle, deployment: Deployment | None, view: ChainView | None, as_of: AsOf | None) -> Facts:
    """Ask the view for what all checks share (arguments and errors as in ``verification.verify_bytes``)."""
    stream = _stream_of(bundle)
    if deployment is None:
        return Facts(bundle, None, stream, None, "no deployment manifest")
    if view is None:
        return Facts(bundle, deployment, stream, None, "no RPC")
    try:
        if (view.chain_id(), view.genesis_hash().lower()) != (deployment.chain_id, deployment.genesis_hash.lower()):
            return Facts(bundle, deployment, stream, None, "the RPC shows another chain", foreign_view=True)
        return _gather_from(view, Facts(bundle, deployment, stream, view, ""), as_of)
    except ChainError as error:
        why = f"{error.code}: {error.message}"
        return Facts(bundle, deployment, stream, None, why, foreign_view=error.code == "rpc-disagree")


def of_same_batch(known: Facts, bundle: Bundle) -> Facts:
    """Facts for another bundle of the batch, issuer and type that ``known`` was gathered for, on the same view."""
    status = None
    if known.view is not None and known.moment is not None and bundle.receipt is not None and known.reached:
        status = _read_status(known.view, bundle.receipt, known.moment)
    return replace(known, bundle=bundle, status=status)


def _gather_from(view: ChainView, facts: Facts, as_of: AsOf | None) -> Facts:
    head = view.head()
    moment = _moment(view, head, as_of)
    receipt = facts.receipt
    anchoring = None if receipt is None else _find_anchoring(view, receipt)
    confirmations = 0 if facts.deployment is None else facts.deployment.confirmations
    reached = anchoring is not None and anchoring.block_number <= min(moment.number, head.number - confirmations)
    status = _read_status(view, receipt, moment) if receipt is not None and reached else None
    return Facts(
        bundle=facts.bundle,
        deployment=facts.deployment,
        stream=facts.stream,
        view=view,
        why="",
        moment=moment,
        anchoring=anchoring,
        reached=reached,
        status=status,
    )


def _stream_of(bundle: Bundle) -> Stream:
    if bundle.receipt is not None:
        return bundle.receipt.stream
    return next((stream for stream, types in FIXED_VCT.items() if bundle.statement.vct in types), Stream.RECORDS)


def _moment(view: ChainView, head: BlockRef, as_of: AsOf | None) -> Moment:
    if as_of is None or as_of.block == head.number:
        return Moment(head.number, head.hash, head.time)
    if as_of.block is not None:
        if as_of.block > head.number:
            raise InputError("as-of-future", f"block {as_of.block} is later than the newest block {head.number}")
        return Moment(as_of.block, None, None)
    time_s = as_of.time or 0
    if time_s > head.time:
        raise InputError("as-of-future", f"{time_text(time_s)} is later than the newest block's {time_text(head.time)}")
    block = view.block_at(time_s)
    return Moment(block.number, block.hash, block.time)


def _find_anchoring(view: ChainView, receipt: Receipt) -> Anchoring | None:
    """Where the batch was anchored; None, too, when a node lies about it: the check ``anchored`` asks again and says so."""
    try:
        return view.anchoring(receipt.department, receipt.stream, receipt.sequence)
    except ChainError as error:
        if error.code != "events-differ":
            raise
        return None


def _read_status(view: ChainView, receipt: Receipt, moment: Moment) -> Status | None:
    if receipt.stream is not Stream.RECORDS or receipt.index >= receipt.size:
        return None
    try:
        return Status(view.status_at(receipt.department, receipt.sequence, receipt.index, moment.number))
    except ChainError:
        return None
