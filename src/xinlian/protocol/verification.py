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

from typing import Final

from xinlian.protocol.bundle import Bundle, parse
from xinlian.protocol.chainview import Anchoring, BlockRef, ChainView, KeySetFrom
from xinlian.protocol.errors import InputError
from xinlian.protocol.manifest import Deployment
from xinlian.protocol.report import Check, Moment, Outcome, Remark, Report
from xinlian.protocol.types import Stream
from xinlian.protocol.verification_checks import run
from xinlian.protocol.verification_facts import AsOf, gather, parse_as_of
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
    checks = tuple(run(name, facts) for name in checks_of(facts.stream, signed=signed))
    disclosed = next(check.outcome for check in checks if check.name == "disclosures") is Outcome.PASSED
    return Report(
        checks=checks,
        remarks=tuple(remarks_on(facts)),
        notes=(_NOTES[facts.stream],),
        values={item.name: item.value for item in bundle.opened()} if disclosed else {},
        status=facts.status,
        statement=bundle.statement,
        stream=facts.stream,
        moment=facts.moment,
        anchoring=facts.anchoring,
    )
