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

from functools import lru_cache
from typing import Final

from xinlian.protocol.bundle import Bundle, parse
from xinlian.protocol.chainview import Anchoring, BlockRef, ChainView, KeySetFrom
from xinlian.protocol.errors import InputError
from xinlian.protocol.manifest import Deployment
from xinlian.protocol.report import Check, Moment, Outcome, Remark, Report
from xinlian.protocol.types import VCT_ACT, Stream
from xinlian.protocol.verification_checks import run
from xinlian.protocol.verification_facts import AsOf, Facts, gather, of_same_batch, parse_as_of
from xinlian.protocol.verification_remarks import remarks_on

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
    "Verifier",
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
_OWN: Final = frozenset({"format", "disclosures", "leaf-path", "status"})
"""Checks that look at more than the batch, the issuer and the type."""
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

_ACT_NOTE: Final = "Proves that the department logged this act of one of its persons, not who that person is."


@lru_cache(maxsize=8)
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


def verify_bundle(
    bundle: Bundle | bytes, deployment: Deployment | None, view: ChainView | None, as_of: AsOf | None = None
) -> Report:
    """Verify a bundle, parsed or as the bytes of a file (arguments and errors as in ``verify_bytes``)."""
    if isinstance(bundle, bytes):
        return verify_bytes(bundle, deployment, view, as_of)
    facts = gather(bundle, deployment, view, as_of)
    signed = bundle.signed is not None or bundle.receipt is None
    return _report(facts, tuple([run(name, facts) for name in checks_of(facts.stream, signed=signed)]))


class Verifier:
    """``verify_bundle`` for many bundles against one view that does not change meanwhile.

    What bundles of one batch have in common is asked and checked once: manifest, chain, contracts, and everything that looks
    at the receipt's batch, the issuer and the type only. Form, disclosures, path and status are every bundle's own.

    Args:
        deployment: the manifest, or None when none was found.
        view: one and the same state of the chain for as long as this object is used.
    """

    def __init__(self, deployment: Deployment | None, view: ChainView | None) -> None:
        self._deployment = deployment
        self._view = view
        self._known: dict[tuple[object, ...], tuple[Facts, dict[str, Check]]] = {}

    def verify(self, bundle: Bundle) -> Report:
        """Verify a bundle as of the view's newest block."""
        receipt = bundle.receipt
        if receipt is None or bundle.signed is not None or bundle.successor is not None:
            return verify_bundle(bundle, self._deployment, self._view)
        key = (receipt.batch(), bundle.statement.iss, bundle.statement.vct)
        known = self._known.get(key)
        if known is None:
            facts = gather(bundle, self._deployment, self._view, None)
            shared: dict[str, Check] = {}
        else:
            facts, shared = of_same_batch(known[0], bundle), known[1]
        checks = tuple([shared.get(name) or run(name, facts) for name in checks_of(facts.stream, signed=False)])
        if known is None:
            self._known[key] = facts, {check.name: check for check in checks if check.name not in _OWN}
        return _report(facts, checks)


def _report(facts: Facts, checks: tuple[Check, ...]) -> Report:
    bundle = facts.bundle
    disclosed = next(check.outcome for check in checks if check.name == "disclosures") is Outcome.PASSED
    return Report(
        checks=checks,
        remarks=tuple(remarks_on(facts)),
        notes=(_ACT_NOTE if bundle.statement.vct == VCT_ACT else _NOTES[facts.stream],),
        values={item.name: item.value for item in bundle.opened()} if disclosed else {},
        status=facts.status,
        statement=bundle.statement,
        stream=facts.stream,
        moment=facts.moment,
        anchoring=facts.anchoring,
    )
