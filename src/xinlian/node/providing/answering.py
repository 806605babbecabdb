"""What each item of an admitted request comes to, from this department's own records; nothing is committed here."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from xinlian.node.provider_checks import Admitted
from xinlian.node.providing.parts import Call, ProvidingLimits, ProvidingParts, Result
from xinlian.node.records import OpenRecord
from xinlian.node.sealing import new_record_id
from xinlian.protocol.dataset import DatasetSchema, Mode, check_parameters, evaluate_view, used_by, view_fields
from xinlian.protocol.errors import InputError
from xinlian.protocol.messages import AnswerItem, Evidence, Outcome, ProviderCheck, Request, View, refusal
from xinlian.protocol.receipt import Receipt
from xinlian.protocol.statements import AnswerClear, AnswerDisclosed, StatementIds
from xinlian.protocol.statements import seal_answer as seal_statement
from xinlian.protocol.subjects import Subject
from xinlian.protocol.types import EpochS, RecordId, Stream
from xinlian.store import chain_cache, streams
from xinlian.store import exchange as table
from xinlian.store.records import Record as RecordRow
from xinlian.store.statuses import Standings
from xinlian.store.writer import Reader

MAX_RECORDS = 200


@dataclass(frozen=True, slots=True)
class _Stated:
    """What an answer statement says, the records it was made from, and which of their fields."""

    outcome: Outcome
    value: object
    sources: tuple[OpenRecord, ...] = ()
    used: tuple[str, ...] = ()


class Answering:
    """Finds the results of a request.

    Args:
        parts: its collaborators.
        limits: its bounds.
    """

    def __init__(self, parts: ProvidingParts, limits: ProvidingLimits) -> None:
        self._department = parts.department
        self._store = parts.store
        self._clock = parts.clock
        self._identity = parts.identity
        self._catalogue = parts.catalogue
        self._records = parts.records
        self._bundles = parts.bundles
        self._reads = parts.reads
        self._disputes = parts.disputes
        self._limits = limits

    def results(self, call: Call, admitted: Admitted, view: View) -> list[Result]:
        """Every item's result, all from one snapshot of the records; what the items share is read once.

        Raises:
            RefusedError: ``refused-uses-left``, ``refused-verify-attempts``, ``refused-fields``, ``refused-dataset``.
        """
        request = call.request
        with self._store.node.read() as reader:
            self._check_uses(reader, admitted, len(request.items))
            attempts = self._attempts(reader, admitted, request.fields) if request.mode is Mode.VERIFY else None
            standings = self._records.standings(reader)
            found = self._find(standings, admitted, request)
            rows = {row.position: row for of_item in found for row in of_item}
            opened = dict(zip(rows, self._records.open_many(list(rows.values()), standings), strict=True))
            if request.mode is not Mode.ANSWER:
                call = replace(call, receipts=self._bundles.receipts_of(standings, rows))
            call = replace(call, disputed=self._disputes.now(reader, {one.record_id for one in opened.values()}))
            as_of = chain_cache.last_sequence(reader, self._department, Stream.RECORDS)
        results = []
        for index, of_item in enumerate(found):
            clear = AnswerClear(call.digest, index, view, as_of, request.dataset, request.mode, request.view)
            results.append(self._by_mode(call, admitted.schema, index, [opened[row.position] for row in of_item], clear))
        if attempts is None:
            return results
        return [replace(result, attempts=counted) for result, counted in zip(results, attempts, strict=True)]

    @staticmethod
    def _check_uses(reader: Reader, admitted: Admitted, items: int) -> None:
        used = table.uses_of(reader, admitted.grant.ref, admitted.case_ref)
        if used + items > admitted.grant.terms.uses_per_case:
            raise refusal(ProviderCheck.USES_LEFT, "the grant's uses for this case are used up", used=used)

    def _attempts(self, reader: Reader, admitted: Admitted, fields: Sequence[str]) -> list[tuple[tuple[bytes, str], ...]]:
        """The attempts that each item makes, unless one of them is one too many."""
        pseudonyms = [self._reads.pseudonym_bytes(subjects[0]) for subjects in admitted.subjects]
        used = table.attempts_of(reader, admitted.case_ref, pseudonyms)
        for pseudonym in pseudonyms:
            for name in fields:
                if used.get((pseudonym, name), 0) >= self._limits.verify_attempts:
                    raise refusal(ProviderCheck.VERIFY_ATTEMPTS, "too many attempts on this field in this case", field=name)
        return [tuple((pseudonym, name) for name in fields) for pseudonym in pseudonyms]

    def _find(self, standings: Standings, admitted: Admitted, request: Request) -> list[list[RecordRow]]:
        """The records of every item, by position."""
        schema = admitted.schema
        by_subject = self._of_subjects(standings, schema, request, {s for subjects in admitted.subjects for s in subjects})
        granted = self._catalogue.own(schema.code, schema.version).id
        found = []
        for subjects in admitted.subjects:
            rows = {row.position: row for subject in subjects for row in by_subject[subject]}
            if request.mode is not Mode.ANSWER:
                rows = {position: row for position, row in rows.items() if row.dataset_id == granted}
            if len(rows) > MAX_RECORDS:
                raise refusal(ProviderCheck.PAYLOAD_GUARD, "more records than one item may carry", limit=MAX_RECORDS)
            found.append([rows[position] for position in sorted(rows)])
        return found

    def _of_subjects(
        self, standings: Standings, schema: DatasetSchema, request: Request, subjects: Collection[Subject]
    ) -> dict[Subject, list[RecordRow]]:
        """The records of every subject, looked up together by kind."""
        lookups = {entry.name: entry for entry in schema.lookups}
        wanted = lookups.get(schema.view(request.view).lookup) if request.view is not None else None
        found: dict[Subject, list[RecordRow]] = {}
        for kind in {subject.kind for subject in subjects}:
            lookup = wanted if wanted is not None else schema.lookup(kind)
            if lookup is None or lookup.kind != kind:
                raise refusal(ProviderCheck.FIELDS, "the dataset cannot be looked up by this kind of subject", kind=kind)
            of_kind = [subject for subject in subjects if subject.kind == kind]
            by_value = self._records.find_many(standings, schema, lookup.name, [subject.value for subject in of_kind])
            found |= {subject: by_value[subject.value] for subject in of_kind}
        return found

    def _by_mode(self, call: Call, schema: DatasetSchema, index: int, opened: Sequence[OpenRecord], clear: AnswerClear) -> Result:
        request = call.request
        if request.mode is Mode.ANSWER:
            return self._derived(call, schema, index, opened, clear)
        if not opened:
            return self._stated(call, clear, _Stated(Outcome.NONE, None))
        if request.mode is Mode.QUERY:
            evidence = tuple(self._given(call, record) for record in opened)
            return Result(AnswerItem(Outcome.RECORDS, evidence), *_served(opened))
        return self._compared(call, index, opened, clear)

    def _derived(self, call: Call, schema: DatasetSchema, index: int, opened: Sequence[OpenRecord], clear: AnswerClear) -> Result:
        item, view = call.request.items[index], schema.view(str(call.request.view))
        try:
            check_parameters(schema, view, item.values)
        except InputError as error:
            raise refusal(ProviderCheck.FIELDS, "the view does not take these parameters", view=view.name) from error
        if any(set(view_fields(view)) - {entry.name for entry in record.schema.fields} for record in opened):
            raise refusal(ProviderCheck.DATASET, "a record of another version has not the fields of this view", view=view.name)
        value = evaluate_view(schema, view, [record.values() for record in opened], item.values)
        return self._stated(call, clear, _Stated(Outcome.ANSWER, value, tuple(opened), used_by(view)))

    def _compared(self, call: Call, index: int, opened: Sequence[OpenRecord], clear: AnswerClear) -> Result:
        values = call.request.items[index].values
        compared = [(record, _matches(record.values(), values)) for record in opened]
        record, matches = max(compared, key=lambda one: sum(one[1].values()))
        if all(matches.values()):
            evidence = self._given(call, record)
            return Result(AnswerItem(Outcome.MATCH, (evidence,)), *_served([record]))
        return self._stated(call, clear, _Stated(Outcome.MISMATCH, matches, (record,), call.request.fields))

    def _given(self, call: Call, record: OpenRecord) -> Evidence:
        fields = call.request.fields
        evidence = self._evidence(record, fields, call.receipts[record.row.position])
        return replace(evidence, in_correction=call.disputed.of([record], fields))

    def _evidence(self, record: OpenRecord, fields: Sequence[str], receipt: Receipt | None) -> Evidence:
        disclosures = record.disclosures_of(fields)
        if receipt is not None:
            return Evidence(record.statement, disclosures, receipt.to_json())
        promise = EpochS(self._clock.law_s() + self._limits.anchor_promise_s)
        return Evidence(record.statement, disclosures, None, self._identity.sign_statement(record.statement), promise)

    def _stated(self, call: Call, clear: AnswerClear, stated: _Stated) -> Result:
        request, law_s = call.request, self._clock.law_s()
        item = request.items[clear.item]
        disclosed = AnswerDisclosed(
            tuple(opening.disclosure for opening in item.subjects),
            request.fields,
            item.values,
            stated.outcome,
            stated.value,  # type: ignore[arg-type]  # _by_mode pairs outcome and value
            tuple(record.row.leaf for record in stated.sources),
        )
        ids = StatementIds(self._department, new_record_id(), EpochS(law_s))
        sealed = seal_statement(ids, clear, disclosed, os.urandom(32))
        promise = EpochS(law_s + self._limits.anchor_promise_s)
        signed = self._identity.sign_statement(sealed.statement)
        disputed = call.disputed.of(stated.sources, stated.used)
        evidence = Evidence(sealed.statement, sealed.disclosures, None, signed, promise, in_correction=disputed)
        kept = streams.Answer(sealed.leaf, sealed.statement, "~".join(sealed.disclosures), request.rid, clear.item, law_s)
        item_of = AnswerItem(stated.outcome, answer=evidence)
        return Result(item_of, *_served(stated.sources), statement=kept)


def _served(records: Sequence[OpenRecord]) -> tuple[tuple[RecordId, ...], tuple[int, ...]]:
    """Ids and revisions of the records that an item was served from."""
    return tuple(record.record_id for record in records), tuple(record.row.rev for record in records)


def _matches(known: Mapping[str, object], values: Mapping[str, object]) -> dict[str, bool]:
    """Per field whether the value sent is the record's, type included (in Python ``True == 1``)."""
    return {name: type(known[name]) is type(value) and known[name] == value for name, value in values.items()}
