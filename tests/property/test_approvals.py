"""Approvals: random legal and illegal steps of several persons, stops and troubles in between, against a plain model.

After every step the store shows what the model says, and whatever was carried out was carried out once.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.support.profile import scaled
from xinlian.node.approvals import Approvals, Change, Consented, ExecutionParts, Kind, Proposal
from xinlian.node.chain_state import ChainState
from xinlian.node.documents import Documents, Sides
from xinlian.node.paging import Window
from xinlian.node.people import NewUser, People, Person, Role
from xinlian.protocol.errors import ChainError, ConflictError, InputError, XinlianError
from xinlian.protocol.types import Uscc
from xinlian.store import approvals as table
from xinlian.store.approvals import Act, State
from xinlian.store.opening import open_store
from xinlian.store.sealing import Sealer
from xinlian.store.writer import Transaction

T = TypeVar("T")

OBJECTS = [f"grant 12411599MBDEM00233/{number}" for number in (1, 2)]
BOTH = frozenset({Role.SHARING, Role.HEAD})
ROLES = [frozenset({Role.SHARING}), BOTH, BOTH, frozenset({Role.HEAD}), frozenset({Role.AUDITOR})]
HOW = ["done", "refused", "trouble", "stopped-before", "stopped-after", "lost-answer", "defect"]
"""How an attempt of the action goes: the last but one took effect, but its caller was told that the chain rejected it."""


@dataclass
class World:
    """What the actions change, and how the next attempt goes."""

    effects: Counter[bytes] = field(default_factory=Counter)
    how: str = "done"

    async def validate(self, proposal: Proposal) -> None:
        if proposal.payload.get("bad"):
            raise InputError("approval-payload", "bad")

    async def perform(self, consented: Consented) -> Mapping[str, object]:
        how, self.how = self.how, "done"
        if how == "refused":
            raise ConflictError("dataset-exists", "refused for good")
        if how == "trouble":
            raise ChainError("rpc-down", "the chain is away")
        if how == "stopped-before":
            raise asyncio.CancelledError
        if how == "defect":
            raise KeyError("a defect")
        self.effects[bytes(consented.document.digest)] += 1
        if how == "stopped-after":
            raise asyncio.CancelledError
        if how == "lost-answer":
            raise ChainError("tx-reverted", "an earlier attempt was faster")
        return {"effect": 1}

    async def find_done(self, consented: Consented) -> Mapping[str, object] | None:
        return {"effect": 1} if self.effects[bytes(consented.document.digest)] else None


@dataclass
class Expected:
    """The model of one approval."""

    kind: str
    object_ref: str
    state: State
    proposers: set[int]
    rounds: int = 1
    steps: list[Act] = field(default_factory=lambda: [Act.PROPOSED])


class Machine(RuleBasedStateMachine):
    """Drives the service and the model."""

    def __init__(self) -> None:
        super().__init__()
        self._loop = asyncio.new_event_loop()
        self._folder = tempfile.TemporaryDirectory()
        self._sealer = Sealer(os.urandom(32), os.urandom)
        self._store = open_store(Path(self._folder.name))
        self.world = World()
        self.told: Counter[tuple[int, str]] = Counter()
        self.model: dict[int, Expected] = {}
        self.people: list[Person] = []
        self._build()

    def _run(self, work: Awaitable[T]) -> T:
        async def waited() -> T:
            return await work

        return self._loop.run_until_complete(waited())

    def _build(self) -> None:
        """The service, as at the start of a node."""
        sides = Sides(Uscc("12411599MBDEM00233"), None)
        documents = Documents(sides, self._store.node, self._sealer, os.urandom, lambda: 1_790_000_000, ChainState())
        parts = ExecutionParts(self._store.node, lambda: asyncio.sleep(0), lambda: 1_790_000_000, time.monotonic)
        self.approvals = Approvals(self._store.node, documents, parts)
        kinds = [Kind(name, self.world.validate, self.world.perform, self.world.find_done) for name in ("one", "two")]
        self.approvals.register(*kinds)
        self.approvals.observe(self._seen)

    def _seen(self, _tx: Transaction, change: Change) -> None:
        self.told[change.approval.id, str(change.approval.state)] += 1

    @initialize()
    def employ(self) -> None:
        people = People(self._store.node, time.time, 365)
        for number, roles in enumerate(ROLES):
            new = NewUser(f"P{number:04d}", "测试", "测试岗", roles, 2_000_000_000)
            self.people.append(self._run(people.add(new)))

    def teardown(self) -> None:
        self._run(self.approvals.execution.close())
        self._store.close()
        self._loop.close()
        self._folder.cleanup()

    # -- steps of persons --------------------------------------------------------------------------

    @rule(who=st.integers(0, 4), kind=st.sampled_from(["one", "two", "none"]), about=st.sampled_from(OBJECTS), bad=st.booleans())
    def propose(self, who: int, kind: str, about: str, bad: bool) -> None:
        person = self.people[who]
        payload: dict[str, Any] = {"bad": True} if bad else {"n": who}
        proposing = self.approvals.propose(kind, about, payload, person)
        open_ones = {
            number: one
            for number, one in self.model.items()
            if (one.kind, one.object_ref) == (kind, about) and one.state not in table.SETTLED
        }
        waiting = [number for number, one in open_ones.items() if one.state is not State.RETURNED]
        if kind == "none":
            self._refused(proposing, "approval-kind")
        elif Role.SHARING not in person.roles:
            self._refused(proposing, "role-missing")
        elif bad:
            self._refused(proposing, "approval-payload")
        elif waiting:
            self._refused(proposing, "approval-open")
        else:
            info = self._run(proposing)
            if open_ones:
                (number,) = open_ones
                assert info.id == number
                one = self.model[number]
                one.state, one.rounds = State.PENDING, one.rounds + 1
                one.proposers.add(person.id)
                one.steps.append(Act.PROPOSED)
            else:
                assert info.id not in self.model
                self.model[info.id] = Expected(kind, about, State.PENDING, {person.id})

    @rule(who=st.integers(0, 2), kind=st.sampled_from(["one", "two"]))
    def propose_well(self, who: int, kind: str) -> None:
        """As ``propose``, by somebody who may and without a fault, so that much is under way."""
        self.propose(who, kind, OBJECTS[0], bad=False)

    @precondition(lambda self: self._pending())
    @rule(data=st.data(), how=st.sampled_from(HOW), then=st.sampled_from(HOW))
    def consent_well(self, data: st.DataObject, how: str, then: str) -> None:
        """A consent that is allowed; the node stops right after."""
        self._consent(3, data.draw(st.sampled_from(self._pending())), how)
        self.start_anew(then)

    @precondition(lambda self: self._pending())
    @rule(data=st.data())
    def send_back_well(self, data: st.DataObject) -> None:
        """Sent back by somebody who may."""
        self._send_back(3, data.draw(st.sampled_from(self._pending())), "范围过宽")

    def _pending(self) -> list[int]:
        return [number for number, one in sorted(self.model.items()) if one.state is State.PENDING]

    @precondition(lambda self: self.model)
    @rule(who=st.integers(0, 4), data=st.data(), how=st.sampled_from(HOW))
    def consent(self, who: int, data: st.DataObject, how: str) -> None:
        self._consent(who, data.draw(st.sampled_from(sorted(self.model))), how)

    def _consent(self, who: int, number: int, how: str) -> None:
        one, person = self.model[number], self.people[who]
        self.world.how = how
        consenting = self.approvals.consent(number, person)
        if self._decides(one, person, consenting):
            self._run(consenting)
            one.steps.append(Act.CONSENTED)
            one.state = _after(how, State.EXECUTING)
        self.world.how = "done"

    @precondition(lambda self: self.model)
    @rule(who=st.integers(0, 4), data=st.data(), reason=st.sampled_from(["范围过宽", " "]))
    def send_back(self, who: int, data: st.DataObject, reason: str) -> None:
        self._send_back(who, data.draw(st.sampled_from(sorted(self.model))), reason)

    def _send_back(self, who: int, number: int, reason: str) -> None:
        one, person = self.model[number], self.people[who]
        sending = self.approvals.send_back(number, person, reason)
        if self._decides(one, person, sending):
            if reason.strip():
                self._run(sending)
                one.steps.append(Act.SENT_BACK)
                one.state = State.RETURNED
            else:
                self._refused(sending, "approval-reason")

    @precondition(lambda self: self.model)
    @rule(who=st.integers(0, 4), data=st.data())
    def withdraw(self, who: int, data: st.DataObject) -> None:
        number = data.draw(st.sampled_from(sorted(self.model)))
        one, person = self.model[number], self.people[who]
        withdrawing = self.approvals.withdraw(number, person)
        if person.id not in one.proposers:
            self._refused(withdrawing, "approval-foreign")
        elif one.state not in (State.PENDING, State.RETURNED):
            self._refused(withdrawing, "approval-state")
        else:
            self._run(withdrawing)
            one.steps.append(Act.WITHDRAWN)
            one.state = State.WITHDRAWN

    def _decides(self, one: Expected, person: Person, work: Awaitable[object]) -> bool:
        """Whether a person may decide; if not, the call is made and its refusal compared."""
        if person.id in one.proposers:
            self._refused(work, "self-approval")
        elif Role.HEAD not in person.roles:
            self._refused(work, "role-missing")
        elif one.state is not State.PENDING:
            self._refused(work, "approval-state")
        else:
            return True
        return False

    def _refused(self, work: Awaitable[object], code: str) -> None:
        with pytest.raises(XinlianError) as caught:
            self._run(work)
        assert caught.value.code == code

    # -- the node ----------------------------------------------------------------------------------

    @rule(how=st.sampled_from(HOW))
    def start_anew(self, how: str) -> None:
        """The node stops and starts; the first approval it takes up goes as drawn, the others well."""
        self._run(self.approvals.execution.close())
        self._build()
        self.world.how = how
        waiting = [number for number, one in sorted(self.model.items()) if one.state is State.EXECUTING]
        for number in waiting:
            is_done = self._has_effect(number)
            expected = State.DONE if is_done else _after(self.world.how, State.EXECUTING)
            self._run(self.approvals.execution.attempt(number, 5))
            self.model[number].state = expected
        self.world.how = "done"

    def _has_effect(self, number: int) -> bool:
        document = self.approvals.get(number).document
        return document is not None and self.world.effects[bytes.fromhex(document)] > 0

    # -- comparison --------------------------------------------------------------------------------

    @invariant()
    def the_store_is_as_the_model(self) -> None:
        with self._store.node.read() as reader:
            stored = table.page(reader, 0, 1_000, table.Filter())
            proposers = {one.id: set(table.proposers(reader, one.id)) for one in stored}
            documents = {row[0] for row in reader.fetch("SELECT digest FROM documents")}
        assert {one.id: (one.kind, one.object_ref, one.state, one.round) for one in stored} == {
            number: (one.kind, one.object_ref, one.state, one.rounds) for number, one in self.model.items()
        }
        assert proposers == {number: one.proposers for number, one in self.model.items()}
        for info in self.approvals.page(Window(1_000), table.Filter()).items:
            assert [step.act for step in info.steps] == self.model[info.id].steps
            assert [step.seq for step in info.steps] == list(range(1, len(info.steps) + 1))
            written = {bytes.fromhex(step.document) for step in info.steps if step.document is not None}
            assert written <= documents
            assert (info.result is not None) == (info.state is State.DONE)
            assert (info.code is not None) <= (info.state in (State.FAILED, State.EXECUTING))

    @invariant()
    def what_was_done_was_consented_to_by_another_and_done_once(self) -> None:
        assert all(count == 1 for count in self.world.effects.values())
        carried_out = set(self.world.effects)
        for info in self.approvals.page(Window(1_000), table.Filter()).items:
            signed = None if info.document is None else bytes.fromhex(info.document)
            assert (signed is not None) == (Act.CONSENTED in self.model[info.id].steps)
            if info.state is State.DONE:
                assert signed in carried_out
            elif info.state is not State.EXECUTING:
                assert signed not in carried_out
            heads = {step.user for step in info.steps if step.act in (Act.CONSENTED, Act.SENT_BACK)}
            first_heads = [step.user for step in info.steps if step.act is Act.CONSENTED]
            assert not set(first_heads) & self.model[info.id].proposers
            assert heads <= {person.id for person in self.people if Role.HEAD in person.roles}
            for state in (State.DONE, State.FAILED):
                assert self.told[info.id, state] == (info.state is state)


def _after(how: str, waiting: State) -> State:
    """Where an attempt leaves an approval; ``lost-answer`` is found out to have been done."""
    if how in ("done", "lost-answer"):
        return State.DONE
    return State.FAILED if how in ("refused", "defect") else waiting


TestApprovals = Machine.TestCase
TestApprovals.settings = settings(max_examples=scaled(ci=40, deep=300))  # each example opens durable databases of its own
