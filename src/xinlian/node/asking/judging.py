"""What of an answer may be shown: evidence that holds against this node's own view, and that is what was asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import structlog

from xinlian.node.asking.question import Sent, ShownItem
from xinlian.node.bundles import Bundles, evidence_bundle
from xinlian.node.clock import Clock
from xinlian.node.corrections import Doubts
from xinlian.protocol.bundle import Bundle, to_json
from xinlian.protocol.errors import XinlianError
from xinlian.protocol.messages import Answer, AnswerItem, Evidence, Outcome
from xinlian.protocol.report import Report
from xinlian.protocol.statements import ReadOutcome, parse_answer_statement
from xinlian.protocol.types import VCT_ANSWER, issuer_of

_log = structlog.get_logger(__name__)
_Verify = Callable[[Bundle], Report]

MAX_PROMISE_S = 86_400
"""A provider may promise anchoring for at most so long ahead; what is promised for later is not shown."""
_SHOWN = frozenset({0, 3, 7})  # exit codes of evidence that may be shown: authentic, with a remark, pending


class Judging:
    """Judges answers.

    Args:
        bundles: verifies.
        clock: law time.
        doubts: what this department disputes itself.
    """

    def __init__(self, bundles: Bundles, clock: Clock, doubts: Doubts) -> None:
        self._bundles = bundles
        self._clock = clock
        self._doubts = doubts

    def judge(self, sent: Sent, answer: Answer) -> list[ShownItem]:
        """Every item as it may be shown, all against one and the same view."""
        with self._bundles.verifying() as verify:
            return [self._shown(sent, i, item, verify) for i, item in enumerate(answer.items)]

    def _shown(self, sent: Sent, index: int, item: AnswerItem, verify: _Verify) -> ShownItem:
        if item.check is not None:
            return ShownItem(item.outcome.value, item.check.value)
        try:
            if item.answer is not None:
                return self._shown_statement(sent, index, (item.outcome, item.answer), verify)
            return self._shown_records(sent, index, item, verify)
        except XinlianError as error:  # evidence that is not even of its form
            _log.warning("evidence not of its form", rid=sent.request.rid, item=index, code=error.code)
            return ShownItem(ReadOutcome.NOT_PROVEN.value, None)

    def _shown_records(self, sent: Sent, index: int, item: AnswerItem, verify: _Verify) -> ShownItem:
        seen = [self._verified(sent, evidence, sent.request.dataset, verify) for evidence in item.records]
        records = tuple(record for record, _, _ in seen)
        if not all(proven for _, _, proven in seen) or not self._covers(sent, index, item, records):
            return ShownItem(ReadOutcome.NOT_PROVEN.value, None, tuple({**record, "values": {}} for record in records))
        return ShownItem(item.outcome.value, None, records, None, tuple(bundle for _, bundle, _ in seen))

    def _covers(self, sent: Sent, index: int, item: AnswerItem, records: Sequence[dict[str, Any]]) -> bool:
        """Every field asked is disclosed, nothing else, no record twice, and a match really shows the values that were sent."""
        wanted = set(sent.request.fields)
        if any(set(record["values"]) != wanted for record in records):
            return False
        if item.outcome is Outcome.MATCH:
            return len(records) == 1 and _is_same(records[0]["values"], sent.request.items[index].values)
        return len({record["record_id"] for record in records}) == len(records)

    def _verified(self, sent: Sent, evidence: Evidence, vct: str, verify: _Verify) -> tuple[dict[str, Any], dict[str, Any], bool]:
        bundle = evidence_bundle(evidence, int(self._clock.law_s()))
        report = verify(bundle)
        statement = bundle.statement
        of_provider = statement.iss == issuer_of(sent.request.to_uscc)
        in_time = evidence.anchor_by is None or evidence.anchor_by <= self._clock.law_s() + MAX_PROMISE_S
        proven = report.exit_code in _SHOWN and of_provider and in_time and statement.vct == vct
        shown: dict[str, Any] = {
            "record_id": statement.jti,
            "rev": statement.rev,
            "values": {},
            "receipt": None if evidence.receipt is None else dict(evidence.receipt),
            "pending_anchor_by": evidence.anchor_by,
            "in_correction": _in_correction({one.field: one.since for one in evidence.in_correction}),
            "verdict": report.verdict,
            "exit_code": report.exit_code,
            "checks": {check.name: check.outcome.value for check in report.checks},
            "remarks": [remark.code for remark in report.remarks],
        }
        if proven:
            shown["values"] = {disclosure.name: disclosure.value for disclosure in bundle.opened()}
            said = {one.field: int(one.since) for one in evidence.in_correction}
            own = self._doubts.of(sent.request.to_uscc, statement.jti, shown["values"])
            shown["in_correction"] = _in_correction({**own, **said})
        return shown, to_json(bundle), proven

    def _shown_statement(self, sent: Sent, index: int, given: tuple[Outcome, Evidence], verify: _Verify) -> ShownItem:
        outcome, evidence = given
        shown, bundle, proven = self._verified(sent, evidence, VCT_ANSWER, verify)
        stated = parse_answer_statement(evidence.statement, evidence.disclosures) if proven else None
        if stated is None or stated.disclosed is None or not self._belongs(sent, index, outcome, stated):
            shown["values"] = {}
            return ShownItem(ReadOutcome.NOT_PROVEN.value, None, (), shown)
        value = stated.disclosed.value
        shown["values"] = {}
        shown["result"] = dict(value) if isinstance(value, Mapping) else value
        shown["as_of_sequence"] = stated.clear.as_of_sequence
        shown["view"] = {"block_number": stated.clear.view.block_number, "block_time": stated.clear.view.block_time}
        return ShownItem(outcome.value, None, (), shown, (bundle,))

    def _belongs(self, sent: Sent, index: int, outcome: Outcome, stated: Any) -> bool:
        clear, disclosed, item = stated.clear, stated.disclosed, sent.request.items[index]
        return bool(
            clear.request_digest == sent.digest
            and clear.item == index
            and clear.dataset == sent.request.dataset
            and clear.mode is sent.request.mode
            and clear.derived_view == sent.request.view
            and disclosed.outcome is outcome
            and disclosed.subjects == tuple(opening.disclosure for opening in item.subjects)
            and disclosed.fields == sent.request.fields
            and _is_same(disclosed.values, item.values)
        )


def _in_correction(since: Mapping[str, int]) -> list[dict[str, object]]:
    return [{"field": field, "since": begun} for field, begun in sorted(since.items())]


def _is_same(left: Mapping[str, object], right: Mapping[str, object]) -> bool:
    """Equal by name, type and value (in Python ``True == 1``)."""
    return left.keys() == right.keys() and all(type(left[k]) is type(right[k]) and left[k] == right[k] for k in left)
