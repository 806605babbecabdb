"""Reconciling two logs: what agrees, what is missing, what differs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from xinlian.protocol.b64 import b64u
from xinlian.protocol.envelope import Rid
from xinlian.protocol.messages import CaseRef, GrantRef
from xinlian.protocol.reconciliation import Difference, ItemKey, Reconciliation, reconcile
from xinlian.protocol.statements import ReadClear, ReadEntry, ReadOutcome, ReadRole, StatementIds
from xinlian.protocol.suite import digest
from xinlian.protocol.types import EpochS, RecordId, Uscc

FUND, POLICE = Uscc("12411599MBDEM00233"), Uscc("11411599MBDEM0066K")
RIDS = [Rid(b64u(bytes([n]) * 16)) for n in range(4)]
JTI = RecordId("01a3185c-5000-7000-8000-000000000000")


def entry(role: ReadRole, outcome: ReadOutcome, number: int = 0, time: int = 1) -> ReadEntry:
    issuer, counterparty = (POLICE, FUND) if role is ReadRole.PROVIDER else (FUND, POLICE)
    answered = None if outcome in {ReadOutcome.ATTEMPTED, ReadOutcome.NO_ANSWER} else digest(b"answer")
    clear = ReadClear(
        RIDS[number], 0, role, counterparty, GrantRef(POLICE, 7), CaseRef(FUND, "A-1"), EpochS(time), outcome, None,
        digest(b"request"), answered,
    )  # fmt: skip
    leaf = digest(f"{role}{outcome}{number}{time}".encode())
    return ReadEntry(StatementIds(issuer, JTI, EpochS(time)), clear, None, leaf)


def asked(outcome: ReadOutcome = ReadOutcome.RECORDS, number: int = 0, time: int = 1) -> ReadEntry:
    return entry(ReadRole.REQUESTER, outcome, number, time)


def served(outcome: ReadOutcome = ReadOutcome.RECORDS, number: int = 0, time: int = 1) -> ReadEntry:
    return entry(ReadRole.PROVIDER, outcome, number, time)


def keys(*numbers: int) -> tuple[ItemKey, ...]:
    return tuple(sorted(ItemKey(RIDS[n], 0) for n in numbers))


def result(own: Sequence[ReadEntry], other: Sequence[ReadEntry]) -> Reconciliation:
    found, mirrored = reconcile(own, other), reconcile(other, own)
    assert (found.agreed, found.different, found.repeated) == (mirrored.agreed, mirrored.different, mirrored.repeated)
    assert (found.missing_own, found.missing_other) == (mirrored.missing_other, mirrored.missing_own)
    assert found.unanswered == mirrored.unanswered
    return found


def test_equal_logs_agree_whatever_their_order_and_times() -> None:
    found = result([asked(number=n, time=5) for n in (2, 0, 1)], [served(number=n) for n in (1, 2, 0)])
    assert found == Reconciliation(keys(0, 1, 2), (), (), (), (), ())
    assert found.is_clean


def test_empty_logs_are_clean() -> None:
    assert reconcile([], []).is_clean


def test_an_attempt_gives_way_to_what_came_of_it() -> None:
    own = [asked(ReadOutcome.ATTEMPTED), asked(ReadOutcome.NO_ANSWER, time=2), asked(time=3)]
    assert result(own, [served()]).agreed == keys(0)


def test_missing_entries_are_found_on_either_side() -> None:
    found = result([asked(number=0), asked(number=1)], [served(number=1), served(number=2)])
    assert (found.agreed, found.missing_other, found.missing_own) == (keys(1), keys(0), keys(2))
    assert not found.is_clean


@pytest.mark.parametrize("outcome", [ReadOutcome.ATTEMPTED, ReadOutcome.NO_ANSWER])
def test_requests_never_served_are_no_finding(outcome: ReadOutcome) -> None:
    found = result([asked(outcome)], [])
    assert found.unanswered == keys(0)
    assert found.is_clean


@pytest.mark.parametrize("outcome", [ReadOutcome.ATTEMPTED, ReadOutcome.NO_ANSWER])
def test_an_answer_that_never_arrived_is_a_difference(outcome: ReadOutcome) -> None:
    assert result([asked(outcome)], [served()]).different == (Difference(keys(0)[0], ("answer_digest", "outcome")),)


@pytest.mark.parametrize(
    ("other", "members"),
    [
        (replace(served(), clear=replace(served().clear, request_digest=digest(b"x"))), ("request_digest",)),
        (replace(served(), clear=replace(served().clear, answer_digest=digest(b"x"))), ("answer_digest",)),
        (replace(served(), clear=replace(served().clear, grant=GrantRef(POLICE, 8))), ("grant",)),
        (replace(served(), clear=replace(served().clear, case=None)), ("case",)),
        (served(ReadOutcome.NONE), ("outcome",)),
        (replace(served(), clear=replace(served().clear, counterparty=POLICE)), ("parties",)),
        (replace(served(), clear=replace(served().clear, role=ReadRole.REQUESTER)), ("role",)),
    ],
)
def test_every_compared_member_is_named(other: ReadEntry, members: tuple[str, ...]) -> None:
    found = result([asked()], [other])
    assert found.different == (Difference(keys(0)[0], members),)
    assert not found.is_clean


def test_evidence_that_did_not_hold_is_a_difference() -> None:
    assert result([asked(ReadOutcome.NOT_PROVEN)], [served()]).different == (Difference(keys(0)[0], ("outcome",)),)


def test_two_entries_of_one_item_are_a_finding_but_the_same_leaf_twice_is_not() -> None:
    assert result([asked()], [served(), served(time=2)]).repeated == keys(0)
    assert result([asked(), asked()], [served(), served()]).agreed == keys(0)
    assert result([asked(), asked(time=2)], []).missing_other == keys(0)
