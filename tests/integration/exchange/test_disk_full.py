"""No room on the provider's disk while an answer is committed: nothing half-written, nothing sent, honest states."""

from __future__ import annotations

import pytest

from tests.support.exchange import P1, Stage
from tests.support.network import D02, D03
from xinlian.store import exchange as table
from xinlian.store.writer import Transaction, Writer

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def limit_pages(writer: Writer, *, full: bool) -> None:
    """Let the database grow no further (SQLite then says what a full disk says), or let it grow again."""

    def job(tx: Transaction) -> None:
        free = tx.fetch("PRAGMA page_count")[0][0] if full else 2**30
        tx.fetch(f"PRAGMA max_page_count = {free}")

    await writer.write(job)


async def test_an_answer_that_cannot_be_kept_is_not_given(stage: Stage) -> None:
    node = stage[D03].node
    number = await stage.give(D03, D02, "ZJ-02", query=("contract_no", "buyers"), uses_per_case=500)
    case = await stage.case(P1)
    crafted = await stage.craft(stage.question(case, grant_number=number, fields=("contract_no", "buyers")))
    await limit_pages(node.store.node, full=True)
    halted, node.anchoring.halted = node.anchoring.halted, lambda: True
    try:
        replies = []
        for _ in range(40):  # what is free in the last pages is used up first
            question = stage.question(case, grant_number=number, fields=("contract_no", "buyers"))
            asked = await stage.ask(question)
            replies.append(asked)
            if asked.state != "received":
                break
        assert (replies[-1].state, replies[-1].detail) == ("no-answer", "disk-full")
        assert stage.reads(D03, replies[-1].rid) == []
        assert [e.outcome for e in stage.reads(D02, replies[-1].rid)] == ["attempted", "no-answer"]
        assert (await stage.send(crafted)).status == 507
    finally:
        await limit_pages(node.store.node, full=False)
        node.anchoring.halted = halted
    served = sum(asked.state == "received" for asked in replies)
    with node.store.node.read() as reader:
        assert table.uses_of(reader, f"{D03}/{number}", f"{D02}/{case}") == served
    reply = await stage.send(crafted)
    assert crafted.opened(reply).items[0].outcome == "records", "the same bytes again, once there is room"
    assert len(stage.reads(D03, crafted.request.rid)) == 1
