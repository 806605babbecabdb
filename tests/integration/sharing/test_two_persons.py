"""A request by two persons on each side: the head sees the clock with what waits, the log states each transition."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.exchange.test_texts import confirmed, request_form, settled, until
from tests.support.network import D01, D02, D03, Running, running_network
from xinlian.node.paging import Window
from xinlian.protocol.errors import ConflictError
from xinlian.scenarios.calendar import shipped_calendar


def acts_of(running: Running) -> list[str]:
    """Acts about requests, oldest first."""
    clear = [one.statement.clear for one in running.node.acts.page(Window(100), None).items]
    return [one.act.value for one in clear if one.object_ref.startswith("request ")]


async def test_the_head_sees_the_clock_and_the_log_states_the_transition(tmp_path: Path) -> None:
    async with running_network(tmp_path, [D02, D03]) as network:
        for year, known in shipped_calendar().items():
            await network[D01].node.transactions.authority("WorkCalendar", "loadYear", year, list(known.days.workday_words))
        await network.offer(D03, "ZJ-02")
        asking, giving = network[D02], network[D03]
        await network.in_step()
        payload = {"provider": D03, "dataset": "ZJ-02", "form": request_form(asking.node.clock.law_s())}
        filed = await asking.approved(await asking.node.request_approvals.propose_new(payload, asking.person))
        number = int(str((filed.result or {})["number"]))
        await network.in_step()

        form = bytes.fromhex(filed.document or "")
        assert await until(lambda: confirmed(giving, form)) == D02
        assert await until(lambda: settled(asking, form))
        await giving.node.store.node.write(lambda tx: tx.run("DELETE FROM documents WHERE digest = ?", (form,)))
        with pytest.raises(ConflictError) as unread:
            await giving.node.request_approvals.propose("agree", D02, number, {"form": {}}, giving.person)
        assert unread.value.code == "request-text-missing"
        await asking.node.handing.again(form, D03)
        assert await until(lambda: confirmed(giving, form)) == D02
        proposed = await giving.node.request_approvals.propose("agree", D02, number, {"form": {}}, giving.person)
        (waiting,) = [one for one in giving.node.inbox.of(giving.head) if one.todo.kind == "approval-decide"]
        assert waiting.clock is not None
        assert (waiting.clock.length_wd, waiting.clock.used_wd) == (10, 0)
        await giving.approved(proposed)
        assert acts_of(asking) == ["proposed", "consented", "submitted"]
        assert acts_of(giving) == ["proposed", "consented", "answered"]
