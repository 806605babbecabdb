"""Random steps by random departments: node and contract allow the same, and every node sees what the contract holds."""

from __future__ import annotations

import os
import random
from dataclasses import dataclass
from typing import Any

import pytest

from tests.support.corrections import view
from tests.support.exchange import Stage
from tests.support.network import D02, D03, D06
from tests.support.profile import scaled
from xinlian.chain.corrections import CorrectionRegistry
from xinlian.chain.rpc import Rpc
from xinlian.node.chain_state import CorrectionStep
from xinlian.node.corrections import STEPS
from xinlian.node.corrections.registry import CONTRACT, Opened
from xinlian.protocol.errors import ConflictError

pytestmark = pytest.mark.asyncio(loop_scope="session")

STEP_COUNT = scaled(ci=40, deep=400)
WORD = bytes.fromhex("ab" * 32)
S = CorrectionStep


@dataclass(slots=True)
class Model:
    """What the law says, written down a second time."""

    state: CorrectionStep = S.OPEN
    is_forwarded: bool = False

    def refusal(self, step: str, who: str) -> frozenset[str]:
        """The codes with which a step may be refused; none when it goes through."""
        addressee = D06 if self.is_forwarded else D03
        by = {"withdraw": D02, "forward": D03}.get(step, addressee)
        states = {S.OPEN} if step == "forward" else {S.OPEN, S.FORWARDED}
        codes = {"correction-party"} if who != by else set[str]()
        return frozenset(codes | ({"correction-state"} if self.state not in states else set()))

    def take(self, step: str) -> None:
        """The state afterwards."""
        after = {"withdraw": S.WITHDRAWN, "correct": S.CORRECTED, "maintain": S.MAINTAINED, "forward": S.FORWARDED}
        self.state = after[step]
        self.is_forwarded = self.is_forwarded or step == "forward"


async def test_node_and_contract_allow_the_same(stage: Stage) -> None:
    seed = int(os.environ.get("XINLIAN_SEED", "20261102"))
    dice = random.Random(seed)
    print(f"XINLIAN_SEED={seed}")
    made: dict[int, Model] = {}
    for _ in range(STEP_COUNT):
        if not made or dice.random() < 0.25:
            made[await opened_bare(stage)] = Model()
        number = dice.choice(sorted(made)[-4:])
        step, who = dice.choice(("withdraw", "correct", "maintain", "forward")), dice.choice((D02, D03, D06))
        expected = made[number].refusal(step, who)
        at_the_door, on_chain = await attempt(stage, step, who, number)
        assert {at_the_door, on_chain} <= (expected or {None})
        if not expected:
            made[number].take(step)
        await compare(stage, number, made[number])


async def opened_bare(stage: Stage) -> int:
    """A correction without a text."""
    node = stage[D02].node
    number = node.corrections.registry.next_number()
    grant = node.state.grants[D03, stage.grants[D03]]
    await node.corrections.registry.open(Opened(grant, WORD, WORD, WORD), number)
    await stage.network.in_step()
    return number


async def attempt(stage: Stage, step: str, who: str, number: int) -> tuple[str | None, str | None]:
    """Try a step at the node's door, then past it; the codes of both refusals, None when it went through."""
    node, word = stage[who].node, "0x" + WORD.hex()
    at_the_door: str | None = None
    try:
        node.corrections.registry.check(STEPS[step], D02, number)
    except ConflictError as error:
        at_the_door = error.code
    call: dict[str, tuple[Any, ...]] = {
        "withdraw": ("withdraw", number, word),
        "correct": ("answer", D02, number, int(S.CORRECTED), word),
        "maintain": ("answer", D02, number, int(S.MAINTAINED), word),
        "forward": ("forward", D02, number, D06, word),
    }
    if step == "withdraw" and who != D02:  # on chain nobody can even name another's correction
        return at_the_door, at_the_door
    try:
        await node.transactions.law(CONTRACT, *call[step])
    except ConflictError as error:
        return at_the_door, error.code
    await stage.network.in_step()
    return at_the_door, None


async def compare(stage: Stage, number: int, model: Model) -> None:
    """Every node's view, and the contract."""
    for uscc in (D02, D03, D06):
        shown = view(stage[uscc], number)
        assert (shown["state"], shown["source"]) == (model.state.name.lower(), D06 if model.is_forwarded else None)
    address = stage.network.deployment.contracts[CONTRACT].address
    async with Rpc(stage.network.anvil.url) as rpc:
        entry = await rpc.ask(CorrectionRegistry(address).correction_of(D02, number))
    assert entry is not None
    assert (entry.state, entry.source) == (int(model.state), D06 if model.is_forwarded else None)
