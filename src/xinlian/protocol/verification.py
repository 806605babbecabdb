"""Verification of an evidence bundle: a closed list of named checks, a plain verdict, an exit code.

Rules
1. Nothing inside the bundle is trusted. The trust anchor is the deployment manifest; the chain is asked through ``ChainView``.
2. The list of checks is closed; *not run* counts as failed. A check that waits for the receipt is *pending*.
3. "Then" is the anchoring block as the chain's events tell it; the receipt's block, time and transaction are hints only.
4. Integrity and status are separate: a superseded, revoked or erased record is still authentic.
5. Exit codes, the first that applies of: 1 failed or not run, 7 pending, 6 erased, 5 revoked, 4 superseded, 3 with a remark, 0.
6. Streams answers and reads: ``vct`` is a fixed type of the protocol and ``status`` is not in the list; for reads neither is
   ``department-active-then``.

Example: ``report = verify_bundle(data, deployment, view); print(report.verdict)``

Source: design 4.6.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, Protocol

from xinlian.protocol import bundle as bundles
from xinlian.protocol import merkle, sdjwt
from xinlian.protocol.bundle import Bundle
from xinlian.protocol.errors import ChainError, EvidenceError, InputError, XinlianError
from xinlian.protocol.jwks import parse_key_set
from xinlian.protocol.manifest import Deployment
from xinlian.protocol.receipt import Receipt
from xinlian.protocol.record import Disclosure, Statement, disclosure_digest, leaf_of, parse_disclosure
from xinlian.protocol.types import VCT_ANSWER, VCT_READ, Status, Stream, split_dataset_vct, uscc_of_issuer

SUITES: Final = frozenset({1})
CHECKS: Final = (
    "format", "deployment", "chain", "ledger-address", "code-hash", "disclosures", "leaf-path", "issuer", "vct",
    "department-active-then", "anchored", "status", "signature",
)  # fmt: skip
"""The closed list, in the order of the report; ``signature`` only when the bundle is signed."""


@dataclass(frozen=True, slots=True)
class BlockRef:
    """A block: number, hash (0x hex), time (epoch seconds)."""

    number: int
    hash: str
    time: int


@dataclass(frozen=True, slots=True)
class Anchoring:
    """Where a batch was anchored, as the chain's events tell."""

    block_number: int
    block_time: int
    tx_hash: str


@dataclass(frozen=True, slots=True)
class KeySetFrom:
    """A key set and the block from which it was registered."""

    block_number: int
    jwks: bytes


@dataclass(frozen=True, slots=True)
class AsOf:
    """As of which block or which time (epoch seconds) a bundle is verified; exactly one is set."""

    block: int | None = None
    time: int | None = None


class ChainView(Protocol):
    """What the verifier asks of a chain. Every method may raise ChainError."""

    def head(self) -> BlockRef:
        """The newest block."""
        ...

    def block_at(self, time: int) -> BlockRef:
        """The last block whose time is not after ``time`` (epoch seconds)."""
        ...

    def chain_id(self) -> int:
        """EIP-155 chain id."""
        ...

    def genesis_hash(self) -> str:
        """Hash of block 0, 0x hex."""
        ...

    def code_hash(self, address: str) -> str:
        """Keccak-256 of the code at an address, 0x hex."""
        ...

    def anchoring(self, department: str, stream: int, sequence: int) -> Anchoring | None:
        """Where a batch was anchored; None when it was not."""
        ...

    def is_anchored(self, department: str, stream: int, sequence: int, root: bytes, size: int, suite: int) -> bool:
        """Whether the slot holds exactly this batch."""
        ...

    def is_active_at(self, department: str, block: int) -> bool:
        """Whether a department was registered and not suspended at the end of a block."""
        ...

    def is_compromised_at(self, department: str, block: int) -> bool:
        """Whether batches anchored in this block are marked as suspect."""
        ...

    def is_published_at(self, owner: str, serial: int, version: int, block: int) -> bool:
        """Whether a catalogue entry version was published at the end of a block."""
        ...

    def status_at(self, department: str, sequence: int, index: int, block: int) -> int:
        """Status of a leaf of stream records at the end of a block."""
        ...

    def key_sets(self, department: str) -> Sequence[KeySetFrom]:
        """Key sets in the order of publication."""
        ...


class Outcome(StrEnum):
    """How a check came out."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_RUN = "not-run"
    PENDING = "pending"


@dataclass(frozen=True, slots=True)
class Check:
    """One check: its name, how it came out, and why (no value of the record)."""

    name: str
    outcome: Outcome
    detail: str


@dataclass(frozen=True, slots=True)
class Report:
    """The verification report.

    Args:
        checks: in the order of ``CHECKS``.
        exit_code: 0 authentic and current … 7 pending.
        verdict: one plain sentence.
        remarks: what does not change authenticity but should be known.
        values: disclosed claims by name; only those of an intact statement.
        status: current, superseded, revoked or erased; None when it is not known or not in the list.
        as_of: block as of which the report speaks; None without a view.
        anchored: where the statement was anchored.
    """

    checks: tuple[Check, ...]
    exit_code: int
    verdict: str
    remarks: tuple[str, ...]
    values: Mapping[str, object] = field(repr=False)
    status: str | None
    as_of: BlockRef | None
    anchored: Anchoring | None

    def to_json(self) -> dict[str, Any]:
        """The report as a stable JSON object."""
        return {
            "format": "xinlian-report/1",
            "verdict": self.verdict,
            "exit_code": self.exit_code,
            "checks": [{"name": c.name, "outcome": c.outcome.value, "detail": c.detail} for c in self.checks],
            "remarks": list(self.remarks),
            "status": self.status,
            "as_of": None if self.as_of is None else {"block_number": self.as_of.number, "block_time": self.as_of.time},
            "anchored": None
            if self.anchored is None
            else {
                "block_number": self.anchored.block_number,
                "block_time": self.anchored.block_time,
                "tx_hash": self.anchored.tx_hash,
            },
            "values": dict(self.values),
        }


class _NotRunError(Exception):
    """A check could not be run; the text says why."""


class _FailedError(Exception):
    """A check failed; the text says why."""


def verify_bundle(
    bundle: bytes | Bundle, deployment: Deployment | None, view: ChainView | None, as_of: AsOf | None = None
) -> Report:
    """Verify a bundle.

    Args:
        bundle: a bundle file, or a parsed bundle.
        deployment: the trust anchor; None leaves its checks not run.
        view: the chain; None leaves its checks not run.
        as_of: as of when; None for now.

    Returns:
        The report; this function does not raise for anything inside the bundle.
    """
    return _Verification(deployment, view, as_of).run(bundle)


class _Verification:
    """One run. Attributes hold what earlier checks established."""

    def __init__(self, deployment: Deployment | None, view: ChainView | None, as_of: AsOf | None) -> None:
        self._deployment = deployment
        self._given_view = view
        self._as_of = as_of
        self._checks: list[Check] = []
        self._remarks: list[str] = []
        self._values: dict[str, object] = {}
        self._at: BlockRef | None = None
        self._anchoring: Anchoring | None = None
        self._status: Status | None = None

    def run(self, given: bytes | Bundle) -> Report:
        try:
            bundle = bundles.parse(given) if isinstance(given, bytes) else given
            statement = bundle.statement
            issuer = uscc_of_issuer(statement.iss)
        except InputError as error:
            self._checks = [Check("format", Outcome.FAILED, error.message)]
            self._checks += [Check(name, Outcome.NOT_RUN, "the bundle cannot be read") for name in CHECKS[1:-1]]
            return self._report()
        self._note("format", lambda: "the bundle and its statement are well formed")
        self._anchor_checks(bundle.receipt)
        self._note("disclosures", lambda: self._disclosures(statement, bundle.disclosures))
        self._receipt_checks(bundle, statement, issuer)
        if bundle.signed is not None:
            signed = bundle.signed
            self._note("signature", lambda: self._signature(signed, statement, issuer, bundle.receipt))
        self._checks.sort(key=lambda check: CHECKS.index(check.name))
        return self._report()

    # -- running checks ----------------------------------------------------------------------------

    def _note(self, name: str, check: Callable[[], str]) -> None:
        try:
            self._checks.append(Check(name, Outcome.PASSED, check()))
        except _FailedError as error:
            self._checks.append(Check(name, Outcome.FAILED, str(error)))
        except _NotRunError as error:
            self._checks.append(Check(name, Outcome.NOT_RUN, str(error)))
        except ChainError as error:
            outcome = Outcome.FAILED if error.code == "rpc-disagree" else Outcome.NOT_RUN
            self._checks.append(Check(name, outcome, f"{error.code}: {error.message}"))
        except XinlianError as error:
            self._checks.append(Check(name, Outcome.FAILED, error.message))

    def _pending(self, name: str) -> None:
        self._checks.append(Check(name, Outcome.PENDING, "there is no receipt yet"))

    @property
    def _view(self) -> ChainView:
        if self._given_view is None:
            raise _NotRunError("no chain was asked: name an RPC endpoint")
        return self._given_view

    @property
    def _manifest(self) -> Deployment:
        if self._deployment is None:
            raise _NotRunError("no deployment manifest was found: it is the trust anchor")
        return self._deployment

    # -- trust anchor ------------------------------------------------------------------------------

    def _anchor_checks(self, receipt: Receipt | None) -> None:
        self._note("deployment", lambda: f"trust anchor: chain {self._manifest.chain_id}")
        self._note("chain", lambda: self._chain(receipt))
        if receipt is None:
            self._pending("ledger-address")
        else:
            self._note("ledger-address", lambda: self._ledger(receipt))
        self._note("code-hash", self._code)

    def _chain(self, receipt: Receipt | None) -> str:
        wanted = (self._manifest.chain_id, self._manifest.genesis_hash.lower())
        if (self._view.chain_id(), self._view.genesis_hash().lower()) != wanted:
            raise _FailedError("the chain asked is not the one of the deployment manifest")
        if receipt is not None and (receipt.chain_id, receipt.genesis_hash.lower()) != wanted:
            raise _FailedError("the receipt names another chain than the deployment manifest")
        return f"chain {wanted[0]} with the manifest's genesis block"

    def _ledger(self, receipt: Receipt) -> str:
        if receipt.ledger.lower() != self._manifest.contracts["RecordLedger"].address.lower():
            raise _FailedError("the receipt names a ledger that is not the deployment manifest's")
        return "the ledger of the deployment manifest"

    def _code(self) -> str:
        for name, contract in self._manifest.contracts.items():
            if self._view.code_hash(contract.address).lower() != contract.code_hash.lower():
                raise _FailedError(f"the code of {name} on chain is not the manifest's")
        return f"all {len(self._manifest.contracts)} contracts have the manifest's code"

    # -- statement ---------------------------------------------------------------------------------

    def _disclosures(self, statement: Statement, disclosures: Sequence[str]) -> str:
        known = set(statement.sd)
        found: dict[str, Disclosure] = {}
        for encoded in disclosures:
            parsed = parse_disclosure(encoded)
            if disclosure_digest(encoded) not in known:
                raise _FailedError("a disclosure does not belong to this statement")
            if parsed.name in found:
                raise _FailedError("a claim is disclosed twice")
            found[parsed.name] = parsed
        self._values = {name: parsed.value for name, parsed in found.items()}
        return f"{len(found)} of {len(statement.sd)} claims disclosed, each belongs to the statement"

    def _receipt_checks(self, bundle: Bundle, statement: Statement, issuer: str) -> None:
        receipt = bundle.receipt
        if receipt is None:
            stream = {VCT_ANSWER: Stream.ANSWERS, VCT_READ: Stream.READS}.get(statement.vct, Stream.RECORDS)
            for name in _receipt_list(stream):
                self._pending(name)
            return
        self._note("leaf-path", lambda: _leaf_path(receipt, statement))
        self._note("issuer", lambda: _issuer(receipt, issuer))
        self._note("anchored", lambda: self._anchored(receipt))
        self._note("vct", lambda: self._vct(receipt, statement, issuer))
        if receipt.stream is not Stream.READS:
            self._note("department-active-then", lambda: self._active(receipt))
        if receipt.stream is Stream.RECORDS:
            self._note("status", lambda: self._status_check(bundle, receipt, statement))

    def _anchored(self, receipt: Receipt) -> str:
        view, at = self._view, self._block()
        key = (receipt.department, receipt.stream, receipt.sequence)
        if not view.is_anchored(*key, receipt.root, receipt.size, receipt.suite):
            raise _FailedError("the ledger does not hold this batch")
        found = view.anchoring(*key)
        if found is None:
            raise _FailedError("the ledger's events do not show this batch")
        if found.block_number > at.number:
            raise _FailedError(f"it was anchored in block {found.block_number}, after the block asked for")
        self._anchoring = found
        self._hints(receipt, found)
        if view.is_compromised_at(receipt.department, found.block_number):
            self._remarks.append("the department's keys are marked as compromised since before this anchoring")
        return f"anchored in block {found.block_number}"

    def _hints(self, receipt: Receipt, found: Anchoring) -> None:
        hints = (receipt.block_number, receipt.block_time, receipt.tx_hash.lower())
        if hints != (found.block_number, found.block_time, found.tx_hash.lower()):
            self._remarks.append("block, time or transaction named in the receipt are not those of the anchoring")

    def _block(self) -> BlockRef:
        if self._at is None:
            head = self._view.head()
            if self._as_of is None:
                self._at = head
            elif self._as_of.time is not None:
                self._at = self._view.block_at(self._as_of.time)
            elif self._as_of.block is not None and self._as_of.block <= head.number:
                self._at = BlockRef(self._as_of.block, "", 0) if self._as_of.block != head.number else head
            else:
                raise _FailedError("the block asked for does not exist yet")
        return self._at

    def _then(self) -> Anchoring:
        if self._anchoring is None:
            raise _NotRunError("the anchoring block is not known")
        return self._anchoring

    def _vct(self, receipt: Receipt, statement: Statement, issuer: str) -> str:
        fixed = {Stream.ANSWERS: VCT_ANSWER, Stream.READS: VCT_READ}.get(receipt.stream)
        if fixed is not None:
            if statement.vct != fixed:
                raise _FailedError(f"stream {receipt.stream.name.lower()} holds statements of type {fixed} only")
            return f"type {fixed} of the protocol"
        parts = split_dataset_vct(statement.vct)
        if parts is None or parts[0] != issuer:
            raise _FailedError("the record type is not a catalogue entry of the issuer")
        if not self._view.is_published_at(*parts, self._then().block_number):
            raise _FailedError("the catalogue entry was not published when the record was anchored")
        return f"{statement.vct} was published in the catalogue"

    def _active(self, receipt: Receipt) -> str:
        if not self._view.is_active_at(receipt.department, self._then().block_number):
            raise _FailedError("the department was not active when the record was anchored")
        return "the department was registered and active"

    # -- status ------------------------------------------------------------------------------------

    def _status_check(self, bundle: Bundle, receipt: Receipt, statement: Statement) -> str:
        self._then()
        value = self._view.status_at(receipt.department, receipt.sequence, receipt.index, self._block().number)
        self._status = Status(value)
        self._successor(bundle, receipt, statement)
        return self._status.name.lower()

    def _successor(self, bundle: Bundle, receipt: Receipt, statement: Statement) -> None:
        successor = bundle.successor
        if successor is None:
            if self._status is Status.SUPERSEDED:
                self._remarks.append("successor not supplied")
            return
        later, proof = successor.statement, successor.receipt
        holds = (
            later.prev == leaf_of(statement.raw)
            and (later.jti, later.iss, later.rev) == (statement.jti, statement.iss, statement.rev + 1)
            and _proves(proof, leaf_of(later.raw))
            and (proof.department, proof.stream, proof.ledger) == (receipt.department, Stream.RECORDS, receipt.ledger)
            and (proof.chain_id, proof.genesis_hash) == (receipt.chain_id, receipt.genesis_hash)
            and self._view.is_anchored(
                proof.department, proof.stream, proof.sequence, proof.root, proof.size, proof.suite
            )
        )
        if not holds:
            raise _FailedError("the successor supplied does not follow this record on chain")
        if self._status is Status.CURRENT:
            self._remarks.append("a successor is anchored, but this record is not marked as superseded yet")

    # -- signature ---------------------------------------------------------------------------------

    def _signature(self, jws: str, statement: Statement, issuer: str, receipt: Receipt | None) -> str:
        at = self._block().number
        sets = [(entry.block_number, entry) for entry in self._view.key_sets(issuer) if entry.block_number <= at]
        holding = [block for block, entry in sets if _signed_under(entry, jws, statement)]
        if not holding:
            raise _FailedError("no key that the issuer registered made this signature over this statement")
        newest = sets[-1][0]
        if newest not in holding:
            self._check_retired(holding, receipt)
        return "signed with a key that the issuer registered"

    def _check_retired(self, holding: Sequence[int], receipt: Receipt | None) -> None:
        if receipt is None:
            raise _FailedError("the signing key is no longer registered, and there is no receipt from before")
        if min(holding) > self._then().block_number:
            raise _FailedError("the signing key is no longer registered and was not at the anchoring")
        self._remarks.append("the signing key is no longer registered; it was when the record was anchored")

    # -- report ------------------------------------------------------------------------------------

    def _report(self) -> Report:
        exit_code = self._exit_code()
        status = None if self._status is None else self._status.name.lower()
        values = {} if exit_code == 1 else self._values
        verdict = self._verdict(exit_code)
        return Report(
            tuple(self._checks), exit_code, verdict, tuple(self._remarks), values, status, self._at, self._anchoring
        )

    def _exit_code(self) -> int:
        outcomes = {check.outcome for check in self._checks}
        if outcomes & {Outcome.FAILED, Outcome.NOT_RUN}:
            return 1
        if Outcome.PENDING in outcomes:
            return 7
        by_status = {Status.ERASED: 6, Status.REVOKED: 5, Status.SUPERSEDED: 4}
        if self._status is not None and self._status in by_status:
            return by_status[self._status]
        return 3 if self._remarks else 0

    def _verdict(self, exit_code: int) -> str:
        if exit_code == 1:
            failed = [check.name for check in self._checks if check.outcome is Outcome.FAILED]
            not_run = [check.name for check in self._checks if check.outcome is Outcome.NOT_RUN]
            parts = [f"failed: {', '.join(failed)}"] * bool(failed) + [f"not run: {', '.join(not_run)}"] * bool(not_run)
            return "NOT PROVEN; " + "; ".join(parts)
        if exit_code == 7:
            return "signed by the department, anchoring pending"
        at = "" if self._at is None else f" as of block {self._at.number}"
        return {
            0: "authentic and current",
            3: "authentic and current, with a remark",
            4: "authentic, but superseded by a later revision",
            5: "authentic, but revoked",
            6: "authentic, but erased: its data no longer exists at the source",
        }[exit_code] + at


def _receipt_list(stream: Stream) -> tuple[str, ...]:
    names = ["leaf-path", "issuer", "vct", "department-active-then", "anchored", "status"]
    if stream is not Stream.RECORDS:
        names.remove("status")
    if stream is Stream.READS:
        names.remove("department-active-then")
    return tuple(names)


def _leaf_path(receipt: Receipt, statement: Statement) -> str:
    if receipt.suite not in SUITES:
        raise _FailedError("the suite is not known to this verifier")
    if not _proves(receipt, leaf_of(statement.raw)):
        raise _FailedError("the statement does not lead to the root of its batch: it was altered")
    return f"leaf {receipt.index} of {receipt.size} leads to the root"


def _proves(receipt: Receipt, leaf: bytes) -> bool:
    return merkle.verify_path(leaf, receipt.index, receipt.size, receipt.path, receipt.root)


def _issuer(receipt: Receipt, issuer: str) -> str:
    if receipt.department != issuer:
        raise _FailedError("the issuer of the statement is not the department of the receipt")
    return f"issued by {issuer}"


def _signed_under(entry: KeySetFrom, jws: str, statement: Statement) -> bool:
    try:
        return sdjwt.verify(jws, parse_key_set(entry.jwks)) == statement.raw
    except (InputError, EvidenceError):
        return False
