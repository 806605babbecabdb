"""Verification of an evidence bundle: a closed list of named checks that trusts nothing inside the bundle.

Rules
1. The trust anchor is the deployment manifest; facts come from a ``ChainView`` of the contracts it names. Without manifest
   or view the checks that need them are *not run*, and not run counts as failed.
2. "Then" is the anchoring block, found by the view; the receipt's block, time and transaction are hints (wrong = remark).
3. Streams differ: ``answers`` and ``reads`` have a fixed ``vct`` and no ``status``; ``reads`` has no ``department-active-then``.
4. Without a receipt the signature is required, and the checks that need a receipt are *pending*.
   The same holds for a batch that is anchored after the as-of block or not final yet.
5. A signing key must have been registered at some block from the anchoring block to the as-of block (pending: at the as-of
   block), so a rotated key keeps proving what was anchored while it was registered.
6. A fault in the successor fails the check of the same name: everything in the bundle is evidence.
7. A view of another chain than the manifest's answers nothing: ``chain`` fails, the rest is not run.

Example: ``verify_bytes(data, deployment, view).exit_code == 0``.

Source: design.md 4.6; RFC 9901 §7; RFC 9162 §2.1.3.2.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from xinlian.protocol import jwks, merkle, sdjwt
from xinlian.protocol.bundle import Bundle, Successor, parse
from xinlian.protocol.chainview import Anchoring, BlockRef, ChainView, KeySetFrom
from xinlian.protocol.errors import ChainError, EvidenceError, InputError
from xinlian.protocol.manifest import CONTRACTS, Deployment
from xinlian.protocol.receipt import Receipt
from xinlian.protocol.record import Statement, disclosure_digest, parse_disclosure
from xinlian.protocol.report import Check, Moment, Outcome, Remark, Report, time_text
from xinlian.protocol.suite import leaf_hash
from xinlian.protocol.types import VCT_ANSWER, VCT_READ, Status, Stream, issuer_of, split_dataset_vct, uscc_of_issuer

__all__ = [
    "CHECKS",
    "Anchoring",
    "AsOf",
    "BlockRef",
    "ChainView",
    "Check",
    "KeySetFrom",
    "Moment",
    "Outcome",
    "Remark",
    "Report",
    "checks_of",
    "parse_as_of",
    "verify_bundle",
    "verify_bytes",
]

CHECKS: Final = (
    "format",
    "deployment",
    "chain",
    "ledger-address",
    "code-hash",
    "disclosures",
    "leaf-path",
    "issuer",
    "vct",
    "department-active-then",
    "anchored",
    "status",
    "signature",
)
LATE_AFTER_S: Final = 86_400
CLOCK_TOLERANCE_S: Final = 300

_FIXED_VCT: Final = {Stream.ANSWERS: VCT_ANSWER, Stream.READS: VCT_READ}
_LEFT_OUT: Final = {
    Stream.RECORDS: frozenset[str](),
    Stream.ANSWERS: frozenset({"status"}),
    Stream.READS: frozenset({"status", "department-active-then"}),
}
_NOTES: Final = {
    Stream.RECORDS: "Proves that the department published these values, not that they are true.",
    Stream.ANSWERS: "Proves what the provider stated in this answer, not that it is true.",
    Stream.READS: "Proves that the department logged this use, not what the other side received.",
}


@dataclass(frozen=True, slots=True)
class AsOf:
    """The moment of interest: a block number or a time (epoch seconds); exactly one is given."""

    block: int | None = None
    time_s: int | None = None

    def __post_init__(self) -> None:
        if (self.block is None) == (self.time_s is None):
            raise ValueError("as-of takes either a block or a time")


def parse_as_of(text: str) -> AsOf:
    """Read ``--as-of``: digits are a block number, an RFC 3339 time with its offset is a time.

    Raises:
        InputError: ``as-of-form`` for anything else, a time without offset included.
    """
    if text.isascii() and text.isdigit() and len(text) < 16:
        return AsOf(block=int(text))
    try:
        time = datetime.fromisoformat(text)
    except ValueError as error:
        raise InputError("as-of-form", "expected a block number or a time such as 2026-03-02T09:00:00+08:00") from error
    if time.tzinfo is None:
        raise InputError("as-of-form", "the time has no offset; write +08:00 or Z")
    return AsOf(time_s=int(time.timestamp()))


def checks_of(stream: Stream, *, signed: bool) -> tuple[str, ...]:
    """Return the closed list of checks for a bundle of ``stream``, in order."""
    left_out = _LEFT_OUT[stream] if signed else _LEFT_OUT[stream] | {"signature"}
    return tuple(name for name in CHECKS if name not in left_out)


def verify_bytes(data: bytes, deployment: Deployment | None, view: ChainView | None, as_of: AsOf | None = None) -> Report:
    """Verify a bundle file; a file that is no bundle gives a report whose check ``format`` failed.

    Args:
        data: the file's bytes.
        deployment: the manifest, or None when none was found.
        view: a view of the manifest's chain, or None without an RPC.
        as_of: moment of interest; None for the view's newest block.

    Raises:
        InputError: ``as-of-future`` when the view has not reached the moment yet.
    """
    try:
        bundle = parse(data)
    except InputError as error:
        failed = Check("format", Outcome.FAILED, error.message)
        rest = (Check(name, Outcome.NOT_RUN, "the file is not an evidence bundle") for name in CHECKS[1:-1])
        return Report((failed, *rest))
    return verify_bundle(bundle, deployment, view, as_of)


def verify_bundle(bundle: Bundle, deployment: Deployment | None, view: ChainView | None, as_of: AsOf | None = None) -> Report:
    """Verify a parsed bundle (arguments and errors as in ``verify_bytes``)."""
    facts = _gather(bundle, deployment, view, as_of)
    signed = bundle.signed is not None or bundle.receipt is None
    checks = tuple(_run(name, facts) for name in checks_of(facts.stream, signed=signed))
    disclosed = next(check.outcome for check in checks if check.name == "disclosures") is Outcome.PASSED
    return Report(
        checks=checks,
        remarks=tuple(_remarks(facts)),
        notes=(_NOTES[facts.stream],),
        values=tuple((item.name, item.value_text) for item in bundle.opened()) if disclosed else (),
        status=facts.status,
        statement=bundle.statement,
        stream=facts.stream,
        moment=facts.moment,
        anchoring=facts.anchoring,
    )


# -- facts: everything the view is asked for, before any check speaks ----------------------------------


@dataclass(frozen=True, slots=True)
class _Facts:
    """What is known when the checks run.

    ``view`` is None when there is none that can be used, and ``why`` says why. ``final`` is the newest final block.
    ``anchoring`` is what the view found for the receipt's batch; ``reached`` tells whether that is final and not after ``moment``.
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
        return self.bundle.statement

    @property
    def receipt(self) -> Receipt | None:
        return self.bundle.receipt


class _NotRunError(Exception):
    """A check cannot be run; the text says why."""


class _FailedError(Exception):
    """A check failed; the text says why."""


class _PendingError(Exception):
    """A check waits for the anchoring; the text says for what."""


def _gather(bundle: Bundle, deployment: Deployment | None, view: ChainView | None, as_of: AsOf | None) -> _Facts:
    stream = _stream_of(bundle)
    if deployment is None:
        return _Facts(bundle, None, stream, None, "no deployment manifest")
    if view is None:
        return _Facts(bundle, deployment, stream, None, "no RPC")
    try:
        if (view.chain_id(), view.genesis_hash().lower()) != (deployment.chain_id, deployment.genesis_hash.lower()):
            return _Facts(bundle, deployment, stream, None, "the RPC shows another chain", foreign_view=True)
        return _gather_from(view, _Facts(bundle, deployment, stream, view, ""), as_of)
    except ChainError as error:
        return _Facts(
            bundle, deployment, stream, None, f"{error.code}: {error.message}", foreign_view=error.code == "rpc-disagree"
        )


def _gather_from(view: ChainView, facts: _Facts, as_of: AsOf | None) -> _Facts:
    head = view.head()
    moment = _moment(view, head, as_of)
    receipt = facts.receipt
    anchoring = None if receipt is None else view.anchoring(receipt.department, receipt.stream, receipt.sequence)
    confirmations = 0 if facts.deployment is None else facts.deployment.confirmations
    reached = anchoring is not None and anchoring.block_number <= min(moment.number, head.number - confirmations)
    status = _read_status(view, receipt, moment) if receipt is not None and reached else None
    return _Facts(
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
    return next((stream for stream, vct in _FIXED_VCT.items() if vct == bundle.statement.vct), Stream.RECORDS)


def _moment(view: ChainView, head: BlockRef, as_of: AsOf | None) -> Moment:
    if as_of is None or as_of.block == head.number:
        return Moment(head.number, head.hash, head.time)
    if as_of.block is not None:
        if as_of.block > head.number:
            raise InputError("as-of-future", f"block {as_of.block} is later than the newest block {head.number}")
        return Moment(as_of.block, None, None)
    time_s = as_of.time_s or 0
    if time_s > head.time:
        raise InputError("as-of-future", f"{time_text(time_s)} is later than the newest block's {time_text(head.time)}")
    block = view.block_at(time_s)
    return Moment(block.number, block.hash, block.time)


def _read_status(view: ChainView, receipt: Receipt, moment: Moment) -> Status | None:
    if receipt.stream is not Stream.RECORDS or receipt.index >= receipt.size:
        return None
    try:
        return Status(view.status_at(receipt.department, receipt.sequence, receipt.index, moment.number))
    except ChainError:
        return None


# -- checks: each returns its sentence or raises why not -----------------------------------------------


def _run(name: str, facts: _Facts) -> Check:
    try:
        return Check(name, Outcome.PASSED, _CHECK_OF[name](facts))
    except _FailedError as reason:
        return Check(name, Outcome.FAILED, str(reason))
    except _NotRunError as reason:
        return Check(name, Outcome.NOT_RUN, str(reason))
    except _PendingError as reason:
        return Check(name, Outcome.PENDING, str(reason))
    except ChainError as error:
        outcome = Outcome.FAILED if error.code == "rpc-disagree" else Outcome.NOT_RUN
        return Check(name, outcome, f"{error.code}: {error.message}")


def _check_format(facts: _Facts) -> str:
    if facts.stream is Stream.RECORDS and facts.statement.extra:
        raise _FailedError("a published record has no extra clear claims")
    if facts.receipt is None and facts.bundle.successor is not None:
        raise _FailedError("a record that is not anchored has no successor")
    return "the exact form of xinlian-evidence/1 and rec/1"


def _check_deployment(facts: _Facts) -> str:
    if facts.deployment is None:
        raise _NotRunError("no deployment manifest")
    return f"manifest of chain {facts.deployment.chain_id}, genesis {facts.deployment.genesis_hash[:10]}…"


def _check_chain(facts: _Facts) -> str:
    deployment = _manifest(facts)
    for who, receipt in _receipts(facts):
        if (receipt.chain_id, receipt.genesis_hash) != (deployment.chain_id, deployment.genesis_hash.lower()):
            raise _FailedError(f"{who}the receipt is of another chain than the manifest")
    if facts.foreign_view:
        raise _FailedError(facts.why)
    _view(facts)
    return "receipt, manifest and RPC are of one chain"


def _check_ledger_address(facts: _Facts) -> str:
    expected = _manifest(facts).contracts["RecordLedger"].address
    _receipt(facts)
    for who, receipt in _receipts(facts):
        if receipt.ledger.lower() != expected.lower():
            raise _FailedError(f"{who}the receipt names the ledger {receipt.ledger}, the manifest {expected}")
    return "the receipt's ledger is the manifest's"


def _check_code_hash(facts: _Facts) -> str:
    contracts = _manifest(facts).contracts
    view = _view(facts)
    for name in CONTRACTS:
        if view.code_hash(contracts[name].address).lower() != contracts[name].code_hash.lower():
            raise _FailedError(f"{name}: the code on the chain is not the manifest's")
    return f"the code of all {len(CONTRACTS)} contracts is the manifest's"


def _check_disclosures(facts: _Facts) -> str:
    digests = set(facts.statement.sd)
    names: set[str] = set()
    for text in facts.bundle.disclosures:
        name = parse_disclosure(text).name
        if disclosure_digest(text) not in digests:
            raise _FailedError("a disclosure is not in the statement's _sd")
        if name in names or name in dict(facts.statement.extra):
            raise _FailedError("a field is disclosed twice")
        names.add(name)
    return f"{len(names)} of {len(digests)} fields disclosed, all in the statement's _sd"


def _check_leaf_path(facts: _Facts) -> str:
    _receipt(facts)
    for who, receipt, statement in _anchored_statements(facts):
        leaf = leaf_hash(statement.raw)
        if not merkle.verify_path(leaf, receipt.index, receipt.size, receipt.path, receipt.root):
            raise _FailedError(f"{who}the statement's leaf does not lead to the receipt's root")
    return "the statement's leaf leads to the receipt's root"


def _check_issuer(facts: _Facts) -> str:
    _receipt(facts)
    for who, receipt, statement in _anchored_statements(facts):
        if statement.iss != issuer_of(receipt.department):
            raise _FailedError(f"{who}the statement's issuer is not the department that anchored")
        if statement.iss != facts.statement.iss:
            raise _FailedError(f"{who}another department issued it")
    return f"issued and anchored by {uscc_of_issuer(facts.statement.iss)}"


def _check_vct(facts: _Facts) -> str:
    vct = facts.statement.vct
    fixed = _FIXED_VCT.get(facts.stream)
    if fixed is not None:
        if vct != fixed:
            raise _FailedError(f"a statement of stream {facts.stream.label} has the type {fixed}")
        return f"the protocol's fixed type {fixed}"
    entry = split_dataset_vct(vct)
    if entry is None or issuer_of(entry[0]) != facts.statement.iss:
        raise _FailedError("the type is not a catalogue entry of the issuer")
    then = _then(facts)
    if not _view(facts).is_published_at(*entry, then.block_number):
        raise _FailedError(f"the catalogue entry was not published at block {then.block_number}")
    return f"the issuer's catalogue entry, published at block {then.block_number}"


def _check_department_active(facts: _Facts) -> str:
    then = _then(facts)
    if not _view(facts).is_active_at(uscc_of_issuer(facts.statement.iss), then.block_number):
        raise _FailedError(f"the department was not active at block {then.block_number}")
    return f"the department was active at block {then.block_number}"


def _check_anchored(facts: _Facts) -> str:
    receipt = _receipt(facts)
    view = _view(facts)
    if facts.anchoring is None:
        raise _FailedError(f"no batch {receipt.sequence} of stream {receipt.stream.label} is anchored")
    for who, claimed in _receipts(facts):
        slot = (claimed.department, claimed.stream, claimed.sequence)
        if not view.is_anchored(*slot, claimed.root, claimed.size, claimed.suite):
            raise _FailedError(f"{who}the ledger holds another root, size or suite for this batch")
    _then(facts)
    return f"anchored at block {facts.anchoring.block_number} ({time_text(facts.anchoring.block_time)})"


def _check_status(facts: _Facts) -> str:
    receipt = _receipt(facts)
    _then(facts)
    if facts.status is None:
        # asked again so that the check carries the view's own reason
        moment = 0 if facts.moment is None else facts.moment.number
        if receipt.index >= receipt.size:
            raise _NotRunError("the receipt's index is outside its batch")
        _view(facts).status_at(receipt.department, receipt.sequence, receipt.index, moment)
        raise _NotRunError("the view gave no status")
    if facts.bundle.successor is not None:
        _check_successor(facts.bundle.successor, facts.statement)
    return f"read from the ledger: {facts.status.name.lower()}"


def _check_successor(successor: Successor, statement: Statement) -> None:
    later = successor.statement
    if successor.receipt.stream is not Stream.RECORDS or later.extra:
        raise _FailedError("successor: it is not a published record")
    if (later.jti, later.rev, later.prev) != (statement.jti, statement.rev + 1, leaf_hash(statement.raw)):
        raise _FailedError("successor: it does not name this revision as the one it replaces")
    if later.vct.partition("@")[0] != statement.vct.partition("@")[0]:
        raise _FailedError("successor: it is of another dataset")


def _check_signature(facts: _Facts) -> str:
    jws = facts.bundle.signed
    if jws is None:
        raise _FailedError("a statement that is not anchored must be signed")
    kid = _kid(jws)
    block = _signature_block(facts)
    last = block if facts.moment is None else facts.moment.number
    sets = _view(facts).key_sets(uscc_of_issuer(facts.statement.iss))
    for key_set in _key_sets_between(sets, uscc_of_issuer(facts.statement.iss), block, last):
        if key_set.find(kid, jwks.USE_SIGN) is not None:
            return _check_jws(jws, key_set, facts.statement)
    raise _FailedError("the key that signed was not registered by the department then")


def _kid(jws: str) -> str:
    try:
        return sdjwt.kid_of(jws)
    except InputError as error:
        raise _FailedError(error.message) from error


def _signature_block(facts: _Facts) -> int:
    """Return the first block at which the key may have been registered: the anchoring block, or the as-of block."""
    _view(facts)
    if facts.anchoring is not None and facts.reached:
        return facts.anchoring.block_number
    if facts.moment is None:
        raise _NotRunError("no as-of block")
    return facts.moment.number


def _check_jws(jws: str, key_set: jwks.KeySet, statement: Statement) -> str:
    try:
        signed = sdjwt.verify(jws, key_set)
    except (EvidenceError, InputError) as error:
        raise _FailedError(error.message) from error
    if signed != statement.raw:
        raise _FailedError("the signature covers another statement")
    return f"signed with the registered key {sdjwt.kid_of(jws)}"


def _key_sets_between(sets: Sequence[KeySetFrom], uscc: str, first: int, last: int) -> list[jwks.KeySet]:
    """Return the key sets in force at some block of ``first`` to ``last`` whose signing keys prove possession."""
    ends = [later.block_number for later in sets[1:]]
    found = []
    for position, entry in enumerate(sets):
        in_force = position >= len(ends) or (ends[position] > first and ends[position] > entry.block_number)
        if entry.block_number > last or not in_force:
            continue
        try:
            key_set = jwks.parse_key_set(entry.jwks)
            jwks.check_possession(key_set, uscc)
        except (InputError, EvidenceError):
            continue  # what a department published in another form registers no key
        found.append(key_set)
    return found


_CHECK_OF: Final[dict[str, Callable[[_Facts], str]]] = {
    "format": _check_format,
    "deployment": _check_deployment,
    "chain": _check_chain,
    "ledger-address": _check_ledger_address,
    "code-hash": _check_code_hash,
    "disclosures": _check_disclosures,
    "leaf-path": _check_leaf_path,
    "issuer": _check_issuer,
    "vct": _check_vct,
    "department-active-then": _check_department_active,
    "anchored": _check_anchored,
    "status": _check_status,
    "signature": _check_signature,
}


# -- what the checks ask for --------------------------------------------------------------------------


def _manifest(facts: _Facts) -> Deployment:
    if facts.deployment is None:
        raise _NotRunError("no deployment manifest")
    return facts.deployment


def _view(facts: _Facts) -> ChainView:
    if facts.view is None:
        raise _NotRunError(facts.why)
    return facts.view


def _receipt(facts: _Facts) -> Receipt:
    if facts.receipt is None:
        raise _PendingError("waits for the receipt")
    return facts.receipt


def _then(facts: _Facts) -> Anchoring:
    """Return the anchoring, when it is final and not after the as-of block."""
    _receipt(facts)
    _view(facts)
    if facts.anchoring is None:
        raise _NotRunError("the anchoring block is not known")
    if not facts.reached:
        raise _PendingError(f"anchored at block {facts.anchoring.block_number}: after the as-of block, or not final yet")
    return facts.anchoring


def _receipts(facts: _Facts) -> list[tuple[str, Receipt]]:
    return [(who, receipt) for who, receipt, _ in _anchored_statements(facts)]


def _anchored_statements(facts: _Facts) -> list[tuple[str, Receipt, Statement]]:
    """Return the record and its successor, each with a prefix for messages; nothing without a receipt."""
    if facts.receipt is None:
        return []
    found = [("", facts.receipt, facts.statement)]
    successor = facts.bundle.successor
    if successor is not None:
        found.append(("successor: ", successor.receipt, successor.statement))
    return found


# -- remarks ------------------------------------------------------------------------------------------


def _remarks(facts: _Facts) -> list[Remark]:
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


def _status_remarks(facts: _Facts) -> list[Remark]:
    successor = facts.bundle.successor
    if facts.status is Status.SUPERSEDED and successor is None:
        return [Remark("successor-not-supplied", "superseded; the bundle does not hold the next revision")]
    return []


def _department_remarks(facts: _Facts, view: ChainView) -> list[Remark]:
    department = uscc_of_issuer(facts.statement.iss)
    try:
        if facts.anchoring is not None and view.is_compromised_at(department, facts.anchoring.block_number):
            return [Remark("compromised", "the authority marks the department's keys as compromised since before the anchoring")]
        if facts.receipt is None and facts.moment is not None and not view.is_active_at(department, facts.moment.number):
            return [Remark("department-not-active", "the department is not active as of then")]
    except ChainError as error:
        return [Remark("not-asked", f"{error.code}: {error.message}")]
    return []


def _successor_remarks(facts: _Facts, view: ChainView) -> list[Remark]:
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
