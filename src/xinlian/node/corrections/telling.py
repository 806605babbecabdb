"""After a correction: the revision that is right is found and compared, and everybody who ever received the old value is told.

Rules
1. 更正 needs the revision first: one later than the disputed one, with at least one disputed value that differs.
2. What was corrected is noted in one transaction with the notices; once noted, nothing is told again.
3. Recipients are found in the read log: whoever was given a disputed value, had one compared, or got an answer made from one,
   under whatever grant. An entry that cannot tell any more counts. Each acknowledges.

Source: Decree 809 art. 26; design 4.4 (the same machinery as an erasure).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from xinlian.node.chain_state import CorrectionState
from xinlian.node.corrections.disputed import concrete
from xinlian.node.ids import record_id_text
from xinlian.node.notices.writing import Correcting, Writing
from xinlian.node.reads import Concerns
from xinlian.node.records import OpenRecord, Records
from xinlian.protocol.dataset import DatasetSchema, used_by
from xinlian.protocol.errors import ConflictError, NotFoundError
from xinlian.protocol.objects import correction_object
from xinlian.protocol.statements import ReadDisclosed
from xinlian.store import corrected
from xinlian.store.records import Record
from xinlian.store.writer import Transaction, Writer


@dataclass(frozen=True, slots=True)
class Right:
    """A record as it is right now: its revisions before, and the one that is right."""

    old: Sequence[Record]
    new: Record


@dataclass(frozen=True, slots=True)
class CorrectionTelling:
    """The use case.

    Args:
        writer: node.db.
        records: own records.
        writing: writes notices.
        law_s: law time, epoch seconds.
        wall_s: wall clock, epoch seconds.
        woken: wakes telling.
    """

    writer: Writer
    records: Records
    writing: Writing
    law_s: Callable[[], int]
    wall_s: Callable[[], float]
    woken: Callable[[], None]

    def right(self, record_id: str, code: str | None) -> Right:
        """The newest revision of a record, when it has an older one.

        Args:
            record_id: of an own record.
            code: of the dataset it must be of; None for any.

        Raises:
            NotFoundError: ``record-unknown``, ``record-erased``.
            ConflictError: ``correction-record`` when it is of another dataset, ``correction-not-revised``.
        """
        rows = self.records.revisions(record_id)
        if not rows:
            raise NotFoundError("record-unknown", "this department has no such record")
        if code not in (None, self.records.open(rows[-1]).schema.code):
            raise ConflictError("correction-record", "the record is not of the correction's dataset", record=record_id)
        if len(rows) == 1:
            raise ConflictError("correction-not-revised", "publish the revision that is right first", record=record_id)
        return Right(rows[:-1], rows[-1])

    def check_changed(self, right: Right, revision: int, items: Sequence[str]) -> None:
        """Refuse a correction that corrects nothing of what is disputed.

        Args:
            right: the record now.
            revision: the disputed one.
            items: what is disputed.

        Raises:
            ConflictError: ``correction-not-revised``, ``correction-unchanged``.
        """
        if right.new.rev <= revision:
            text = f"the disputed revision {revision} is the newest; publish the one that is right first"
            raise ConflictError("correction-not-revised", text, revision=revision)
        before = next((row for row in right.old if row.rev == revision), None)
        if before is None:
            raise ConflictError("correction-record", f"the record has no revision {revision}", revision=revision)
        old, new = self.records.open_many([before, right.new])
        if _values(old, items) == _values(new, items):
            raise ConflictError(
                "correction-unchanged", "no disputed value differs in the newest revision", revision=right.new.rev
            )

    def by_leaf(self, jti: bytes, leaf: bytes) -> Right:
        """The record with the revision that an answer named.

        Raises:
            NotFoundError: ``record-unknown``.
        """
        rows = self.records.revisions(record_id_text(jti))
        new = next((row for row in rows if row.leaf == leaf), None)
        if new is None:
            raise NotFoundError("record-unknown", "the record has no such revision")
        return Right([row for row in rows if row.rev < new.rev], new)

    async def tell(self, correction: CorrectionState, right: Right, items: Sequence[str]) -> int:
        """Note the correction and store the notices to all recipients, once.

        Returns:
            How many notices were stored now.
        """
        ref = correction_object(correction.receiver, correction.number)
        law_s, now_s = self.law_s(), int(self.wall_s())
        key = correction.receiver, correction.number
        schema = self.records.open(right.new).schema
        fields = concrete(schema, items) or tuple(items)  # the source may call it otherwise
        correcting = Correcting(right.old, right.new, key, fields, _concerns(schema, fields), law_s, now_s)

        def job(tx: Transaction) -> int:
            if corrected.record_of(tx, ref) is not None:
                return 0
            corrected.put_record(tx, corrected.CorrectedRecord(ref, right.new.jti, right.new.rev, right.new.leaf, law_s))
            return self.writing.corrected(tx, correcting)

        stored = await self.writer.write(job)
        self.woken()
        return stored


def _concerns(schema: DatasetSchema, fields: Sequence[str]) -> Concerns:
    """Whether an entry says that a value of these fields was given, compared or used; in doubt it does."""

    def concerns(entry: ReadDisclosed) -> bool:
        if entry.dataset != schema.vct:
            return True
        used = entry.fields if entry.derived_view is None else used_by(schema.view(entry.derived_view))
        return not set(concrete(schema, used)).isdisjoint(fields) or not concrete(schema, fields)

    return concerns


def _values(record: OpenRecord, items: Sequence[str]) -> dict[str, str]:
    names = concrete(record.schema, items)
    return {name: record.texts[record.schema.field_index(name)] for name in names}
