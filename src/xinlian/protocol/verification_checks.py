"""The checks of a verification: one small function each; it returns its sentence or raises why not.

Rules
1. A check looks at one thing and fails under its own name; the order and the list are those of ``verification.CHECKS``.
2. The successor inside a bundle is evidence too: its fault fails the check of the same name, with ``successor:`` before it.
3. ``ChainError`` means not run; ``rpc-disagree`` and ``events-differ`` mean failed: somebody lies.

Source: design.md 4.6; RFC 9901 §7; RFC 9162 §2.1.3.2.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from xinlian.protocol import jwks, merkle, sdjwt
from xinlian.protocol.bundle import Successor
from xinlian.protocol.chainview import Anchoring, ChainView, KeySetFrom
from xinlian.protocol.errors import ChainError, EvidenceError, InputError
from xinlian.protocol.manifest import CONTRACTS, Deployment
from xinlian.protocol.receipt import Receipt
from xinlian.protocol.record import Statement, disclosure_digest
from xinlian.protocol.report import Check, Outcome, time_text
from xinlian.protocol.suite import leaf_hash
from xinlian.protocol.types import Hash32, Stream, issuer_of, split_dataset_vct, uscc_of_issuer
from xinlian.protocol.verification_facts import FIXED_VCT, Facts

_LIES: Final = frozenset({"rpc-disagree", "events-differ"})


class _NotRunError(Exception):
    """A check cannot be run; the text says why."""


class _FailedError(Exception):
    """A check failed; the text says why."""


class _PendingError(Exception):
    """A check waits for the anchoring; the text says for what."""


def run(name: str, facts: Facts) -> Check:
    """Run one check; whatever comes out of it is told in the ``Check``."""
    try:
        return Check(name, Outcome.PASSED, _CHECK_OF[name](facts))
    except _FailedError as reason:
        return Check(name, Outcome.FAILED, str(reason))
    except _NotRunError as reason:
        return Check(name, Outcome.NOT_RUN, str(reason))
    except _PendingError as reason:
        return Check(name, Outcome.PENDING, str(reason))
    except ChainError as error:
        outcome = Outcome.FAILED if error.code in _LIES else Outcome.NOT_RUN
        return Check(name, outcome, f"{error.code}: {error.message}")


def _check_format(facts: Facts) -> str:
    if facts.stream is Stream.RECORDS and facts.statement.extra:
        raise _FailedError("a published record has no extra clear claims")
    if facts.bundle.successor is not None and (facts.receipt is None or facts.stream is not Stream.RECORDS):
        raise _FailedError("only a published record that is anchored has a successor")
    return "the exact form of xinlian-evidence/1 and rec/1"


def _check_deployment(facts: Facts) -> str:
    if facts.deployment is None:
        raise _NotRunError("no deployment manifest")
    return f"manifest of chain {facts.deployment.chain_id}, genesis {facts.deployment.genesis_hash[:10]}…"


def _check_chain(facts: Facts) -> str:
    deployment = _manifest(facts)
    for who, receipt in _receipts(facts):
        if (receipt.chain_id, receipt.genesis_hash) != (deployment.chain_id, deployment.genesis_hash.lower()):
            raise _FailedError(f"{who}the receipt is of another chain than the manifest")
    if facts.foreign_view:
        raise _FailedError(facts.why)
    _view(facts)
    return "receipt, manifest and RPC are of one chain"


def _check_ledger_address(facts: Facts) -> str:
    expected = _manifest(facts).contracts["RecordLedger"].address
    _receipt(facts)
    for who, receipt in _receipts(facts):
        if receipt.ledger.lower() != expected.lower():
            raise _FailedError(f"{who}the receipt names the ledger {receipt.ledger}, the manifest {expected}")
    return "the receipt's ledger is the manifest's"


def _check_code_hash(facts: Facts) -> str:
    contracts = _manifest(facts).contracts
    view = _view(facts)
    for name in CONTRACTS:
        if view.code_hash(contracts[name].address).lower() != contracts[name].code_hash.lower():
            raise _FailedError(f"{name}: the code on the chain is not the manifest's")
    return f"the code of all {len(CONTRACTS)} contracts is the manifest's"


def _check_disclosures(facts: Facts) -> str:
    digests = set(facts.statement.sd)
    names: set[str] = set()
    for text, opened in zip(facts.bundle.disclosures, facts.bundle.opened(), strict=True):
        name = opened.name
        if disclosure_digest(text) not in digests:
            raise _FailedError("a disclosure is not in the statement's _sd")
        if name in names or name in dict(facts.statement.extra):
            raise _FailedError("a field is disclosed twice")
        names.add(name)
    return f"{len(names)} of {len(digests)} fields disclosed, all in the statement's _sd"


def _check_leaf_path(facts: Facts) -> str:
    _receipt(facts)
    for who, receipt, statement in _anchored_statements(facts):
        leaf = leaf_hash(statement.raw)
        if not merkle.verify_path(leaf, receipt.index, receipt.size, receipt.path, receipt.root):
            raise _FailedError(f"{who}the statement's leaf does not lead to the receipt's root")
    return "the statement's leaf leads to the receipt's root"


def _check_issuer(facts: Facts) -> str:
    _receipt(facts)
    for who, receipt, statement in _anchored_statements(facts):
        if statement.iss != issuer_of(receipt.department):
            raise _FailedError(f"{who}the statement's issuer is not the department that anchored")
        if statement.iss != facts.statement.iss:
            raise _FailedError(f"{who}another department issued it")
    return f"issued and anchored by {uscc_of_issuer(facts.statement.iss)}"


def _check_vct(facts: Facts) -> str:
    vct = facts.statement.vct
    fixed = FIXED_VCT.get(facts.stream)
    if fixed is not None:
        if vct not in fixed:
            raise _FailedError(f"a statement of stream {facts.stream.label} has the type {' or '.join(fixed)}")
        return f"the protocol's fixed type {vct}"
    entry = split_dataset_vct(vct)
    if entry is None or issuer_of(entry[0]) != facts.statement.iss:
        raise _FailedError("the type is not a catalogue entry of the issuer")
    then = _then(facts)
    if not _view(facts).is_published_at(*entry, then.block_number):
        raise _FailedError(f"the catalogue entry was not published at block {then.block_number}")
    _check_successor_vct(facts)
    return f"the issuer's catalogue entry, published at block {then.block_number}"


def _check_successor_vct(facts: Facts) -> None:
    successor, code = facts.bundle.successor, facts.statement.vct.partition("@")[0]
    if successor is None or successor.statement.vct.partition("@")[0] != code:
        return  # a successor of another dataset is named by the check ``status``
    entry, receipt = split_dataset_vct(successor.statement.vct), successor.receipt
    then = _view(facts).anchoring(receipt.department, receipt.stream, receipt.sequence)
    if entry is not None and then is not None and not _view(facts).is_published_at(*entry, then.block_number):
        raise _FailedError(f"successor: the catalogue entry was not published at block {then.block_number}")


def _check_department_active(facts: Facts) -> str:
    then = _then(facts)
    if not _view(facts).is_active_at(uscc_of_issuer(facts.statement.iss), then.block_number):
        raise _FailedError(f"the department was not active at block {then.block_number}")
    return f"the department was active at block {then.block_number}"


def _check_anchored(facts: Facts) -> str:
    receipt = _receipt(facts)
    view = _view(facts)
    if facts.anchoring is None:
        # asked again so that the check carries the view's own reason
        view.anchoring(receipt.department, receipt.stream, receipt.sequence)
        raise _FailedError(f"no batch {receipt.sequence} of stream {receipt.stream.label} is anchored")
    for who, claimed in _receipts(facts):
        slot = (claimed.department, claimed.stream, claimed.sequence)
        if not view.is_anchored(*slot, Hash32(claimed.root), claimed.size, claimed.suite):
            raise _FailedError(f"{who}the ledger holds another root, size or suite for this batch")
    _then(facts)
    return f"anchored at block {facts.anchoring.block_number} ({time_text(facts.anchoring.block_time)})"


def _check_status(facts: Facts) -> str:
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


def _check_signature(facts: Facts) -> str:
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


def _signature_block(facts: Facts) -> int:
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


_CHECK_OF: Final[dict[str, Callable[[Facts], str]]] = {
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


def _manifest(facts: Facts) -> Deployment:
    if facts.deployment is None:
        raise _NotRunError("no deployment manifest")
    return facts.deployment


def _view(facts: Facts) -> ChainView:
    if facts.view is None:
        raise _NotRunError(facts.why)
    return facts.view


def _receipt(facts: Facts) -> Receipt:
    if facts.receipt is None:
        raise _PendingError("waits for the receipt")
    return facts.receipt


def _then(facts: Facts) -> Anchoring:
    """Return the anchoring, when it is final and not after the as-of block."""
    _receipt(facts)
    _view(facts)
    if facts.anchoring is None:
        raise _NotRunError("the anchoring block is not known")
    if not facts.reached:
        raise _PendingError(f"anchored at block {facts.anchoring.block_number}: after the as-of block, or not final yet")
    return facts.anchoring


def _receipts(facts: Facts) -> list[tuple[str, Receipt]]:
    return [(who, receipt) for who, receipt, _ in _anchored_statements(facts)]


def _anchored_statements(facts: Facts) -> list[tuple[str, Receipt, Statement]]:
    """Return the record and its successor, each with a prefix for messages; nothing without a receipt."""
    if facts.receipt is None:
        return []
    found = [("", facts.receipt, facts.statement)]
    successor = facts.bundle.successor
    if successor is not None:
        found.append(("successor: ", successor.receipt, successor.statement))
    return found
