"""One network for the whole folder, with the calendar loaded; tests run in the order of law time, which only rises."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.support.exchange import Stage, set_stage
from tests.support.network import D01
from xinlian.scenarios.calendar import shipped_calendar

DAY_S = 86_400


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    async with set_stage(tmp_path_factory.mktemp("liability"), use_record_wd=5) as found:
        words = list(shipped_calendar()[2026].days.workday_words)
        await found[D01].node.transactions.authority("WorkCalendar", "loadYear", 2026, words)
        await found.network.in_step()
        yield found
