"""The state machine of a sharing request, driven by random legal and illegal steps: contract, node and database agree after each.

A model in this file says what must happen; it knows the dossier's table (2.3.1), not the code. Three nodes take the steps:
requester, provider, authority. ``ci`` takes few steps, ``deep`` many.
"""

from __future__ import annotations

import os
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.support.network import D01, D02, D03, Network, running_network
from tests.support.profile import PROFILE
from xinlian.chain import abi, questions
from xinlian.chain.bound import encode_call
from xinlian.node.chain_rows import stored_facts
from xinlian.node.chain_state import ChainState, Cover, RequestState
from xinlian.node.life import Node
from xinlian.node.sharing import STEPS, NewRequest, StepDetails, TermsByName
from xinlian.node.sharing.terms import ScopeByName
from xinlian.protocol.errors import ConflictError, InputError
from xinlian.protocol.working_days import Calendar, day_of, end_of
from xinlian.scenarios.calendar import shipped_calendar

S = RequestState
STEP_COUNT = 120
ROUND_COUNT = 25 if PROFILE == "deep" else 1
"""Each round has a chain of its own: within one, the loaded calendar is used up after some sixty days."""
_OVER = (S.WITHDRAWN, S.TERMINATED, S.CLOSED, S.EXPIRED)
DOCUMENT = b"d" * 32
SCENARIO = "0x" + "11" * 32
DAY = 86_400


@dataclass
class Model:
    """What a request must be, by the dossier's words."""

    state: RequestState = S.SUBMITTED
    supplemented: bool = False
    asked_wd: int = 0
    consented_wd: int = 0
    extended_wd: int = 0
    flagged: bool = False
    settled: bool = False
    is_stop: bool = False
    by_authority: bool = False
    disposed: bool = False
    late: dict[str, bool] = field(default_factory=lambda: {"answer": False, "delivery": False})

    def may(self, step: str, who: str, deadline_passed: bool, term_over: bool) -> bool:
        """Whether a step of this party goes through now."""
        if who not in _WHO[step]:
            return False
        held = self.state is S.SUSPENDED and self.by_authority and who == "provider"
        conditions = {
            "ask-supplement": not self.supplemented,
            "flag-scope": not self.flagged,
            "review-scope": self.flagged,
            "ask-extension": self.extended_wd == 0 and not self.late["answer"],
            "consent-extension": self.asked_wd >= 3,
            "extend": self.extended_wd == 0 and not self.late["answer"] and self.consented_wd >= 3,
            "agree": not self.flagged,
            "dispute": not self.settled,
            "accept-change": not self.is_stop,
            "file-closing": self.is_stop,
            "dispose": not self.disposed,
            "resume": not held,
            "terminate": not held and deadline_passed,
            "record-overdue": not self.flagged
            and deadline_passed
            and not self.late["answer" if self.state is S.SUBMITTED else "delivery"],
            "record-withdrawn": deadline_passed,
            "record-expired": term_over,
            "deliver": not term_over,
            "resubmit": not term_over,
            "propose-change": not term_over,
        }
        return self.state in _FROM[step] and conditions.get(step, True)

    @property
    def is_recorded(self) -> bool:
        """Whether the clock that runs is recorded as overdue."""
        return self.late["answer" if self.state is S.SUBMITTED else "delivery"]

    def take(self, step: str, who: str) -> None:
        """Move on."""
        self.state = _TO.get(step, self.state)
        if step == "ask-supplement":
            self.supplemented = True
        if step == "resubmit":
            self.asked_wd = self.consented_wd = 0
            self.flagged, self.late["answer"] = False, False
        self.flagged = {"flag-scope": True, "review-scope": False}.get(step, self.flagged)
        if step == "ask-extension":
            self.asked_wd = 3
        if step == "consent-extension":
            self.consented_wd = 3
        if step == "extend":
            self.extended_wd = 3
        if step == "settle-dispute":
            self.settled, self.flagged = True, False
        if step in ("suspend", "resume"):
            self.by_authority = step == "suspend" and who == "authority"
        self.is_stop = {"propose-stop": True, "keep-terms": False, "file-closing": False, "record-expired": False}.get(
            step, self.is_stop
        )
        if step == "dispose":
            self.disposed = True
        if step == "record-overdue":
            self.late["answer" if self.state is S.SUBMITTED else "delivery"] = True


_WHO: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(
        ("resubmit", "withdraw", "dispute", "report-rectification", "accept-change", "close", "dispose"), ("requester",)
    ),
    **dict.fromkeys(
        (
            "ask-supplement",
            "flag-scope",
            "ask-extension",
            "extend",
            "agree",
            "refuse",
            "deliver",
            "propose-change",
            "propose-stop",
            "keep-terms",
        ),
        ("provider",),
    ),
    **dict.fromkeys(("suspend", "resume", "terminate"), ("provider", "authority")),
    **dict.fromkeys(("review-scope", "consent-extension", "settle-dispute", "file-closing"), ("authority",)),
    **dict.fromkeys(("record-overdue", "record-withdrawn", "record-expired"), ("requester", "provider", "authority")),
}
_FROM: dict[str, tuple[RequestState, ...]] = {
    "resubmit": (S.SUPPLEMENT,),
    "withdraw": (S.SUBMITTED, S.SUPPLEMENT),
    "dispute": (S.REFUSED,),
    "report-rectification": (S.SUSPENDED,),
    "accept-change": (S.CHANGE_NEGOTIATION,),
    "close": (S.ACTIVE,),
    "dispose": (S.EXPIRED, S.CLOSED, S.TERMINATED),
    **dict.fromkeys(
        ("ask-supplement", "flag-scope", "ask-extension", "extend", "agree", "refuse", "review-scope", "consent-extension"),
        (S.SUBMITTED,),
    ),
    "deliver": (S.AGREED,),
    "propose-change": (S.ACTIVE,),
    "propose-stop": (S.ACTIVE,),
    "keep-terms": (S.CHANGE_NEGOTIATION,),
    "suspend": (S.ACTIVE,),
    "resume": (S.SUSPENDED,),
    "terminate": (S.SUSPENDED,),
    "settle-dispute": (S.DISPUTE,),
    "file-closing": (S.CHANGE_NEGOTIATION,),
    "record-overdue": (S.SUBMITTED, S.AGREED),
    "record-withdrawn": (S.SUPPLEMENT,),
    "record-expired": (S.ACTIVE, S.SUSPENDED, S.CHANGE_NEGOTIATION),
}
_TO: dict[str, RequestState] = {
    "resubmit": S.SUBMITTED,
    "withdraw": S.WITHDRAWN,
    "dispute": S.DISPUTE,
    "accept-change": S.ACTIVE,
    "close": S.CLOSED,
    "ask-supplement": S.SUPPLEMENT,
    "agree": S.AGREED,
    "refuse": S.REFUSED,
    "deliver": S.ACTIVE,
    "propose-change": S.CHANGE_NEGOTIATION,
    "propose-stop": S.CHANGE_NEGOTIATION,
    "keep-terms": S.ACTIVE,
    "suspend": S.SUSPENDED,
    "resume": S.ACTIVE,
    "terminate": S.TERMINATED,
    "settle-dispute": S.AGREED,
    "file-closing": S.CLOSED,
    "record-withdrawn": S.WITHDRAWN,
    "record-expired": S.EXPIRED,
}
PARTIES = {"requester": D02, "provider": D03, "authority": D01}
SCOPE = ScopeByName((), ("contract_no", "filing_status"), (), ())


@asynccontextmanager
async def network_in(folder: Path) -> AsyncIterator[Network]:
    async with running_network(folder, [D02, D03]) as one:
        for year, known in shipped_calendar().items():
            await one[D01].node.transactions.authority("WorkCalendar", "loadYear", year, list(known.days.workday_words))
        await one.offer(D03, "ZJ-02")
        await one.in_step()
        yield one


def test_the_models_table_is_the_products_table() -> None:
    assert {*_WHO} == {*_FROM} == {*STEPS} - {"submit"}
    for name, step in STEPS.items():
        assert name == "submit" or frozenset(_FROM[name]) == step.states


@pytest.mark.timeout(120 + 120 * ROUND_COUNT)
async def test_contract_node_and_database_agree_after_every_step(tmp_path: Path) -> None:
    seed = int(os.environ.get("XINLIAN_SEED", "20260924"))
    taken = set[str]()
    for number in range(ROUND_COUNT):
        print(f"XINLIAN_SEED={seed + number}")
        async with network_in(tmp_path / str(number)) as network:
            taken |= await one_round(network, random.Random(seed + number))
    if ROUND_COUNT > 1:
        assert taken == {*_WHO}, "every step went through at least once"


async def one_round(network: Network, dice: random.Random) -> set[str]:
    """Random steps on one chain; gives the names of those that went through."""
    requests: dict[int, Model] = {}
    taken = set[str]()
    for _ in range(STEP_COUNT):
        living = sum(one.state not in _OVER for one in requests.values())
        if not requests or (living < 6 and dice.random() < 0.1):
            requests[await filed(network, dice.choice((6, 60)))] = Model()
        number = dice.choice(sorted(requests))
        if dice.random() < 0.08:
            await pass_days(network, dice.choice((1, 4, 25)))
        done = await one_step(network, dice, number, requests[number])
        if done is not None:
            taken.add(done)
        await compare(network, number, requests[number])
    return taken


async def one_step(network: Network, dice: random.Random, number: int, model: Model) -> str | None:
    """A random step by a random party: the model says whether it goes through. Gives its name when it did."""
    possible = [name for name, states in _FROM.items() if model.state in states]
    step = dice.choice(possible) if possible and dice.random() < 0.8 else dice.choice(sorted(_WHO))
    who = dice.choice(_WHO[step]) if dice.random() < 0.8 else dice.choice(sorted(PARTIES))
    node = network[PARTIES[who]].node
    request = node.state.requests[D02, number]
    now, deadline = node.clock.law_s(), deadline_of(network, number)
    # a second of doubt around the deadline would be a matter of luck: days pass in whole numbers, hours do not
    expected = model.may(step, who, deadline is not None and now >= deadline, now >= request.terms.valid_to_s)
    details = StepDetails(
        DOCUMENT,
        terms=terms_of(request.terms) if step in ("resubmit", "propose-change") else None,
        grounds=grounds(step),
        working_days=3,
        legal_basis=DOCUMENT,
        scope=SCOPE if step == "settle-dispute" else None,
        cover=Cover.NONE,
    )
    refusal = await attempt(node, step, number, details)
    assert (refusal is None) is expected, f"{step} by {who} in {model.state.name}: {refusal}"
    if refusal is not None:
        return None
    model.take(step, who)
    await network.in_step()
    return step


async def attempt(node: Node, step: str, number: int, details: StepDetails) -> str | None:
    """Take a step; gives the code of its refusal."""
    try:
        await node.requests.take(step, D02, number, details)
    except (ConflictError, InputError) as error:
        return error.code
    return None


def grounds(step: str) -> tuple[str, ...]:
    return ("conditions",) if step == "refuse" else ()


def terms_of(terms: Any) -> TermsByName:
    return TermsByName(
        (), SCOPE.query, (), (), terms.purposes, terms.scenarios, terms.valid_from_s, terms.valid_to_s, terms.uses_per_case
    )


def deadline_of(network: Network, number: int) -> int | None:
    """By the calendar file, not by the code under test."""
    _, start_s, length_wd = network[D01].node.state.requests[D02, number].clock()
    if length_wd == 0:
        return None
    calendar = Calendar({year: known.days for year, known in shipped_calendar().items()})
    return end_of(calendar.add_working_days(day_of(start_s), length_wd))


async def filed(network: Network, days: int) -> int:
    node = network[D02].node
    now = node.clock.law_s()
    terms = TermsByName(
        (), SCOPE.query, (), (), ("HPF_LOAN_REVIEW",), (SCENARIO,), now - DAY, min(now + days * DAY, 1_798_000_000), 5
    )
    shown, _ = await node.requests.submit(NewRequest(D03, "ZJ-02", None, terms, False, DOCUMENT, DOCUMENT))
    await network.in_step()
    return int(shown["number"])


async def pass_days(network: Network, days: int) -> None:
    node = network[D01].node
    if node.clock.law_s() + days * DAY > 1_795_000_000:  # stay inside the loaded calendar
        return
    rpc = node.rpcs[0]
    await rpc.ask(questions.raw("evm_increaseTime", hex(days * DAY)))
    await rpc.ask(questions.raw("evm_mine"))
    head = await rpc.ask(questions.head())
    for one in network.nodes.values():
        assert await one.node.following.reach(head.number, 10)


async def compare(network: Network, number: int, model: Model) -> None:
    """Contract, projection, and the projection rebuilt from the database."""
    node = network[D01].node
    request = node.state.requests[D02, number]
    assert request.state is model.state
    with node.store.node.read() as reader:
        rebuilt = ChainState(stored_facts(reader))
    assert rebuilt.requests == node.state.requests
    assert rebuilt.grants == node.state.grants
    held = await stored(network, number)
    assert held == {
        "state": int(request.state),
        "provider": request.provider,
        "serial": request.serial,
        "version": request.version,
        "unconditional": request.unconditional,
        "cover": int(request.cover),
        "outOfScope": request.out_of_scope,
        "supplemented": request.is_supplemented,
        "partialAnswer": request.is_partial,
        "answerOverdue": request.is_answer_overdue,
        "deliveryOverdue": request.is_delivery_overdue,
        "byAuthority": request.by_authority,
        "extensionAsked": request.extension_asked_wd,
        "extensionConsented": request.extension_consented_wd,
        "extension": request.extension_wd,
        "rectifyWithin": request.rectify_within_wd,
        "isStop": request.is_stop,
        "settled": request.is_settled,
        "submittedAt": request.submitted_at_s,
        "stateAt": request.state_at_s,
        "endedAt": request.ended_at_s,
        "disposedAt": request.disposed_at_s,
        "grantNumber": request.grant_number,
    }


async def stored(network: Network, number: int) -> dict[str, Any]:
    """What the contract holds, the hashes of terms left out."""
    node = network[D01].node
    address = node.deployment.contracts["SharingRegistry"].address
    data = await node.rpcs[0].ask(questions.call(address, encode_call("SharingRegistry", "requestOf", [D02, number])))
    found: dict[str, Any] = abi.decode(abi.contract("SharingRegistry").functions["requestOf"].outputs, data)[0]
    return {name: value for name, value in found.items() if name not in ("termsHash", "changeHash")}
