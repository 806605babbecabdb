"""One network for the whole folder; every test brings its own case."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.support.exchange import Stage, set_stage


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def stage(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    async with set_stage(tmp_path_factory.mktemp("corrections")) as found:
        yield found
