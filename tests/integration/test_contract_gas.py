"""Gas limits of the issue on receipts of a real anvil: whole transactions, intrinsic gas and calldata included.

forge measures the same in contracts/test/unit/Gas.t.sol; here nothing is simulated. ``pytest -s`` prints the figures.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.contracts import ANCHOR, SET_STATUS, SIGNER, Chain, anvil, calldata
from xinlian.protocol.keccak import keccak256

FIRST_LIMIT, NEXT_LIMIT, STATUS_LIMIT = 105_000, 70_000, 25_000_000
EVEN = int("55" * 32, 16)


@pytest.fixture(params=["london", "prague", "osaka"])
def chain(request: pytest.FixtureRequest) -> Iterator[Chain]:
    with anvil(request.param) as chain:
        yield chain


def _used(chain: Chain, signature: str, *values: object) -> int:
    receipt = chain.send(SIGNER, calldata(signature, values), chain.ledger, gas=16_777_216)
    return int(receipt["gasUsed"], 16)


def test_one_batch_costs_the_same_whatever_its_size(chain: Chain) -> None:
    sizes = [1, 1, 100, 1024, 65_536]
    gas = [
        _used(chain, ANCHOR, [(1, sequence, keccak256(b"%d" % sequence), size, 1)], [], bytes(32))
        for sequence, size in enumerate(sizes, start=1)
    ]
    print(f"\n{chain.hardfork}: first {gas[0]}, then by size {dict(zip(sizes[1:], gas[1:], strict=True))}")
    assert gas[0] <= FIRST_LIMIT
    assert max(gas[1:]) <= NEXT_LIMIT
    assert max(gas[1:]) - min(gas[1:]) <= 200, "only the bytes of root and size differ"


def test_status_of_100_000_contiguous_leaves(chain: Chain) -> None:
    batches = [(1, sequence, keccak256(b"%d" % sequence), 65_536, 1) for sequence in (1, 2)]
    chain.send(SIGNER, calldata(ANCHOR, (batches, [], bytes(32))), chain.ledger)
    total = _used(chain, SET_STATUS, 1, list(range(512)), [EVEN] * 512, 3, 1)
    total += _used(chain, SET_STATUS, 2, list(range(270)), [*[EVEN] * 269, EVEN & (1 << 64) - 1], 3, 1)
    print(f"\n{chain.hardfork}: status of 100,000 leaves {total}")
    assert total <= STATUS_LIMIT
