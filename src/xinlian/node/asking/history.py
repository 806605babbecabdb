"""Looking back at this node's questions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from xinlian.node.asking.question import Asked, ShownItem
from xinlian.node.clock import Clock
from xinlian.node.ended import ended_json
from xinlian.node.ids import record_id_text
from xinlian.node.paging import Page, Window, first_of
from xinlian.protocol.errors import ConflictError, NotFoundError
from xinlian.protocol.statements import ReadOutcome
from xinlian.store import case_files, ended_values
from xinlian.store import corrected as corrected_values
from xinlian.store import exchange as table
from xinlian.store.sealing import Sealer
from xinlian.store.writer import Writer

NOTED = "query"
"""Name under which a query stands in the journal of its call."""


class History:
    """Lists and shows questions.

    Args:
        writer: node.db.
        sealer: opens the case file.
        clock: law time and wall clock.
    """

    def __init__(self, writer: Writer, sealer: Sealer, clock: Clock) -> None:
        self._writer = writer
        self._sealer = sealer
        self._clock = clock

    def page(self, window: Window) -> Page[table.Outgoing]:
        """Questions of this node, newest first, without values (``brief``)."""
        with self._writer.read() as reader:
            found = table.outgoing_before(reader, window.after, window.limit + 1)
        return first_of(found, window, lambda row: (row.created_at, row.rid))

    def show(self, rid: str, *, with_values: bool) -> dict[str, Any]:
        """One question, with what it brought when the caller may see that.

        Raises:
            NotFoundError: ``query-unknown``.
        """
        with self._writer.read() as reader:
            row = table.outgoing(reader, rid)
            kept = case_files.received_of_rid(reader, self._sealer, rid) if with_values else []
            ended = ended_values.of_rid(reader, rid)
            corrected = corrected_values.of_rid(reader, rid)
        if row is None:
            raise NotFoundError("query-unknown", "there is no such query on this node", rid=rid[:40])
        shown = {**brief(row), "ended": ended_json(ended)}
        if with_values:
            shown["items"] = [{k: v for k, v in orjson.loads(one.content).items() if k != "bundles"} for one in kept]
            _mark_corrected(kept, shown["items"], corrected)
            shown["findings"] = _overdue(shown["items"], self._clock.law_s())
        return shown

    def again(self, noted: Mapping[str, Any]) -> Asked:
        """The answer to a call that was carried out before: nothing is asked again.

        Args:
            noted: of the call; its values are read from the case file, with receipts that came in since. A call that was broken
                off while its request was on its way is a ``no-answer``: whether the provider served it, its read log says.

        Raises:
            ConflictError: ``query-disposed`` when the case file no longer holds what it brought.
        """
        rid = noted["rid"]
        if "state" not in noted:
            unknown = ShownItem(ReadOutcome.NO_ANSWER.value, None)
            return Asked(rid, "no-answer", "interrupted", None, (unknown,) * noted["items"])
        with self._writer.read() as reader:
            held = {one.item: orjson.loads(one.content) for one in case_files.received_of_rid(reader, self._sealer, rid)}
        items = []
        for number, item in enumerate(noted["items"]):
            content = held.get(number)
            if item["kept"] and content is None:
                raise ConflictError("query-disposed", "what this query brought was disposed of; the answer is gone", rid=rid)
            records, answer = (content["records"], content["answer"]) if content is not None else ([], None)
            items.append(ShownItem(item["outcome"], item["check"], tuple(records), answer))
        return Asked(rid, noted["state"], noted["detail"], noted["view"], tuple(items))

    async def close_interrupted(self) -> int:
        """Close, at start, what a stop left as ``attempted``; its read entry stands, for the provider may have served it.

        Returns:
            How many there were.
        """
        with self._writer.read() as reader:
            left = table.outgoing_in(reader, "attempted")
        now = int(self._clock.wall_s())
        for row in left:
            await self._writer.write(
                lambda tx, rid=row.rid: table.finish(tx, rid, table.Ending("no-answer", now, None, "interrupted"))  # type: ignore[misc]
            )
        return len(left)


def _mark_corrected(
    kept: Sequence[case_files.Received], items: Sequence[dict[str, Any]], told: Sequence[tuple[int, corrected_values.Told]]
) -> None:
    """Say of every value that its provider corrected since, by which revision; an answer rested on it as a whole."""
    for one, item in zip(kept, items, strict=True):
        of_item = [what for number, what in told if number == one.item]
        for shown in (*item["records"], *([item["answer"]] if item["answer"] is not None else [])):
            is_answer = shown is item["answer"]
            shown["corrected"] = [
                {"fields": list(what.fields), "rev": what.rev, "leaf": what.leaf.hex(), "correction": what.object_ref}
                for what in of_item
                if is_answer or record_id_text(what.jti) == shown["record_id"]
            ]


def _overdue(items: Sequence[Mapping[str, Any]], law_s: int) -> list[dict[str, Any]]:
    """Promises of anchoring that passed without a receipt."""
    found = []
    for index, item in enumerate(items):
        for shown in (*item["records"], *([item["answer"]] if item["answer"] is not None else [])):
            promised = shown.get("pending_anchor_by")
            if promised is not None and promised < law_s:
                found.append({"item": index, "record_id": shown["record_id"], "code": "promised-not-anchored", "by": promised})
    return found


def brief(row: table.Outgoing) -> dict[str, Any]:
    """A question as lists show it."""
    return {
        "rid": row.rid,
        "provider": row.provider,
        "mode": row.mode,
        "grant": row.grant_ref,
        "case": row.case_ref,
        "state": row.state,
        "detail": row.detail,
        "created_at": row.created_at,
        "finished_at": row.finished_at,
    }
