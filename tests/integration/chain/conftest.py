"""A fresh anvil per test, and the contracts on it where a test needs them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.support.anvil import TestChain, fresh_anvil
from tests.support.deployed import Deployed, deployed_on
from xinlian.chain.rpc import Rpc


@pytest.fixture
def chain() -> Iterator[TestChain]:
    with fresh_anvil() as running:
        yield running


@pytest.fixture
async def rpc(chain: TestChain) -> AsyncIterator[Rpc]:
    async with Rpc(chain.url) as asking:
        yield asking


@pytest.fixture
async def deployed(chain: TestChain, rpc: Rpc, tmp_path: Path) -> Deployed:
    return await deployed_on(chain, rpc, tmp_path)
