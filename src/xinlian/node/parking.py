"""Work that failed for good and waits for a person: counted, and taken back into work on demand (``node.outbox`` lists it).

Rules
1. Whoever parks work registers, under its kind, what is to happen when a person replays it: inside the transaction that releases
   the item, and once that is committed.
2. An item of a kind that nobody registered is released all the same: whatever looks for it finds it free.

Example: ``Parking(writer, {"notice": telling.replayed, "anchoring": anchoring.replayed})``
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from xinlian.node.idempotency import current_journal
from xinlian.protocol.errors import NotFoundError
from xinlian.store import parked
from xinlian.store.writer import Transaction, Writer

Replay = Callable[[Transaction, str], Callable[[], None]]
"""Called with the transaction and the item's ref; what it gives back is called after the commit."""


class Parking:
    """The use case.

    Args:
        writer: node.db.
        kinds: what a replay does, by kind.
    """

    def __init__(self, writer: Writer, kinds: Mapping[str, Replay]) -> None:
        self._writer = writer
        self._kinds = kinds

    def count(self, kind: str | None = None) -> int:
        """How many items wait for a person, of one kind or of all."""
        with self._writer.read() as reader:
            return parked.count(reader, kind)

    async def replay(self, item_id: int) -> None:
        """Take an item out of parking and try it again.

        Raises:
            NotFoundError: ``parked-unknown``.
        """
        journal = current_journal()
        if journal.noted("released") is not None:
            return

        def job(tx: Transaction) -> Callable[[], None]:
            item = parked.by_id(tx, item_id)
            if item is None or not parked.release(tx, item_id):
                raise NotFoundError("parked-unknown", f"there is no parked item {item_id}", item=item_id)
            journal.note(tx, "released", item_id)
            replay = self._kinds.get(item.kind)
            return (lambda: None) if replay is None else replay(tx, item.ref)

        committed = await self._writer.write(job)
        committed()
